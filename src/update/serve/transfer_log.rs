//! What was asked for and sent, transfer by transfer. Pure: time is an argument.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

/// So many addresses are remembered with what they have got.
const REMEMBERED: usize = 16;

/// The shortest time between two changes that only say that the peer takes what was sent.
const TAKEN: Duration = Duration::from_millis(100);

/// What has been seen of the device's download.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// Who asked for the bundle, the last time.
    pub peer: Option<SocketAddr>,
    /// Its id and MAC, as its request said.
    pub device: Option<String>,
    /// How far the latest transfer is, in bytes: from the beginning of the bundle if it goes on from where an earlier
    /// one was cut off, otherwise from its own.
    pub sent: u64,
    /// Transfers that are under way.
    pub open: u32,
    /// A transfer came to the end of the bundle, with all that is before it.
    pub complete: bool,
    /// When any of this changed.
    pub changed: Option<Instant>,
}

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// Bytes that were sent in it.
    pub(super) bytes: u64,
    /// Whether that is all that was asked for.
    pub(super) complete: bool,
}

/// The book of all transfers.
#[derive(Debug)]
pub(super) struct TransferLog {
    /// The size of the bundle.
    total: u64,
    fetched: Fetched,
    latest: u64,
    open: HashMap<u64, Transfer>,
    /// How much of the bundle, from its beginning, an address has been sent.
    prefixes: HashMap<IpAddr, u64>,
}

#[derive(Debug)]
struct Transfer {
    address: IpAddr,
    part: Range<u64>,
    sent: u64,
    /// The address has been sent all that is before it.
    continues: bool,
}

impl TransferLog {
    pub(super) fn new(total: u64) -> Self {
        Self { total, fetched: Fetched::default(), latest: 0, open: HashMap::new(), prefixes: HashMap::new() }
    }

    /// What is seen of it from outside.
    pub(super) fn fetched(&self) -> &Fetched {
        &self.fetched
    }

    /// A transfer of this part begins, and gets a number.
    pub(super) fn begin(&mut self, peer: SocketAddr, device: Option<String>, part: Range<u64>, now: Instant) -> u64 {
        let address = peer.ip();
        let continues = part.start <= self.prefixes.get(&address).copied().unwrap_or(0);
        self.latest += 1;
        let sent = if continues { part.start } else { 0 };
        self.open.insert(self.latest, Transfer { address, part, sent: 0, continues });
        let Fetched { open, complete, .. } = self.fetched;
        let (peer, changed) = (Some(peer), Some(now));
        self.fetched = Fetched { peer, device, sent, open: open + 1, complete, changed };
        self.latest
    }

