//! Serial ports: frames between the lines of a console.
//!
//! - [`find`]: the ports of this machine;
//! - `port`: opens a port, and explains failures; `holder`: the program that has a port open;
//! - `driver`: drives one link over the open port;
//! - `line`: turns frames into bytes and back, without I/O;
//! - [`pacing`]: limits the rate of bytes to what the device can read;
//! - `port_state`: what is kept from one link to the next;
//! - `link_stats`: explains why no reply comes;
//! - `settings`: [`SerialSettings`].
//!
//! Opening a port can reset a board, and a reset rolls back an uncommitted firmware. So the port stays open from one
//! link to the next, as long as the client lives.

mod driver;
pub mod find;
pub(crate) mod holder;
mod line;
mod link_stats;
pub mod pacing;
mod port;
mod port_state;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use super::framing::escaped_len;
use super::link::{Connect, Link};
use crate::rpc::client::Links;
use crate::rpc::error::Silence;
use crate::rpc::{DialError, DialFailure};
use driver::drive;
use line::Line;
use link_stats::SerialLinkStats;
use port::OpenPort;
use port_state::SharedPortState;
pub use settings::{BAUD_RATE, ControlLines, Framing, SerialSettings};

/// How long to wait for a reply before an idempotent request is sent again.
///
/// The time that the line takes for a reply of [`TYPICAL_REPLY_SIZE`] is added.
const RESEND_AFTER: Duration = Duration::from_millis(500);

/// The size of a reply on which the wait before sending again is based, in bytes.
const TYPICAL_REPLY_SIZE: u32 = 1024;

/// How often opening a port is retried while another program holds the port.
const HELD_RETRIES: u32 = 10;

/// The time between two tries to open a held port.
const HELD_RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Connects to a device over a serial port.
#[derive(Debug)]
pub struct Serial {
    path: PathBuf,
    peer: String,
    settings: SerialSettings,
    /// The open port. A link holds the lock for as long as it lives.
    port: Arc<Mutex<Option<OpenPort>>>,
    state: SharedPortState,
    stats: SerialLinkStats,
}

impl Serial {
    /// Creates a client of the device at the port `path`, such as `/dev/ttyUSB0` or `COM7`.
    #[must_use]
    pub fn new(path: &Path, settings: &SerialSettings) -> Self {
        Self {
            path: path.to_owned(),
            peer: path.display().to_string(),
            settings: settings.clone(),
            port: Arc::default(),
            state: SharedPortState::new(settings, Instant::now()),
            stats: SerialLinkStats::default(),
        }
    }

    /// Opens the port. If another program holds the port, tries again: that program may be about to end.
    async fn open(&self) -> Result<OpenPort, DialFailure> {
        for _ in 0..HELD_RETRIES {
            match port::open(&self.path, &self.settings) {
                Err(DialFailure { cause: DialError::PortHeld { .. }, .. }) => sleep(HELD_RETRY_INTERVAL).await,
                result => return result,
            }
        }
        port::open(&self.path, &self.settings)
    }
}

#[async_trait]
impl Connect for Serial {
    async fn dial(&self) -> Result<Link, DialFailure> {
        // Waits until the previous link has released the port.
        let mut open = Arc::clone(&self.port).lock_owned().await;
        if open.is_none() {
            *open = Some(self.open().await?);
        }
        // A capacity of one, so that a frame that the link has taken is sent soon.
        let (link, driver) = Link::with_capacity(1);
        let serial_line = Line::new(self.settings.framing, self.state.clone(), self.stats.clone());
        tokio::spawn(drive(open, serial_line, driver).in_current_span());
        Ok(link)
    }

    fn may_lose_requests(&self) -> bool {
        true
    }

    fn report_loss(&self) -> bool {
        let now = Instant::now();
        let pacing = &mut self.state.lock().pacing;
        let is_slower = pacing.on_large_frame_lost(now);
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
        Some(RESEND_AFTER + Duration::from_secs(10) * TYPICAL_REPLY_SIZE / self.settings.baud_rate.max(1))
    }

    /// Returns 3: one frame that the device processes, one on the line, and one that waits here.
    ///
    /// So the line does not fall idle while a reply is on its way. With one frame at a time, the line would be idle for
    /// 3 % of the time at 115200 baud, and longer if the device is slow.
    fn window(&self) -> usize {
        3
    }

    fn silence(&self) -> Option<Silence> {
        let line_problem = || self.stats.explain(self.settings.baud_rate);
        if self.stats.has_answered() {
            return line_problem();
        }
        let shared = |program| Silence {
            what: format!("{program} has the port open too"),
            hint: Some("close that program first: two cannot share a port"),
        };
        holder::find(&self.path).map(shared).or_else(line_problem)
    }
}
