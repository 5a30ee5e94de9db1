//! Serial ports: lines of frames between the lines of a console.
//!
//! - [`find`]: which ports there are;
//! - `port`: opening one, and why that fails; `holder`: who else has it open;
//! - `line`: frames to bytes and back, without I/O;
//! - [`pacing`]: how fast.
//!
//! Opening a port can reset a board, and a reset while its firmware is uncommitted is a rollback. So the
//! port stays open from one link to the next, for as long as the client lives.

pub mod find;
mod holder;
mod line;
pub mod pacing;
mod port;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::{Mutex as SyncMutex, MutexGuard};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_serial::SerialStream;

use super::framing::escaped_len;
use super::link::{Connect, Link, LinkDriver};
use crate::rpc::DialError;
use crate::rpc::client::Links;
use crate::rpc::error::Silence;
use line::{Line, Next};
use pacing::Pacing;
use port::Port;

/// The speed of a device's console unless it was configured otherwise, in bits per second.
pub const BAUD_RATE: u32 = 115_200;

/// How long an answer is waited for before the question is asked again, if it may be; on top of the time
/// that the line takes for an answer of this many bytes.
const RESEND_AFTER: Duration = Duration::from_millis(500);
const ANSWER: u32 = 1024;

/// How often, and how long after one another, a port is tried that somebody holds.
const HELD_TRIES: u32 = 10;
const HELD_WAIT: Duration = Duration::from_millis(20);

/// What is read at a time, in bytes.
const BUFFER: usize = 4096;

/// What the user may set about a serial port.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bits per second.
    pub baud_rate: u32,
    /// RTS and CTS say when to send. XON and XOFF are obeyed in any case.
    pub hw_flow_control: bool,
    /// What becomes of DTR and RTS.
    pub control_lines: ControlLines,
    /// How frames are set off.
    pub framing: Framing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            baud_rate: BAUD_RATE,
            hw_flow_control: false,
            control_lines: ControlLines::Release,
            framing: Framing::Auto,
        }
    }
}

/// What becomes of DTR and RTS when the port is opened, which asserts both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlLines {
    /// Both are released, so that the board runs.
    Release,
    /// The adapter inverts them: asserted means released.
    ReleaseInverted,
    /// They stay as the system leaves them.
    Leave,
}

/// How frames are set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// As lines, until the device turns out to understand the old delimiter only.
    Auto,
    /// As lines with a CRC.
    Line,
    /// With the old delimiter, `"""`.
    Quoted,
}

/// The way to a device over a serial port.
#[derive(Debug)]
pub struct Serial {
    path: PathBuf,
    peer: String,
    settings: Settings,
    port: Arc<Mutex<Option<Port>>>,
    learnt: Learnt,
    stats: LinkStats,
}

/// What was learnt about a port, from one link to the next: how fast the device can read, and what it understands. Clones
/// share it.
#[derive(Debug, Clone)]
struct Learnt(Arc<SyncMutex<Lessons>>);

#[derive(Debug)]
struct Lessons {
    pacing: Pacing,
    /// The device understands the old delimiter only. The other lesson is not kept: it costs nothing to learn, and an older
    /// firmware may run after a rollback.
    is_quoted: bool,
}

impl Learnt {
    fn new(settings: &Settings, now: Instant) -> Self {
        let lessons = Lessons { pacing: Pacing::new(settings.baud_rate, now), is_quoted: false };
        Self(Arc::new(SyncMutex::new(lessons)))
    }

    fn lock(&self) -> MutexGuard<'_, Lessons> {
        self.0.lock()
    }
}

impl Serial {
    /// A way over the port at `path`, such as `/dev/ttyUSB0` or `COM7`.
    #[must_use]
    pub fn new(path: &Path, settings: &Settings) -> Self {
        Self {
            path: path.to_owned(),
            peer: path.display().to_string(),
            settings: settings.clone(),
            port: Arc::default(),
            learnt: Learnt::new(settings, Instant::now()),
            stats: LinkStats::default(),
        }
    }
}

impl Serial {
    /// Opens the port. One that is held may be about to be closed: its last user has just ended.
    async fn open(&self) -> Result<Port, DialError> {
        for _ in 0..HELD_TRIES {
            match port::open(&self.path, &self.settings) {
                Err(DialError::PortHeld { .. }) => sleep(HELD_WAIT).await,
                result => return result,
            }
        }
        port::open(&self.path, &self.settings)
    }
}

#[async_trait]
impl Connect for Serial {
    async fn dial(&self) -> Result<Link, DialError> {
        // Waits until the link before has let go of the port.
        let mut open = Arc::clone(&self.port).lock_owned().await;
        if open.is_none() {
            *open = Some(self.open().await?);
        }
        // One frame at a time, so that what is handed over is on its way.
        let (link, driver) = Link::with_capacity(1);
        let learnt = self.learnt.clone();
        tokio::spawn(drive(open, Line::new(self.settings.framing, learnt, self.stats.clone()), driver));
        Ok(link)
    }

    fn may_lose_requests(&self) -> bool {
        true
    }

    fn report_loss(&self) -> bool {
        let now = Instant::now();
        let pacing = &mut self.learnt.lock().pacing;
        let is_slower = pacing.lost_large(now);
        tracing::debug!(bytes_per_s = pacing.rate(), is_slower, "a frame was lost");
        is_slower
    }

