//! The MAC address of a simulated device.

/// Returns the MAC address of a device. The last three bytes come from the end of the id.
///
/// If the id does not end in an address, the last three bytes are `AABBCC`. That such a device has a MAC address is
/// recorded in wire/mqtt-single.json, case `sys_getinfo`.
#[must_use]
pub fn mac(id: &str) -> String {
    let tail = id.rsplit_once('_').map_or(id, |(_, tail)| tail);
    let is_address = tail.len() == 6 && tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    format!("240AC4{}", if is_address { tail } else { "AABBCC" })
}
