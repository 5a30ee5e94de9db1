//! Limits the rate of bytes to what a device can read. The clock is an argument.
//!
//! Bytes that the operating system has taken cannot be called back. So only few bytes are handed over ahead of time,
//! and an XOFF takes effect within milliseconds.
//!
//! The rate starts at the speed of the line. A frame that goes unanswered reduces the rate:
//!
//! - to the last rate at which a series of frames was answered;
//! - to a little less, if the frame was lost at that rate;
//! - to half, if there is no such rate.
//!
//! A series of answers raises the rate again, but not to a rate at which frames were lost before.

use std::time::Duration;

use tokio::time::Instant;

/// How much time the bytes in the operating system and on the line may take.
///
/// It is longer than a timer may be late, so that the line does not fall idle. At the same time, it is short compared
/// with the time that fills the buffer of a device.
const MAX_AHEAD: Duration = Duration::from_millis(5);

/// How long an XOFF counts. Noise may look like an XOFF, and an XON may be lost.
const XOFF_TIMEOUT: Duration = Duration::from_secs(2);

/// The lowest rate, in bytes per second: 16 bytes every 5 ms, which every device can read.
const MIN_RATE: f64 = 3200.0;

/// The number of consecutive answers that raise the rate.
const ANSWERS_TO_RAISE: u32 = 32;

/// The number of consecutive answers after which a rate that failed before is tried again.
const ANSWERS_TO_RETRY_FAILED_RATE: u32 = 1024;

/// The number of consecutive answers that prove that a rate is not too fast.
const ANSWERS_TO_PROVE: u32 = 8;

/// The factor for [`ANSWERS_TO_RAISE`] after a large frame was lost. It is high because the next loss costs seconds.
const RAISE_FACTOR_AFTER_LARGE_LOSS: u32 = 4;

/// The factor for a proven rate at which a frame was lost after all.
const PROVEN_RATE_REDUCTION: f64 = 0.85;

/// The send rate of one line.
#[derive(Debug, Clone)]
pub struct Pacing {
    /// The capacity of the line, in bytes per second.
    line_rate: f64,
    /// The send rate, in bytes per second.
    rate: f64,
    /// When the bytes that were handed over will have left, at this rate.
    busy_until: Instant,
    /// When the device has sent XOFF, if no XON has come since.
    held_since: Option<Instant>,
    /// The rate at which a frame was lost, and when the loss was found.
    failed: Option<(f64, Instant)>,
    /// The highest rate that was proven since the last loss.
    proven: Option<f64>,
    /// The number of consecutive answers.
    streak: u32,
    /// The number of consecutive answers that raise the rate.
    raise_after: u32,
}

/// What may be written now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// At most this many bytes may be written.
    Write(usize),
    /// Nothing may be written until then.
    Wait(Instant),
}

impl Pacing {
    /// Creates the pacing of a line of `baud_rate` bits per second. A byte takes 10 bits.
    #[must_use]
    pub fn new(baud_rate: u32, now: Instant) -> Self {
        let line_rate = f64::from(baud_rate.max(1)) / 10.0;
        Self {
            line_rate,
            rate: line_rate,
            busy_until: now,
            held_since: None,
            failed: None,
            proven: None,
            streak: 0,
            raise_after: ANSWERS_TO_RAISE,
        }
    }

