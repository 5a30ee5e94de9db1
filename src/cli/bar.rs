//! The numbers of a transfer: how much is done, how fast, and how long the rest takes. Pure: the time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::clock::brief;
use super::screen::Row;
use super::wrap::{STEP_COLUMN, clip};

/// The time over which the rate is computed.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// The shortest time over which the rate is computed. A shorter time shows how fast buffers fill.
const MIN_RATE_TIME: Duration = Duration::from_secs(1);

/// The time between two samples of the rate.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// The width of the bar itself, without the numbers, in characters.
const MAX_BAR_WIDTH: usize = 30;
const MIN_BAR_WIDTH: usize = 3;

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Percent,
}

/// The progress of a transfer.
#[derive(Debug)]
pub(crate) struct Bar {
    unit: Unit,
    total: u64,
    done: u64,
    /// When the bar began, and at how much.
    began: (Instant, u64),
    /// The progress in the last [`RATE_WINDOW`], and the last one before it.
    samples: VecDeque<(Instant, u64)>,
}

impl Bar {
    pub(crate) fn new(unit: Unit, done: u64, total: u64, now: Instant) -> Self {
        Self { unit, total, done, began: (now, done), samples: VecDeque::from([(now, done)]) }
    }

    /// Sets the progress.
    pub(crate) fn set(&mut self, done: u64, total: u64, now: Instant) {
        if done < self.done || total != self.total {
            // The transfer began anew.
            *self = Self::new(self.unit, done, total, now);
            return;
        }
        self.done = done;
        if self.samples.back().is_none_or(|(at, _)| now - *at >= SAMPLE_INTERVAL) {
            self.samples.push_back((now, done));
        }
        while self.samples.get(1).is_some_and(|(at, _)| now - *at >= RATE_WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Returns the rate per second over the last [`RATE_WINDOW`], or `None` if it is not known yet.
    fn rate(&self, now: Instant) -> Option<f64> {
        let within = self.samples.iter().find(|(at, _)| now - *at <= RATE_WINDOW + SAMPLE_INTERVAL);
        let (at, done) = within.or(self.samples.back())?;
        rate(self.done - done, now - *at)
    }

    /// Returns the row of a transfer that runs, of at most `width` characters after `label`.
    pub(crate) fn row(&self, label: String, now: Instant, width: usize) -> Row {
        let rate = self.rate(now);
        let left = rate.filter(|rate| *rate > 0.0).map(|rate| as_f64(self.total - self.done.min(self.total)) / rate);
        let left = left.and_then(|left| Duration::try_from_secs_f64(left.ceil()).ok());
        let left = left.filter(|_| self.done < self.total).map(|left| format!("{} left", brief(left)));
        self.with_numbers(label, rate, left.as_ref(), width)
    }

    /// Returns the row of a transfer that has ended. It shows the rate of the whole transfer.
    pub(crate) fn last_row(&self, label: String, now: Instant, width: usize) -> Row {
        self.with_numbers(label, rate(self.done - self.began.1, now - self.began.0), None, width)
    }

    fn with_numbers(&self, label: String, rate: Option<f64>, left: Option<&String>, width: usize) -> Row {
        let count = match self.unit {
            Unit::Percent => format!("{:>3} %", self.done),
            Unit::Bytes => {
                let total = kib(self.total).to_string();
                format!("{:>1$} of {total} KiB", kib(self.done), total.len())
            }
        };
        let rate = rate.filter(|_| self.unit == Unit::Bytes).map(|rate| format!("{:.0} KiB/s", rate / 1024.0));
        // A narrow screen has no place for all of it.
        for parts in [[Some(&count), rate.as_ref(), left], [Some(&count), None, left], [Some(&count), None, None]] {
            let numbers: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            let numbers = numbers.join("  ");
            let room = width.saturating_sub(STEP_COLUMN + 1 + numbers.chars().count());
            if room >= MIN_BAR_WIDTH {
                let label = format!("{label}{:<STEP_COLUMN$}", "download");
                return Row::bar(label, (self.done, self.total), room.min(MAX_BAR_WIDTH), numbers);
            }
        }
        Row::text(label, clip(&count, width))
    }
}

/// Returns bytes as KiB, rounded.
pub(crate) fn kib(bytes: u64) -> u64 {
    bytes.saturating_add(512) / 1024
}

fn rate(done: u64, time: Duration) -> Option<f64> {
    (time >= MIN_RATE_TIME).then(|| as_f64(done) / time.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "the result is shown rounded")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    fn drawn(bar: &Bar, now: Instant, width: usize) -> String {
        bar.row(String::new(), now, width).line(width)
    }

    /// Returns a bar that has done `per_second` KiB in each second until `seconds`.
    fn bar_after(seconds: u64, per_second: u64, total: u64) -> (Bar, Instant) {
        let began = Instant::now();
        let mut bar = Bar::new(Unit::Bytes, 0, total * KIB, began);
        for tenth in 1..=seconds * 10 {
            bar.set(tenth * per_second * KIB / 10, total * KIB, began + Duration::from_millis(tenth * 100));
        }
        (bar, began + Duration::from_secs(seconds))
    }

    #[test]
    fn bar_shows_rate_and_time_left_and_fits_the_screen() {
        let (bar, now) = bar_after(2, 80, 320);
        for (width, expected) in [
            (79, "download  ━━━━━━━━━━━━━━━╸               160 of 320 KiB  80 KiB/s  2 s left"),
            (60, "download  ━━━━━━━╸        160 of 320 KiB  80 KiB/s  2 s left"),
            (39, "download  ━━╸  160 of 320 KiB  2 s left"),
            (31, "download  ━━━╸   160 of 320 KiB"),
            (20, "160 of 320 KiB"),
        ] {
            assert_eq!(drawn(&bar, now, width), expected, "{width}");
            assert!(drawn(&bar, now, width).chars().count() <= width, "{width}");
        }
        assert_eq!(
            bar.last_row(String::new(), now, 79).line(79),
            "download  ━━━━━━━━━━━━━━━╸               160 of 320 KiB  80 KiB/s"
        );
    }

    #[test]
    fn rate_is_that_of_the_last_five_seconds() {
        let (mut bar, now) = bar_after(10, 10, 1000);
        for tenth in 1..=50 {
            bar.set((100 + tenth * 4) * KIB, 1000 * KIB, now + Duration::from_millis(tenth * 100));
        }
        let line = drawn(&bar, now + Duration::from_secs(5), 79);
        assert!(line.ends_with("300 of 1000 KiB  40 KiB/s  18 s left"), "{line}");
        let stalled = drawn(&bar, now + Duration::from_secs(20), 79);
        assert!(stalled.ends_with("300 of 1000 KiB  0 KiB/s"), "{stalled}");
    }

    #[test]
    fn first_second_has_no_rate() {
        let began = Instant::now();
        let mut bar = Bar::new(Unit::Bytes, 32 * KIB, 320 * KIB, began);
        bar.set(64 * KIB, 320 * KIB, began + Duration::from_millis(900));
        let line = drawn(&bar, began + Duration::from_millis(900), 79);
        assert!(line.ends_with(" 64 of 320 KiB"), "{line}");
        // Less than before: the transfer began anew.
        bar.set(0, 320 * KIB, began + Duration::from_secs(3));
        assert!(drawn(&bar, began + Duration::from_secs(3), 79).ends_with("  0 of 320 KiB"));
    }

    #[test]
    fn percents_have_no_rate() {
        let began = Instant::now();
        let mut bar = Bar::new(Unit::Percent, 0, 100, began);
        bar.set(40, 100, began + Duration::from_secs(4));
        let line = drawn(&bar, began + Duration::from_secs(4), 60);
        assert_eq!(line, "download  ━━━━━━━━━━━━╸                   40 %  6 s left");
        bar.set(100, 100, began + Duration::from_secs(9));
        assert_eq!(drawn(&bar, began + Duration::from_secs(9), 60), format!("download  {} 100 %", "━".repeat(30)));
    }
}
