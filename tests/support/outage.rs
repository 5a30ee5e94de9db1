//! Breaks the connection to a server in the middle of a download, and refuses new ones for a while.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpSocket, TcpStream};

use super::server::{ServerTasks, bind};

/// A proxy. Ends when it is dropped.
pub struct Outage {
    pub address: SocketAddr,
    _tasks: ServerTasks,
}

impl Outage {
    /// Forwards the first connection to `server`, and closes it after `bytes` bytes of the answer.
    ///
    /// The proxy then refuses connections for the time `lasts`. After that, it forwards everything.
    pub async fn start(server: SocketAddr, bytes: usize, lasts: Duration) -> Self {
        let (listener, address) = bind().await;
        let mut tasks = ServerTasks::new();
        let record = tasks.record();
        tasks.spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            record.record_use();
            // An error of the closed connection is expected.
            let _ = forward_part(stream, server, bytes).await;
            drop(listener);
            tokio::time::sleep(lasts).await;
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_reuseaddr(true).expect("an option");
            socket.bind(address).expect("the same port");
            let listener = socket.listen(16).expect("a listener");
            let forward = move |mut stream| async move {
                if let Ok(mut server) = TcpStream::connect(server).await {
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                }
            };
            record.accept(listener, forward).await;
        });
        Self { address, _tasks: tasks }
    }
}

async fn forward_part(client: TcpStream, server: SocketAddr, mut bytes: usize) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let requests = tokio::io::copy(&mut from_client, &mut to_server);
    let answers = async {
        let mut buffer = vec![0; 1460];
        while bytes > 0 {
            let read = from_server.read(&mut buffer).await?;
            let passed = read.min(bytes);
            to_client.write_all(&buffer[..passed]).await?;
            bytes = if read == 0 { 0 } else { bytes - passed };
        }
        Ok(())
    };
    tokio::select! {
        result = requests => result.map(|_| ()),
        result = answers => result,
    }
}
