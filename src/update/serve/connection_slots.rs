//! The places for connections, and who has to go when they are taken. Pure.
//!
//! Whoever is let in can open connections and say nothing. So that the device finds a place all the same, a place is
//! safe only once the secret path was named on its connection; until then it goes to whoever comes, first of all those
//! of the address that holds most of them. A request needs a round trip or two to arrive, so that a new connection keeps
//! its place for a while against others of its address, which may be behind the same NAT as the device.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// How long a connection keeps its place before its request has come, while its address has more than its share.
///
/// With the default of 128 places, 200 silent connections a second from the address of the device leave room for it.
const GRACE: Duration = Duration::from_millis(500);

/// The connections that are there, oldest first.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    /// In all, and for one address.
    limit: usize,
    per_address: usize,
    next: u64,
    taken: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    number: u64,
    address: IpAddr,
    since: Instant,
    /// The secret path was named.
    proven: bool,
}

/// A place that was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Its number; none is given twice.
    pub(super) number: u64,
    /// The place that had to be left for it, and its address.
    pub(super) left: Option<(u64, IpAddr)>,
}

impl ConnectionSlots {
    pub(super) fn new(limit: usize, per_address: usize) -> Self {
        Self { limit, per_address, next: 0, taken: Vec::new() }
    }

    /// A place for a connection from this address; `None` if all those in its way are proven or new.
    pub(super) fn take(&mut self, address: IpAddr, now: Instant) -> Option<Given> {
        let of_one = |address| self.taken.iter().filter(|place| place.address == address).count();
        let is_old = |place: &Place| now.saturating_duration_since(place.since) >= GRACE;
        let own = of_one(address);
        let oldest_own =
            self.oldest(|place| place.address == address && is_old(place)).filter(|_| own >= self.per_address);
        let left = if oldest_own.is_some() {
            oldest_own
        } else if self.taken.iter().filter(|place| place.address == address && place.proven).count() >= self.per_address
        {
            return None;
        } else if self.taken.len() >= self.limit {
            let unproven = self.taken.iter().filter(|place| !place.proven);
            let most = unproven.map(|place| of_one(place.address)).max()?;
            Some(self.oldest(|place| of_one(place.address) == most && (most > own + 1 || is_old(place)))?)
        } else {
            None
        };
        if let Some((left, _)) = left {
            self.leave(left);
        }
        let number = self.next;
        self.next += 1;
        self.taken.push(Place { number, address, since: now, proven: false });
        Some(Given { number, left })
    }

    fn oldest(&self, is_one: impl Fn(&Place) -> bool) -> Option<(u64, IpAddr)> {
        self.taken.iter().find(|place| !place.proven && is_one(place)).map(|place| (place.number, place.address))
    }

    /// The secret path was named there.
    pub(super) fn prove(&mut self, number: u64) {
        self.taken.iter_mut().filter(|place| place.number == number).for_each(|place| place.proven = true);
    }

    /// The connection has ended.
    pub(super) fn leave(&mut self, number: u64) {
        self.taken.retain(|place| place.number != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    /// Takes places at times that are so far apart that none is new any more.
    struct Late(ConnectionSlots, Instant);

    impl Late {
        fn new(limit: usize, per_address: usize) -> Self {
            Self(ConnectionSlots::new(limit, per_address), Instant::now())
        }

        /// The number of the place, and of the one that was left for it.
        fn take(&mut self, address: IpAddr) -> Option<(u64, Option<u64>)> {
            self.1 += GRACE;
            let given = self.0.take(address, self.1)?;
            Some((given.number, given.left.map(|(number, _)| number)))
        }

        fn prove(&mut self, number: u64) {
            self.0.prove(number);
        }
    }

    #[test]
    fn an_address_gives_up_its_own_places_first() {
        let mut places = Late::new(4, 2);
        assert_eq!(places.take(ip(1)), Some((0, None)));
        assert_eq!(places.take(ip(1)), Some((1, None)));
        assert_eq!(places.take(ip(1)), Some((2, Some(0))));
        places.prove(1);
        assert_eq!(places.take(ip(1)), Some((3, Some(2))));
        places.prove(3);
        assert_eq!(places.take(ip(1)), None, "two downloads are enough for one");
        places.0.leave(1);
        assert_eq!(places.take(ip(1)), Some((4, None)));
    }

    /// The device comes last, and stays whatever comes after it.
    #[test]
    fn idle_neighbours_make_room() {
        let mut places = Late::new(4, 3);
        for neighbour in [1, 1, 2, 3] {
            assert_eq!(places.take(ip(neighbour)).expect("a place").1, None);
        }
        assert_eq!(places.take(ip(9)), Some((4, Some(0))), "of the neighbour that has most");
        for _ in 0..100 {
            let (_, left) = places.take(ip(1)).expect("a place of its own");
            assert_ne!(left, Some(4));
        }
        places.prove(4);
        for neighbour in 10..100 {
            assert_ne!(places.take(ip(neighbour)).expect("a place").1, Some(4));
        }
    }

    #[test]
    fn those_that_know_the_path_stay() {
        let mut places = Late::new(2, 2);
        places.take(ip(1));
        places.take(ip(2));
        places.prove(0);
        places.prove(1);
        assert_eq!(places.take(ip(3)), None);
    }

    /// The device is behind the address of the flood, and its request takes a round trip to come.
    #[test]
    fn new_connection_keeps_its_place_against_its_own_address() {
        let start = Instant::now();
        let flood = |places: &mut ConnectionSlots, from: u32, to: u32| {
            let mut left = Vec::new();
            for at in from..to {
                left.extend(places.take(ip(1), start + Duration::from_millis(5) * at).and_then(|given| given.left));
            }
            left
        };
        let mut places = ConnectionSlots::new(128, 4);
        flood(&mut places, 0, 1000);
        let device = places.take(ip(1), start + Duration::from_secs(5)).expect("a place").number;
        let left = flood(&mut places, 1001, 1100);
        assert!(left.len() > 90 && left.iter().all(|(number, _)| *number != device), "{left:?}");
        // What says nothing for longer than that has had its time.
        let left = flood(&mut places, 1100, 1110);
        assert!(left.contains(&(device, ip(1))), "{left:?}");
    }

    /// An address with fewer connections is not kept out by the new ones of another.
    #[test]
    fn new_connections_of_one_address_make_room_for_another() {
        let now = Instant::now();
        let mut places = ConnectionSlots::new(8, 2);
        for _ in 0..8 {
            assert_eq!(places.take(ip(1), now).expect("a place").left, None);
        }
        assert_eq!(places.take(ip(1), now), None, "all of its places are new");
        assert_eq!(places.take(ip(2), now).expect("a place").left, Some((0, ip(1))));
        assert_eq!(places.take(ip(1), now), None, "it does not take the place of one that has fewer");
    }
}
