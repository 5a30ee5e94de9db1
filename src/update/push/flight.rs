//! Which piece of a bundle is sent next, and which pieces are acknowledged. Plain data.

use std::collections::VecDeque;
use std::ops::Range;

/// The size of every piece is a multiple of this, in bytes. Base64 then has no padding within the bundle, also after a piece was cut
/// into quarters twice.
pub(super) const GRAIN: usize = 3 * 4 * 4;

/// The pieces of one bundle.
///
/// The device acknowledges pieces in the order in which they were sent. After a lost link it is unknown which pieces in flight the device
/// took. They are sent again, cut at the same offsets, so that a device has each piece whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flight {
    size: usize,
    /// The size of a piece, in bytes. Pieces are cut at multiples of it.
    chunk: usize,
    /// The largest number of pieces in flight.
    window: usize,
    /// Bytes from the start of the bundle that the device has acknowledged.
    acknowledged: usize,
    /// The offset of the next piece.
    next: usize,
    /// The device may have taken pieces up to this offset before the last resumption.
    doubtful: usize,
    /// The pieces in flight.
    pieces: VecDeque<Range<usize>>,
    /// Resumptions since the last acknowledgement.
    setbacks: u32,
    /// The initial `chunk` and `window`.
    full: (usize, usize),
    /// Acknowledgements since the last resumption.
    streak: u32,
}

/// Acknowledgements in a row after which the window has its initial size again.
const WINDOW_RECOVERY: u32 = 8;

/// Acknowledgements in a row after which pieces that were made smaller grow by one step. A line that carries no larger pieces loses one
/// at most that often.
const SIZE_RECOVERY: u32 = 1024;

impl Flight {
    /// Creates the flight of a bundle of `size` bytes, in pieces of `chunk` bytes, `window` at a time.
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

    /// Returns the next piece if the window has room for it, and counts it as sent.
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

    /// Notes that the device has acknowledged the oldest piece in flight.
    pub(super) fn acknowledge(&mut self) {
        if let Some(piece) = self.pieces.pop_front() {
            self.acknowledged = piece.end;
            self.setbacks = 0;
            self.recover();
        }
    }

    /// Restores window and size step by step: earlier losses may have been chance.
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

    /// Tells whether the device may expect this offset, given the pieces that were sent so far.
    pub(super) fn may_have_taken(&self, offset: usize) -> bool {
        (self.acknowledged..=self.next.max(self.doubtful)).contains(&offset)
    }

    /// Resumes at the offset that the device expects: it has every byte before it. Returns whether that is more than was acknowledged;
    /// otherwise the resumption counts as a setback.
    pub(super) fn resume_at(&mut self, offset: usize) -> bool {
        self.doubtful = self.doubtful.max(self.next);
        let is_progress = offset > self.acknowledged;
        self.setbacks = if is_progress { 0 } else { self.setbacks + 1 };
        self.streak = 0;
        (self.acknowledged, self.next) = (offset, offset);
        self.pieces.clear();
        is_progress
    }

    /// Resumes at the last acknowledged byte after pieces or their acknowledgements were lost, and returns its offset.
    ///
    /// From the second loss in a row on, the window shrinks to one piece and the pieces shrink: some buffer on the way is too small for
    /// more. With `is_slower` the line sends slower now, which is tried first.
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

    /// Returns the number of bytes that the device has acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// Returns the number of bytes in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.next - self.acknowledged
    }

    /// Returns the number of resumptions since the last acknowledgement.
    pub(super) fn setbacks(&self) -> u32 {
        self.setbacks
    }

    /// Tells whether the device has acknowledged every byte.
    pub(super) fn is_complete(&self) -> bool {
        self.acknowledged == self.size
    }

    /// Tells whether every byte was sent, so that the device may have all of them.
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
    fn pieces_in_flight_are_limited_by_the_window() {
        let mut flight = Flight::new(1000, 300, 2);
        assert_eq!(sent(&mut flight), [0..300, 300..600]);
        flight.acknowledge();
        assert_eq!((flight.acknowledged(), flight.in_flight()), (300, 300));
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
    fn lost_pieces_are_sent_again_from_the_acknowledged_offset() {
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
    fn expected_offset_is_where_the_flight_resumes() {
        let mut flight = Flight::new(3000, 300, 3);
        sent(&mut flight);
        assert!(flight.resume_at(600), "two pieces arrived whose acknowledgements were lost");
        assert_eq!((flight.acknowledged(), flight.setbacks()), (600, 0));
        assert_eq!(sent(&mut flight), [600..900, 900..1200, 1200..1500]);
        assert!(!flight.resume_at(600), "the first one was lost");
        assert_eq!((flight.setbacks(), sent(&mut flight).len()), (1, 3));
    }

    #[test]
    fn pieces_lost_repeatedly_get_smaller() {
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
    fn pieces_on_a_line_that_slows_down_keep_their_size() {
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
        fn lossy_line_delivers_every_byte_once(
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
