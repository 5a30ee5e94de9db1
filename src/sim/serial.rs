//! The device on a serial port: a pseudo terminal, whose other end is opened like any port.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;
use tokio_serial::{SerialPort as _, SerialStream};

use super::board::{Answered, Board};
use super::lines::{HANDSHAKE, Heard, Lines};
use super::uart::{Config, Uart};
use super::wire;

/// What the host may have sent before it has to wait, in bytes, as the buffers of an adapter have it.
const BACKLOG: usize = 4096;

/// How often the console speaks.
const NOISE: Duration = Duration::from_millis(40);

/// What a console prints, some of it in other alphabets, some of it looking like a frame.
const CONSOLE: [&str; 3] = [
    "[mgos_sys] heap 227340, größtes Stück 110580 {\"uptime\": 12}\r\n",
    "mg_rpc.c:314  {\"id\": broken\r\n",
    "I (12045) wifi: \u{1b}[32mbcn timeout\u{1b}[0m ☂\n",
];

/// A pseudo terminal. The port exists for as long as this does.
#[derive(Debug)]
pub struct Port {
    device: SerialStream,
    /// Kept open, so that the device hears no hang-up when the host closes it.
    _host: SerialStream,
    path: PathBuf,
}

impl Port {
    /// A new port. Has to be called within a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let (device, host) = SerialStream::pair()?;
        let path = host.name().ok_or_else(|| io::Error::other("the pseudo terminal has no name"))?;
        Ok(Self { device, _host: host, path: path.into() })
    }

    /// Where the host opens it, such as `/dev/pts/4`.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

/// Serves the device on this port. Never returns. `ip` is the address that the device has in its network.
pub async fn serve(mut port: Port, config: Config, ip: String, board: Arc<Board>) {
    loop {
        let boot = board.boot();
        if boot.is_some() {
            let mut uart = Uart::new(config.clone(), now());
            tokio::select! {
                biased;
                () = board.until_off(boot) => {}
                () = talk(&mut port, &mut uart, &config, &ip, &board) => {}
            }
            flush(&mut port, &mut uart).await;
        } else {
            tokio::select! {
                () = board.until_on() => {}
                () = ignore(&mut port) => {}
            }
        }
    }
}

/// What is sent to a device that is off is lost.
async fn ignore(port: &mut Port) {
    let mut buffer = [0; 1024];
    while port.device.read(&mut buffer).await.is_ok() {}
    pending::<()>().await;
}

/// What was said before the device went off still leaves it.
async fn flush(port: &mut Port, uart: &mut Uart) {
    while let Some(left) = uart.transmitted_at() {
        until(Some(left)).await;
        emit(port, uart);
    }
}

/// Hands on what the host sees by now. What it does not read in time is lost.
fn emit(port: &mut Port, uart: &mut Uart) {
    let seen = uart.emit(now());
    if !seen.is_empty() {
        let _ = port.device.try_write(&seen);
    }
}

async fn talk(port: &mut Port, uart: &mut Uart, config: &Config, ip: &str, board: &Arc<Board>) {
    let mut lines = Lines::new(config.only);
    let mut buffer = vec![0; BACKLOG];
    let mut noise = tokio::time::interval(NOISE);
    let mut noises = CONSOLE.iter().cycle();
    // Replies that come when a download has ended; other calls are answered meanwhile.
    let mut later: JoinSet<Option<String>> = JoinSet::new();
    loop {
        let next_event = uart.next_event();
        tokio::select! {
            read = port.device.read(&mut buffer), if uart.backlog() < BACKLOG => match read {
                Ok(read @ 1..) => uart.send(&buffer[..read], now()),
                _ => return pending().await,
            },
            Some(reply) = later.join_next() => if let Ok(Some(reply)) = reply {
                uart.transmit(&lines.reply(&reply), now());
            },
            () = until(next_event) => {}
            // A slow line has room for the frames between.
            _ = noise.tick(), if config.console_noise && uart.transmitted_at().is_none() => {
                uart.transmit(noises.next().unwrap_or(&"").as_bytes(), now());
            }
        }
        for heard in lines.push(&uart.receive(now())) {
            let said = match heard {
                Heard::Handshake => HANDSHAKE.to_vec(),
                Heard::Frame(json) => answer(&json, &lines, ip, board, &mut later),
            };
            uart.transmit(&said, now());
        }
        emit(port, uart);
    }
}

/// What is said at once to this frame.
fn answer(json: &[u8], lines: &Lines, ip: &str, board: &Arc<Board>, later: &mut JoinSet<Option<String>>) -> Vec<u8> {
    // Invalid frames are met with silence.
    let Some(call) = wire::parse(json, board.id()) else { return Vec::new() };
    match board.answer(&call, "UART0", ip) {
        Answered::Now(outcome) => {
            wire::reply(&call, board.id(), &outcome).map(|reply| lines.reply(&reply)).unwrap_or_default()
        }
        Answered::Later(outcome) => {
            let id = board.id().to_owned();
            later.spawn(async move { wire::reply(&call, &id, &outcome.await.ok()?) });
            Vec::new()
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}

/// By tokio's clock, like all of the device.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
