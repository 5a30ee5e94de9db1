//! [`Engine`], the generations of the device's update engine that a caller has to distinguish.

/// How a device downloads firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Engine {
    /// The engine of 2018, which sends one GET. A lost connection ends the update.
    OneShot,
    /// The engines of 2019 to 2022, which resume a download. After a lost connection they request the rest every 3 s,
    /// until the timeout passes without progress.
    ///
    /// They continue even after the call was answered (as recorded in wire/ota2022-fetch.json, case
    /// `pull_cut_then_refused`). Only a reboot ends the update earlier.
    #[default]
    Resuming,
}

impl Engine {
    /// Returns the engine of a device with these methods. `OTA.Begin` exists since 2019.
    ///
    /// `methods` is `None` if the device does not answer `RPC.List`. Then `has_status` decides: `OTA.Status` exists
    /// since 2019 too.
    #[must_use]
    pub fn of(methods: Option<&[String]>, has_status: bool) -> Self {
        let is_newer = methods.map_or(has_status, |methods| methods.iter().any(|name| name == "OTA.Begin"));
        if is_newer { Self::Resuming } else { Self::OneShot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_follows_from_methods_or_from_status() {
        let methods = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (older, newer) = (methods(&["OTA.Update", "OTA.Status"]), methods(&["OTA.Update", "OTA.Begin"]));
        for (methods, has_status, expected) in [
            (Some(&newer), true, Engine::Resuming),
            (Some(&newer), false, Engine::Resuming),
            (Some(&older), true, Engine::OneShot),
            (None, true, Engine::Resuming),
            (None, false, Engine::OneShot),
        ] {
            let engine = Engine::of(methods.map(Vec::as_slice), has_status);
            assert_eq!(engine, expected, "{methods:?}, OTA.Status: {has_status}");
        }
    }
}
