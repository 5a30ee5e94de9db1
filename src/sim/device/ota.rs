//! Updates on a device since 2019: a push (`OTA.Begin`, `OTA.Write`, `OTA.End`), a pull, or a file of the device.
//!
//! At most one update runs. At most one call of `OTA.Update` waits for the end of that update, whatever its source.
//!
//! The device works in turns. Calls that arrive together are answered in one turn. [`Device::finish_turn`] then gives the
//! accepted piece to the updater.

use std::time::{Duration, Instant};

use super::Device;
use crate::sim::device::updater::{Taken, Updater};
use crate::sim::fault::script::DownloadFault;
use crate::sim::firmware::Firmware;
use crate::sim::generation::DONE;
use crate::sim::update_error::UpdateError;
use crate::sim::wire::{Failure, Outcome};

/// The timeouts that the caller of an update asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Seconds within which the new firmware has to be committed. 0: it commits itself.
    pub commit_timeout: u64,
    /// The longest time without data before the device gives up the update.
    pub timeout: Duration,
}

/// The state of the updates in one boot.
#[derive(Debug, Default)]
pub(super) struct Ota {
    running: Option<Running>,
    /// The push that `OTA.Write` and `OTA.End` refer to. It stays after its update has ended, until `OTA.End`.
    push: Option<Push>,
    /// The number of the pull that asks a server, or whose update runs.
    pull: Option<u64>,
    /// Whether a call of `OTA.Update` waits for an answer.
    is_waiting: bool,
    /// The answer to the waiting call, until the board takes it.
    told: Option<Outcome>,
}

/// The update that runs.
#[derive(Debug)]
struct Running {
    by: By,
    /// `None`: further bytes have no effect.
    updater: Option<Updater>,
    terms: Terms,
    /// When the device gives up the update unless bytes arrive.
    deadline: Option<Instant>,
    /// The bytes that were taken.
    taken: u64,
    /// The bytes of the whole bundle, if known.
    size: Option<u64>,
    is_stalled: bool,
    /// Whether every announced byte has arrived.
    has_everything: bool,
}

/// The source of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Push,
    Pull,
    File,
}

/// A push, from `OTA.Begin` to `OTA.End`.
#[derive(Debug, Default)]
struct Push {
    state: PushState,
    /// The offset of the next piece.
    expected: u64,
    /// The offset of the piece that was accepted last.
    last: Option<u64>,
    /// What [`Device::finish_turn`] has to do.
    pending: Option<Pending>,
}

#[derive(Debug, Default)]
enum PushState {
    #[default]
    Running,
    Failed(UpdateError),
    Applied,
}

#[derive(Debug)]
enum Pending {
    Piece(Vec<u8>),
    End,
}

/// How a call of `OTA.Write` or `OTA.End` is answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// At once.
    Now(Result<(), Failure>),
    /// At once, for an `OTA.End` after the end of the archive.
    Applied,
    /// When the turn is finished.
    Pending,
    /// When the turn is finished. An earlier pending `OTA.End` is dismissed.
    Replaces,
    /// Never.
    Never,
}

/// The result of giving bytes to an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// The update goes on.
    More,
    /// The update has succeeded.
    Complete,
    /// The update has failed.
    Failed(UpdateError),
    /// A fault strikes. The bytes were taken.
    Fault(DownloadFault),
    /// The update no longer runs.
    Over,
}

impl Running {
    fn percent(&self) -> u8 {
        let percent = self.size.and_then(|size| self.taken.saturating_mul(100).checked_div(size)).unwrap_or(0);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }

    fn set_deadline(&mut self, now: Instant) {
        self.deadline = now.checked_add(self.terms.timeout);
    }
}

impl Device {
    /// Returns the progress of the running update, in percent.
    #[must_use]
    pub fn ota_percent(&self) -> Option<u8> {
        self.ota.running.as_ref().map(Running::percent)
    }

