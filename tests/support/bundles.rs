//! Serves the recorded bundles as they were served for the recordings (wire/README.md), from the requested offset on:
//! `/NAME`, `/slow/NAME` at about 40 KB/s, `/chunked/NAME`, `/trunc/NAME`, `/h304/x`. Anything else is 404.
//!
//! Not in the recordings: `/redirect/NAME`, and `/2022/NAME`, which prefers wire/firmware2022/. `/device-only/NAME` is
//! 404 for any client but a device. `/held/NAME` sends its second half only when the test releases it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::server::{ServerTasks, bind};

/// A server of recorded bundles. Ends when it is dropped.
pub struct BundleServer {
    pub address: SocketAddr,
    released: Arc<Notify>,
    tasks: ServerTasks,
}

impl BundleServer {
    pub async fn start() -> Self {
        let (listener, address) = bind().await;
        let released = Arc::new(Notify::new());
        let mut tasks = ServerTasks::new();
        let release = Arc::clone(&released);
        tasks.accept(listener, move |stream| serve(stream, Arc::clone(&release)));
        Self { address, released, tasks }
    }

    /// Accepts that no client uses the server.
    pub fn may_stay_unused(self) -> Self {
        Self { tasks: self.tasks.may_stay_unused(), ..self }
    }

    /// Requires that no client uses the server.
    pub fn must_stay_unused(self) -> Self {
        Self { tasks: self.tasks.must_stay_unused(), ..self }
    }

    /// Sends the second half of one download of `/held/NAME`.
    pub fn release(&self) {
        self.released.notify_one();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

async fn serve(mut stream: TcpStream, released: Arc<Notify>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let (mode, name) = path.split_once('/').unwrap_or(("", path));
    if mode == "h304" {
        return stream.write_all(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n").await;
    }
    if mode == "redirect" {
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: /{name}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return stream.write_all(answer.as_bytes()).await;
    }
    let is_device = head.to_lowercase().contains("\r\nx-mgos-device-id: ");
    let name = if mode == "device-only" && !is_device { "none" } else { name };
    let read = |folder| std::fs::read(super::file(folder).join(name));
    let folders = match mode {
        "2022" => ["tests/wire/firmware2022", "tests/wire/firmware", "tests/fixtures"],
        _ => ["tests/wire/firmware", "tests/wire/firmware2022", "tests/fixtures"],
    };
    let Some(bytes) = folders.into_iter().find_map(|folder| read(folder).ok()) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    };
    if mode == "chunked" {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n").await?;
        stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
        stream.write_all(&bytes).await?;
        return stream.write_all(b"\r\n0\r\n\r\n").await;
    }
    let range = head.lines().find_map(|line| line.strip_prefix("Range: bytes=")?.strip_suffix('-')?.parse().ok());
    let start = range.unwrap_or(0).min(bytes.len());
    let (total, half) = (bytes.len(), (bytes.len() / 2).saturating_sub(start));
    let bytes = &bytes[start..];
    let status = match start {
        0 => "200 OK".into(),
        start => format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}", total - 1),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    stream.write_all(head.as_bytes()).await?;
    match mode {
        "trunc" => stream.write_all(&bytes[..half]).await,
        "held" => {
            let (first, second) = bytes.split_at(half);
            stream.write_all(first).await?;
            released.notified().await;
            stream.write_all(second).await
        }
        "slow" => {
            for piece in bytes.chunks(4096) {
                stream.write_all(piece).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        }
        _ => stream.write_all(bytes).await,
    }
}
