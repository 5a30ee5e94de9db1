//! [`DeviceKey`], what names a device between two commands.

use otactl::transport::target::Target;

use crate::cli::target_arg::{TargetArg, named};

/// What names a device: its name in the configuration, or else its address without user and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceKey(String);

impl DeviceKey {
    /// The key of a device of the configuration.
    pub(crate) fn of_name(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The key of an address.
    pub(crate) fn of_target(target: &Target) -> Self {
        // The text has neither user nor password.
        Self(target.to_string())
    }

    /// The key of the value of `--port`. `None`: the value is `auto`, or no address.
    pub(crate) fn of_port(port: &str) -> Option<Self> {
        match port.parse().ok()? {
            TargetArg::Device(target) => Some(Self::of_target(&target)),
            TargetArg::Name(name) => Some(Self::of_target(&named(&name)?)),
            TargetArg::Usb(selector) => Some(Self(selector.to_string())),
            TargetArg::Simulated(_) => Some(Self("sim:".into())),
            TargetArg::Auto => None,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the file for this device: the safe characters of the key, and a checksum of all of it.
    pub(super) fn file_name(&self) -> String {
        const MAX_LENGTH: usize = 60;

        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
        let name: String = self.0.chars().map(safe).take(MAX_LENGTH).collect();
        format!("{name}-{:08x}.json", crc32fast::hash(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_has_the_same_key_however_it_is_written() {
        for (port, expected) in [
            ("ws://192.168.1.5", Some("ws://192.168.1.5/rpc")),
            ("192.168.1.5", Some("ws://192.168.1.5/rpc")),
            ("mqtt://user:secret@broker/esp32_1", Some("mqtt://broker/esp32_1")),
            ("/dev/ttyUSB7", Some("/dev/ttyUSB7")),
            ("usb:10C4:ea60", Some("usb:10c4:ea60")),
            ("sim+http:", Some("sim:")),
            ("auto", None),
            ("user:pass@host", None),
        ] {
            assert_eq!(DeviceKey::of_port(port).as_ref().map(DeviceKey::as_str), expected, "{port}");
        }
    }

    #[test]
    fn file_name_is_safe_and_differs_for_each_device() {
        let names = ["bench1", "../../etc/passwd", "ws://a/rpc", "ws:__a_rpc", "..", "größe", &"x".repeat(5000)]
            .map(|key| DeviceKey(key.into()).file_name());
        for name in &names {
            let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            assert!(name.len() < 80 && name.chars().all(is_safe), "{name}");
        }
        let mut unique = names.to_vec();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{names:?}");
        assert!(names[0].starts_with("bench1-"), "{}", names[0]);
    }
}
