//! The device on a serial port: a pseudo terminal, whose other end is opened like any port.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio_serial::{SerialPort as _, SerialStream};

use crate::sim::board::Board;
use crate::sim::ports::line_session::LineSession;
use crate::sim::ports::uart::{Config, Uart};
use crate::sim::ports::uart_protocol::{CONSOLE, Lines};

/// What the host may have sent before it has to wait, in bytes, as the buffers of an adapter have it.
const BACKLOG: usize = 4096;

/// How often the console speaks.
const NOISE: Duration = Duration::from_millis(40);

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
    let mut talk = LineSession::new(Lines::new(config.only), board, "UART0", ip);
    let mut buffer = vec![0; BACKLOG];
    let mut noise = tokio::time::interval(NOISE);
    let mut noises = CONSOLE.iter().cycle();
    loop {
        let next_event = uart.next_event();
        tokio::select! {
            read = port.device.read(&mut buffer), if uart.backlog() < BACKLOG => match read {
                Ok(read @ 1..) => uart.send(&buffer[..read], now()),
                _ => return pending().await,
            },
            said = talk.later() => uart.transmit(&said, now()),
            () = until(next_event) => {}
            // A slow line has room for the frames between.
            _ = noise.tick(), if config.console_noise && uart.transmitted_at().is_none() => {
                uart.transmit(noises.next().unwrap_or(&"").as_bytes(), now());
            }
        }
        let said = talk.hear(&uart.receive(now()));
        uart.transmit(&said, now());
        emit(port, uart);
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