    /// Tells whether a call of `OTA.Update` waits for an answer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.ota.is_waiting
    }

    /// Makes a call of `OTA.Update` wait for the end of the running update. Returns false if no update runs.
    pub fn wait_for_update(&mut self) -> bool {
        self.ota.is_waiting |= self.ota.running.is_some();
        self.ota.running.is_some()
    }

    /// Takes the answer to the waiting call of `OTA.Update`. Call this after every step that can end an update.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        self.ota.told.take()
    }

    /// Starts a push (`OTA.Begin`).
    pub fn begin_push(&mut self, terms: Terms, size: Option<u64>, now: Instant) -> Result<(), Failure> {
        self.start_update(By::Push, terms, size, now)?;
        self.ota.push = Some(Push::default());
        Ok(())
    }

    /// Accepts the next piece of a push (`OTA.Write`).
    pub fn write_push(&mut self, offset: Option<u64>, piece: Vec<u8>) -> Step {
        let Some(push) = &mut self.ota.push else { return Step::Now(Err(not_started())) };
        match push.state {
            PushState::Failed(error) => return Step::Now(Err(error.of_push())),
            PushState::Applied => return Step::Now(Err(Failure::new(-1, "1 Update applied, rebooting"))),
            PushState::Running if self.ota.running.as_ref().is_some_and(|running| running.is_stalled) => {
                return Step::Never;
            }
            PushState::Running => {}
        }
        if piece.is_empty() {
            return Step::Now(Err(Failure::new(-1, "Data required")));
        }
        match offset {
            None => Step::Now(Ok(())),
            Some(offset) if push.last == Some(offset) => Step::Now(Ok(())),
            Some(offset) if offset != push.expected => {
                Step::Now(Err(Failure::new(-1, format!("Expected offset {}, got {offset}", push.expected))))
            }
            Some(offset) => {
                push.last = Some(offset);
                push.expected += piece.len() as u64;
                push.pending = Some(Pending::Piece(piece));
                Step::Pending
            }
        }
    }

    /// Ends a push (`OTA.End`). The device gives up an incomplete push when the turn is finished.
    pub fn end_push(&mut self) -> Step {
        let Some(push) = &mut self.ota.push else { return Step::Now(Err(not_started())) };
        match push.state {
            PushState::Failed(error) => {
                self.ota.push = None;
                Step::Now(Err(error.of_push()))
            }
            PushState::Applied => {
                self.ota.push = None;
                Step::Applied
            }
            PushState::Running => match push.pending.replace(Pending::End) {
                Some(Pending::End) => Step::Replaces,
                Some(Pending::Piece(_)) | None => Step::Pending,
            },
        }
    }

    /// Gives the accepted piece to the updater, or gives up a push that `OTA.End` has ended. Returns the outcome of the
    /// pending call, and the number of bytes written.
    pub fn finish_turn(&mut self, now: Instant) -> Option<(Result<(), Failure>, usize)> {
        match self.ota.push.as_mut()?.pending.take()? {
            Pending::End => {
                self.end_ota(Err(UpdateError::Unfinished));
                self.ota.push = None;
                Some((Err(UpdateError::Unfinished.of_push()), 0))
            }
            Pending::Piece(piece) => {
                let outcome = match self.feed(&piece, now) {
                    Fed::Failed(error) => Err(error.of_piece()),
                    Fed::Fault(DownloadFault::CutOff) => {
                        self.end_ota(Err(UpdateError::Failed));
                        Err(UpdateError::Failed.of_piece())
                    }
                    Fed::Fault(DownloadFault::Stall) => return None,
                    Fed::More | Fed::Complete | Fed::Over | Fed::Fault(DownloadFault::Reboot) => Ok(()),
                };
                Some((outcome, piece.len()))
            }
        }
    }

    /// Installs a bundle from the device's file system.
    pub fn update_from_file(&mut self, bundle: &[u8], terms: Terms, now: Instant) -> Outcome {
        self.start_update(By::File, terms, Some(bundle.len() as u64), now)?;
        match self.feed(bundle, now) {
            Fed::Complete => Ok(DONE.into()),
            Fed::Failed(error) => Err(error.of_pull()),
            Fed::More | Fed::Fault(_) | Fed::Over => {
                self.end_ota(Err(UpdateError::Unfinished));
                Err(UpdateError::Unfinished.of_pull())
            }
        }
    }

    /// Registers a pull, and the call of `OTA.Update` that waits for it. Returns the number of the pull.
    pub fn ask_for_update(&mut self) -> u64 {
        self.updates += 1;
        self.ota.pull = Some(self.updates);
        self.ota.is_waiting = true;
        self.updates
    }

    /// Ends a pull before its update has started. The waiting call gets `outcome`.
    pub fn refuse_pull(&mut self, number: u64, outcome: Outcome) {
        if self.ota.pull == Some(number) {
            self.ota.pull = None;
            self.tell(outcome);
        }
    }

    /// Starts the update of a pull with a bundle of `size` bytes. Returns false if the pull is over or the update cannot
    /// start. In the latter case, the waiting call gets the error.
    pub fn start_pull(&mut self, number: u64, size: u64, terms: Terms, now: Instant) -> bool {
        if self.ota.pull != Some(number) {
            return false;
        }
        let started = self.start_update(By::Pull, terms, Some(size), now);
        match started {
            Ok(()) => true,
            Err(failure) => {
                self.refuse_pull(number, Err(failure));
                false
            }
        }
    }

    /// Gives bytes of a pull to the updater.
    pub fn feed_pull(&mut self, number: u64, bytes: &[u8], now: Instant) -> Fed {
        if self.ota.pull == Some(number) { self.feed(bytes, now) } else { Fed::Over }
    }

    /// Answers the waiting call with the failure of a repeated request. The update goes on.
    pub fn report_pull(&mut self, number: u64, failure: Failure) {
        if self.ota.pull == Some(number) {
            self.tell(Err(failure));
        }
    }

    /// Notes that every byte that the server announced has arrived.
    pub fn pull_has_everything(&mut self, number: u64) {
        if self.ota.pull == Some(number)
            && let Some(running) = &mut self.ota.running
        {
            running.has_everything = true;
        }
    }

    /// Starts an abandoned pull at this percentage. It makes no progress, and no call waits for it.
    pub(super) fn start_abandoned_pull(&mut self, percent: u8) {
        let terms = Terms { commit_timeout: 0, timeout: Duration::MAX };
        self.ota.running = Some(Running {
            by: By::Pull,
            updater: None,
            terms,
            deadline: None,
            taken: percent.into(),
            size: Some(100),
            is_stalled: true,
            has_everything: false,
        });
    }

    /// Returns the time at which the device gives up the running update unless bytes arrive.
    pub(super) fn ota_deadline(&self) -> Option<Instant> {
        self.ota.running.as_ref()?.deadline
    }

    /// Returns the number of the pull that asks a server, or whose update runs.
    pub(super) fn ota_pull(&self) -> Option<u64> {
        self.ota.pull
    }

    /// Gives up the running update because no data arrived within its timeout.
    pub(super) fn time_out_ota(&mut self) {
        let Some(running) = &self.ota.running else { return };
        let error = if running.has_everything { UpdateError::Unfinished } else { UpdateError::TimedOut };
        self.end_ota(Err(error));
    }

    /// Spoils the running update, since a snapshot has overwritten its slot.
    pub(super) fn spoil_update(&mut self) {
        if let Some(updater) = self.ota.running.as_mut().and_then(|running| running.updater.as_mut()) {
            updater.spoil();
        }
    }

    fn start_update(&mut self, by: By, terms: Terms, size: Option<u64>, now: Instant) -> Result<(), Failure> {
        if self.ota.running.is_some() || !self.flash.boot.is_committed {
            return Err(Failure::new(-1, "Update failed to start"));
        }
        let commit_timeout = if self.faults.commits_itself() { 0 } else { terms.commit_timeout };
        let mut running = Running {
            by,
            updater: Some(self.updater()),
            terms: Terms { commit_timeout, ..terms },
            deadline: None,
            taken: 0,
            size,
            is_stalled: false,
            has_everything: false,
        };
        running.set_deadline(now);
        self.ota.running = Some(running);
        Ok(())
    }

    fn updater(&mut self) -> Updater {
        Updater::new(self.generation, self.known_to_updater()).taking(self.settings.update_config())
    }

    /// Gives bytes to the updater. Ends the update if the updater is complete or fails.
    fn feed(&mut self, bytes: &[u8], now: Instant) -> Fed {
        let Some(Running { updater: Some(updater), taken, .. }) = &mut self.ota.running else { return Fed::Over };
        let progress = updater.push(bytes);
        *taken += bytes.len() as u64;
        let (by, percent) = self.ota.running.as_ref().map_or((By::Push, 0), |running| (running.by, running.percent()));
        let fault = self.download_fault(percent, now);
        if let Some(running) = &mut self.ota.running {
            running.is_stalled = fault == Some(DownloadFault::Stall);
            if !running.is_stalled {
                running.set_deadline(now);
            }
        }
        match (progress, fault) {
            // The device stalls or loses power before the bytes have an effect.
            (_, Some(fault @ (DownloadFault::Stall | DownloadFault::Reboot))) => Fed::Fault(fault),
            (Err(error), _) => self.end_ota(Err(error)),
            (Ok(Taken::Complete), Some(DownloadFault::CutOff)) if by == By::Push => Fed::Fault(DownloadFault::CutOff),
            (Ok(Taken::Complete), _) => {
                let updater = self.ota.running.as_mut().and_then(|running| running.updater.take());
                let firmware = updater.ok_or(UpdateError::Failed).and_then(Updater::finish);
                let firmware = firmware.and_then(|firmware| self.faults.look_again().map(|()| firmware));
                match firmware {
                    Ok(firmware) => self.apply(firmware, now),
                    Err(error) => self.end_ota(Err(error)),
                }
            }
            (Ok(Taken::More | Taken::NothingNew), Some(fault)) => Fed::Fault(fault),
            (Ok(Taken::More | Taken::NothingNew), None) => Fed::More,
        }
    }

    fn apply(&mut self, firmware: Firmware, now: Instant) -> Fed {
        let commit_timeout = self.ota.running.as_ref().map_or(0, |running| running.terms.commit_timeout);
        // The manifest does not change the app's name (wire/ota2022-ws.json, case `push_success`).
        let firmware = Firmware { app: self.firmware().app.clone(), ..firmware };
        self.install(firmware, commit_timeout, now);
        self.end_ota(Ok(()))
    }

    /// Ends the running update and answers the waiting call.
    fn end_ota(&mut self, outcome: Result<(), UpdateError>) -> Fed {
        let Some(running) = self.ota.running.take() else { return Fed::Over };
        match (running.by, &mut self.ota.push) {
            (By::Push, Some(push)) => {
                push.state = outcome.map_or_else(PushState::Failed, |()| PushState::Applied);
            }
            (By::Pull, _) => self.ota.pull = None,
            (By::Push | By::File, _) => {}
        }
        self.tell(outcome.map(|()| DONE.into()).map_err(UpdateError::of_pull));
        match outcome {
            Ok(()) => Fed::Complete,
            Err(error) => Fed::Failed(error),
        }
    }

    fn tell(&mut self, outcome: Outcome) {
        if std::mem::take(&mut self.ota.is_waiting) {
            self.ota.told = Some(outcome);
        }
    }
}

