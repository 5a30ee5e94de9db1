//! The plan of an update: the firmware, the options and the time limits.

use std::fmt;
use std::time::Duration;

use super::health::Checks;
use super::reboot::RebootLimits;
use super::serve::Serving;
use super::timeouts::Timeouts;
use super::web_client::WebClient;
use crate::bundle::manifest::Build;
use crate::bundle::signature::SignedManifest;
use crate::bundle::{Bundle, Manifest};
use crate::rpc::Device;
use crate::text::public_url;

/// The source of the firmware.
#[derive(Clone)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "a plan has one source")]
pub enum Source {
    /// A bundle in memory.
    Bundle(Bundle),
    /// A URL from which the device downloads the bundle.
    Url {
        /// The URL, passed to the device unchanged.
        url: String,
        /// The manifest of the bundle, or the reason why otactl could not read it.
        ///
        /// Without it, otactl cannot verify that the wanted build runs, only that a new one does.
        manifest: Result<Manifest, String>,
        /// The exact bytes of the manifest, and its signatures. `None` if they could not be read.
        signed: Option<SignedManifest>,
    },
}

/// Omits the parts of a URL that may hold secrets.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(bundle) => f.debug_tuple("Bundle").field(&bundle.manifest().build()).finish(),
            Self::Url { url, manifest, .. } => {
                let url = url.parse().map_or_else(|_| "…".into(), |url| public_url(&url));
                f.debug_struct("Url").field("url", &url).field("manifest", manifest).finish_non_exhaustive()
            }
        }
    }
}

impl Source {
    /// Returns the manifest, if known.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Bundle(bundle) => Some(bundle.manifest()),
            Self::Url { manifest, .. } => manifest.as_ref().ok(),
        }
    }

    /// Returns the signed bytes of the manifest and its signatures, if known.
    #[must_use]
    pub fn signed(&self) -> Option<SignedManifest> {
        match self {
            Self::Bundle(bundle) => Some(bundle.signed()),
            Self::Url { signed, .. } => signed.clone(),
        }
    }

    /// Returns the build, if known.
    #[must_use]
    pub fn build(&self) -> Option<Build> {
        self.manifest().map(Manifest::build)
    }

    /// Returns the size of the bundle in bytes, if known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Bundle(bundle) => Some(bundle.bytes().len() as u64),
            Self::Url { .. } => None,
        }
    }
}

/// How the device gets the bundle. Exhaustive: a pull, a push, or whichever works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Via {
    /// The device pulls the bundle. If it cannot, otactl pushes it.
    #[default]
    Auto,
    /// The device downloads the bundle from otactl's server (`OTA.Update`).
    Pull,
    /// otactl sends the bundle over the RPC connection (`OTA.Begin`, `OTA.Write`, `OTA.End`).
    Push,
}

/// What to do with a new firmware that is not healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnUnhealthy {
    /// Revert it at once.
    #[default]
    Revert,
    /// Leave it running for inspection, until the device rolls back by itself.
    Leave,
}

/// The firmware, the options and the time limits of an update.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own, and none excludes another")]
pub struct Plan {
    /// The firmware.
    pub source: Source,
    /// How the device gets the bundle.
    pub via: Via,
    /// The settings of the firmware server, for a pull.
    pub serving: Serving,
    /// The health checks that the new firmware has to pass before the commit.
    pub checks: Checks,
    /// Whether to commit the new firmware once it runs and is healthy. Default: true.
    pub commit: bool,
    /// How long after its reboot the device waits for the commit before it rolls back. Whole seconds, at least 1. Default: 300 s.
    pub commit_timeout: Duration,
    /// How long the device may take to download and write the bundle. `None`: as long as its size needs.
    pub download_timeout: Option<Duration>,
    /// How long the device may take from the end of the download to its first reply. Default: 120 s.
    pub reboot_timeout: Duration,
    /// A second connection to the device (`--commit-port`). After the reboot, all calls use it.
    pub commit_over: Option<Device>,
    /// What to do with a new firmware that is not healthy.
    pub on_unhealthy: OnUnhealthy,
    /// Whether to copy the running firmware to another slot before the update.
    pub snapshot_first: bool,
    /// Whether to install the build that already runs, or another app.
    pub force: bool,
    /// Whether to install an older version than the running one.
    pub allow_downgrade: bool,
    /// Whether to refuse if an update runs on the device, instead of ending an abandoned one.
    pub no_abort: bool,
    /// Whether to run the preflight only, and change nothing.
    pub dry_run: bool,
    /// Client with which otactl downloads the firmware of a URL that the device cannot or may not download (`Via::Auto`).
    /// `None`: otactl downloads nothing.
    pub http: Option<WebClient>,
    /// The timeouts that have no option of their own.
    pub timeouts: Timeouts,
}

impl Plan {
    /// Makes a plan that installs and commits the firmware, with the default options and time limits.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self {
            source,
            via: Via::default(),
            serving: Serving::default(),
            checks: Checks::default(),
            commit: true,
            commit_timeout: Duration::from_secs(300),
            download_timeout: None,
            reboot_timeout: Duration::from_secs(120),
            commit_over: None,
            on_unhealthy: OnUnhealthy::default(),
            snapshot_first: false,
            force: false,
            allow_downgrade: false,
            no_abort: false,
            dry_run: false,
            http: None,
            timeouts: Timeouts::default(),
        }
    }

    /// Returns the time limits of the reboot.
    pub(super) fn reboot_limits(&self) -> RebootLimits {
        let Self { reboot_timeout, commit_timeout, .. } = *self;
        RebootLimits { reboot_timeout, reboot_start: self.timeouts.reboot_start, commit_timeout }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::health::{Check, CommandCheck};

    /// A plan may appear in a log.
    #[test]
    fn plan_debug_output_hides_secrets() {
        let url = "https://admin:secret@host/fw.zip?token=secret#secret".to_owned();
        let source = Source::Url { url, manifest: Err("unknown".into()), signed: None };
        let mut plan = Plan::new(source);
        let command: CommandCheck = "curl -u admin:secret http://dev".parse().expect("a command");
        plan.checks.checks.push(Check::Command(command.with_port("mqtt://admin:secret@broker/dev".into())));
        let shown = format!("{plan:?}");
        assert!(shown.contains("https://host/fw.zip?…") && shown.contains("curl"), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains("admin"), "{shown}");
    }
}
