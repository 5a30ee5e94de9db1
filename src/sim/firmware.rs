//! The description of a firmware.

use serde::{Deserialize, Serialize};

/// The firmware in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firmware {
    /// The name of the app.
    pub app: String,
    /// The version.
    pub version: String,
    /// The build id.
    pub build_id: String,
    /// The platform that the firmware was built for.
    pub platform: String,
}