fn not_started() -> Failure {
    Failure::new(-1, "Update not started")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{device, reboot};
    use super::*;
    use crate::sim::generation::Generation;

    const TERMS: Terms = Terms { commit_timeout: 60, timeout: Duration::from_secs(10) };

    fn bundle() -> Vec<u8> {
        let path = format!("{}/tests/wire/firmware2022/small2.zip", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).expect("a recorded bundle")
    }

    fn pushed(now: Instant) -> Device {
        let mut device = device(Generation::Y2022, now);
        device.begin_push(TERMS, None, now).expect("idle");
        device
    }

    fn write(device: &mut Device, offset: u64, piece: &[u8], now: Instant) -> Result<(), Failure> {
        match device.write_push(Some(offset), piece.to_vec()) {
            Step::Now(outcome) => outcome,
            Step::Pending => device.finish_turn(now).expect("a piece was accepted").0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pieces_of_a_whole_bundle_are_an_update() {
        let now = Instant::now();
        let (mut device, bundle) = (pushed(now), bundle());
        for (number, piece) in bundle.chunks(700).enumerate() {
            assert_eq!(device.ota_percent(), Some(0));
            assert_eq!(write(&mut device, number as u64 * 700, piece, now), Ok(()));
            assert_eq!(write(&mut device, number as u64 * 700, piece, now).is_ok(), piece.len() == 700);
        }
        assert_eq!((device.ota_percent(), device.flash().boot.active_slot), (None, 1));
        assert_eq!(device.next_event(), Some(now + Duration::from_millis(500)));
        assert_eq!((device.end_push(), device.end_push()), (Step::Applied, Step::Now(Err(not_started()))));
    }

    #[test]
    fn push_without_progress_times_out_and_is_told_by_the_next_call() {
        let now = Instant::now();
        let mut device = pushed(now);
        let later = now + Duration::from_secs(7);
        assert_eq!(write(&mut device, 0, b"PK", later), Ok(()));
        let end = later + TERMS.timeout;
        assert_eq!(device.next_event(), Some(end));
        device.tick(end);
        let error = Err(Failure::new(-1, "-5 Update timed out"));
        assert_eq!((device.ota_percent(), write(&mut device, 2, b"x", end)), (None, error.clone()));
        assert_eq!((device.end_push(), device.next_event()), (Step::Now(error), None));
    }

    #[test]
    fn reboot_forgets_an_update_and_the_call_that_waits() {
        let now = Instant::now();
        let mut device = pushed(now);
        assert!(device.wait_for_update() && device.is_waiting());
        reboot(&mut device, now);
        assert_eq!((device.ota_percent(), device.is_waiting(), device.take_outcome()), (None, false, None));
        assert_eq!(device.write_push(Some(0), b"PK".to_vec()), Step::Now(Err(not_started())));
    }

    #[test]
    fn refused_pull_lets_the_next_one_ask() {
        let now = Instant::now();
        let mut device = device(Generation::Y2022, now);
        let first = device.ask_for_update();
        device.refuse_pull(first, Err(Failure::new(-1, "Connect error")));
        assert_eq!(device.take_outcome(), Some(Err(Failure::new(-1, "Connect error"))));
        let second = device.ask_for_update();
        assert!(!device.start_pull(first, 100, TERMS, now), "the first one is over");
        assert!(device.start_pull(second, 100, TERMS, now));
        device.report_pull(second, Failure::new(-1, "Connect error"));
        assert_eq!(device.take_outcome(), Some(Err(Failure::new(-1, "Connect error"))));
        assert_eq!((device.is_waiting(), device.ota_percent()), (false, Some(0)), "the update goes on");
        assert_eq!(device.feed_pull(second, &bundle(), now), Fed::Complete);
        assert_eq!(device.take_outcome(), None, "no call waits any more");
    }

    #[test]
    fn snapshot_spoils_the_update_that_runs() {
        let now = Instant::now();
        let (mut device, bundle) = (pushed(now), bundle());
        assert_eq!(write(&mut device, 0, &bundle[..700], now), Ok(()));
        assert_eq!(device.create_snapshot(false, None, now), Ok(1));
        assert_eq!(write(&mut device, 700, &bundle[700..], now), Err(UpdateError::Digest.of_piece()));
    }
}
