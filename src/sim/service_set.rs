//! The services of a simulated device.

use std::str::FromStr;

use thiserror::Error;

/// A service, with its methods and its part of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Updates.
    Ota,
    /// Information about the device, reboots, the level of the log.
    Sys,
    /// The list of the methods.
    Rpc,
    /// The settings.
    Config,
    /// The files.
    Fs,
    /// The search for networks, and the settings of Wi-Fi.
    Wifi,
    /// The log over UDP. It has no method of its own: `Sys.SetDebug` takes an address.
    Debug,
}

impl Service {
    const ALL: [Self; 7] = [Self::Ota, Self::Sys, Self::Rpc, Self::Config, Self::Fs, Self::Wifi, Self::Debug];

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ota => "ota",
            Self::Sys => "sys",
            Self::Rpc => "rpc",
            Self::Config => "config",
            Self::Fs => "fs",
            Self::Wifi => "wifi",
            Self::Debug => "debug",
        }
    }
}

/// The services of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Services(u8);

/// The reason why a text does not name services.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no service `{0}`; the services are {names}", names = Service::ALL.map(Service::name).join(", "))]
pub struct ServicesError(String);

impl Services {
    /// All services.
    pub const ALL: Self = Self(0b111_1111);

    /// The services of the device that was recorded in `tests/wire/`.
    pub const RECORDED: Self =
        Self(Service::Ota.bit() | Service::Sys.bit() | Service::Rpc.bit() | Service::Config.bit());

    /// Tells whether the device has this service.
    #[must_use]
    pub const fn has(self, service: Service) -> bool {
        self.0 & service.bit() != 0
    }
}

impl Default for Services {
    fn default() -> Self {
        Self::ALL
    }
}

impl FromStr for Services {
    type Err = ServicesError;

    /// Reads names with commas between them.
    fn from_str(text: &str) -> Result<Self, ServicesError> {
        text.split(',').map(str::trim).try_fold(Self(0), |services, name| {
            let service = Service::ALL.into_iter().find(|service| service.name().eq_ignore_ascii_case(name));
            service.map(|service| Self(services.0 | service.bit())).ok_or_else(|| ServicesError(name.into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_from_names() {
        for (text, expected) in [
            ("ota,sys,rpc,config", Ok(Services::RECORDED)),
            ("OTA, sys,rpc,config,fs,wifi,debug,fs", Ok(Services::ALL)),
            ("rpc", Ok(Services(0b100))),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for (text, name) in [("", "``"), ("ota,", "``"), ("ota,gpio", "`gpio`")] {
            let error = text.parse::<Services>().expect_err("no service").to_string();
            assert!(error.contains(name) && error.contains("ota, sys, rpc, config, fs, wifi, debug"), "{error}");
        }
    }
}
