//! The log of the transfers: which parts were requested, and how much of each was sent. Pure: time is an argument.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

/// The largest number of addresses whose progress is kept.
const MAX_ADDRESSES: usize = 16;

/// The least time between two changes that only report that the client takes bytes.
const TAKEN_INTERVAL: Duration = Duration::from_millis(100);

/// The progress of the device's download as the server sees it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Fetched {
    /// The client of the latest request for the bundle.
    pub peer: Option<SocketAddr>,
    /// The id and the MAC of the device, as its request reports them.
    pub device: Option<String>,
    /// Progress of the latest transfer in bytes: counted from the start of the bundle if it continues an earlier transfer, otherwise from its
    /// own start.
    pub sent: u64,
    /// The number of open transfers.
    pub open: u32,
    /// The client has been sent every byte of the bundle.
    pub complete: bool,
    /// The time of the last change.
    pub changed: Option<Instant>,
}

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TransferEnd {
    /// Bytes that were sent.
    pub(super) bytes: u64,
    /// Whether every requested byte was sent.
    pub(super) complete: bool,
}

/// All transfers of one bundle.
#[derive(Debug)]
pub(super) struct TransferLog {
    /// The size of the bundle.
    total: u64,
    fetched: Fetched,
    latest: u64,
    open: HashMap<u64, OpenTransfer>,
    /// For each address: how many bytes from the start of the bundle it was sent.
    prefixes: HashMap<IpAddr, u64>,
}

/// A transfer that has not ended.
#[derive(Debug)]
struct OpenTransfer {
    address: IpAddr,
    part: Range<u64>,
    sent: u64,
    /// The address was sent every byte before this part.
    continues: bool,
}

impl TransferLog {
    pub(super) fn new(total: u64) -> Self {
        Self { total, fetched: Fetched::default(), latest: 0, open: HashMap::new(), prefixes: HashMap::new() }
    }

    /// Returns the progress.
    pub(super) fn fetched(&self) -> &Fetched {
        &self.fetched
    }

    /// Begins a transfer of `part`, and returns its number.
    pub(super) fn begin(&mut self, peer: SocketAddr, device: Option<String>, part: Range<u64>, now: Instant) -> u64 {
        let address = peer.ip();
        let continues = part.start <= self.prefixes.get(&address).copied().unwrap_or(0);
        self.latest += 1;
        let sent = if continues { part.start } else { 0 };
        self.open.insert(self.latest, OpenTransfer { address, part, sent: 0, continues });
        let Fetched { open, complete, .. } = self.fetched;
        let (peer, changed) = (Some(peer), Some(now));
        self.fetched = Fetched { peer, device, sent, open: open + 1, complete, changed };
        self.latest
    }

    /// Counts bytes that were handed to the stream.
    pub(super) fn sent(&mut self, number: u64, bytes: u64, now: Instant) {
        let Some(transfer) = self.open.get_mut(&number) else { return };
        transfer.sent += bytes;
        let position = transfer.position();
        if transfer.continues {
            if self.prefixes.len() >= MAX_ADDRESSES && !self.prefixes.contains_key(&transfer.address) {
                self.prefixes.clear();
            }
            let prefix = self.prefixes.entry(transfer.address).or_default();
            *prefix = position.max(*prefix);
        }
        if number == self.latest {
            self.fetched.sent = position;
        }
        self.fetched.changed = Some(now);
    }

    /// Notes that the client has taken bytes. Returns whether the progress has changed by that; it does at most once in 100 ms.
    pub(super) fn taken(&mut self, number: u64, now: Instant) -> bool {
        let is_change = self.open.contains_key(&number)
            && self.fetched.changed.is_none_or(|changed| now.duration_since(changed) >= TAKEN_INTERVAL);
        if is_change {
            self.fetched.changed = Some(now);
        }
        is_change
    }

    /// Ends a transfer. `flushed`: every byte has left the stream.
    pub(super) fn end(&mut self, number: u64, flushed: bool, now: Instant) -> TransferEnd {
        let Some(transfer) = self.open.remove(&number) else { return TransferEnd { bytes: 0, complete: false } };
        let complete = flushed && transfer.sent == transfer.part.end - transfer.part.start;
        self.fetched.open = self.fetched.open.saturating_sub(1);
        self.fetched.complete |= complete && transfer.continues && transfer.part.end == self.total;
        self.fetched.changed = Some(now);
        TransferEnd { bytes: transfer.sent, complete }
    }
}

