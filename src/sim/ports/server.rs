//! The simulated device on its ports.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::sim::board::Board;
use crate::sim::config::Config;
use crate::sim::ports::http;
use crate::sim::ports::tcp;
use crate::sim::ports::tls;
use crate::sim::ports::udp;

/// A simulated device that runs. Dropping it switches it off.
#[derive(Debug)]
pub struct Simulator {
    board: Arc<Board>,
    address: SocketAddr,
    tasks: JoinSet<()>,
    /// The serial port that was plugged in last.
    #[cfg(unix)]
    serial: Option<tokio::task::AbortHandle>,
}

impl Simulator {
    /// Switches a device on and serves it on `listener`. Has to be called within a tokio runtime.
    pub fn start(config: Config, listener: TcpListener) -> io::Result<Self> {
        let board = Board::power_on(config)?;
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        let clock = Arc::clone(&board);
        tasks.spawn(async move { clock.run_clock().await });
        tasks.spawn(accept(listener, Arc::clone(&board), http::serve));
        Ok(Self {
            board,
            address,
            tasks,
            #[cfg(unix)]
            serial: None,
        })
    }

    /// Serves the device on this listener too, over plain TCP.
    pub fn serve_tcp(&mut self, listener: TcpListener) {
        let board = Arc::clone(&self.board);
        self.tasks.spawn(accept(listener, board, tcp::serve));
    }

    /// Serves the device on this listener too, over WebSocket and HTTP within TLS.
    pub fn serve_tls(&mut self, listener: TcpListener, config: Arc<ServerConfig>) {
        let (board, acceptor) = (Arc::clone(&self.board), TlsAcceptor::from(config));
        let serve = move |stream, peer, board| tls::serve(stream, peer, board, acceptor.clone());
        self.tasks.spawn(accept(listener, board, serve));
    }

    /// Serves the device on this socket too, over UDP.
    pub fn serve_udp(&mut self, socket: UdpSocket) {
        self.tasks.spawn(udp::serve(socket, Arc::clone(&self.board)));
    }

    /// Serves the device on a serial port too, and gives the path at which it is opened.
    #[cfg(unix)]
    pub fn serve_serial(&mut self, config: super::uart::Config) -> io::Result<std::path::PathBuf> {
        use super::serial::{self, Port};

        let port = Port::new()?;
        let path = port.path().to_owned();
        self.serial = Some(self.tasks.spawn(serial::serve(port, config, self.ip(), Arc::clone(&self.board))));
        Ok(path)
    }

    /// Pulls the cable out of the serial port that was served last. The device runs on, and can be served on another.
    #[cfg(unix)]
    pub fn unplug_serial(&mut self) {
        if let Some(port) = self.serial.take() {
            port.abort();
        }
    }

    /// Lets the device be a client of this broker too.
    pub fn serve_mqtt(&mut self, config: super::mqtt::Config) {
        self.board.set_broker(&format!("{}:{}", config.host, config.port));
        self.tasks.spawn(super::mqtt::serve(config, self.ip(), Arc::clone(&self.board)));
    }

    /// The address that the device says it has, on ports that have none of their own.
    fn ip(&self) -> String {
        match self.address.ip() {
            any if any.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
            ip => ip.to_string(),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The device's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.board.id()
    }

    /// What the device runs, in a sentence.
    #[must_use]
    pub fn describe(&self) -> String {
        self.board.describe()
    }

    /// What the device prints from now on.
    #[must_use]
    pub fn console(&self) -> broadcast::Receiver<String> {
        self.board.console()
    }
}

/// The port stays bound while the device reboots, so that nobody else can take it; connections wait
/// unanswered meanwhile, as a SYN does that is sent again.
async fn accept<F>(listener: TcpListener, board: Arc<Board>, serve: impl Fn(TcpStream, SocketAddr, Arc<Board>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        board.until_on().await;
        tokio::select! {
            () = board.until_off(board.boot()) => {}
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, Arc::clone(&board)));
                }
                // Out of file handles, most likely; asking again at once would not find more.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}
