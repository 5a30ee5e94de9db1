//! Serves one file over HTTPS, with a certificate of an authority that devices do not know.

use std::net::SocketAddr;
use std::path::PathBuf;

use otactl::transport::tls;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::certificates::Authority;

/// Serves the file at any path of the returned address, for as long as the runtime runs.
pub async fn serve(authority: &Authority, file: PathBuf) -> SocketAddr {
    let bytes = std::fs::read(file).expect("a file");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    answer(authority, [head.as_bytes(), &bytes].concat()).await
}

/// Answers every request with these bytes.
pub async fn answer(authority: &Authority, answer: Vec<u8>) -> SocketAddr {
    let pair = authority.sign("127.0.0.1");
    let acceptor = TlsAcceptor::from(tls::server_config(&pair.cert, &pair.key).expect("a usable certificate"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
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
            });
        }
    });
    address
}
