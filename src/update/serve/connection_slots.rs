//! The slots for connections, and which connection is evicted when all slots are taken. Pure.
//!
//! An allowed client can open connections and send nothing. So that the device still gets a slot, a connection keeps its slot for certain only
//! once it has requested the secret path. Until then a new connection may evict it; the address with most connections loses first. A
//! request takes a round trip or two to arrive. So a new connection keeps its slot for a short time, also against others of its address, which
//! may be behind the same NAT as the device.

use std::net::IpAddr;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How long a connection keeps its slot before its request has arrived, while its address has more than its share.
///
/// With the default of 128 slots, 200 silent connections a second from the address of the device leave room for it.
const NEW_CONNECTION_GRACE: Duration = Duration::from_millis(500);

/// The open connections, oldest first.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    /// The largest number of slots, and of slots for one address.
    limit: usize,
    per_address: usize,
    next: u64,
    taken: Vec<OpenConnection>,
}

/// A connection that takes a slot.
#[derive(Debug)]
pub(super) struct OpenConnection {
    number: u64,
    pub(super) address: IpAddr,
    /// The task that serves the connection, once it runs.
    task: Option<AbortHandle>,
    since: Instant,
    /// The secret path that the connection has requested, which proves it.
    path: Option<String>,
}

/// A slot for a new connection.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    /// A number that is used once.
    pub(super) number: u64,
    /// The connection that was evicted for it.
    pub(super) evicted: Option<OpenConnection>,
}

impl OpenConnection {
    fn is_proven(&self) -> bool {
        self.path.is_some()
    }

    /// Ends the task of the connection.
    pub(super) fn end(self) {
        if let Some(task) = self.task {
            task.abort();
        }
    }
}

impl ConnectionSlots {
    pub(super) fn new(limit: usize, per_address: usize) -> Self {
        Self { limit, per_address, next: 0, taken: Vec::new() }
    }

    /// Takes a slot for a connection from `address`, whose devices may request this many bundles. `None`: every connection that could be
    /// evicted is proven or new.
    pub(super) fn take(&mut self, address: IpAddr, bundles: usize, now: Instant) -> Option<ConnectionSlot> {
        let share = self.per_address.saturating_mul(bundles);
        let of_one = |address| self.taken.iter().filter(|connection| connection.address == address).count();
        let is_old =
            |connection: &OpenConnection| now.saturating_duration_since(connection.since) >= NEW_CONNECTION_GRACE;
        let own = of_one(address);
        let oldest_own =
            self.oldest(|connection| connection.address == address && is_old(connection)).filter(|_| own >= share);
        let evicted = if oldest_own.is_some() {
            oldest_own
        } else if self.taken.iter().filter(|connection| connection.address == address && connection.is_proven()).count()
            >= share
        {
            return None;
        } else if self.taken.len() >= self.limit {
            let unproven = self.taken.iter().filter(|connection| !connection.is_proven());
            let most = unproven.map(|connection| of_one(connection.address)).max()?;
            Some(
                self.oldest(|connection| of_one(connection.address) == most && (most > own + 1 || is_old(connection)))?,
            )
        } else {
            None
        };
        let evicted = evicted.map(|index| self.taken.remove(index));
        let number = self.next;
        self.next += 1;
        self.taken.push(OpenConnection { number, address, task: None, since: now, path: None });
        Some(ConnectionSlot { number, evicted })
    }

    /// Returns the index of the oldest connection that is not proven and matches.
    fn oldest(&self, matches: impl Fn(&OpenConnection) -> bool) -> Option<usize> {
        self.taken.iter().position(|connection| !connection.is_proven() && matches(connection))
    }

    /// Sets the task that serves the connection, which ends with an eviction.
    pub(super) fn set_task(&mut self, number: u64, task: AbortHandle) {
        if let Some(connection) = self.taken.iter_mut().find(|connection| connection.number == number) {
            connection.task = Some(task);
        }
    }

    /// Notes that the connection has requested the secret path.
    pub(super) fn prove(&mut self, number: u64, path: &str) {
        if let Some(connection) = self.taken.iter_mut().find(|connection| connection.number == number) {
            connection.path = Some(path.to_owned());
        }
    }

    /// Frees the slots of all connections that have requested this path, and returns them.
    pub(super) fn take_all_of(&mut self, path: &str) -> Vec<OpenConnection> {
        self.taken.extract_if(.., |connection| connection.path.as_deref() == Some(path)).collect()
    }

