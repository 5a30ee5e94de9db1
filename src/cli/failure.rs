//! What went wrong becomes a message, hints and an exit code.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use otactl::bundle::BundleError;
use otactl::ota;
use otactl::rpc::error::{AuthRefusal, Silence};
use otactl::rpc::frame::MAX_REQUEST;
use otactl::rpc::{CallError, DialError, RemoteError};
use otactl::transport::ConnectError;
use otactl::transport::target::TargetError;
use otactl::transport::tls::SetupError;
use otactl::transport::tls::pem::{PemError, PemFault};
use otactl::update::outcome::{Facts, RevertResult, Unhealthy};
use otactl::update::remote_manifest::DownloadError;
use otactl::update::serve::ServeError;
use otactl::update::wait::WaitFailure;
use otactl::update::{self, Refusal};

use super::clock::{at, reverts, seconds};
use super::dial_hint::{self, BROKER_CREDENTIALS, INSECURE, NOT_A_DEVICE, OTHER_CREDENTIALS};

/// The kinds of failure that a script can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Other,
    Usage,
    Unreachable,
    Device,
    TimedOut,
    Unauthorised,
    Refused,
    NotUpdated,
    Interrupted,
}

/// What each exit code means, for the manual.
pub(crate) const EXIT_CODES: [(u8, &str); 11] = [
    (0, "done; also: already up to date"),
    (1, "anything else"),
    (2, "the command line is wrong"),
    (3, "the device cannot be reached, or the connection broke"),
    (4, "the device answered with an error"),
    (5, "something took too long"),
    (6, "the device wants other credentials"),
    (7, "refused before anything on the device was touched"),
    (8, "the firmware did not take or was not well, or the device rolled back"),
    (9, "some of many devices failed"),
    (130, "interrupted"),
];

impl Kind {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Device => 4,
            Self::TimedOut => 5,
            Self::Unauthorised => 6,
            Self::Refused => 7,
            Self::NotUpdated => 8,
            Self::Interrupted => 130,
        }
    }
}

/// A failure as it is reported.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
    /// What a program wants to know of an update that failed.
    pub(crate) facts: Option<Box<Facts>>,
}

