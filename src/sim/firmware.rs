//! A firmware, as a device knows it.

use serde::{Deserialize, Serialize};

/// What a slot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firmware {
    /// The app's name.
    pub app: String,
    /// The version.
    pub version: String,
    /// The build.
    pub build_id: String,
    /// What it was built for.
    pub platform: String,
}