    /// So many more bytes are on their way.
    pub(super) fn sent(&mut self, number: u64, bytes: u64, now: Instant) {
        let Some(transfer) = self.open.get_mut(&number) else { return };
        transfer.sent += bytes;
        let position = transfer.position();
        if transfer.continues {
            if self.prefixes.len() >= REMEMBERED && !self.prefixes.contains_key(&transfer.address) {
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

    /// The peer has taken some of what was sent. Returns whether that is news: seen from outside, it changes only now and then.
    pub(super) fn taken(&mut self, number: u64, now: Instant) -> bool {
        let is_news = self.open.contains_key(&number)
            && self.fetched.changed.is_none_or(|changed| now.duration_since(changed) >= TAKEN);
        if is_news {
            self.fetched.changed = Some(now);
        }
        is_news
    }

    /// The transfer has ended. `flushed`: all that was sent has left us.
    pub(super) fn end(&mut self, number: u64, flushed: bool, now: Instant) -> Ended {
        let Some(transfer) = self.open.remove(&number) else { return Ended { bytes: 0, complete: false } };
        let complete = flushed && transfer.sent == transfer.part.end - transfer.part.start;
        self.fetched.open = self.fetched.open.saturating_sub(1);
        self.fetched.complete |= complete && transfer.continues && transfer.part.end == self.total;
        self.fetched.changed = Some(now);
        Ended { bytes: transfer.sent, complete }
    }
}

impl Transfer {
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

    /// Sends a part of a bundle of 100 bytes, and of that only so much. What `Fetched` says then.
    fn transfer(transfer_log: &mut TransferLog, last: u8, part: Range<u64>, sent: u64) -> (u64, bool) {
        let now = Instant::now();
        let all = part.end - part.start == sent;
        let number = transfer_log.begin(peer(last, 1), None, part, now);
        transfer_log.sent(number, sent, now);
        assert_eq!(transfer_log.end(number, true, now), Ended { bytes: sent, complete: all });
        (transfer_log.fetched().sent, transfer_log.fetched().complete)
    }

    #[test]
    fn a_second_download_after_a_cut_off_one_counts_from_zero() {
        let mut transfer_log = TransferLog::new(100);
        assert_eq!(transfer(&mut transfer_log, 1, 0..100, 40), (40, false));
        assert_eq!(transfer(&mut transfer_log, 1, 0..100, 10), (10, false));
        assert_eq!(transfer(&mut transfer_log, 1, 0..100, 100), (100, true));
    }

    #[test]
    fn a_part_completes_what_the_same_address_has_been_sent_before() {
        let mut transfer_log = TransferLog::new(100);
        assert_eq!(transfer(&mut transfer_log, 1, 40..100, 60), (60, false), "nobody has been sent the beginning");
        assert_eq!(transfer(&mut transfer_log, 1, 0..100, 40), (40, false));
        assert_eq!(transfer(&mut transfer_log, 2, 40..100, 60), (60, false), "somebody else's beginning");
        assert_eq!(transfer(&mut transfer_log, 1, 41..100, 59), (59, false), "one byte is missing");
        assert_eq!(transfer(&mut transfer_log, 1, 30..60, 30), (60, false), "from the beginning, as it goes on");
        assert_eq!(transfer(&mut transfer_log, 1, 60..100, 40), (100, true));
    }

    #[test]
    fn an_inner_part_is_not_the_end() {
        let mut transfer_log = TransferLog::new(100);
        assert_eq!(transfer(&mut transfer_log, 1, 0..99, 99), (99, false));
        assert_eq!(transfer(&mut transfer_log, 1, 99..100, 1), (100, true));
    }

    #[test]
    fn two_at_the_same_time_are_counted_apart() {
        let (mut transfer_log, now) = (TransferLog::new(100), Instant::now());
        let first = transfer_log.begin(peer(1, 1), Some("a".into()), 0..100, now);
        transfer_log.sent(first, 50, now);
        let second = transfer_log.begin(peer(1, 2), Some("b".into()), 0..100, now);
        assert_eq!((transfer_log.fetched().sent, transfer_log.fetched().open), (0, 2));
        transfer_log.sent(second, 10, now);
        transfer_log.sent(first, 30, now);
        assert_eq!(transfer_log.fetched().sent, 10, "the latest counts");
        assert_eq!(transfer_log.end(first, true, now), Ended { bytes: 80, complete: false });
        assert_eq!((transfer_log.fetched().open, transfer_log.fetched().complete), (1, false));
        transfer_log.sent(second, 90, now);
        assert!(!transfer_log.fetched().complete, "it has not left us");
        assert_eq!(transfer_log.end(second, true, now), Ended { bytes: 100, complete: true });
        assert_eq!((transfer_log.fetched().open, transfer_log.fetched().complete), (0, true));
        assert_eq!(transfer_log.fetched().device.as_deref(), Some("b"));
    }

    #[test]
    fn what_has_not_left_us_is_not_complete() {
        let (mut transfer_log, now) = (TransferLog::new(100), Instant::now());
        let number = transfer_log.begin(peer(1, 1), None, 0..100, now);
        transfer_log.sent(number, 100, now);
        assert_eq!(transfer_log.end(number, false, now), Ended { bytes: 100, complete: false });
        assert!(!transfer_log.fetched().complete);
    }

    #[test]
    fn many_addresses_are_not_remembered_for_ever() {
        let mut transfer_log = TransferLog::new(100);
        for last in 0..=255 {
            transfer(&mut transfer_log, last, 0..100, 1);
        }
        assert!(transfer_log.prefixes.len() <= REMEMBERED);
    }
}
