//! [`UsbSelector`], the choice of a serial port by its USB device.

use std::fmt;
use std::str::FromStr;

use super::usb_port::UsbPort;

/// A choice of serial ports by their USB device: `SERIAL`, `VID:PID` or `VID:PID:SERIAL`, with the ids in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsbSelector {
    ids: Option<(u16, u16)>,
    serial_number: Option<String>,
}

/// The text does not select a USB device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write it as usb:SERIAL, usb:VID:PID or usb:VID:PID:SERIAL")]
pub struct NotASelector;

impl UsbSelector {
    /// Tells whether the USB device of a port matches. Serial numbers match in upper and lower case.
    #[must_use]
    pub fn matches(&self, port: &UsbPort) -> bool {
        let has_ids = self.ids.is_none_or(|ids| port.ids == Some(ids));
        let has_number = self
            .serial_number
            .as_ref()
            .is_none_or(|wanted| port.serial_number.as_ref().is_some_and(|number| number.eq_ignore_ascii_case(wanted)));
        has_ids && has_number
    }
}

impl FromStr for UsbSelector {
    type Err = NotASelector;

    /// Parses the text after `usb:`.
    fn from_str(text: &str) -> Result<Self, NotASelector> {
        let id = |text: &str| {
            let is_id = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_id.then(|| u16::from_str_radix(text, 16).ok()).flatten()
        };
        let mut parts = text.splitn(3, ':');
        match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
            ("", ..) | (_, _, Some("")) => Err(NotASelector),
            (number, None, _) => Ok(Self { ids: None, serial_number: Some(number.into()) }),
            (vendor, Some(product), number) => Ok(Self {
                ids: Some(id(vendor).zip(id(product)).ok_or(NotASelector)?),
                serial_number: number.map(Into::into),
            }),
        }
    }
}

impl fmt::Display for UsbSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.ids.map(|(vendor, product)| format!("{vendor:04x}:{product:04x}"));
        let parts: Vec<_> = ids.into_iter().chain(self.serial_number.clone()).collect();
        write!(f, "usb:{}", parts.join(":"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(ids: (u16, u16), number: &str) -> UsbPort {
        UsbPort { ids: Some(ids), serial_number: Some(number.into()), ..UsbPort::default() }
    }

    #[test]
    fn port_is_selected_by_its_ids_and_its_serial_number() {
        let ports = [port((0x10c4, 0xea60), "0001"), port((0x10c4, 0xea60), "00B2"), port((0x1a86, 0x7523), "0001")];
        for (text, expected) in [
            ("0001", [true, false, true]),
            ("00b2", [false, true, false]),
            ("10c4:ea60", [true, true, false]),
            ("10C4:EA60", [true, true, false]),
            ("10c4:ea60:0001", [true, false, false]),
            ("2", [false, false, false]),
        ] {
            let selector: UsbSelector = text.parse().expect(text);
            assert_eq!(ports.each_ref().map(|port| selector.matches(port)), expected, "{text}");
        }
        let selector: UsbSelector = "10C4:ea60:A".parse().expect("a selector");
        assert_eq!(selector.to_string(), "usb:10c4:ea60:A");
    }

    #[test]
    fn text_that_selects_nothing_is_refused() {
        for text in ["", ":", "10c4:", "10c4:zz", "10c4:+a60", "1:2", "10c4:ea60:"] {
            assert_eq!(text.parse::<UsbSelector>(), Err(NotASelector), "{text}");
        }
    }
}
