//! The messages about the steps of an update and about its success.

use std::time::Duration;

use otactl::bundle::manifest::Build;
use otactl::ota::slot_name;
use otactl::text::{device_text, for_humans};
use otactl::update::Success;
use otactl::update::device_state::Running;
use otactl::update::event::{Event, Origin, Severity};

use super::bar::kib;
use super::clock::{self, rollback_time};

/// Returns the name of a step and its message, or `None` for an event that is shown as a bar or not at all.
pub(crate) fn step(event: &Event) -> Option<(&'static str, String)> {
    let commit_state = |committed: &bool| if *committed { "committed" } else { "uncommitted" };
    Some(match event {
        Event::Device { id, platform, app, build, slot, committed } => {
            let [id, platform, app] = [id, platform, app].map(|text| device_text(text));
            (
                "device",
                format!("{id} ({platform}): {} runs {app} {build}, {}", slot_name(*slot), commit_state(committed)),
            )
        }
        Event::Firmware { app, platform, build, bytes } => {
            let size = bytes.map(|bytes| format!(", {} KiB", kib(bytes))).unwrap_or_default();
            ("firmware", format!("{app} {build} for {platform}{size}").trim_start().into())
        }
        Event::FirmwareUnknown { reason } => (
            "firmware",
            format!(
                "otactl could not read its manifest: {reason}; the build after the update cannot be compared with it"
            ),
        ),
        Event::Finding { what, says, verdict } => {
            let step = match verdict {
                Severity::Good | Severity::Unknown => "plan",
                Severity::Weak => "note",
                Severity::Refused => "refused",
            };
            (step, format!("{what}: {says}"))
        }
        Event::Resuming { reverts_in } => (
            "resume",
            format!(
                "the wanted firmware runs already, uncommitted; rolls back {} unless committed",
                rollback_time(reverts_in.map(Duration::from_secs))
            ),
        ),
        Event::Busy { .. } | Event::Ended { .. } => ("busy", foreign_update(event)?),
        Event::SecondWaySilent { reason } => {
            ("waiting", format!("the device does not answer over --commit-port yet: {reason}"))
        }
        Event::Copied { slot } => ("copy", format!("the running firmware was copied to {}", slot_name(*slot))),
        Event::NotCopied { platform, slot } => {
            let slot = slot_name(*slot);
            ("copy", format!("no copy: {platform} has two slots, and the running firmware stays in {slot}"))
        }
        Event::Serving { .. }
        | Event::Requested { .. }
        | Event::NotAsked { .. }
        | Event::FallingBack { .. }
        | Event::DownloadingHere { .. }
        | Event::DownloadedHere { .. }
        | Event::GoesOn { .. }
        | Event::Fetching { .. }
        | Event::Pushing { .. }
        | Event::PushResumed { .. } => return delivery(event),
        Event::Served { .. } | Event::ClientRejected { .. } | Event::Crowded { .. } | Event::HandshakeFailed { .. } => {
            return firmware_server(event);
        }
        Event::Unconfirmed { reason } => {
            ("reboot", format!("the device rebooted without confirming the update ({reason})"))
        }
        Event::Applied { message } => ("applied", message.clone()),
        Event::Rebooting => ("reboot", "waiting for the device".into()),
        Event::Back { build, slot, committed, reverts_in } => {
            let rollback = match (committed, reverts_in.map(Duration::from_secs)) {
                (true, _) => String::new(),
                (false, left) => format!("; rolls back {} unless committed", rollback_time(left)),
            };
            ("back", format!("{} runs {build}, {}{rollback}", slot_name(*slot), commit_state(committed)))
        }
        Event::Checked { check, took_ms, proxy } => {
            let through = proxy.as_ref().map(|proxy| format!(", through the proxy {proxy}")).unwrap_or_default();
            ("check", format!("{check}: passed in {}{through}", for_humans(Duration::from_millis(*took_ms))))
        }
        Event::CheckFailed { check, reason } => ("check", format!("{check}: failed: {reason}")),
        Event::Committing => ("commit", "sent".into()),
        Event::Reverting => {
            ("revert", "this firmware is not kept; the device was told to revert to the old one".into())
        }
        Event::Sent { .. } | Event::Written { .. } | Event::Delivered(_) | Event::Checking { .. } | Event::Ending => {
            return None;
        }
        unknown => {
            // A test of a new event finds that it has no message.
            debug_assert!(false, "no message for {unknown:?}");
            return None;
        }
    })
}

