//! A line that breaks: whatever goes to a device over TCP passes here, up to the bytes at which it is cut.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::TcpStream;

use super::server::{ServerTasks, bind};

/// A proxy that ends when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    _tasks: ServerTasks,
}

/// Where it is cut, and how many bytes have passed. The last cut comes first to hand.
#[derive(Debug)]
struct Cuts {
    at: Vec<u64>,
    passed: u64,
}

impl Proxy {
    /// Passes everything on to `device`; after each of these numbers of bytes, counted over all connections, it drops
    /// the connection that they came on, both ways.
    pub async fn start(device: SocketAddr, mut cuts: Vec<u64>) -> Self {
        let (listener, address) = bind().await;
        cuts.sort_by(|a, b| b.cmp(a));
        let cuts = Arc::new(Mutex::new(Cuts { at: cuts, passed: 0 }));
        let mut tasks = ServerTasks::default();
        tasks.accept(listener, move |host| pass(host, device, Arc::clone(&cuts)));
        Self { address, _tasks: tasks }
    }
}

/// Returns when the connection has ended, or is cut.
async fn pass(host: TcpStream, device: SocketAddr, cuts: Arc<Mutex<Cuts>>) -> std::io::Result<()> {
    let device = TcpStream::connect(device).await?;
    host.set_nodelay(true)?;
    device.set_nodelay(true)?;
    let (mut from_host, mut to_host) = host.into_split();
    let (mut from_device, mut to_device) = device.into_split();
    let forth = async {
        let mut buffer = vec![0; 4096];
        loop {
            let read = from_host.read(&mut buffer).await?;
            let (take, is_cut) = take(&cuts, read);
            to_device.write_all(&buffer[..take]).await?;
            if read == 0 || is_cut {
                return Ok(());
            }
        }
    };
    tokio::select! {
        result = forth => result,
        result = copy(&mut from_device, &mut to_host) => result.map(|_| ()),
    }
}

/// How many of so many bytes pass, and whether that was all.
fn take(cuts: &Mutex<Cuts>, read: usize) -> (usize, bool) {
    let mut cuts = cuts.lock();
    let passed = cuts.passed + read as u64;
    match cuts.at.last() {
        Some(&at) if at <= passed => {
            let take = at.saturating_sub(cuts.passed);
            cuts.passed = passed;
            cuts.at.pop();
            (usize::try_from(take).expect("no more than was read"), true)
        }
        _ => {
            cuts.passed = passed;
            (read, false)
        }
    }
}
