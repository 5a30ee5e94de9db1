//! A health check over time: the device must keep answering and must not reboot.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::failure::CheckFailure;
use crate::bundle::manifest::Build;
use crate::ota;
use crate::rpc::Device;
use crate::rpc::deadline::deadline_in;
use crate::text::for_humans;
use crate::update::device_state::DeviceState;
use crate::update::poll::Poll;
use crate::update::verdict::is_other_boot;

/// The interval between two questions.
const QUESTION_INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a question without a reply.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Asks for the info of the device repeatedly for the time `lasting`.
///
/// Single replies may get lost. The check fails if no reply arrives within the timeout of a call.
pub(super) async fn run(
    device: &Device,
    now: &DeviceState,
    lasting: Duration,
    deadline: Instant,
) -> Result<(), CheckFailure> {
    let until = deadline_in(lasting);
    let mut poll = Poll::after(device, now);
    let mut silent_since = None;
    // Not a `Repeat`: the device is asked again after a good answer, and the time of its silence is what fails.
    loop {
        let asked = Instant::now();
        // The timeout grows for a slow device, but the silence must not exceed the timeout of a call.
        let since: Instant = *silent_since.get_or_insert(asked);
        let longest = since.checked_add(device.timeout()).map_or(deadline, |ends| ends.min(deadline));
        let Ok(answer) = timeout_at(longest, poll.ask(ota::GetInfo {})).await else {
            let silent = format!("the device has not answered for {}", for_humans(since.elapsed()));
            return Err(if longest == deadline {
                CheckFailure::timed_out(silent)
            } else {
                CheckFailure::failed(silent)
            });
        };
        match answer {
            Ok(info) => {
                silent_since = None;
                if let Some(other) = now.other_device(&info) {
                    return Err(CheckFailure::failed(other.to_string()));
                }
                if info.fw_version != now.info.fw_version || info.fw_id != now.info.fw_id {
                    let build = Build { version: info.fw_version, build_id: info.fw_id };
                    return Err(CheckFailure::failed(format!("the device has restarted, and runs {build}")));
                }
                if is_other_boot(now, &info, asked) {
                    let uptime = Duration::from_secs(info.uptime);
                    return Err(CheckFailure::failed(format!("the device has restarted, {} ago", for_humans(uptime))));
                }
                if Instant::now() >= until {
                    return Ok(());
                }
                sleep_until((asked + QUESTION_INTERVAL).min(until)).await;
            }
            Err(error) if !error.is_transient() => return Err(CheckFailure::failed(error.to_string()).of_call(&error)),
            Err(error) if Instant::now() >= deadline => {
                return Err(CheckFailure::timed_out(error.to_string()).of_call(&error));
            }
            Err(error) if since.elapsed() >= device.timeout() => {
                let silent = for_humans(since.elapsed());
                let reason = format!("the device has not answered for {silent} ({error})");
                return Err(CheckFailure::failed(reason).of_call(&error));
            }
            Err(_) => sleep(RETRY_PAUSE).await,
        }
    }
}
