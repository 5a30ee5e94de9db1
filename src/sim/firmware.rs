//! The description of a firmware.

use serde::{Deserialize, Serialize};

/// The firmware in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firmware {
    /// The app's name.
    pub app: String,
    /// The version.
    pub version: String,
    /// The build id.
    pub build_id: String,
    /// The platform that it was built for.
    pub platform: String,
}
