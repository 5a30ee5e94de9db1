//! Which piece of a bundle is sent next, and what is known of those that were sent. Plain data.

use std::collections::VecDeque;
use std::ops::Range;

/// Pieces are multiples of this, in bytes: base64 has no padding within the bundle, and a piece can be quartered twice
/// into pieces of which the same holds.
pub(super) const GRAIN: usize = 3 * 4 * 4;

/// A bundle on its way.
///
/// Pieces are acknowledged in the order in which they were sent. After a lost link nobody knows which of those in
/// flight were taken: they are sent again, cut at the same places, so that a device has a piece whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flight {
    size: usize,
    /// Where pieces are cut: every so many bytes.
    chunk: usize,
    window: usize,
    /// What the device has, from the beginning.
    acknowledged: usize,
    /// Where the next piece begins.
    next: usize,
    /// Up to here, pieces may have been taken before the last resumption.
    doubtful: usize,
    /// Those that are under way.
    pieces: VecDeque<Range<usize>>,
    /// Resumptions since the last acknowledgement.
    setbacks: u32,
}

impl Flight {
    /// Nothing was sent of so many bytes, of which pieces of `chunk` bytes go out, `window` at a time.
    pub(super) fn new(size: usize, chunk: usize, window: usize) -> Self {
        Self {
            size,
            chunk: chunk.max(1),
            window: window.max(1),
            acknowledged: 0,
            next: 0,
            doubtful: 0,
            pieces: VecDeque::new(),
            setbacks: 0,
        }
    }

    /// The piece that may be sent now, if any. Counts as sent.
    pub(super) fn send(&mut self) -> Option<Range<usize>> {
        if self.pieces.len() >= self.window || self.next >= self.size {
            return None;
        }
        let end = ((self.next / self.chunk + 1) * self.chunk).min(self.size);
        let piece = self.next..end;
        self.next = end;
        self.pieces.push_back(piece.clone());
        Some(piece)
    }

    /// The device has the oldest piece in flight.
    pub(super) fn acknowledge(&mut self) {
        if let Some(piece) = self.pieces.pop_front() {
            self.acknowledged = piece.end;
            self.setbacks = 0;
        }
    }

    /// Whether the device may have had the oldest piece in flight before it was sent this time. An error is then no
    /// more than its way of saying so.
    pub(super) fn may_be_there(&self) -> bool {
        self.pieces.front().is_some_and(|piece| piece.end <= self.doubtful)
    }

    /// What is in flight is lost, or its acknowledgement: goes back to what the device has for certain. What gets lost
    /// again and again goes out one piece at a time, and then in ever smaller pieces: something on the way has no room
    /// for more. Gives where it goes on.
    pub(super) fn resume(&mut self) -> usize {
        self.doubtful = self.doubtful.max(self.next);
        self.next = self.acknowledged;
        self.pieces.clear();
        self.setbacks += 1;
        if self.setbacks > 1 {
            self.window = 1;
            if self.chunk.is_multiple_of(3 * 4) {
                self.chunk /= 4;
            }
        }
        self.next
    }

    /// All from the beginning, to a device that has forgotten everything.
    pub(super) fn restart(&mut self) {
        (self.acknowledged, self.next, self.doubtful) = (0, 0, 0);
        self.pieces.clear();
    }

    /// Bytes that the device has.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// Bytes on their way.
    pub(super) fn under_way(&self) -> usize {
        self.next - self.acknowledged
    }

    /// How often it was resumed without an acknowledgement since.
    pub(super) fn setbacks(&self) -> u32 {
        self.setbacks
    }

    /// Whether the device has everything.
    pub(super) fn is_complete(&self) -> bool {
        self.acknowledged == self.size
    }

    /// Whether the device may have everything.
    pub(super) fn may_be_complete(&self) -> bool {
        self.next.max(self.doubtful) == self.size
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(flight: &mut Flight) -> Vec<Range<usize>> {
        std::iter::from_fn(|| flight.send()).collect()
    }

    #[test]
    fn no_more_is_under_way_than_the_window_allows() {
        let mut flight = Flight::new(1000, 300, 2);
        assert_eq!(sent(&mut flight), [0..300, 300..600]);
        flight.acknowledge();
        assert_eq!((flight.acknowledged(), flight.under_way()), (300, 300));
        assert_eq!((flight.send(), flight.send()), (Some(600..900), None));
        flight.acknowledge();
        flight.acknowledge();
        assert_eq!((flight.send(), flight.send()), (Some(900..1000), None));
        assert!(flight.may_be_complete() && !flight.is_complete());
        flight.acknowledge();
        assert!(flight.is_complete());
        assert_eq!(sent(&mut flight), []);
    }

    /// What was in flight may have been taken; only beyond it an error of the device's is one for certain.
    #[test]
    fn it_resumes_at_what_is_certain() {
        let mut flight = Flight::new(3000, 300, 3);
        sent(&mut flight);
        flight.acknowledge();
        assert!(!flight.may_be_there(), "sent for the first time");
        assert_eq!(flight.resume(), 300);
        assert_eq!(sent(&mut flight), [300..600, 600..900, 900..1200]);
        for expected in [true, true, false] {
            assert_eq!(flight.may_be_there(), expected, "{flight:?}");
            flight.acknowledge();
        }
        flight.restart();
        assert_eq!(sent(&mut flight)[0], 0..300);
        assert!(!flight.may_be_there(), "the device has forgotten everything");
    }

    #[test]
    fn what_gets_lost_again_and_again_is_made_smaller() {
        let chunk = 10 * GRAIN;
        let mut flight = Flight::new(100 * GRAIN, chunk, 8);
        let mut pieces = Vec::new();
        for _ in 0..5 {
            let sent = sent(&mut flight);
            pieces.push((sent.len(), sent[0].len()));
            flight.resume();
        }
        assert_eq!(pieces, [(8, chunk), (8, chunk), (1, chunk / 4), (1, chunk / 16), (1, chunk / 16)]);
        assert_eq!(flight.setbacks(), 5);
        sent(&mut flight);
        flight.acknowledge();
        assert_eq!(flight.setbacks(), 0);
    }

    proptest! {
        /// A device that takes any number of pieces before each lost link ends up with every byte once, if it takes
        /// what comes next and refuses all else.
        #[test]
        fn every_byte_arrives_once(
            size in 1_usize..5000,
            grains in 1_usize..10,
            window in 1_usize..9,
            losses in proptest::collection::vec((0_usize..5, 0_usize..5), 0..20),
        ) {
            let mut flight = Flight::new(size, grains * GRAIN, window);
            let (mut taken, mut losses) = (0, losses.into_iter());
            while !flight.is_complete() {
                let (arrive, acknowledged) = losses.next().unwrap_or((usize::MAX, usize::MAX));
                let pieces = sent(&mut flight);
                for (number, piece) in pieces.iter().enumerate().take(arrive) {
                    let is_refused = piece.start != taken;
                    if !is_refused {
                        taken = piece.end;
                    }
                    if number < acknowledged {
                        prop_assert!(!is_refused || flight.may_be_there(), "{piece:?} {flight:?}");
                        flight.acknowledge();
                    }
                }
                if arrive.min(acknowledged) < pieces.len() {
                    flight.resume();
                }
            }
            prop_assert_eq!(taken, size);
        }
    }
}
