//! What is said of each step of an update, and of its end, to a person.

use std::time::Duration;

use otactl::ota::slot_name;
use otactl::text::{device_text, for_humans};
use otactl::update::Success;
use otactl::update::device_state::Running;
use otactl::update::event::{Event, Origin, Severity};

use super::clock::reverts;

/// The name of a step, and what is said of it; nothing of what is shown as a bar, or not at all.
pub(crate) fn step(event: &Event) -> Option<(&'static str, String)> {
    let state = |committed: &bool| if *committed { "committed" } else { "uncommitted" };
    Some(match event {
        Event::Device { id, platform, app, build, slot, committed } => {
            let [id, platform, app] = [id, platform, app].map(|text| device_text(text));
            ("device", format!("{id} ({platform}): {} runs {app} {build}, {}", slot_name(*slot), state(committed)))
        }
        Event::Firmware { app, platform, build, bytes } => {
            let size = bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
            ("firmware", format!("{app} {build} for {platform}{size}").trim_start().into())
        }
        Event::FirmwareUnknown { reason } => (
            "firmware",
            format!(
                "its manifest could not be read from here: {reason}; what runs afterwards cannot be held against it"
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
                "the wanted firmware runs already, and waits for its commit; goes back {} unless committed",
                reverts(reverts_in.map(Duration::from_secs))
            ),
        ),
        Event::Busy { .. } | Event::Ended { .. } => ("busy", of_an_update_that_runs(event)?),
        Event::SecondWaySilent { reason } => {
            ("waiting", format!("the second way does not lead to the device yet: {reason}"))
        }
        Event::Copied { slot } => ("copy", format!("what runs was copied to {}", slot_name(*slot))),
        Event::NotCopied { platform, slot } => {
            let slot = slot_name(*slot);
            ("copy", format!("none: {platform} has two slots, and what runs stays in {slot} as it is"))
        }
        Event::Serving { address, tls } => {
            ("serve", format!("the firmware at {}://{address}/", if *tls { "https" } else { "http" }))
        }
        Event::Requested { from, .. } => {
            let what = match from {
                Origin::Here => "to fetch the firmware from here",
                Origin::Elsewhere => "to fetch the firmware by itself",
                Origin::Sent => "to take the firmware that it is sent",
            };
            ("update", format!("the device was told {what}"))
        }
        Event::NotAsked { seconds, address } => (
            "waiting",
            format!(
                "the device has not asked for the firmware within {seconds} s. It was told to ask {address}: does a firewall on this \
                 machine block that port, is the device in another network, does it reach this machine under another \
                 address (--advertise, --listen)?"
            ),
        ),
        Event::FallingBack { reason } => ("push", format!("{reason}; so the firmware is sent to it over --port")),
        Event::DownloadingHere { reason } => ("download", format!("{reason}; otactl downloads the firmware instead")),
        Event::DownloadedHere { bytes } => ("download", format!("{bytes} bytes, digests verified")),
        Event::GoesOn { said } => ("waiting", format!("the device reported {said}, but its update still runs")),
        Event::Fetching { peer, .. } => ("fetch", format!("{peer} fetches the firmware")),
        Event::Pushing { window, chunk } => {
            ("push", format!("the device is sent the firmware, {window} at a time of {chunk} bytes"))
        }
        Event::PushResumed { offset } => ("resume", format!("the connection was lost; on from byte {offset}")),
        Event::Served { .. } | Event::Stranger { .. } | Event::Crowded { .. } | Event::HandshakeFailed { .. } => {
            return server(event);
        }
        Event::Unconfirmed { reason } => {
            ("reboot", format!("the device rebooted without confirming the update ({reason})"))
        }
        Event::Applied { message } => ("applied", message.clone()),
        Event::Rebooting => ("reboot", "waiting for the device".into()),
        Event::Back { build, slot, committed, reverts_in } => {
            let until = match (committed, reverts_in.map(Duration::from_secs)) {
                (true, _) => String::new(),
                (false, left) => format!("; goes back {} unless committed", reverts(left)),
            };
            ("back", format!("{} runs {build}, {}{until}", slot_name(*slot), state(committed)))
        }
        Event::Checked { check, took_ms, proxy } => {
            let through = proxy.as_ref().map(|proxy| format!(", through the proxy {proxy}")).unwrap_or_default();
            ("check", format!("{check}: passed in {}{through}", for_humans(Duration::from_millis(*took_ms))))
        }
        Event::CheckFailed { check, reason } => ("check", format!("{check}: failed: {reason}")),
        Event::Committing => ("commit", "sent".into()),
        Event::Reverting => ("revert", "this firmware is not to stay; the device was told to go back".into()),
        Event::Sent { .. } | Event::Written { .. } | Event::Delivered(_) | Event::Checking { .. } | Event::Ending => {
            return None;
        }
    })
}

/// Describes an update that runs on the device, and how otactl ended it.
fn of_an_update_that_runs(event: &Event) -> Option<String> {
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

/// What a person is told of what happens at the firmware server: what is not as it should be.
fn server(event: &Event) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Served { peer, status: 404, .. } => {
            ("fetch", format!("{peer} asked for something else than the firmware"))
        }
        Event::Served { peer, status: status @ 400.., .. } => {
            ("fetch", format!("{peer} was answered with HTTP status {status}"))
        }
        Event::Served { peer, method, bytes, total, complete: false, range: None, .. } if method == "GET" => {
            ("fetch", format!("{peer} was cut off, or hung up, after {bytes} of {total} bytes"))
        }
        Event::Stranger { peer } => (
            "stranger",
            format!(
                "{peer} was turned away: the device is not known to have that address. If it comes from there, behind \
                 NAT for one, add `--allow-from {peer}`"
            ),
        ),
        Event::Crowded { peer } => (
            "crowded",
            format!("{peer} opens connections to the firmware server and requests nothing; otactl closes some of them"),
        ),
        Event::HandshakeFailed { peer, reason } => {
            ("fetch", format!("{peer} did not get through the TLS handshake: {reason}"))
        }
        _ => return None,
    })
}

/// The last word of an update that did what was asked.
pub(crate) fn success(success: &Success, app: &str) -> String {
    let app = device_text(app);
    match success {
        Success::AlreadyCurrent(running) => {
            format!("{app} {} runs already, and is committed; nothing to do", running.build)
        }
        Success::Updated(Running { build, slot }) => {
            format!("{app} {build} runs in {}, and is committed", slot_name(*slot))
        }
        Success::LeftUncommitted { running: Running { build, slot }, reverts_in } => format!(
            "{app} {build} runs in {}, uncommitted; the device goes back {} unless `otactl commit` keeps it",
            slot_name(*slot),
            reverts(*reverts_in)
        ),
        Success::Planned => "dry run: the update can be done; nothing was touched".into(),
    }
}