    /// Frees the slot of a connection that has ended.
    pub(super) fn free(&mut self, number: u64) {
        self.taken.retain(|connection| connection.number != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    /// Takes slots at times so far apart that every connection is old.
    struct Late(ConnectionSlots, Instant);

    impl Late {
        fn new(limit: usize, per_address: usize) -> Self {
            Self(ConnectionSlots::new(limit, per_address), Instant::now())
        }

        /// Returns the number of the slot, and of the connection that was evicted for it.
        fn take(&mut self, address: IpAddr) -> Option<(u64, Option<u64>)> {
            self.1 += NEW_CONNECTION_GRACE;
            let given = self.0.take(address, 1, self.1)?;
            Some((given.number, given.evicted.map(|evicted| evicted.number)))
        }

        fn prove(&mut self, number: u64) {
            self.0.prove(number, "/x");
        }
    }

    #[test]
    fn address_at_its_limit_evicts_its_own_connection() {
        let mut slots = Late::new(4, 2);
        assert_eq!(slots.take(ip(1)), Some((0, None)));
        assert_eq!(slots.take(ip(1)), Some((1, None)));
        assert_eq!(slots.take(ip(1)), Some((2, Some(0))));
        slots.prove(1);
        assert_eq!(slots.take(ip(1)), Some((3, Some(2))));
        slots.prove(3);
        assert_eq!(slots.take(ip(1)), None, "two downloads are enough for one");
        slots.0.free(1);
        assert_eq!(slots.take(ip(1)), Some((4, None)));
    }

    /// The device connects last, and keeps its slot whatever connects after it.
    #[test]
    fn unproven_connections_of_the_busiest_address_are_evicted() {
        let mut slots = Late::new(4, 3);
        for neighbour in [1, 1, 2, 3] {
            assert_eq!(slots.take(ip(neighbour)).expect("a place").1, None);
        }
        assert_eq!(slots.take(ip(9)), Some((4, Some(0))), "of the neighbour that has most");
        for _ in 0..100 {
            let (_, left) = slots.take(ip(1)).expect("a place of its own");
            assert_ne!(left, Some(4));
        }
        slots.prove(4);
        for neighbour in 10..100 {
            assert_ne!(slots.take(ip(neighbour)).expect("a place").1, Some(4));
        }
    }

    #[test]
    fn proven_connections_are_not_evicted() {
        let mut slots = Late::new(2, 2);
        slots.take(ip(1));
        slots.take(ip(2));
        slots.prove(0);
        slots.prove(1);
        assert_eq!(slots.take(ip(3)), None);
    }

    /// The device is behind the address of the flood, and its request takes a round trip to arrive.
    #[test]
    fn new_connection_is_not_evicted_by_its_own_address() {
        let start = Instant::now();
        let flood = |slots: &mut ConnectionSlots, from: u32, to: u32| {
            let mut left = Vec::new();
            for at in from..to {
                let given = slots.take(ip(1), 1, start + Duration::from_millis(5) * at);
                left.extend(given.and_then(|given| given.evicted).map(|evicted| evicted.number));
            }
            left
        };
        let mut slots = ConnectionSlots::new(128, 4);
        flood(&mut slots, 0, 1000);
        let device = slots.take(ip(1), 1, start + Duration::from_secs(5)).expect("a place").number;
        let left = flood(&mut slots, 1001, 1100);
        assert!(left.len() > 90 && !left.contains(&device), "{left:?}");
        // A connection without a request for longer than that loses its slot.
        let left = flood(&mut slots, 1100, 1110);
        assert!(left.contains(&device), "{left:?}");
    }

    #[test]
    fn devices_behind_one_address_have_a_share_each() {
        let mut slots = ConnectionSlots::new(16, 2);
        let mut at = Instant::now();
        for number in 0..6 {
            at += NEW_CONNECTION_GRACE;
            let slot = slots.take(ip(1), 3, at).expect("a slot");
            assert!(slot.evicted.is_none(), "{number}");
            slots.prove(number, "/x");
        }
        assert!(slots.take(ip(1), 3, at).is_none());
    }

    /// The new connections of one address leave a slot for an address with fewer connections.
    #[test]
    fn new_connections_of_one_address_are_evicted_by_another() {
        let now = Instant::now();
        let mut slots = ConnectionSlots::new(8, 2);
        for _ in 0..8 {
            assert!(slots.take(ip(1), 1, now).expect("a slot").evicted.is_none());
        }
        assert!(slots.take(ip(1), 1, now).is_none(), "all of its slots are new");
        let evicted = slots.take(ip(2), 1, now).expect("a slot").evicted.expect("an evicted connection");
        assert_eq!((evicted.number, evicted.address), (0, ip(1)));
        assert!(slots.take(ip(1), 1, now).is_none(), "it does not take the place of one that has fewer");
    }
}
