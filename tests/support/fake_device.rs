//! What the fake devices of several tests have in common: the state of a device, and the errors of calls.

use std::time::Duration;

use otactl::rpc::{CallError, RemoteError};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A version and a build id.
pub type Build = (&'static str, &'static str);

/// The build that a fake device runs at first.
pub const OLD: Build = ("1.0.0", "old");

/// The build of the demo bundle.
pub const NEW: Build = ("2.0.0", "20240202-020202/g234b2a65");

/// A build that no test installs.
pub const OTHER: Build = ("9.9.9", "other");

/// The state of a fake device.
pub struct FakeDevice {
    pub build: Build,
    pub slot: u8,
    pub committed: bool,
    pub booted: Instant,
}

impl FakeDevice {
    /// Returns a device that has run the old firmware, committed in slot 0, for 1000 s.
    pub fn new() -> Self {
        Self { build: OLD, slot: 0, committed: true, booted: Instant::now() - Duration::from_secs(1000) }
    }

    /// Boots this build now.
    pub fn boot(&mut self, build: Build, slot: u8, committed: bool) {
        *self = Self { build, slot, committed, booted: Instant::now() };
    }

    /// Returns the result of `Sys.GetInfo`.
    pub fn info(&self) -> Value {
        json!({
            "id": "dev", "app": "demo", "arch": "esp32", "fw_version": self.build.0, "fw_id": self.build.1,
            "uptime": self.booted.elapsed().as_secs(),
        })
    }

    /// Returns the result of `OTA.GetBootState`.
    pub fn boot_state(&self) -> Value {
        json!({
            "active_slot": self.slot, "is_committed": self.committed, "revert_slot": 0, "commit_timeout": 300,
        })
    }
}

/// Returns the error of a call whose link was lost.
pub fn lost(sent: bool) -> Result<Value, CallError> {
    Err(CallError::Lost { peer: "dev".into(), sent, reason: "the script says so".into() })
}

/// Returns the error of a call without a reply within `after`.
pub fn timed_out_after(method: &str, after: Duration) -> Result<Value, CallError> {
    Err(CallError::Timeout { peer: "dev".into(), method: method.into(), after, why: None })
}

/// Returns the error of a call without a reply.
pub fn timed_out(method: &str) -> Result<Value, CallError> {
    timed_out_after(method, Duration::from_secs(1))
}

/// Returns an error reply of the device.
pub fn remote(method: &str, code: i64, message: &str) -> Result<Value, CallError> {
    Err(CallError::Remote { method: method.into(), error: RemoteError { code, message: Some(message.into()) } })
}
