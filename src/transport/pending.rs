//! [`Pending`], the calls that wait for a reply. The clock is an argument.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

/// Calls, indexed by their ids and by their deadlines. Each operation takes logarithmic time.
#[derive(Debug)]
pub(super) struct Pending<T> {
    calls: BTreeMap<u64, (Instant, T)>,
    deadlines: BTreeSet<(Instant, u64)>,
}

impl<T> Pending<T> {
    pub(super) fn new() -> Self {
        Self { calls: BTreeMap::new(), deadlines: BTreeSet::new() }
    }

    pub(super) fn insert(&mut self, id: u64, deadline: Instant, call: T) {
        self.calls.insert(id, (deadline, call));
        self.deadlines.insert((deadline, id));
    }

    pub(super) fn take(&mut self, id: u64) -> Option<T> {
        let (deadline, call) = self.calls.remove(&id)?;
        self.deadlines.remove(&(deadline, id));
        Some(call)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        self.calls.get_mut(&id).map(|(_, call)| call)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.calls.contains_key(&id)
    }

    /// Returns the id of the call with the earliest deadline, if that has passed.
    pub(super) fn expired(&self, now: Instant) -> Option<u64> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now).map(|(_, id)| *id)
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u64, T)> {
        self.deadlines.clear();
        std::mem::take(&mut self.calls).into_iter().map(|(id, (_, call))| (id, call))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn call_is_found_by_id_and_by_deadline() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut pending = Pending::new();
        pending.insert(1, at(3), "three");
        pending.insert(2, at(1), "one");
        pending.insert(3, at(2), "two");
        assert_eq!(pending.next_deadline(), Some(at(1)));
        assert_eq!(pending.take(2), Some("one"));
        assert_eq!(pending.take(2), None, "a second reply finds no call");
        assert_eq!(pending.expired(at(1)), None);
        for (id, call) in [(3, "two"), (1, "three")] {
            assert_eq!(pending.expired(at(3)), Some(id));
            assert!(pending.contains(id));
            assert_eq!(pending.take(id), Some(call));
            assert!(!pending.contains(id));
        }
        assert!(pending.is_empty() && pending.next_deadline().is_none());
        pending.insert(4, at(1), "four");
        assert_eq!(pending.drain().collect::<Vec<_>>(), [(4, "four")]);
        assert!(pending.is_empty() && pending.next_deadline().is_none());
    }
}
