//! How fast bytes may go out to a device. Plain data: the clock is an argument.
//!
//! What has been handed to the operating system cannot be called back, so little of it is ever under way:
//! a device that says XOFF is obeyed within milliseconds. It starts at the speed of the line. A frame that
//! goes unanswered halves it, or sets it back to the last speed at which a row of frames was answered, or to a little less if
//! it was lost at that speed; a row of answers raises it again, but not to where frames were lost before.

use std::time::Duration;

use tokio::time::Instant;

/// How much may be under way in the operating system and on the line. Longer than a timer may be late,
/// so that the line does not fall idle, and short against the buffer of a device.
const AHEAD: Duration = Duration::from_millis(5);

/// XOFF counts for so long. Noise looks like XOFF too, and an XON can get lost.
const XOFF_COUNTS: Duration = Duration::from_secs(2);

/// No slower than this, in bytes per second: 16 bytes every 5 ms, which every device follows.
const FLOOR: f64 = 3200.0;

/// Answers in a row that make the rate faster again.
const STREAK: u32 = 32;

/// Answers in a row after which a rate that failed before is tried once more.
const LONG_STREAK: u32 = 1024;

/// Answers in a row that prove that a rate is not too fast.
const PROOF: u32 = 8;

/// Rows of [`STREAK`] answers that make the rate faster again after a large frame was lost: the next loss costs seconds.
const LARGE: u32 = 4;

/// What becomes of a rate at which a row of frames was answered before one was lost.
const CAUTION: f64 = 0.85;

/// The speed of one line.
#[derive(Debug, Clone)]
pub struct Pacing {
    /// Bytes per second that the line carries.
    line: f64,
    /// Bytes per second that are sent.
    rate: f64,
    /// When what was handed out will have left, at this rate.
    busy_until: Instant,
    /// Since when the device wants nothing.
    held: Option<Instant>,
    /// The rate at which a frame was lost, and when.
    failed: Option<(f64, Instant)>,
    /// The highest rate at which a row of frames was answered since frames were lost.
    proven: Option<f64>,
    /// Answers in a row.
    streak: u32,
    /// Answers in a row that make the rate faster again.
    raise_after: u32,
}

/// What may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// So many bytes may be written.
    Write(usize),
    /// Nothing until then.
    Wait(Instant),
}

impl Pacing {
    /// The pace of a line with this many bits per second; a byte takes ten.
    #[must_use]
    pub fn new(baud_rate: u32, now: Instant) -> Self {
        let line = f64::from(baud_rate.max(1)) / 10.0;
        Self {
            line,
            rate: line,
            busy_until: now,
            held: None,
            failed: None,
            proven: None,
            streak: 0,
            raise_after: STREAK,
        }
    }

