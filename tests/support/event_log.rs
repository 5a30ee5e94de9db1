//! An observer that remembers what it was told.

use parking_lot::Mutex;

use otactl::update::{Event, Observer};

/// All that was told.
#[derive(Debug, Default)]
pub struct EventLog(Mutex<Vec<Event>>);

impl Observer for EventLog {
    fn on(&self, event: &Event) {
        self.0.lock().push(event.clone());
    }
}

impl EventLog {
    /// How many events are such ones.
    pub fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.0.lock().iter().filter(|event| is_it(event)).count()
    }

    /// How often it went on where a link was lost.
    pub fn resume_count(&self) -> usize {
        self.count(|event| matches!(event, Event::PushResumed { .. }))
    }

    /// That the bytes which the device has acknowledged only grow, up to all of them.
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