/// Returns the name of a step and its message, for the steps that bring the firmware to the device.
fn delivery(event: &Event) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Serving { address, tls } => {
            ("serve", format!("the firmware at {}://{address}/", if *tls { "https" } else { "http" }))
        }
        Event::Requested { from, .. } => {
            let task = match from {
                Origin::Here => "to fetch the firmware from here",
                Origin::Elsewhere => "to fetch the firmware by itself",
                Origin::Sent => "to receive the firmware",
            };
            ("update", format!("the device was told {task}"))
        }
        Event::NotAsked { seconds, address } => (
            "waiting",
            format!(
                "the device has not asked for the firmware within {seconds} s. It was told to ask {address}: does a firewall on this \
                 machine block that port, is the device in another network, does it reach this machine under another \
                 address (--advertise, --listen)?"
            ),
        ),
        Event::FallingBack { reason } => ("push", format!("{reason}; otactl pushes the firmware over --port instead")),
        Event::DownloadingHere { reason } => ("download", format!("{reason}; otactl downloads the firmware instead")),
        Event::DownloadedHere { bytes } => ("download", format!("{} KiB, digests verified", kib(*bytes))),
        Event::GoesOn { error } => ("waiting", format!("the device reported {error}, but its update still runs")),
        Event::Fetching { peer, .. } => ("fetch", format!("{peer} fetches the firmware")),
        Event::Pushing { window, chunk } => {
            ("push", format!("otactl sends the firmware in chunks of {chunk} bytes, up to {window} at a time"))
        }
        Event::PushResumed { offset } => {
            ("resume", format!("the connection was lost; the push continues from byte {offset}"))
        }
        _ => return None,
    })
}

/// Returns the message about an update that runs on the device already, or that otactl ended.
fn foreign_update(event: &Event) -> Option<String> {
    Some(match event {
        Event::Busy { percent } => {
            format!("an update runs already, and is {percent} % done; waiting to see whether it goes on")
        }
        Event::Ended { percent, is_ours: true, .. } => {
            format!(
                "the download made no progress at {percent} %; rebooted the device, which is the only way to end it"
            )
        }
        Event::Ended { percent, by_reboot: false, .. } => {
            format!("found an abandoned update at {percent} %; cancelled it")
        }
        Event::Ended { percent, by_reboot: true, .. } => {
            format!("found an abandoned download at {percent} %; rebooted the device, which is the only way to end it")
        }
        _ => return None,
    })
}

/// Returns the message about a problem at the firmware server, or `None` for a normal request.
fn firmware_server(event: &Event) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Served { peer, status: 404, .. } => {
            ("fetch", format!("{peer} requested another path than that of the firmware"))
        }
        Event::Served { peer, status: status @ 400.., .. } => ("fetch", format!("{peer} got HTTP status {status}")),
        Event::Served { peer, method, bytes, total, complete: false, range: None, .. } if method == "GET" => {
            ("fetch", format!("the connection of {peer} ended after {bytes} of {total} bytes"))
        }
        Event::ClientRejected { peer } => (
            "stranger",
            format!(
                "{peer} was refused: the device is not known to have that address. If the device connects from there, \
                 for example behind NAT, add `--allow-from {peer}`"
            ),
        ),
        Event::Crowded { peer } => (
            "crowded",
            format!("{peer} opens connections to the firmware server and requests nothing; otactl closes some of them"),
        ),
        Event::HandshakeFailed { peer, reason } => ("fetch", format!("the TLS handshake of {peer} failed: {reason}")),
        _ => return None,
    })
}

/// Returns the build that the message about a successful update names.
pub(crate) fn build_of(success: &Success) -> Option<&Build> {
    match success {
        Success::AlreadyCurrent(running) | Success::Updated(running) | Success::LeftUncommitted { running, .. } => {
            Some(&running.build)
        }
        Success::Planned => None,
    }
}

/// Returns the message about an update that succeeded after this time.
pub(crate) fn success(success: &Success, app: &str, after: Duration) -> String {
    let app = device_text(app);
    let after = clock::elapsed(after);
    match success {
        Success::AlreadyCurrent(running) => {
            format!("{app} {} runs already, and is committed; nothing to do", running.build)
        }
        Success::Updated(Running { build, slot, .. }) => {
            format!("{app} {build} runs in {}, committed, after {after}", slot_name(*slot))
        }
        Success::LeftUncommitted { running: Running { build, slot, .. }, reverts_in } => format!(
            "{app} {build} runs in {}, uncommitted, after {after}; the device rolls back {} unless `otactl commit` keeps it",
            slot_name(*slot),
            rollback_time(*reverts_in)
        ),
        Success::Planned => "dry run: the update is possible; nothing on the device was touched".into(),
    }
}