    /// Returns what may be written now.
    #[must_use]
    pub fn permit(&self, now: Instant) -> Permit {
        if let Some(until) = self.held_since.map(|since| since + XOFF_TIMEOUT).filter(|until| *until > now) {
            return Permit::Wait(until);
        }
        let under_way = self.busy_until.saturating_duration_since(now);
        let room = MAX_AHEAD.saturating_sub(under_way);
        // A write waits for room for half of `MAX_AHEAD`, so that writes are not too small.
        if room < MAX_AHEAD / 2 {
            return Permit::Wait(now + MAX_AHEAD / 2 - room);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        let bytes = (room.as_secs_f64() * self.rate) as usize;
        Permit::Write(bytes.max(1))
    }

    /// Records bytes that were handed to the operating system.
    pub fn on_written(&mut self, bytes: usize, now: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
        let duration = Duration::from_secs_f64(bytes as f64 / self.rate);
        self.busy_until = self.busy_until.max(now) + duration;
    }

    /// Records an XOFF of the device.
    pub fn on_xoff(&mut self, now: Instant) {
        self.held_since = Some(now);
    }

    /// Records an XON of the device, or the start of a new link.
    pub fn on_xon(&mut self) {
        self.held_since = None;
    }

    /// Tells whether an XOFF of the device counts at present.
    #[must_use]
    pub fn is_held(&self, now: Instant) -> bool {
        self.held_since.is_some_and(|since| now < since + XOFF_TIMEOUT)
    }

    /// Records the answer to a frame. Raises the rate after a series of answers.
    pub fn on_answer(&mut self) {
        if !self.is_slowed() {
            return;
        }
        self.streak += 1;
        if self.streak >= ANSWERS_TO_PROVE {
            self.proven = Some(self.rate);
        }
        if !self.streak.is_multiple_of(self.raise_after) {
            return;
        }
        if self.streak >= ANSWERS_TO_RETRY_FAILED_RATE {
            (self.streak, self.failed) = (0, None);
        }
        let limit = self.failed.map_or(self.line_rate, |(rate, _)| (rate * 0.75).max(self.rate));
        self.rate = (self.rate * 1.25).min(limit).min(self.line_rate);
    }

    /// Records that a frame was lost, and reduces the rate. `sent_at` is when the frame was sent.
    ///
    /// Frames that were lost together count once.
    pub fn on_frame_lost(&mut self, sent_at: Instant, now: Instant) {
        self.streak = 0;
        if self.failed.is_some_and(|(_, at)| sent_at < at) {
            return;
        }
        self.failed = Some((self.rate, now));
        self.rate = match self.proven.take() {
            Some(proven) if proven < self.rate => proven,
            Some(_) => self.rate * PROVEN_RATE_REDUCTION,
            None => self.rate / 2.0,
        };
        self.rate = self.rate.max(self.min_rate());
    }

    /// Records that a large frame was lost, which is found late. Returns whether the rate is lower now.
    pub fn on_large_frame_lost(&mut self, now: Instant) -> bool {
        let before = self.rate;
        self.on_frame_lost(now, now);
        self.raise_after = RAISE_FACTOR_AFTER_LARGE_LOSS * ANSWERS_TO_RAISE;
        self.rate < before
    }

    /// Tells whether the rate is the lowest one.
    #[must_use]
    pub fn is_slowest(&self) -> bool {
        self.is_slowed() && self.rate <= self.min_rate()
    }

    /// Returns the lowest rate of this line.
    fn min_rate(&self) -> f64 {
        MIN_RATE.min(self.line_rate)
    }

    /// Tells whether the rate is lower than the speed of the line, because the device has lost frames.
    #[must_use]
    pub fn is_slowed(&self) -> bool {
        self.rate < self.line_rate
    }

    /// Returns the present rate in bytes per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes all that is permitted for `time`. Returns the number of bytes.
    fn write_for(pacing: &mut Pacing, start: Instant, time: Duration) -> usize {
        let (mut now, mut written) = (start, 0);
        while now < start + time {
            match pacing.permit(now) {
                Permit::Write(bytes) => {
                    pacing.on_written(bytes, now);
                    written += bytes;
                }
                Permit::Wait(until) => {
                    assert!(until > now, "a wait ends in the future");
                    now = until;
                }
            }
        }
        written
    }

    /// The line never falls idle. The operating system never holds more than a few milliseconds of bytes, since an XOFF
    /// cannot stop these.
    #[test]
    fn rate_starts_at_speed_of_line() {
        let now = Instant::now();
        let written = write_for(&mut Pacing::new(115_200, now), now, Duration::from_secs(10));
        assert!((115_200..=115_260).contains(&written), "{written} bytes in 10 s of 11520 bytes/s");
        let first = Pacing::new(115_200, now).permit(now);
        assert_eq!(first, Permit::Write(57), "5 ms of the line");
        assert_eq!(Pacing::new(1, now).permit(now), Permit::Write(1), "at least one byte at 1 baud");
    }

    #[test]
    fn xoff_counts_until_xon_or_timeout() {
        let now = Instant::now();
        let mut pacing = Pacing::new(115_200, now);
        pacing.on_xoff(now);
        assert_eq!(pacing.permit(now), Permit::Wait(now + XOFF_TIMEOUT));
        assert!(matches!(pacing.permit(now + XOFF_TIMEOUT), Permit::Write(_)), "an XON may be lost");
        pacing.on_xon();
        assert!(matches!(pacing.permit(now), Permit::Write(_)));
    }

    #[test]
    fn lost_frames_reduce_rate_and_answers_raise_it() {
        let now = Instant::now();
        let mut pacing = Pacing::new(115_200, now);
        let second = Duration::from_secs(1);
        pacing.on_frame_lost(now, now + second);
        pacing.on_frame_lost(now, now + second);
        assert_eq!(
            (pacing.rate().to_string().as_str(), pacing.is_slowed()),
            ("5760", true),
            "two frames lost together count once"
        );
        (0..ANSWERS_TO_RAISE).for_each(|_| pacing.on_answer());
        assert_eq!(pacing.rate().to_string(), "7200");
        (0..ANSWERS_TO_RAISE * 10).for_each(|_| pacing.on_answer());
        assert_eq!(pacing.rate().to_string(), "8640", "below the rate at which a frame was lost");
        (0..ANSWERS_TO_RETRY_FAILED_RATE).for_each(|_| pacing.on_answer());
        assert_eq!(pacing.rate().to_string(), "11520", "the failed rate is tried again");
        let mut raised = Pacing::new(115_200, now);
        raised.on_frame_lost(now, now);
        (0..ANSWERS_TO_RAISE).for_each(|_| raised.on_answer());
        raised.on_frame_lost(now + second, now + second);
        assert_eq!(raised.rate().to_string(), "5760", "the last proven rate");
        (0..ANSWERS_TO_RAISE * 10).for_each(|_| raised.on_answer());
        assert_eq!(raised.rate().to_string(), "5760", "not raised again");
        raised.on_frame_lost(now + second * 2, now + second * 2);
        assert_eq!(raised.rate().to_string(), "4896", "85 % of the proven rate");
        raised.on_frame_lost(now + second * 3, now + second * 3);
        assert_eq!(raised.rate().to_string(), "3200", "the lowest rate");
        let mut large = Pacing::new(115_200, now);
        assert!(large.on_large_frame_lost(now + second));
        (0..ANSWERS_TO_RAISE * RAISE_FACTOR_AFTER_LARGE_LOSS - 1).for_each(|_| large.on_answer());
        assert_eq!(large.rate().to_string(), "5760");
        large.on_answer();
        assert_eq!(large.rate().to_string(), "7200", "raised after four times as many answers");
        assert_eq!(
            (2..9).filter(|at| large.on_large_frame_lost(now + second * *at)).count(),
            2,
            "two losses reach the lowest rate"
        );
        for at in 2..12 {
            pacing.on_frame_lost(now + second * at, now + second * at);
        }
        assert_eq!(pacing.permit(now), Permit::Write(16), "16 bytes every 5 ms");
        assert!(pacing.is_slowest());
        let mut slow = Pacing::new(9600, now);
        slow.on_frame_lost(now, now);
        assert_eq!(
            (slow.rate().to_string().as_str(), slow.is_slowest()),
            ("960", false),
            "a line below the lowest rate keeps its speed"
        );
    }
}
