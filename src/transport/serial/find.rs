//! Finds the serial ports of this machine.

use std::path::PathBuf;

/// The prefixes of the names of ports to which boards are connected. The likeliest prefix comes first.
#[cfg(target_os = "macos")]
const PREFIXES: &[&str] = &["cu.usbserial", "cu.SLAB", "cu.wchusb", "cu.usbmodem"];
#[cfg(not(target_os = "macos"))]
const PREFIXES: &[&str] = &["ttyUSB", "ttyACM"];

/// Returns the ports to which a board may be connected. The likeliest port comes first.
#[must_use]
pub fn available() -> Vec<PathBuf> {
    if cfg!(windows) {
        let ports = serialport::available_ports().unwrap_or_default();
        return ports.into_iter().map(|port| port.port_name.into()).collect();
    }
    let names = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    in_order(names).into_iter().map(|name| PathBuf::from("/dev").join(name)).collect()
}

/// Returns those names that are names of ports, sorted by prefix and then by number.
fn in_order(names: impl Iterator<Item = String>) -> Vec<String> {
    let rank = |name: &str| PREFIXES.iter().position(|prefix| name.starts_with(prefix));
    let mut ports: Vec<_> = names.filter_map(|name| Some((rank(&name)?, name.len(), name))).collect();
    ports.sort();
    ports.into_iter().map(|(_, _, name)| name).collect()
}

#[cfg(all(test, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn ports_are_sorted_by_prefix_and_number() {
        let names = ["null", "ttyACM0", "ttyUSB10", "ttyS0", "ttyUSB2", "tty"];
        let found = in_order(names.iter().map(ToString::to_string));
        assert_eq!(found, ["ttyUSB2", "ttyUSB10", "ttyACM0"]);
    }
}