impl Failure {
    /// A failure without hints.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), facts: None }
    }

    /// The same with one more thing to try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The failure of a call, by a command that knows what this one code of the device's means for it.
    pub(crate) fn of_call(error: CallError, known: i64, hint: &str) -> Self {
        let is_known = error.remote_error().is_some_and(|error| error.code == known);
        let mut failure = Self::from(error);
        if is_known {
            failure.hints = vec![hint.into()];
        }
        failure
    }

    /// The failure of a call that the device answered with an error of this meaning. The words stand in for a missing message.
    fn explained(error: &CallError, remote: &RemoteError, meaning: ota::Meaning) -> Self {
        let message = match remote.message {
            Some(_) => error.to_string(),
            None => format!("{error}: {}", meaning.words),
        };
        let failure = Self::new(Kind::Device, message);
        match meaning.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// A bundle that is none, and which file that is.
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
                "the bundle is not what its build made of it; build it again"
            }
        };
        Self::new(Kind::Refused, format!("{}: {error}", path.display())).hint(hint)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        if let CallError::Remote { method, error: remote } = &error
            && let Some(meaning) = ota::explain_code(method, remote)
        {
            return Self::explained(&error, remote, meaning);
        }
        let (kind, hint) = match &error {
            CallError::Unreachable { cause: DialError::Unauthorised, .. } => {
                (Kind::Unauthorised, Some(OTHER_CREDENTIALS))
            }
            CallError::Unreachable { cause: DialError::BrokerCredentials(_), .. } => {
                (Kind::Unauthorised, Some(BROKER_CREDENTIALS))
            }
            CallError::Unreachable { peer, cause } => {
                let failure = Self::new(Kind::Unreachable, error.to_string()).hint(dial_hint::of(peer, cause));
                return if is_about_its_certificate(cause) { failure.hint(INSECURE) } else { failure };
            }
            CallError::NotRpc { .. } => (Kind::Unreachable, Some(NOT_A_DEVICE)),
            CallError::Lost { .. } => (
                Kind::Unreachable,
                Some("the device may have done what it was asked; `otactl get-boot-state` shows where it stands"),
            ),
            CallError::Timeout { why: Some(Silence { hint: Some(hint), .. }), .. } => (Kind::TimedOut, Some(*hint)),
            CallError::Timeout { .. } => (
                Kind::TimedOut,
                Some("the device may be busy or rebooting; give it longer with `--timeout 30s`, or try `otactl ping`"),
            ),
            CallError::Unauthorised { refusal, .. } => (
                Kind::Unauthorised,
                Some(match refusal {
                    AuthRefusal::NoCredentials => {
                        "give them with `--rpc-creds @FILE`, `--rpc-creds -` or OTACTL_RPC_CREDS"
                    }
                    AuthRefusal::Rejected(_) => {
                        "check user and password; a new one is set on the device, by whoever set it up"
                    }
                    AuthRefusal::Unsupported => "`-vv` shows what it asks for",
                    AuthRefusal::NotAllowed(_) => {
                        "ask as another user, or change the device's list of who may call what"
                    }
                }),
            ),
            CallError::Remote { error, .. } => match error.code {
                404 => (Kind::Device, Some("`otactl list` shows the methods that the device has")),
                418 => (Kind::Device, Some("the device is about to reboot; try again in a few seconds")),
                _ => (Kind::Device, None),
            },
            CallError::WrongShape { .. } => {
                (Kind::Other, Some("`otactl call` shows the answer as it is; is this a Mongoose OS device?"))
            }
            CallError::Unreadable { .. } => (
                Kind::Other,
                Some("the firmware has to write JSON there, such as `null` for `nan`; the call was carried out"),
            ),
            CallError::TooLarge { size, .. } if *size < MAX_REQUEST => (
                Kind::Usage,
                Some(
                    "split the request, or send it over `--port ws://HOST` or `--port tcp://HOST:PORT`, which carry more",
                ),
            ),
            CallError::TooLarge { .. } => (Kind::Usage, Some("split the request; a larger one would stall the device")),
        };
        Self { kind, message: error.to_string(), hints: hint.into_iter().map(Into::into).collect(), facts: None }
    }
}

/// Whether the server would be let in if its certificate did not matter.
fn is_about_its_certificate(cause: &DialError) -> bool {
    matches!(
        cause,
        DialError::CertExpired
            | DialError::CertNotYetValid
            | DialError::CertWrongName { .. }
            | DialError::CertUntrusted
            | DialError::CertOfAuthority
            | DialError::CertUnsupported { .. }
    )
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        let hint = match &error {
            TargetError::Zone(_) => "give another address of the device, or its name".into(),
            TargetError::NoScheme(text) => format!("write `--port ws://{text}` or `--port http://{text}`"),
            _ => "write `--port ws://HOST[:PORT]`, `--port http://HOST[:PORT]`, `--port mqtt://BROKER/DEVICE`, `--port tcp://HOST:PORT`, `--port /dev/ttyUSB0`, or `--port sim:`".into(),
        };
        Self::new(Kind::Usage, error.to_string()).hint(hint)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match &error {
            ConnectError::Tls(error) => error.clone().into(),
            ConnectError::NotYet(_) => Self::new(Kind::Usage, error.to_string())
                .hint("use ws:// or http://, which every device with a network serves"),
            ConnectError::Setup(_) => Self::new(Kind::Other, error.to_string()).hint("`-v` shows more of what happens"),
        }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::File(error) => error.into(),
            SetupError::Other(_) => Self::new(Kind::Other, error.to_string())
                .hint("`--ca-cert-file FILE` trusts the authorities in a file instead of those of the system"),
        }
    }
}

