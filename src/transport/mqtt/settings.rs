//! The MQTT settings that the user can choose.

use std::fmt;

/// The MQTT settings that the user can choose. Each has a default.
#[derive(Clone, Default)]
pub struct MqttSettings {
    /// The password of the URL's user, unless the URL itself holds one.
    pub password: Option<String>,
    /// The client id. Defaults to `otactl-` and a random number.
    pub client_id: Option<String>,
    /// The `src` of every request. Defaults to `<device>/rpc-resp/<client id>`.
    pub src: Option<String>,
    /// The single topic to which all requests are published. Defaults to the topics of the device.
    pub pub_topic: Option<String>,
    /// The topic to which replies come. Defaults to `<src>/rpc`.
    pub sub_topic: Option<String>,
    /// The topic of the device's last will. Not read by default.
    pub will_topic: Option<String>,
}

/// Omits the password.
impl fmt::Debug for MqttSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttSettings")
            .field("client_id", &self.client_id)
            .field("src", &self.src)
            .finish_non_exhaustive()
    }
}

/// Returns a random client id. That of `mos` starts with `mos-` in the same way.
pub(super) fn random_client_id() -> String {
    format!("otactl-{:08x}", getrandom::u32().unwrap_or_default())
}
