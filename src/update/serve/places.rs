//! The places for connections, and who has to go when they are taken. Pure.
//!
//! Whoever is let in can open connections and say nothing. So that the device finds a place all the same, a place is
//! safe only once the secret path was named on its connection; until then it goes to whoever comes, first of all those
//! of the address that holds most of them.

use std::net::IpAddr;

/// The connections that are there, oldest first.
#[derive(Debug)]
pub(super) struct Places {
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
    /// The secret path was named.
    proven: bool,
}

/// A place that was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Its number; none is given twice.
    pub(super) number: u64,
    /// The place that had to be left for it.
    pub(super) left: Option<u64>,
}

impl Places {
    pub(super) fn new(limit: usize, per_address: usize) -> Self {
        Self { limit, per_address, next: 0, taken: Vec::new() }
    }

    /// A place for a connection from this address; `None` if all those in its way are proven.
    pub(super) fn take(&mut self, address: IpAddr) -> Option<Given> {
        let of_one = |address| self.taken.iter().filter(|place| place.address == address).count();
        let left = if of_one(address) >= self.per_address {
            Some(self.oldest(|place| place.address == address)?)
        } else if self.taken.len() >= self.limit {
            let unproven = self.taken.iter().filter(|place| !place.proven);
            let most = unproven.map(|place| of_one(place.address)).max()?;
            Some(self.oldest(|place| of_one(place.address) == most)?)
        } else {
            None
        };
        if let Some(left) = left {
            self.leave(left);
        }
        let number = self.next;
        self.next += 1;
        self.taken.push(Place { number, address, proven: false });
        Some(Given { number, left })
    }

    fn oldest(&self, is_one: impl Fn(&Place) -> bool) -> Option<u64> {
        self.taken.iter().find(|place| !place.proven && is_one(place)).map(|place| place.number)
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

    fn given(number: u64, left: Option<u64>) -> Given {
        Given { number, left }
    }

    #[test]
    fn an_address_gives_up_its_own_places_first() {
        let mut places = Places::new(4, 2);
        assert_eq!(places.take(ip(1)), Some(given(0, None)));
        assert_eq!(places.take(ip(1)), Some(given(1, None)));
        assert_eq!(places.take(ip(1)), Some(given(2, Some(0))));
        places.prove(1);
        assert_eq!(places.take(ip(1)), Some(given(3, Some(2))));
        places.prove(3);
        assert_eq!(places.take(ip(1)), None, "two downloads are enough for one");
        places.leave(1);
        assert_eq!(places.take(ip(1)), Some(given(4, None)));
    }

    /// The device comes last, and stays whatever comes after it.
    #[test]
    fn idle_neighbours_make_room() {
        let mut places = Places::new(4, 3);
        for neighbour in [1, 1, 2, 3] {
            assert_eq!(places.take(ip(neighbour)).expect("a place").left, None);
        }
        assert_eq!(places.take(ip(9)), Some(given(4, Some(0))), "of the neighbour that has most");
        for _ in 0..100 {
            let given = places.take(ip(1)).expect("a place of its own");
            assert_ne!(given.left, Some(4));
        }
        places.prove(4);
        for neighbour in 10..100 {
            assert_ne!(places.take(ip(neighbour)).expect("a place").left, Some(4));
        }
    }

    #[test]
    fn those_that_know_the_path_stay() {
        let mut places = Places::new(2, 2);
        places.take(ip(1));
        places.take(ip(2));
        places.prove(0);
        places.prove(1);
        assert_eq!(places.take(ip(3)), None);
    }
}