impl From<PemError> for Failure {
    fn from(error: PemError) -> Self {
        let hint = match &error.fault {
            PemFault::Unreadable(_) => "give the path of a PEM file that you may read",
            PemFault::NoCertificate | PemFault::NoKey => {
                "a PEM file is text with `-----BEGIN` in it; `openssl x509 -inform DER` and `openssl pkey -inform DER` make it"
            }
            PemFault::EncryptedKey => {
                "`openssl pkey -in FILE -out PLAIN` takes its password away; keep that file to yourself"
            }
            PemFault::TooLarge | PemFault::Damaged | PemFault::Unusable(_) => {
                "`openssl x509 -noout -text -in FILE` shows a certificate, `openssl pkey -noout -check -in FILE` checks a key"
            }
        };
        Self::new(Kind::Usage, error.to_string()).hint(hint)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Kind::Other, format!("cannot write the result: {error}")).hint("is the disk full, or stdout closed?")
    }
}

impl From<update::Failure> for Failure {
    fn from(failure: update::Failure) -> Self {
        use update::Failure as F;

        let message = failure.to_string();
        let facts = Some(Box::new(failure.facts()));
        let (kind, hint) = match failure {
            F::Call(error) => return Self { facts, ..error.into() },
            F::NotCopied(error) => {
                let hint = "the update has not begun; without `--snapshot-first` it does without the copy";
                return Self { message, facts, ..Self::from(error).hint(hint) };
            }
            F::Refused(refusal) => (refusal_kind(&refusal), refusal_hint(&refusal)),
            F::Serve(error) => (Kind::Refused, serve_hint(&error).into()),
            failure @ (F::NeverFetched { .. }
            | F::Unlicensed { .. }
            | F::UrlUnreachable { .. }
            | F::NotDownloaded { .. }
            | F::Download(_)
            | F::DownloadFailed { .. }) => undelivered(failure),
            F::ContactLost { .. } => (
                Kind::TimedOut,
                "the device may have gone on by itself: once it answers, `otactl get-boot-state` shows where it stands, and \
                 the same command goes on from there"
                    .into(),
            ),
            F::DidNotReboot { .. } => (
                Kind::NotUpdated,
                "the firmware stands in the other slot; `otactl reboot` may start it, and the same command goes on from \
                 there"
                    .into(),
            ),
            F::NothingNew { .. } => (
                Kind::NotUpdated,
                "a device does not install what it, or the server of the URL, takes for what it has already".into(),
            ),
            F::RolledBack { .. } => (
                Kind::NotUpdated,
                "the new firmware crashed, was reset or was not committed in time; look at the device's console while it \
                 boots"
                    .into(),
            ),
            F::Unhealthy { revert_result: RevertResult::NotReverted { reverts_in, .. } | RevertResult::Left { reverts_in }, .. } => {
                (Kind::NotUpdated, uncommitted(reverts_in))
            }
            F::Unhealthy { reason: Unhealthy::WrongBuild { .. }, .. } => (
                Kind::NotUpdated,
                "did the bundle behind the URL change, or did somebody else update the device? Look, and update again"
                    .into(),
            ),
            F::Unhealthy { revert_result: RevertResult::Committed, .. } => (
                Kind::NotUpdated,
                "`otactl update` with another firmware replaces it; the device will not go back by itself".into(),
            ),
            F::Unhealthy { .. } => (
                Kind::NotUpdated,
                "`--on-unhealthy leave` keeps such a firmware running until the commit timeout, to be looked at".into(),
            ),
            F::AccessDenied { reverts_in, .. } => (
                Kind::Unauthorised,
                format!(
                    "the new firmware wants other credentials; unless it is committed with those, it goes back by \
                     itself, {} or so",
                    at(reverts_in.as_secs())
                ),
            ),
            F::CommitUnseen { .. } => (
                Kind::TimedOut,
                "once the device answers, `otactl get-boot-state` shows it; `otactl commit` commits it again, if need \
                 be"
                    .into(),
            ),
            F::Replaced { reverts_in, .. } => (
                Kind::NotUpdated,
                format!(
                    "the device has another address now: run the same command with that as `--port`, before it goes back by \
                     itself {}",
                    reverts(reverts_in)
                ),
            ),
            F::NotCommitted { reverts_in, .. } => (Kind::NotUpdated, uncommitted(reverts_in)),
            F::NoResponse { reverts_in, .. } => (
                Kind::TimedOut,
                format!(
                    "unless it is committed, it goes back to the old firmware by itself, {} or so; once it answers, perhaps \
                     at another address, the same command goes on from there (--reboot-timeout waits longer)",
                    at(reverts_in.as_secs())
                ),
            ),
        };
        Self { facts, ..Self::new(kind, message).hint(hint) }
    }
}

