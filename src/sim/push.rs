//! An update that a caller sends piece by piece: `OTA.Begin`, `OTA.Write`, `OTA.End`. No I/O.
//!
//! Nobody has recorded a device that was sent one. That it has the methods is recorded (wire/ws.json, case
//! `rpc_list`); what they answer is a guess.

use super::device::Firmware;
use super::updater::Updater;
use super::wire::Failure;

/// What a device makes of these methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Push {
    /// It does not have them.
    Absent,
    /// `OTA.Write` knows no offset: what comes is written as it comes.
    InOrder,
    /// `OTA.Write` heeds the offset.
    #[default]
    ByOffset,
}

/// An update under way.
#[derive(Debug)]
pub struct Session {
    updater: Updater,
    heeds_offsets: bool,
    /// Bytes that have been taken.
    taken: u64,
    /// Bytes that there will be, if the caller has said so.
    size: Option<u64>,
    is_stalled: bool,
}

/// How a piece was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// More may come.
    Written,
    /// No more is needed, since the device runs this version.
    NothingNew,
}

impl Session {
    /// An update that feeds this updater.
    #[must_use]
    pub fn new(updater: Updater, push: Push, size: Option<u64>) -> Self {
        Self { updater, heeds_offsets: push == Push::ByOffset, taken: 0, size, is_stalled: false }
    }

    /// Whether a piece of this length can be taken at this offset. What has been taken already may come again.
    /// A piece without an offset is the next one.
    #[must_use]
    pub fn fits(&self, offset: Option<u64>, len: usize) -> bool {
        let is_within = |offset: u64| offset.checked_add(len as u64).is_some_and(|end| end <= self.taken);
        match offset {
            Some(offset) if self.heeds_offsets => offset == self.taken || is_within(offset),
            _ => true,
        }
    }

    /// Takes a piece that fits. A failure is that of the updater, which is no use after it.
    pub fn write(&mut self, offset: Option<u64>, piece: &[u8]) -> Result<Taken, Failure> {
        if self.heeds_offsets && offset.is_some_and(|offset| offset < self.taken) {
            return Ok(Taken::Written);
        }
        self.taken += piece.len() as u64;
        Ok(if self.updater.push(piece)? { Taken::NothingNew } else { Taken::Written })
    }

    /// From now on, nothing is taken any more.
    pub fn stall(&mut self) {
        self.is_stalled = true;
    }

    /// Whether nothing is taken any more.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.is_stalled
    }

    /// How much has been taken, in percent.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let percent = self.size.and_then(|size| self.taken.saturating_mul(100).checked_div(size)).unwrap_or(0);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }

    /// The caller has nothing more to send. `None`: something was missing, and so the update is given up.
    #[must_use]
    pub fn end(self) -> Option<Result<Firmware, Failure>> {
        self.updater.is_complete().then(|| self.updater.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(push: Push) -> (Session, Vec<u8>) {
        let path = format!("{}/tests/wire/firmware/good.zip", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).expect("a recorded bundle");
        let running = Firmware {
            app: "mgdev".into(),
            version: "1.0.0".into(),
            build_id: "factory".into(),
            platform: "esp32".into(),
        };
        let size = bytes.len() as u64;
        (Session::new(Updater::new(running), push, Some(size)), bytes)
    }

    #[test]
    fn what_was_taken_may_come_again_and_nothing_may_be_left_out() {
        let (mut session, bytes) = session(Push::ByOffset);
        assert_eq!(session.write(Some(0), &bytes[..3000]), Ok(Taken::Written));
        for (offset, len, expected) in [
            (Some(3000), 500, true),
            (None, 500, true),
            (Some(0), 3000, true),
            (Some(2500), 500, true),
            (Some(2500), 501, false),
            (Some(3001), 1, false),
            (Some(u64::MAX), 1, false),
        ] {
            assert_eq!(session.fits(offset, len), expected, "{len} bytes at {offset:?}");
        }
        assert_eq!(session.write(Some(1500), &bytes[..1000]), Ok(Taken::Written), "it is not looked at");
        assert_eq!(session.write(Some(3000), &bytes[3000..]), Ok(Taken::Written));
        assert_eq!(session.percent(), 100);
        let firmware = session.end().expect("complete").expect("a firmware");
        assert_eq!(firmware.version, "2.0.0");
    }

    #[test]
    fn without_offsets_what_comes_twice_is_written_twice() {
        let (mut session, bytes) = session(Push::InOrder);
        assert_eq!(session.write(Some(0), &bytes[..100]), Ok(Taken::Written));
        assert!(session.fits(Some(0), 100) && session.fits(Some(777), 100));
        assert!(session.write(Some(0), &bytes).is_err() || session.end().is_none_or(|end| end.is_err()));
    }

    #[test]
    fn what_is_incomplete_is_given_up() {
        let (mut session, bytes) = session(Push::ByOffset);
        session.write(None, &bytes[..bytes.len() / 2]).expect("good so far");
        assert_eq!((session.percent(), session.end()), (49, None));
    }
}
