//! The networks around the simulated device, and the network that it joins.

use crate::sim::device::SimulatedDevice;
use crate::sim::wire::quoted;

/// A network: its name, its kind of authentication (0: open, 3: WPA2, 4: WPA or WPA2), its channel and its strength.
const NETWORKS: [(&str, u8, u8, i8); 4] =
    [("Workshop", 3, 1, -47), ("Lab", 4, 6, -58), ("Guests", 0, 6, -63), ("Warehouse", 3, 11, -82)];

/// Returns the reply to `Wifi.Scan`.
pub(super) fn scan() -> String {
    let networks = NETWORKS.map(|(ssid, auth, channel, rssi)| {
        format!(r#"{{"ssid": {}, "auth": {auth}, "channel": {channel}, "rssi": {rssi}}}"#, quoted(ssid))
    });
    format!(r#"{{"results": [{}]}}"#, networks.join(", "))
}

/// Returns the field `wifi` of the reply to `Sys.GetInfo`. A device in a network has the address `ip` there.
pub(super) fn info(device: &SimulatedDevice, ip: &str) -> String {
    let settings = device.booted_settings();
    let (ssid, password) = (settings.text("wifi.sta.ssid"), settings.text("wifi.sta.pass"));
    // Any password opens a network that needs one. An open network is not joined with a password.
    let is_found = NETWORKS.iter().any(|(name, auth, ..)| *name == ssid && (*auth == 0) == password.is_empty());
    let (sta_ip, status, joined) = match (settings.flag("wifi.sta.enable"), is_found) {
        (true, true) => (ip, "got ip", ssid),
        (true, false) => ("", "connecting", ""),
        (false, _) => ("", "disconnected", ""),
    };
    let ap_ip = if settings.flag("wifi.ap.enable") { settings.text("wifi.ap.ip") } else { "" };
    format!(
        r#"{{"sta_ip": {}, "ap_ip": {}, "status": {}, "ssid": {}}}"#,
        quoted(sta_ip),
        quoted(ap_ip),
        quoted(status),
        quoted(joined)
    )
}
