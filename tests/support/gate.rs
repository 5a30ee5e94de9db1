//! A proxy that accepts connections at once, and passes bytes on only after it was opened.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::server::{ServerTasks, bind};

/// A proxy. Ends when it is dropped.
pub struct Gate {
    pub address: SocketAddr,
    is_open: watch::Sender<bool>,
    _tasks: ServerTasks,
}

impl Gate {
    /// Starts a closed gate in front of `target`, an address with a port.
    pub async fn start(target: String) -> Self {
        let (listener, address) = bind().await;
        let is_open = watch::Sender::new(false);
        let opened = is_open.subscribe();
        let mut tasks = ServerTasks::new();
        tasks.accept(listener, move |mut host| {
            let (mut opened, target) = (opened.clone(), target.clone());
            async move {
                // The test may end before it opens the gate.
                if opened.wait_for(|is_open| *is_open).await.is_ok()
                    && let Ok(mut device) = TcpStream::connect(target).await
                {
                    let _ = copy_bidirectional(&mut host, &mut device).await;
                }
            }
        });
        Self { address, is_open, _tasks: tasks }
    }

    pub fn open(&self) {
        self.is_open.send_replace(true);
    }
}
