//! A proxy that takes connections at once, and passes bytes on only once it is opened.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A proxy that ends when it is dropped.
pub struct Gate {
    pub address: SocketAddr,
    is_open: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Gate {
    /// Starts a closed gate in front of `target`, an address with a port.
    pub async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let is_open = watch::Sender::new(false);
        let opened = is_open.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut host, _)) = listener.accept().await {
                let (mut opened, target) = (opened.clone(), target.clone());
                connections.spawn(async move {
                    // The test may end first.
                    if opened.wait_for(|is_open| *is_open).await.is_ok()
                        && let Ok(mut device) = TcpStream::connect(target).await
                    {
                        let _ = copy_bidirectional(&mut host, &mut device).await;
                    }
                });
            }
        });
        Self { address, is_open, _tasks: tasks }
    }

    pub fn open(&self) {
        self.is_open.send_replace(true);
    }
}
