//! A TCP proxy that cuts the connection after given numbers of bytes to the device.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::TcpStream;

use super::server::{ServerTasks, bind};

/// A proxy. Ends when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    _tasks: ServerTasks,
}

/// The offsets of the cuts in descending order, and the number of bytes passed so far.
#[derive(Debug)]
struct Cuts {
    at: Vec<u64>,
    passed: u64,
}

impl Proxy {
    /// Starts a proxy in front of `device`.
    ///
    /// After each of these numbers of bytes, counted over all connections, the proxy drops the connection that carried
    /// them, in both directions.
    pub async fn start(device: SocketAddr, mut cuts: Vec<u64>) -> Self {
        let (listener, address) = bind().await;
        cuts.sort_by(|a, b| b.cmp(a));
        let cuts = Arc::new(Mutex::new(Cuts { at: cuts, passed: 0 }));
        let mut tasks = ServerTasks::new();
        tasks.accept(listener, move |host| pass(host, device, Arc::clone(&cuts)));
        Self { address, _tasks: tasks }
    }
}

/// Forwards one connection until it ends or is cut.
async fn pass(host: TcpStream, device: SocketAddr, cuts: Arc<Mutex<Cuts>>) -> std::io::Result<()> {
    let device = TcpStream::connect(device).await?;
    host.set_nodelay(true)?;
    device.set_nodelay(true)?;
    let (mut from_host, mut to_host) = host.into_split();
    let (mut from_device, mut to_device) = device.into_split();
    let forward = async {
        let mut buffer = vec![0; 4096];
        loop {
            let read = from_host.read(&mut buffer).await?;
            let (bytes_to_pass, is_cut) = bytes_to_pass(&cuts, read);
            to_device.write_all(&buffer[..bytes_to_pass]).await?;
            if read == 0 || is_cut {
                return Ok(());
            }
        }
    };
    tokio::select! {
        result = forward => result,
        result = copy(&mut from_device, &mut to_host) => result.map(|_| ()),
    }
}

/// Returns how many of the `read` bytes pass, and whether the connection is cut after them.
fn bytes_to_pass(cuts: &Mutex<Cuts>, read: usize) -> (usize, bool) {
    let mut cuts = cuts.lock();
    let passed = cuts.passed + read as u64;
    match cuts.at.last() {
        Some(&at) if at <= passed => {
            let bytes_to_pass = at.saturating_sub(cuts.passed);
            cuts.passed = passed;
            cuts.at.pop();
            (usize::try_from(bytes_to_pass).expect("no more than was read"), true)
        }
        _ => {
            cuts.passed = passed;
            (read, false)
        }
    }
}
