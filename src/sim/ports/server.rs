//! A simulated device with all of its ports.

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

/// The pause after a failed `accept`.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A running simulated device. Dropping it switches the device off.
#[derive(Debug)]
pub struct Simulator {
    board: Arc<Board>,
    address: SocketAddr,
    tasks: JoinSet<()>,
    /// The task of the latest serial port.
    #[cfg(unix)]
    serial: Option<tokio::task::AbortHandle>,
}

impl Simulator {
    /// Switches a device on and serves it on `listener`, over WebSocket and HTTP. Call this within a tokio runtime.
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

    /// Serves the device also on this listener, over plain TCP.
    pub fn serve_tcp(&mut self, listener: TcpListener) {
        let board = Arc::clone(&self.board);
        self.tasks.spawn(accept(listener, board, tcp::serve));
    }

    /// Serves the device also on this listener, over WebSocket and HTTP with TLS.
    pub fn serve_tls(&mut self, listener: TcpListener, config: Arc<ServerConfig>) {
        let (board, acceptor) = (Arc::clone(&self.board), TlsAcceptor::from(config));
        let serve = move |stream, peer, board| tls::serve(stream, peer, board, acceptor.clone());
        self.tasks.spawn(accept(listener, board, serve));
    }

    /// Serves the device also on this socket, over UDP.
    pub fn serve_udp(&mut self, socket: UdpSocket) {
        self.tasks.spawn(udp::serve(socket, Arc::clone(&self.board)));
    }

    /// Serves the device also on a serial port. Returns the path of the port.
    #[cfg(unix)]
    pub fn serve_serial(&mut self, config: super::uart::UartConfig) -> io::Result<std::path::PathBuf> {
        use super::serial::{self, PseudoTerminal};

        let port = PseudoTerminal::new()?;
        let path = port.path().to_owned();
        self.serial = Some(self.tasks.spawn(serial::serve(port, config, self.ip(), Arc::clone(&self.board))));
        Ok(path)
    }

    /// Removes the latest serial port. The device keeps running, and can be served on another serial port.
    #[cfg(unix)]
    pub fn unplug_serial(&mut self) {
        if let Some(port) = self.serial.take() {
            port.abort();
        }
    }

    /// Connects the device also to this MQTT broker.
    pub fn serve_mqtt(&mut self, config: super::mqtt::MqttConfig) {
        self.board.set_broker(&format!("{}:{}", config.host, config.port));
        self.tasks.spawn(super::mqtt::serve(config, self.ip(), Arc::clone(&self.board)));
    }

    /// Returns the address that the device reports on ports without an IP address of their own.
    fn ip(&self) -> String {
        match self.address.ip() {
            any if any.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
            ip => ip.to_string(),
        }
    }

    /// Returns the address of the first listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the device id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.board.id()
    }

    /// Returns a sentence about the running firmware and its slot.
    #[must_use]
    pub fn describe(&self) -> String {
        self.board.describe()
    }

    /// Returns a receiver of the lines that the device prints from now on.
    #[must_use]
    pub fn console(&self) -> broadcast::Receiver<String> {
        self.board.console()
    }
}

/// Accepts connections and serves each in its own task. Never returns.
///
/// The port stays bound while the device reboots, so that no other program can take it. Connections wait during a
/// reboot, as a repeated SYN does.
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
                // The likely cause is a lack of file handles. A retry without a pause would fail again.
                Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
            }
        }
    }
}
