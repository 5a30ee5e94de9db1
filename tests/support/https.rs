//! A server of one file over HTTPS, with a certificate of an authority that devices do not know.

use std::net::SocketAddr;
use std::path::Path;

use otactl::transport::tls;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::certificates::Authority;
use super::server::{ServerTasks, bind};

/// An HTTPS server. Ends when it is dropped.
pub struct HttpsServer {
    pub address: SocketAddr,
    _tasks: ServerTasks,
}

impl HttpsServer {
    /// Starts a server that sends the file at any path.
    pub async fn of_file(authority: &Authority, file: &Path) -> Self {
        let bytes = std::fs::read(file).expect("a file");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
        Self::of_answer(authority, [head.as_bytes(), &bytes].concat()).await
    }

    /// Starts a server that answers every request with these bytes.
    pub async fn of_answer(authority: &Authority, answer: Vec<u8>) -> Self {
        let pair = authority.sign("127.0.0.1");
        let acceptor = TlsAcceptor::from(tls::server_config(&pair.cert, &pair.key).expect("a usable certificate"));
        let (listener, address) = bind().await;
        let mut tasks = ServerTasks::new();
        tasks.accept(listener, move |stream| {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            async move {
                // A client that does not trust the certificate ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { address, _tasks: tasks }
    }
}
