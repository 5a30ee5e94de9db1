//! Failures of the firmware zip.

use std::path::Path;

use otactl::bundle::BundleError;

use super::unknown::unknown_hint;
use super::{Failure, FailureKind};

impl Failure {
    /// Returns the failure of a bundle that otactl cannot read or does not accept. The message names the file.
    pub(crate) fn bundle(path: &Path, error: &BundleError) -> Self {
        let hint = match error {
            BundleError::Unreadable(_) => "give the path of a firmware zip that you may read",
            BundleError::Directory => "give the zip itself, such as build/fw.zip",
            BundleError::Compressed(_) => {
                "pack it without compression: `zip -0 fw.zip FILES`, or as `mos build` does it"
            }
            BundleError::ManifestTooDeep(_) => {
                "pack it from the directory above: `zip -0 fw.zip DIR/manifest.json DIR/*`"
            }
            BundleError::ManifestNotFirst(_) => "pack `manifest.json` first: `zip -0 fw.zip DIR/manifest.json DIR/*`",
            BundleError::NameTooLong(_) => "give the file a shorter name, in the manifest too",
            BundleError::Empty | BundleError::CutOff(_) | BundleError::Damaged(_) => "build or download it again",
            BundleError::NotAZip | BundleError::TooLarge | BundleError::Unsupported(_) => {
                "give the firmware zip that `mos build` makes, build/fw.zip"
            }
            BundleError::Manifest(_) | BundleError::Part { .. } => {
                "the bundle has changed since it was built; build it again"
            }
            error => unknown_hint(error),
        };
        Self::new(FailureKind::Refused, format!("{}: {error}", path.display())).caused_by(error).hint(hint)
    }
}