impl OpenTransfer {
    fn position(&self) -> u64 {
        if self.continues { self.part.start + self.sent } else { self.sent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8, port: u16) -> SocketAddr {
        ([10, 0, 0, last], port).into()
    }

    /// Sends `sent` bytes of `part` of a bundle of 100 bytes. Returns the progress and whether it is complete.
    fn transfer(transfer_log: &mut TransferLog, last: u8, part: Range<u64>, sent: u64) -> (u64, bool) {
        let now = Instant::now();
        let all = part.end - part.start == sent;
        let number = transfer_log.begin(peer(last, 1), None, part, now);
        transfer_log.sent(number, sent, now);
        assert_eq!(transfer_log.end(number, true, now), TransferEnd { bytes: sent, complete: all });
        (transfer_log.fetched().sent, transfer_log.fetched().complete)
    }

    #[test]
    fn second_download_counts_from_zero() {
        let mut transfer_log = TransferLog::new(100);
        assert_eq!(transfer(&mut transfer_log, 1, 0..100, 40), (40, false));
        assert_eq!(transfer(&mut transfer_log, 1, 0..100, 10), (10, false));
        assert_eq!(transfer(&mut transfer_log, 1, 0..100, 100), (100, true));
    }

    #[test]
    fn range_completes_the_earlier_transfer_of_its_address() {
        let mut transfer_log = TransferLog::new(100);
        assert_eq!(transfer(&mut transfer_log, 1, 40..100, 60), (60, false), "no address has been sent the beginning");
        assert_eq!(transfer(&mut transfer_log, 1, 0..100, 40), (40, false));
        assert_eq!(transfer(&mut transfer_log, 2, 40..100, 60), (60, false), "somebody else's beginning");
        assert_eq!(transfer(&mut transfer_log, 1, 41..100, 59), (59, false), "one byte is missing");
        assert_eq!(transfer(&mut transfer_log, 1, 30..60, 30), (60, false), "from the beginning, as it goes on");
        assert_eq!(transfer(&mut transfer_log, 1, 60..100, 40), (100, true));
    }

    #[test]
    fn inner_range_does_not_complete() {
        let mut transfer_log = TransferLog::new(100);
        assert_eq!(transfer(&mut transfer_log, 1, 0..99, 99), (99, false));
        assert_eq!(transfer(&mut transfer_log, 1, 99..100, 1), (100, true));
    }

    #[test]
    fn simultaneous_transfers_are_counted_separately() {
        let (mut transfer_log, now) = (TransferLog::new(100), Instant::now());
        let first = transfer_log.begin(peer(1, 1), Some("a".into()), 0..100, now);
        transfer_log.sent(first, 50, now);
        let second = transfer_log.begin(peer(1, 2), Some("b".into()), 0..100, now);
        assert_eq!((transfer_log.fetched().sent, transfer_log.fetched().open), (0, 2));
        transfer_log.sent(second, 10, now);
        transfer_log.sent(first, 30, now);
        assert_eq!(transfer_log.fetched().sent, 10, "the latest counts");
        assert_eq!(transfer_log.end(first, true, now), TransferEnd { bytes: 80, complete: false });
        assert_eq!((transfer_log.fetched().open, transfer_log.fetched().complete), (1, false));
        transfer_log.sent(second, 90, now);
        assert!(!transfer_log.fetched().complete, "the last byte has not left the stream");
        assert_eq!(transfer_log.end(second, true, now), TransferEnd { bytes: 100, complete: true });
        assert_eq!((transfer_log.fetched().open, transfer_log.fetched().complete), (0, true));
        assert_eq!(transfer_log.fetched().device.as_deref(), Some("b"));
    }

    #[test]
    fn transfer_with_bytes_in_the_stream_is_incomplete() {
        let (mut transfer_log, now) = (TransferLog::new(100), Instant::now());
        let number = transfer_log.begin(peer(1, 1), None, 0..100, now);
        transfer_log.sent(number, 100, now);
        assert_eq!(transfer_log.end(number, false, now), TransferEnd { bytes: 100, complete: false });
        assert!(!transfer_log.fetched().complete);
    }

    #[test]
    fn addresses_with_progress_are_bounded() {
        let mut transfer_log = TransferLog::new(100);
        for last in 0..=255 {
            transfer(&mut transfer_log, last, 0..100, 1);
        }
        assert!(transfer_log.prefixes.len() <= MAX_ADDRESSES);
    }
}
