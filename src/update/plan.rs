//! What is to be done, and how long each step may take.

use std::fmt;
use std::time::Duration;

use super::health::Checks;
use super::reboot::RebootLimits;
use super::serve::Serving;
use super::timeouts::Timeouts;
use super::web_client::WebClient;
use crate::bundle::manifest::Build;
use crate::bundle::signature::Signed;
use crate::bundle::{Bundle, Manifest};
use crate::rpc::Device;
use crate::text::public_url;

/// Where the firmware comes from.
#[derive(Clone)]
pub enum Source {
    /// A bundle that we have.
    Bundle(Bundle),
    /// A URL that the device fetches by itself.
    Url {
        /// Handed to the device as it is.
        url: String,
        /// Its manifest, or why it could not be read from here. Without it, there is no telling
        /// whether the device runs what was wanted, only that it runs something new.
        manifest: Result<Manifest, String>,
        /// The same byte by byte with its signatures, if it could be read.
        signed: Option<Signed>,
    },
}

/// Without what a URL may hold of secrets.
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
    /// The manifest, if it is known.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Bundle(bundle) => Some(bundle.manifest()),
            Self::Url { manifest, .. } => manifest.as_ref().ok(),
        }
    }

    /// The manifest as it is signed, and its signatures, if they are known.
    #[must_use]
    pub fn signed(&self) -> Option<Signed> {
        match self {
            Self::Bundle(bundle) => Some(bundle.signed()),
            Self::Url { signed, .. } => signed.clone(),
        }
    }

    /// The build, if it is known.
    #[must_use]
    pub fn build(&self) -> Option<Build> {
        self.manifest().map(Manifest::build)
    }

    /// The size in bytes, if it is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Bundle(bundle) => Some(bundle.bytes().len() as u64),
            Self::Url { .. } => None,
        }
    }
}

/// How the device gets the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Via {
    /// It fetches it, or gets it pushed where it cannot.
    #[default]
    Auto,
    /// It fetches it from us (`OTA.Update`).
    Pull,
    /// It gets it over the connection of the calls (`OTA.Begin`, `OTA.Write`, `OTA.End`).
    Push,
}

/// What becomes of a firmware that runs and is not well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnhealthy {
    /// The device is told to go back at once.
    #[default]
    Revert,
    /// It is left as it is, for somebody to look at it, until it goes back by itself.
    Leave,
}

/// What is to be done.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own, and none excludes another")]
pub struct Plan {
    /// The firmware.
    pub source: Source,
    /// How the device gets it.
    pub via: Via,
    /// The firmware server, for a device that fetches it from us.
    pub serving: Serving,
    /// What the new firmware has to pass before it is committed.
    pub checks: Checks,
    /// Commit the new firmware once it runs and is well. Otherwise it is left uncommitted.
    pub commit: bool,
    /// How long after its reboot the device waits for the commit before it goes back; whole seconds,
    /// at least one.
    pub commit_timeout: Duration,
    /// How long the device may take to fetch and write the bundle; `None`: as long as its size needs.
    pub download_timeout: Option<Duration>,
    /// How long the device may take from the end of the download to its first answer.
    pub reboot_timeout: Duration,
    /// A second way to the device: it is found, looked at and committed there after the reboot.
    pub commit_over: Option<Device>,
    /// What becomes of a firmware that is not well.
    pub on_unhealthy: OnUnhealthy,
    /// Copy what runs to the other slot before the update.
    pub snapshot_first: bool,
    /// Install also what runs already, or another app.
    pub force: bool,
    /// Install also an older version than the one that runs.
    pub allow_downgrade: bool,
    /// Refuses if an update runs on the device, instead of ending an abandoned one.
    pub no_abort: bool,
    /// Look, but touch nothing.
    pub dry_run: bool,
    /// Client with which otactl downloads the firmware of a URL that the device cannot or may not download (`Via::Auto`).
    /// `None`: otactl downloads nothing.
    pub http: Option<WebClient>,
    /// How long we wait for what nobody has set a limit to.
    pub timeouts: Timeouts,
}

impl Plan {
    /// The plan that brings this firmware to a device and commits it, with the usual limits.
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

    /// A plan may end up in a log.
    #[test]
    fn a_plan_shows_no_secrets() {
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
