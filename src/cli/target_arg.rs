//! [`TargetArg`], the value of `--port`: the address of a device, or a simulated device.

use std::path::Path;
use std::str::FromStr;

use otactl::discover::UsbSelector;
use otactl::transport::target::{Target, TargetError};

/// The value of `--port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetArg {
    /// The address of a device.
    Device(Target),
    /// `auto`: as if the option was not given.
    Auto,
    /// `usb:SERIAL` and similar: the serial port of a USB device.
    Usb(UsbSelector),
    /// The name of a port below /dev, or a host that is reached over ws://.
    Name(String),
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
        let text = text.trim();
        if is_auto(text) {
            return Ok(Self::Auto);
        }
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        if scheme.eq_ignore_ascii_case("usb") {
            return rest.parse().map(Self::Usb).map_err(|error| TargetError::Malformed(error.to_string()));
        }
        match (SimulatedOver::from_scheme(scheme), rest) {
            (Some(over), "") => Ok(Self::Simulated(over)),
            (Some(_), _) => Err(TargetError::Malformed("a simulated device takes nothing behind the colon".into())),
            (None, _) => match text.parse() {
                Err(TargetError::NoScheme(host)) if web_socket(&host).is_some() => Ok(Self::Name(host)),
                parsed => parsed.map(Self::Device),
            },
        }
    }
}

impl TargetArg {
    /// Returns the address that the value names without a look at this machine: `None` for serial ports by name and simulated devices.
    pub(crate) fn address(&self) -> Option<Target> {
        match self {
            Self::Device(target) => Some(target.clone()),
            Self::Name(name) if is_serial_name(name) => None,
            Self::Name(host) => web_socket(host),
            Self::Auto | Self::Usb(_) | Self::Simulated(_) => None,
        }
    }
}

/// Tells whether a value of `--port` counts as not given.
pub(crate) fn is_auto(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("auto")
}

/// Tells whether a name can only be that of a serial port below /dev, such as `ttyUSB0`, whether or not the port exists.
pub(crate) fn is_serial_name(name: &str) -> bool {
    let is_linux = name.strip_prefix("tty").is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_uppercase()) && rest.chars().all(|c| c.is_ascii_alphanumeric())
    });
    is_linux || ["tty.usb", "cu.usb"].iter().any(|start| name.starts_with(start))
}

/// Returns the device that a name stands for: the serial port below /dev, or the host that is reached over ws://.
pub(crate) fn named(name: &str) -> Option<Target> {
    let path = Path::new("/dev").join(name);
    let is_serial = is_serial_name(name) || (!name.contains('/') && path.exists());
    if is_serial { Some(Target::Serial(path)) } else { web_socket(name) }
}

/// Returns the address of a host that is given without a scheme.
pub(crate) fn web_socket(host: &str) -> Option<Target> {
    format!("ws://{host}").parse().ok()
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
        for text in ["ws://192.168.1.5", "/dev/ttyUSB0", "sim+mqtt:", "", "COM7", "fe80::1%eth0"] {
            assert_eq!(text.parse(), text.parse().map(TargetArg::Device), "{text}");
        }
    }

    #[test]
    fn host_without_a_scheme_is_a_name() {
        for text in ["192.168.1.5", "192.168.1.5:8080", "localhost:80", "esp32.local", "ttyhost", "fe80::1"] {
            let Ok(parsed @ TargetArg::Name(_)) = text.parse::<TargetArg>() else { panic!("{text}") };
            let address = parsed.address().expect("an address").to_string();
            assert!(address.starts_with("ws://") && address.ends_with("/rpc"), "{text}: {address}");
        }
        assert!("user:pass@host".parse::<TargetArg>().is_err());
    }

    #[test]
    fn name_of_a_serial_port_has_no_address() {
        for text in ["ttyACM7", "ttyUSB0", "cu.usbserial-10", "tty.usbmodem1"] {
            let Ok(parsed @ TargetArg::Name(_)) = text.parse::<TargetArg>() else { panic!("{text}") };
            assert_eq!(parsed.address(), None, "{text}");
        }
    }

    #[test]
    fn auto_and_usb_devices_are_parsed() {
        assert_eq!(" Auto".parse(), Ok(TargetArg::Auto));
        let Ok(TargetArg::Usb(selector)) = "usb:10c4:ea60".parse() else { panic!("a selector") };
        assert_eq!(selector.to_string(), "usb:10c4:ea60");
        assert!(matches!("usb:".parse::<TargetArg>(), Err(TargetError::Malformed(_))));
    }

    #[test]
    fn text_behind_the_colon_is_malformed() {
        for text in ["sim:x", "sim://", "sim:1"] {
            let error = text.parse::<TargetArg>().expect_err("no address");
            assert!(matches!(error, TargetError::Malformed(_)), "{text}: {error:?}");
        }
    }
}