/// Returns the exit code and the hint for a firmware that the device did not get.
fn undelivered(failure: update::Failure) -> (Kind, String) {
    use update::Failure as F;

    const AGAIN: &str = "the device still runs its old firmware; the same command tries again";

    let hint = match failure {
        F::NeverFetched { strangers, .. } if !strangers.is_empty() => {
            return (Kind::NotUpdated, stranger_hint(&strangers));
        }
        F::NeverFetched { crowding, .. } if !crowding.is_empty() => {
            let named: Vec<_> = crowding.iter().take(4).map(ToString::to_string).collect();
            let hint = format!(
                "the device still runs its old firmware. Connections without a request, from {}, filled the firmware server: \
                 end the program that opens them, and run the same command again",
                named.join(", ")
            );
            return (Kind::NotUpdated, hint);
        }
        F::NeverFetched { .. } => {
            "the device still runs its old firmware. Open the port in this machine's firewall and give it with \
             `--listen :PORT`, or say with `--advertise` under which address the device reaches this machine"
        }
        F::Unlicensed { .. } => {
            "use `--via push`: a push needs no licence (with `--url`, otactl downloads the firmware first); the device still \
             runs its old firmware"
        }
        F::UrlUnreachable { .. } => {
            "the device still runs its old firmware. Check that the device reaches the server of the URL, or let otactl \
             download the firmware and deliver it with `--via push`"
        }
        F::NotDownloaded { here, .. } => {
            let hint = format!("{}; the device still runs its old firmware", download_hint(&here));
            return (Kind::NotUpdated, hint);
        }
        F::Download(error) => {
            return (Kind::Refused, format!("{}; nothing on the device has changed", download_hint(&error)));
        }
        F::DownloadFailed { remains: true, .. } => {
            "the device still runs its old firmware. It may wait for the rest of the new one until its timeout, which \
             `otactl status` shows; then run the same command again"
        }
        // The reason ends with the message of the device.
        F::DownloadFailed { reason, .. } => match reason.split(": ").find_map(ota::explain_refusal) {
            Some(hint) => {
                return (Kind::NotUpdated, format!("{hint}; the device still runs its old firmware"));
            }
            None => AGAIN,
        },
        _ => AGAIN,
    };
    (Kind::NotUpdated, hint.into())
}

/// Returns the next step for a firmware that otactl could not download.
fn download_hint(error: &DownloadError) -> &'static str {
    match error {
        DownloadError::TooSlow(_) => "`--download-timeout 1h` waits longer",
        DownloadError::Stalled(_) => "check the server; `--stall-timeout 5m` waits longer",
        DownloadError::Server(_) | DownloadError::Bundle(_) => "check the URL",
    }
}

impl From<WaitFailure> for Failure {
    fn from(failure: WaitFailure) -> Self {
        const LONGER: &str =
            "`--for 10m` waits longer; `otactl get-boot-state` and `otactl info` show where the device stands";
        const NEVER_SEEN: &str = "is it switched on, and is the address right? `otactl ping` says what is in the way; `--for 10m` \
                                  waits longer";

        let message = failure.to_string();
        match failure {
            WaitFailure::Call(error) => error.into(),
            WaitFailure::TimeOver { seen: Some(_), .. } => Self::new(Kind::TimedOut, message).hint(LONGER),
            WaitFailure::TimeOver { seen: None, .. } => Self::new(Kind::TimedOut, message).hint(NEVER_SEEN),
        }
    }
}

fn uncommitted(reverts_in: Option<Duration>) -> String {
    format!(
        "the device goes back by itself {}, unless `otactl commit` keeps what runs; `otactl get-boot-state` shows it",
        reverts(reverts_in)
    )
}

/// What the command line alone shows to be wrong is wrong with the command line.
fn refusal_kind(refusal: &Refusal) -> Kind {
    match refusal {
        Refusal::ChecksTooLong { .. } => Kind::Usage,
        _ => Kind::Refused,
    }
}

