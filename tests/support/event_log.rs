//! An observer that records the events of an update.

use otactl::update::{Event, Observer};
use parking_lot::Mutex;

/// The recorded events, in order.
#[derive(Debug, Default)]
pub struct EventLog(Mutex<Vec<Event>>);

impl Observer for EventLog {
    fn on(&self, event: &Event) {
        self.0.lock().push(event.clone());
    }
}

impl EventLog {
    /// Returns the number of events for which `matches` returns true.
    pub fn count(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.0.lock().iter().filter(|event| matches(event)).count()
    }

    /// Returns how often the push was resumed after a lost link.
    pub fn resume_count(&self) -> usize {
        self.count(|event| matches!(event, Event::PushResumed { .. }))
    }

    /// Checks that the number of acknowledged bytes never falls, and ends at `total`.
    pub fn assert_complete(&self, total: usize) {
        let events = self.0.lock();
        let bytes: Vec<_> = events
            .iter()
            .filter_map(|it| if let Event::Sent { bytes, .. } = it { Some(*bytes) } else { None })
            .collect();
        assert!(bytes.is_sorted(), "{bytes:?}");
        assert_eq!(bytes.last(), Some(&(total as u64)));
    }
}
