//! The serial ports of this machine, with what their USB devices report about themselves.
//!
//! On Linux, the kernel's device tree in `/sys` has the product, the serial number and the ids of a USB device. Other systems report
//! them through the `serialport` crate.

use std::path::{Path, PathBuf};

use crate::text::device_text;
use crate::transport::serial::{find, holder};

/// A serial port to which a board may be connected. The texts come from the USB device and are safe to print.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsbPort {
    /// The path or the name of the port, such as `/dev/ttyUSB0` or `COM7`.
    pub path: PathBuf,
    /// What the USB device calls itself, such as `CP2102N USB to UART Bridge Controller`.
    pub product: Option<String>,
    /// The serial number of the USB device.
    pub serial_number: Option<String>,
    /// The vendor id and the product id.
    pub ids: Option<(u16, u16)>,
}

impl UsbPort {
    /// Returns a port whose USB device is not known.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Returns the ids as `10c4:ea60`, in hex.
    #[must_use]
    pub fn ids_text(&self) -> Option<String> {
        self.ids.map(|(vendor, product)| format!("{vendor:04x}:{product:04x}"))
    }

    /// Returns the path of the port, and in parentheses what is known of its USB device.
    #[must_use]
    pub fn description(&self) -> String {
        let number = self.serial_number.as_ref().map(|number| format!("serial {number}"));
        let known: Vec<_> = [self.product.clone(), self.ids_text(), number].into_iter().flatten().collect();
        let path = self.path.display();
        if known.is_empty() { path.to_string() } else { format!("{path} ({})", known.join(", ")) }
    }

    /// Returns the program that has the port open, with its process id. Only Linux reports it.
    #[must_use]
    pub fn holder(&self) -> Option<String> {
        holder::find(&self.path)
    }
}

/// Returns the ports to which a board may be connected. The likeliest port comes first.
#[must_use]
pub fn usb_ports() -> Vec<UsbPort> {
    if cfg!(target_os = "linux") {
        return find::available().into_iter().map(|path| of_linux(path, Path::new("/sys/class/tty"))).collect();
    }
    let known = serialport::available_ports().unwrap_or_default();
    let describe = |path: PathBuf| {
        let found = known.iter().find(|port| Path::new(&port.port_name) == path);
        match found.map(|port| &port.port_type) {
            Some(serialport::SerialPortType::UsbPort(usb)) => UsbPort {
                path,
                product: usb.product.as_deref().and_then(text),
                serial_number: usb.serial_number.as_deref().and_then(text),
                ids: Some((usb.vid, usb.pid)),
            },
            _ => UsbPort { path, ..UsbPort::default() },
        }
    };
    find::available().into_iter().map(describe).collect()
}

/// Describes a port of Linux. `class` is `/sys/class/tty`.
///
/// The link `NAME/device` leads to an interface of the USB device. The files are in the first directory above it that has them.
fn of_linux(path: PathBuf, class: &Path) -> UsbPort {
    let described = |path: &Path| {
        let device = class.join(path.file_name()?).join("device").canonicalize().ok()?;
        let usb = device.ancestors().find(|directory| directory.join("idVendor").is_file())?.to_owned();
        let read = |name: &str| std::fs::read_to_string(usb.join(name)).ok().as_deref().and_then(text);
        let id = |name| u16::from_str_radix(&read(name)?, 16).ok();
        Some(UsbPort {
            path: path.to_owned(),
            product: read("product"),
            serial_number: read("serial"),
            ids: Some((id("idVendor")?, id("idProduct")?)),
        })
    };
    described(&path).unwrap_or(UsbPort { path, ..UsbPort::default() })
}

/// Returns the text of a USB device, safe to print. `None`: it is empty.
fn text(text: &str) -> Option<String> {
    let text = device_text(text.trim());
    (!text.is_empty()).then_some(text)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Builds the part of `/sys` that describes one port.
    fn sys(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        let usb = root.path().join("devices/usb1/1-2");
        let interface = usb.join("1-2:1.0/ttyUSB3");
        std::fs::create_dir_all(&interface).expect("created");
        for (name, content) in files {
            std::fs::write(usb.join(name), content).expect("written");
        }
        let class = root.path().join("class/ttyUSB3");
        std::fs::create_dir_all(&class).expect("created");
        std::os::unix::fs::symlink(&interface, class.join("device")).expect("linked");
        root
    }

    #[test]
    fn usb_device_above_the_interface_describes_the_port() {
        let root = sys(&[
            ("idVendor", "10c4\n"),
            ("idProduct", "ea60\n"),
            ("product", "CP2102N USB to UART\x1b[2J Bridge\n"),
            ("serial", "0001\n"),
        ]);
        let port = of_linux("/dev/ttyUSB3".into(), &root.path().join("class"));
        assert_eq!(port.ids_text().as_deref(), Some("10c4:ea60"));
        assert_eq!(port.serial_number.as_deref(), Some("0001"));
        assert!(port.description().ends_with("Bridge, 10c4:ea60, serial 0001)"), "{}", port.description());
        let product = port.product.expect("a product");
        assert!(product.starts_with("CP2102N") && !product.contains('\x1b'), "{product:?}");
    }

    #[test]
    fn port_without_a_usb_device_has_its_path_only() {
        let root = sys(&[("idVendor", "junk")]);
        let class = root.path().join("class");
        for path in ["/dev/ttyUSB3", "/dev/ttyACM9"] {
            let expected = UsbPort { path: path.into(), ..UsbPort::default() };
            assert_eq!(of_linux(path.into(), &class), expected);
        }
    }
}