    /// What may be written now.
    #[must_use]
    pub fn next(&self, now: Instant) -> Go {
        if let Some(until) = self.held.map(|since| since + XOFF_COUNTS).filter(|until| *until > now) {
            return Go::Wait(until);
        }
        let under_way = self.busy_until.saturating_duration_since(now);
        let room = AHEAD.saturating_sub(under_way);
        // Half of it, so that a write is worth its while.
        if room < AHEAD / 2 {
            return Go::Wait(now + AHEAD / 2 - room);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        let bytes = (room.as_secs_f64() * self.rate) as usize;
        Go::Write(bytes.max(1))
    }

    /// So many bytes have been written.
    pub fn wrote(&mut self, bytes: usize, now: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
        let takes = Duration::from_secs_f64(bytes as f64 / self.rate);
        self.busy_until = self.busy_until.max(now) + takes;
    }

    /// The device has said XOFF.
    pub fn hold(&mut self, now: Instant) {
        self.held = Some(now);
    }

    /// The device has said XON.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// Whether the device wants nothing at present.
    #[must_use]
    pub fn is_held(&self, now: Instant) -> bool {
        self.held.is_some_and(|since| now < since + XOFF_COUNTS)
    }

    /// A frame has been answered.
    pub fn answered(&mut self) {
        if !self.is_slowed() {
            return;
        }
        self.streak += 1;
        if self.streak >= PROOF {
            self.proven = Some(self.rate);
        }
        if !self.streak.is_multiple_of(self.raise_after) {
            return;
        }
        if self.streak >= LONG_STREAK {
            (self.streak, self.failed) = (0, None);
        }
        let limit = self.failed.map_or(self.line, |(rate, _)| (rate * 0.75).max(self.rate));
        self.rate = (self.rate * 1.25).min(limit).min(self.line);
    }

    /// A frame that was sent then has gone unanswered, and is sent again. Frames that were lost together
    /// count once.
    pub fn lost(&mut self, sent: Instant, now: Instant) {
        self.streak = 0;
        if self.failed.is_some_and(|(_, at)| sent < at) {
            return;
        }
        self.failed = Some((self.rate, now));
        self.rate = match self.proven.take() {
            Some(proven) if proven < self.rate => proven,
            Some(_) => self.rate * CAUTION,
            None => self.rate / 2.0,
        };
        self.rate = self.rate.max(self.floor());
    }

    /// A large frame, whose absence is noticed late, was lost. Returns whether that makes it slower.
    pub fn lost_large(&mut self, now: Instant) -> bool {
        let before = self.rate;
        self.lost(now, now);
        self.raise_after = LARGE * STREAK;
        self.rate < before
    }

    /// Whether it cannot get any slower.
    #[must_use]
    pub fn is_slowest(&self) -> bool {
        self.is_slowed() && self.rate <= self.floor()
    }

    fn floor(&self) -> f64 {
        FLOOR.min(self.line)
    }

    /// Whether the device has been found not to follow at the speed of the line.
    #[must_use]
    pub fn is_slowed(&self) -> bool {
        self.rate < self.line
    }

    /// Bytes per second that are sent at present.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes all that it may for `time`, and gives the bytes.
    fn write_for(pacing: &mut Pacing, start: Instant, time: Duration) -> usize {
        let (mut now, mut written) = (start, 0);
        while now < start + time {
            match pacing.next(now) {
                Go::Write(bytes) => {
                    pacing.wrote(bytes, now);
                    written += bytes;
                }
                Go::Wait(until) => {
                    assert!(until > now, "a wait ends later than it begins");
                    now = until;
                }
            }
        }
        written
    }

    /// The line never falls idle, and no more than a few milliseconds of it are ever in the hands of
    /// the operating system, where an XOFF cannot stop them.
    #[test]
    fn it_starts_at_the_speed_of_the_line() {
        let now = Instant::now();
        let written = write_for(&mut Pacing::new(115_200, now), now, Duration::from_secs(10));
        assert!((115_200..=115_260).contains(&written), "{written} bytes in 10 s of 11520 bytes/s");
        let first = Pacing::new(115_200, now).next(now);
        assert_eq!(first, Go::Write(57), "5 ms of the line");
        assert_eq!(Pacing::new(1, now).next(now), Go::Write(1), "however slow the line is");
    }

    #[test]
    fn xoff_holds_it_until_xon_but_not_for_ever() {
        let now = Instant::now();
        let mut pacing = Pacing::new(115_200, now);
        pacing.hold(now);
        assert_eq!(pacing.next(now), Go::Wait(now + XOFF_COUNTS));
        assert!(matches!(pacing.next(now + XOFF_COUNTS), Go::Write(_)), "an XON can get lost");
        pacing.release();
        assert!(matches!(pacing.next(now), Go::Write(_)));
    }

    #[test]
    fn what_goes_unanswered_makes_it_slower_and_answers_faster_again() {
        let now = Instant::now();
        let mut pacing = Pacing::new(115_200, now);
        let second = Duration::from_secs(1);
        pacing.lost(now, now + second);
        pacing.lost(now, now + second);
        assert_eq!((pacing.rate().to_string().as_str(), pacing.is_slowed()), ("5760", true), "lost together");
        (0..STREAK).for_each(|_| pacing.answered());
        assert_eq!(pacing.rate().to_string(), "7200");
        (0..STREAK * 10).for_each(|_| pacing.answered());
        assert_eq!(pacing.rate().to_string(), "8640", "not to where it failed");
        (0..LONG_STREAK).for_each(|_| pacing.answered());
        assert_eq!(pacing.rate().to_string(), "11520", "but some day it is tried again");
        let mut raised = Pacing::new(115_200, now);
        raised.lost(now, now);
        (0..STREAK).for_each(|_| raised.answered());
        raised.lost(now + second, now + second);
        assert_eq!(raised.rate().to_string(), "5760", "back to what was fast enough");
        (0..STREAK * 10).for_each(|_| raised.answered());
        assert_eq!(raised.rate().to_string(), "5760", "and no faster for a long time");
        raised.lost(now + second * 2, now + second * 2);
        assert_eq!(raised.rate().to_string(), "4896", "a little less than what was fast enough until then");
        raised.lost(now + second * 3, now + second * 3);
        assert_eq!(raised.rate().to_string(), "3200", "which was no help");
        let mut large = Pacing::new(115_200, now);
        assert!(large.lost_large(now + second));
        (0..STREAK * LARGE - 1).for_each(|_| large.answered());
        assert_eq!(large.rate().to_string(), "5760");
        large.answered();
        assert_eq!(large.rate().to_string(), "7200", "it is tried again, but later");
        assert_eq!(
            (2..9).filter(|at| large.lost_large(now + second * *at)).count(),
            2,
            "until it cannot get any slower"
        );
        for at in 2..12 {
            pacing.lost(now + second * at, now + second * at);
        }
        assert_eq!(pacing.next(now), Go::Write(16), "16 bytes every 5 ms, and no slower");
        assert!(pacing.is_slowest());
        let mut slow = Pacing::new(9600, now);
        slow.lost(now, now);
        assert_eq!((slow.rate().to_string().as_str(), slow.is_slowest()), ("960", false), "a slow line stays one");
    }
}
