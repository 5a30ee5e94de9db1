//! Firmware that the device did not get.

use std::net::IpAddr;

use otactl::ota;
use otactl::update;
use otactl::update::remote_manifest::DownloadError;

use super::unknown::unknown_hint;

/// Returns the hint for firmware that the device did not get.
pub(super) fn undelivered(failure: update::Failure) -> String {
    use update::Failure as F;

    const TRY_AGAIN: &str = "the device still runs its old firmware; the same command tries again";

    let hint = match failure {
        F::NeverFetched { rejected_clients, .. } if !rejected_clients.is_empty() => {
            return rejected_clients_hint(&rejected_clients);
        }
        F::NeverFetched { crowding, .. } if !crowding.is_empty() => {
            let named: Vec<_> = crowding.iter().take(4).map(ToString::to_string).collect();
            return format!(
                "the device still runs its old firmware. Connections without a request, from {}, filled the firmware server: \
                 end the program that opens them, and run the same command again",
                named.join(", ")
            );
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
            return format!("{}; the device still runs its old firmware", download_hint(&here));
        }
        F::Download(error) => {
            return format!("{}; nothing on the device has changed", download_hint(&error));
        }
        F::DownloadFailed { remains: true, .. } => {
            "the device still runs its old firmware. It may wait for the rest of the new one until its timeout, which \
             `otactl status` shows; then run the same command again"
        }
        F::DownloadFailed { reason, .. } => {
            let message = reason.remote_error().and_then(|error| error.message.as_deref());
            match message.and_then(ota::explain_refusal) {
                Some(hint) => return format!("{hint}; the device still runs its old firmware"),
                None => TRY_AGAIN,
            }
        }
        failure => unknown_hint(&failure),
    };
    hint.into()
}

/// Returns the next step for firmware that otactl could not download.
fn download_hint(error: &DownloadError) -> &'static str {
    match error {
        DownloadError::TooSlow(_) => "`--download-timeout 1h` waits longer",
        DownloadError::Stalled(_) => "check the server; `--stall-timeout 5m` waits longer",
        DownloadError::Server(_) | DownloadError::Bundle(_) => "check the URL",
        error => unknown_hint(error),
    }
}

/// Returns the hint for requests from addresses that the device is not known to have. One of them may be the device.
fn rejected_clients_hint(rejected_clients: &[IpAddr]) -> String {
    const MAX_ADDRESSES: usize = 3;

    let named: Vec<_> = rejected_clients.iter().take(MAX_ADDRESSES).map(ToString::to_string).collect();
    let more = if rejected_clients.len() > MAX_ADDRESSES { " and others" } else { "" };
    format!(
        "the device still runs its old firmware. {}{more} requested the firmware and was refused, since the device is not known \
         to have that address; if it was the device, for example behind NAT, add `--allow-from {}`",
        named.join(", "),
        rejected_clients[0],
    )
}

#[cfg(test)]
mod tests {
    use otactl::rpc::{CallError, RemoteError};
    use otactl::update::outcome::FailureReason;

    use super::*;
    use crate::cli::failure::Failure;

    #[test]
    fn refusal_of_the_device_is_explained_by_its_error_alone() {
        let hint = |reason: FailureReason| {
            Failure::from(update::Failure::DownloadFailed { reason, taken: None, remains: false }).hints.concat()
        };
        let error = || RemoteError { code: -1, message: Some("-10 Incomplete update package".into()) };
        let incomplete = ota::explain_refusal("Incomplete update package").expect("a known refusal");
        let call = CallError::Remote { method: "OTA.Write".into(), error: error() };
        let reasons: [FailureReason; 3] =
            [error().into(), call.clone().into(), FailureReason::then("it restarted", call.into())];
        for reason in reasons {
            assert!(hint(reason.clone()).contains(incomplete), "{reason:?}");
        }
        assert!(!hint("it restarted: Incomplete update package".into()).contains(incomplete));
        for message in ["Wrong platform", "-10 Digest mismatch", "-11 Invalid CRC", "Failed to parse manifest"] {
            let hint = hint(RemoteError { code: -1, message: Some(message.into()) }.into());
            assert!(!hint.contains("tries again"), "the same command fails again: {message}: {hint}");
        }
    }

    #[test]
    fn server_filled_by_silent_connections_does_not_blame_the_firewall() {
        let failure = |crowding: &[IpAddr]| {
            let (address, crowding) = ("192.168.1.2:8080".into(), crowding.to_vec());
            let failure =
                update::Failure::NeverFetched { address, reply: None, rejected_clients: Vec::new(), crowding };
            Failure::from(failure).hints.concat()
        };
        assert!(failure(&[]).contains("firewall"));
        let hint = failure(&[[192, 168, 1, 5].into()]);
        assert!(hint.contains("192.168.1.5") && !hint.contains("firewall"), "{hint}");
    }
}