    fn peer(&self) -> &str {
        &self.peer
    }

    fn size_of(&self, frame: &[u8]) -> usize {
        escaped_len(frame)
    }

    fn links(&self) -> Links {
        Links::Lasting
    }

    fn resends_after(&self) -> Option<Duration> {
        Some(RESEND_AFTER + Duration::from_secs(10) * ANSWER / self.settings.baud_rate.max(1))
    }

    /// The line carries one frame while the device is at the one before, and the third waits here, so that the line does
    /// not fall idle while an answer is on its way: with one at a time, that is 3 % of the time at 115200 baud, and more
    /// if the device is slow.
    fn window(&self) -> usize {
        3
    }

    fn silence(&self) -> Option<Silence> {
        let noticed = || self.stats.explain(self.settings.baud_rate);
        if self.stats.has_answered() {
            return noticed();
        }
        let shared = |by| Silence {
            what: format!("{by} has the port open too"),
            hint: Some("close that program first: two cannot share a port"),
        };
        holder::of(&self.path).map(shared).or_else(noticed)
    }
}

/// Carries frames between the port and the link until one of them ends.
async fn drive(mut port: OwnedMutexGuard<Option<Port>>, line: Line, mut driver: LinkDriver) {
    let Some(open) = port.as_mut() else { return };
    let dropped = driver.dropped();
    let error = tokio::select! {
        () = dropped => return,
        error = carry(&mut open.stream, line, &mut driver) => error,
    };
    // Closed at once, so that the port can come back under the same name.
    *port = None;
    drop(port);
    driver.close(match error.kind() {
        io::ErrorKind::UnexpectedEof => "the port has vanished".into(),
        _ => format!("the port has failed: {error}"),
    });
}

/// Returns when the port fails.
async fn carry(port: &mut SerialStream, mut line: Line, driver: &mut LinkDriver) -> io::Error {
    let (mut reader, mut writer) = tokio::io::split(port);
    let mut buffer = vec![0; BUFFER];
    loop {
        let has_room = line.has_room();
        let next = line.next(Instant::now());
        let (bytes, wait) = match next {
            Next::Write(bytes) => (bytes, None),
            Next::Wait(until) => (&[][..], Some(until)),
            Next::Idle => (&[][..], None),
        };
        tokio::select! {
            // Biased so that an XOFF that is there stops the next write.
            biased;
            read = reader.read(&mut buffer) => match read {
                // A port that is unplugged reads as one that has ended, or fails.
                Ok(0) => return io::ErrorKind::UnexpectedEof.into(),
                Ok(read) => for frame in line.hear(&buffer[..read], Instant::now()) {
                    driver.deliver(frame).await;
                },
                Err(error) => return error,
            },
            written = writer.write(bytes), if !bytes.is_empty() => match written {
                Ok(written) => line.wrote(written, Instant::now()),
                Err(error) => return error,
            },
            Some(frame) = driver.outgoing.recv_frame(), if has_room => line.say(frame, Instant::now()),
            () = sleep_until(wait.unwrap_or_else(Instant::now)), if wait.is_some() => {}
        }
    }
}

/// What has been noticed about a line, for whoever has to explain its silence. Clones share it.
#[derive(Debug, Clone, Default)]
struct LinkStats(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    damaged: AtomicU64,
    has_answered: AtomicBool,
    is_held: AtomicBool,
}

impl LinkStats {
    fn heard(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// One more frame came damaged; gives how many now.
    fn damaged(&self) -> u64 {
        self.0.damaged.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn set_answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }

    fn has_answered(&self) -> bool {
        self.0.has_answered.load(Ordering::Relaxed)
    }

    fn set_held(&self, held: bool) {
        self.0.is_held.store(held, Ordering::Relaxed);
    }

    fn explain(&self, baud_rate: u32) -> Option<Silence> {
        const SPEED: Option<&str> =
            Some("is `--baud-rate` that of the device, and the cable sound? `-v` shows what comes");

        let Counts { bytes, damaged, is_held, .. } = &*self.0;
        let (bytes, damaged) = (bytes.load(Ordering::Relaxed), damaged.load(Ordering::Relaxed));
        match damaged {
            0 => {}
            1 => return Some(Silence { what: "a frame came damaged".into(), hint: SPEED }),
            many => return Some(Silence { what: format!("{many} frames came damaged"), hint: SPEED }),
        }
        if is_held.load(Ordering::Relaxed) {
            return Some(Silence { what: "it asks us to wait (XOFF)".into(), hint: None });
        }
        if self.has_answered() {
            return None;
        }
        Some(match bytes {
            0 => Silence {
                what: "nothing at all came from it".into(),
                hint: Some(
                    "is the board powered, and running? RPC has to be on this UART: the library `rpc-uart`, and \
                     rpc.uart.uart_no in the device's configuration",
                ),
            },
            bytes => Silence {
                what: format!("{bytes} bytes came at {baud_rate} baud, and none of them was an answer"),
                hint: Some(
                    "`-v` shows what came. If it cannot be read, `--baud-rate` is wrong; if it can, the library \
                     `rpc-uart` is missing on the device",
                ),
            },
        })
    }
}
