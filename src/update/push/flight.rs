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
    /// What `chunk` and `window` were at the beginning.
    full: (usize, usize),
    /// Acknowledgements since the last resumption.
    streak: u32,
}

/// After so many acknowledgements in a row, the window is what it was at the beginning.
const WINDOW_RECOVERY: u32 = 8;

/// After so many, pieces that were made smaller grow a step. What has no room for larger ones costs that many at the least.
const SIZE_RECOVERY: u32 = 1024;

impl Flight {
    /// Nothing was sent of so many bytes, of which pieces of `chunk` bytes go out, `window` at a time.
    pub(super) fn new(size: usize, chunk: usize, window: usize) -> Self {
        let (chunk, window) = (chunk.max(1), window.max(1));
        Self {
            size,
            chunk,
            window,
            full: (chunk, window),
            streak: 0,
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
            self.recover();
        }
    }

    /// What was lost may have been lost by chance: tries again what has failed before.
    fn recover(&mut self) {
        let (chunk, window) = self.full;
        self.streak += 1;
        if self.streak >= WINDOW_RECOVERY {
            self.window = window;
        }
        if self.streak.is_multiple_of(SIZE_RECOVERY) && self.chunk < chunk {
            self.chunk *= 4;
        }
    }

    /// Tells whether the device can be at this offset, by the pieces that were sent so far.
    pub(super) fn may_have_taken(&self, offset: usize) -> bool {
        (self.acknowledged..=self.next.max(self.doubtful)).contains(&offset)
    }

    /// Goes on at the offset that the device names: the device has every byte before it. Returns true if that is more than was
    /// acknowledged; otherwise it counts as a setback.
    pub(super) fn resume_at(&mut self, offset: usize) -> bool {
        self.doubtful = self.doubtful.max(self.next);
        let is_progress = offset > self.acknowledged;
        self.setbacks = if is_progress { 0 } else { self.setbacks + 1 };
        self.streak = 0;
        (self.acknowledged, self.next) = (offset, offset);
        self.pieces.clear();
        is_progress
    }

    /// What is in flight is lost, or its acknowledgement: goes back to what the device has for certain, and returns where that
    /// ends. What gets lost again and again, although it is not sent slower (`is_slower`), goes out one piece at a time, and
    /// then in ever smaller pieces: something on the way has no room for more.
    pub(super) fn resume(&mut self, is_slower: bool) -> usize {
        self.doubtful = self.doubtful.max(self.next);
        self.next = self.acknowledged;
        self.pieces.clear();
        self.setbacks += 1;
        self.streak = 0;
        if self.setbacks > 1 && !is_slower {
            self.window = 1;
            if self.chunk.is_multiple_of(3 * 4) {
                self.chunk /= 4;
            }
        }
        self.next
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

    #[test]
    fn lost_flight_resumes_at_what_was_acknowledged() {
        let mut flight = Flight::new(3000, 300, 3);
        sent(&mut flight);
        flight.acknowledge();
        assert_eq!(flight.resume(false), 300);
        for (offset, expected) in [(0, false), (300, true), (900, true), (901, false)] {
            assert_eq!(flight.may_have_taken(offset), expected, "offset {offset} of {flight:?}");
        }
        assert_eq!(sent(&mut flight), [300..600, 600..900, 900..1200]);
    }

    #[test]
    fn named_offset_is_where_the_flight_goes_on() {
        let mut flight = Flight::new(3000, 300, 3);
        sent(&mut flight);
        assert!(flight.resume_at(600), "two pieces arrived whose acknowledgements were lost");
        assert_eq!((flight.acknowledged(), flight.setbacks()), (600, 0));
        assert_eq!(sent(&mut flight), [600..900, 900..1200, 1200..1500]);
        assert!(!flight.resume_at(600), "the first one was lost");
        assert_eq!((flight.setbacks(), sent(&mut flight).len()), (1, 3));
    }

    #[test]
    fn what_gets_lost_again_and_again_is_made_smaller() {
        let chunk = 10 * GRAIN;
        let mut flight = Flight::new(100 * GRAIN, chunk, 8);
        let mut pieces = Vec::new();
        for _ in 0..5 {
            let sent = sent(&mut flight);
            pieces.push((sent.len(), sent[0].len()));
            flight.resume(false);
        }
        assert_eq!(pieces, [(8, chunk), (8, chunk), (1, chunk / 4), (1, chunk / 16), (1, chunk / 16)]);
        assert_eq!(flight.setbacks(), 5);
        sent(&mut flight);
        flight.acknowledge();
        assert_eq!(flight.setbacks(), 0);
    }

    #[test]
    fn window_and_pieces_grow_again_after_a_streak() {
        let chunk = 16 * GRAIN;
        let mut flight = Flight::new(100_000 * GRAIN, chunk, 3);
        for _ in 0..3 {
            sent(&mut flight);
            flight.resume(false);
        }
        let mut acknowledge = |count: u32| {
            for _ in 0..count {
                sent(&mut flight);
                flight.acknowledge();
            }
            let last = flight.pieces.back().map(ExactSizeIterator::len);
            (flight.window, flight.chunk, last)
        };
        assert_eq!(acknowledge(WINDOW_RECOVERY - 1), (1, chunk / 16, None));
        assert_eq!(acknowledge(1), (3, chunk / 16, None));
        assert_eq!(acknowledge(SIZE_RECOVERY), (3, chunk / 4, Some(chunk / 4)));
        assert_eq!(acknowledge(SIZE_RECOVERY * 2), (3, chunk, Some(chunk)), "and no larger");
    }

    /// A slower line is tried before smaller pieces.
    #[test]
    fn flight_on_a_line_that_slows_down_keeps_its_size() {
        let chunk = 16 * GRAIN;
        let mut flight = Flight::new(100 * GRAIN, chunk, 3);
        for is_slower in [true, true, true] {
            assert_eq!((sent(&mut flight).len(), flight.chunk), (3, chunk));
            flight.resume(is_slower);
        }
        flight.resume(false);
        assert_eq!((sent(&mut flight).len(), flight.chunk), (1, chunk / 4));
    }

    proptest! {
        /// A device that takes what comes next, refuses all else with the offset that it expects, and loses any number of
        /// pieces and answers, ends up with every byte once.
        #[test]
        fn every_byte_arrives_once(
            size in 1_usize..5000,
            grains in 1_usize..10,
            window in 1_usize..9,
            losses in proptest::collection::vec((0_usize..9, 0_usize..9), 0..20),
        ) {
            let mut flight = Flight::new(size, grains * GRAIN, window);
            let (mut taken, mut losses) = (0, losses.into_iter());
            while !flight.is_complete() {
                let (lost, unheard) = losses.next().unwrap_or((usize::MAX, usize::MAX));
                let mut answers = Vec::new();
                for (number, piece) in sent(&mut flight).into_iter().enumerate() {
                    if number == lost {
                        answers.push(None);
                        continue;
                    }
                    let is_next = piece.start == taken;
                    if is_next {
                        taken = piece.end;
                    }
                    answers.push((number != unheard).then_some(if is_next { Ok(()) } else { Err(taken) }));
                }
                for answer in answers {
                    match answer {
                        Some(Ok(())) => flight.acknowledge(),
                        Some(Err(expected)) => {
                            prop_assert!(flight.may_have_taken(expected), "{expected} {flight:?}");
                            flight.resume_at(expected);
                            break;
                        }
                        None => {
                            flight.resume(false);
                            break;
                        }
                    }
                }
            }
            prop_assert_eq!(taken, size);
        }
    }
}