fn refusal_hint(refusal: &Refusal) -> String {
    let hint = match refusal {
        Refusal::ChecksTooLong { would_do, .. } => {
            let would_do = seconds(would_do.as_secs());
            return format!("`--commit-timeout '{would_do}'` would do, or a shorter `--check-timeout` or `--soak`");
        }
        Refusal::WrongPlatform { .. } => "give the firmware that was built for this platform",
        Refusal::OtherApp { .. } => "if the device is to become that app, add `--force`",
        Refusal::CannotPush => "have it fetch the firmware from here with `--via pull`, or from elsewhere with `--url`",
        Refusal::OtherDevice { .. } => "give with `--commit-port` another address of the same device",
        Refusal::Older { .. } => "if the device is to go back to it, add `--allow-downgrade`; `--force` alone does not",
        Refusal::MethodsMissing { .. } => {
            "`otactl list` shows what it has; a firmware without them is replaced over a cable, with one that has rpc-service-ota"
        }
        Refusal::NotSigned { .. } => {
            "sign it with the private halves of the device's keys; `otactl call Config.Get '{\"key\":\"update\"}'` shows what it \
             asks for"
        }
        Refusal::TakesNoUpdates => {
            "whoever set the device up can set update.sig_req_mask to the signatures that it is to ask for, or to -1 for none"
        }
        Refusal::FileSystemTooLarge { .. } => {
            "give the firmware that was built for this board; if you know better, add `--force`"
        }
        Refusal::WantsBlobUrl => {
            "flash it over a cable, or serve the bundle yourself: `otactl describe OTA.Update` shows the arguments that it takes"
        }
        Refusal::NoWayBack { .. } => "if it is to be updated all the same, without a way back, add `--force`",
        Refusal::Uncommitted { .. } => "`otactl commit` keeps what runs, `otactl revert` goes back; then update",
        Refusal::UpdateRunning { .. } => {
            "`otactl status` shows its progress; run the same command again when the update has ended"
        }
    };
    hint.into()
}

/// Somebody came, and he may have been the device.
fn stranger_hint(strangers: &[IpAddr]) -> String {
    const NAMED: usize = 3;

    let named: Vec<_> = strangers.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if strangers.len() > NAMED { " and others" } else { "" };
    format!(
        "the device still runs its old firmware. {}{more} came for the firmware and was turned away, since the device is not known \
         to have that address; if it was the device, behind NAT for one, add `--allow-from {}`",
        named.join(", "),
        strangers[0],
    )
}

fn serve_hint(error: &ServeError) -> &'static str {
    match error {
        ServeError::NoRoute | ServeError::Unroutable { .. } => {
            "say where to serve and under which address the device reaches it: `--listen :8080 --advertise ADDRESS`"
        }
        ServeError::Bind { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
            "ports below 1024 belong to the system; choose another with `--listen ADDRESS:PORT`, or leave it to otactl"
        }
        ServeError::Bind { .. } => "choose another with `--listen ADDRESS:PORT`, or leave it to otactl",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hint that is broken over lines in the source is one line here.
    #[test]
    fn a_hint_is_one_line_without_gaps() {
        let failure = update::Failure::NoResponse {
            answers: false,
            after: Duration::from_secs(120),
            last: "silence".into(),
            reverts_in: Duration::from_secs(300),
        };
        let failure = Failure::from(failure);
        assert!(failure.hints[0].contains("perhaps at another address"), "{:?}", failure.hints);
    }

    #[test]
    fn device_kept_out_by_silent_connections_is_not_blamed_on_a_firewall() {
        let failure = |crowding: &[IpAddr]| {
            let (address, crowding) = ("192.168.1.2:8080".into(), crowding.to_vec());
            let failure = update::Failure::NeverFetched { address, said: None, strangers: Vec::new(), crowding };
            Failure::from(failure).hints.concat()
        };
        assert!(failure(&[]).contains("firewall"));
        let hint = failure(&[[192, 168, 1, 5].into()]);
        assert!(hint.contains("192.168.1.5") && !hint.contains("firewall"), "{hint}");
    }
}
