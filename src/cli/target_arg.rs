//! [`TargetArg`], the value of `--port`: the address of a device, or a simulated device.

use std::str::FromStr;

use otactl::transport::target::{Target, TargetError};

/// The value of `--port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetArg {
    /// The address of a device.
    Device(Target),
    /// `sim:`, `sim+serial:` and similar: a simulated device inside the process.
    Simulated(SimulatedOver),
}

/// The transport over which a simulated device inside the process is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SimulatedOver {
    /// `sim:` or `sim+ws:`.
    WebSocket,
    /// `sim+http:`.
    Http,
    /// `sim+tcp:`.
    Tcp,
    /// `sim+udp:`.
    Udp,
    /// `sim+serial:`.
    Serial,
}

impl SimulatedOver {
    /// Returns the transport of a scheme, such as `sim+http`.
    fn from_scheme(scheme: &str) -> Option<Self> {
        match scheme.to_ascii_lowercase().as_str() {
            "sim" | "sim+ws" => Some(Self::WebSocket),
            "sim+http" => Some(Self::Http),
            "sim+tcp" => Some(Self::Tcp),
            "sim+udp" => Some(Self::Udp),
            "sim+serial" => Some(Self::Serial),
            _ => None,
        }
    }
}

impl FromStr for TargetArg {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (scheme, rest) = text.trim().split_once(':').unwrap_or_default();
        match (SimulatedOver::from_scheme(scheme), rest) {
            (Some(over), "") => Ok(Self::Simulated(over)),
            (Some(_), _) => Err(TargetError::Malformed("a simulated device takes nothing behind the colon".into())),
            (None, _) => text.parse().map(Self::Device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_of_a_simulated_device_is_parsed() {
        for (text, expected) in [
            ("sim:", SimulatedOver::WebSocket),
            (" SIM: ", SimulatedOver::WebSocket),
            ("sim+ws:", SimulatedOver::WebSocket),
            ("sim+http:", SimulatedOver::Http),
            ("sim+tcp:", SimulatedOver::Tcp),
            ("sim+udp:", SimulatedOver::Udp),
            ("sim+serial:", SimulatedOver::Serial),
        ] {
            assert_eq!(text.parse(), Ok(TargetArg::Simulated(expected)), "{text}");
        }
    }

    #[test]
    fn other_text_is_parsed_as_an_address() {
        for text in ["ws://192.168.1.5", "/dev/ttyUSB0", "sim", "sim+mqtt:", "", "192.168.1.5"] {
            assert_eq!(text.parse(), text.parse().map(TargetArg::Device), "{text}");
        }
    }

    #[test]
    fn text_behind_the_colon_is_malformed() {
        for text in ["sim:x", "sim://", "sim:1"] {
            let error = text.parse::<TargetArg>().expect_err("no address");
            assert!(matches!(error, TargetError::Malformed(_)), "{text}: {error:?}");
        }
    }
}
