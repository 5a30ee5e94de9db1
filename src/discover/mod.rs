//! Finds devices: the serial ports of this machine with their USB devices, and the devices of the local network.
//!
//! - [`mdns`]: devices that announce themselves on the local network;
//! - [`usb_port`]: the serial ports, and what their USB devices report; [`selector`]: the choice of a port by its USB device.

pub mod mdns;
pub mod selector;
pub mod usb_port;

pub use selector::UsbSelector;
pub use usb_port::{UsbPort, usb_ports};
