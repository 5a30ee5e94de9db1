//! What a client has observed about its serial line, to explain why no reply comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::rpc::error::Silence;

/// Counts and flags of a serial line, to explain why no reply comes. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct SerialLinkStats(Arc<SerialCounters>);

#[derive(Debug, Default)]
struct SerialCounters {
    /// The number of bytes that were received.
    received_bytes: AtomicU64,
    /// The number of damaged frames that were received.
    damaged_frames: AtomicU64,
    /// The device has answered at least once.
    has_answered: AtomicBool,
    /// The device has sent XOFF, and it still counts.
    is_held: AtomicBool,
}

impl SerialLinkStats {
    /// Counts received bytes.
    pub(super) fn on_bytes(&self, bytes: usize) {
        self.0.received_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts a damaged frame. Returns the number of damaged frames up to now.
    pub(super) fn on_damaged_frame(&self) -> u64 {
        self.0.damaged_frames.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Records that the device has answered.
    pub(super) fn set_answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }

    /// Tells whether the device has answered.
    pub(super) fn has_answered(&self) -> bool {
        self.0.has_answered.load(Ordering::Relaxed)
    }

    /// Records whether an XOFF of the device counts at present.
    pub(super) fn set_held(&self, held: bool) {
        self.0.is_held.store(held, Ordering::Relaxed);
    }

    /// Explains why no reply comes, unless nothing is wrong with the line.
    pub(super) fn explain(&self, baud_rate: u32) -> Option<Silence> {
        const HINT_SPEED: Option<&str> =
            Some("is `--baud-rate` that of the device, and the cable sound? `-v` shows what comes");

        let SerialCounters { received_bytes, damaged_frames, is_held, .. } = &*self.0;
        match damaged_frames.load(Ordering::Relaxed) {
            0 => {}
            1 => return Some(Silence { what: "a frame came damaged".into(), hint: HINT_SPEED }),
            many => return Some(Silence { what: format!("{many} frames came damaged"), hint: HINT_SPEED }),
        }
        if is_held.load(Ordering::Relaxed) {
            return Some(Silence { what: "it asks us to wait (XOFF)".into(), hint: None });
        }
        if self.has_answered() {
            return None;
        }
        Some(match received_bytes.load(Ordering::Relaxed) {
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
