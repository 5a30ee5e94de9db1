//! The device on a serial port: a pseudo terminal. A client opens its other end like any serial port.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio_serial::{SerialPort as _, SerialStream};

use crate::sim::board::Board;
use crate::sim::ports::line_session::LineSession;
use crate::sim::ports::uart::{Uart, UartConfig};
use crate::sim::ports::uart_protocol::{CONSOLE, Lines};

/// The number of bytes in transit from the host before the host has to wait: the buffers of an adapter.
const MAX_BACKLOG: usize = 4096;

/// The interval between two lines of the console.
const NOISE_INTERVAL: Duration = Duration::from_millis(40);

/// A pseudo terminal. Dropping it removes the serial port.
#[derive(Debug)]
pub struct PseudoTerminal {
    device: SerialStream,
    /// Kept open, so that the device's end gets no hang-up when the host closes the port.
    _host: SerialStream,
    path: PathBuf,
}

impl PseudoTerminal {
    /// Opens a pseudo terminal. Call this within a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let (device, host) = SerialStream::pair()?;
        let path = host.name().ok_or_else(|| io::Error::other("the pseudo terminal has no name"))?;
        Ok(Self { device, _host: host, path: path.into() })
    }

    /// Returns the path that the host opens, such as `/dev/pts/4`.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

/// Serves the device on this port. Never returns. `ip` is the device's address in its network.
pub async fn serve(mut port: PseudoTerminal, config: UartConfig, ip: String, board: Arc<Board>) {
    loop {
        let boot = board.boot();
        if boot.is_some() {
            let mut uart = Uart::new(config.clone(), now());
            tokio::select! {
                biased;
                () = board.until_off(boot) => {}
                () = exchange(&mut port, &mut uart, &config, &ip, &board) => {}
            }
            flush(&mut port, &mut uart).await;
        } else {
            tokio::select! {
                () = board.until_on() => {}
                () = drop_input(&mut port) => {}
            }
        }
    }
}

/// Drops the bytes that arrive while the device is off. Never returns.
async fn drop_input(port: &mut PseudoTerminal) {
    let mut buffer = [0; 1024];
    while port.device.read(&mut buffer).await.is_ok() {}
    pending::<()>().await;
}

/// Sends the bytes that the device transmitted before it went off.
async fn flush(port: &mut PseudoTerminal, uart: &mut Uart) {
    while let Some(at) = uart.transmitted_at() {
        until(Some(at)).await;
        emit(port, uart);
    }
}

/// Passes on the bytes that have reached the host by now. Bytes for which the terminal has no room are lost.
fn emit(port: &mut PseudoTerminal, uart: &mut Uart) {
    let bytes = uart.emit(now());
    if !bytes.is_empty() {
        let _ = port.device.try_write(&bytes);
    }
}

/// Exchanges frames with the host. Never returns.
async fn exchange(port: &mut PseudoTerminal, uart: &mut Uart, config: &UartConfig, ip: &str, board: &Arc<Board>) {
    let mut session = LineSession::new(Lines::new(config.only), board, "UART0", ip);
    let mut buffer = vec![0; MAX_BACKLOG];
    let mut noise = tokio::time::interval(NOISE_INTERVAL);
    let mut console_lines = CONSOLE.iter().cycle();
    loop {
        let next_event = uart.next_event();
        tokio::select! {
            read = port.device.read(&mut buffer), if uart.backlog() < MAX_BACKLOG => match read {
                Ok(read @ 1..) => uart.send(&buffer[..read], now()),
                _ => return pending().await,
            },
            bytes = session.later() => uart.transmit(&bytes, now()),
            () = until(next_event) => {}
            // The console prints only on an idle line, so that frames get through a slow one.
            _ = noise.tick(), if config.console_noise && uart.transmitted_at().is_none() => {
                uart.transmit(console_lines.next().unwrap_or(&"").as_bytes(), now());
            }
        }
        let replies = session.hear(&uart.receive(now()));
        uart.transmit(&replies, now());
        emit(port, uart);
    }
}

/// Waits until this time, or forever.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}

/// Returns the time of tokio's clock, which the whole device uses.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
