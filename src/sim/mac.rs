//! The MAC address of a simulated device.

/// Returns the MAC address of a device. Its last three bytes come from the end of the id. A device whose id does not end in
/// an address has one all the same (wire/mqtt-single.json, case `sys_getinfo`).
#[must_use]
pub fn mac(id: &str) -> String {
    let tail = id.rsplit_once('_').map_or(id, |(_, tail)| tail);
    let is_address = tail.len() == 6 && tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    format!("240AC4{}", if is_address { tail } else { "AABBCC" })
}
