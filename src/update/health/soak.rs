//! A check by time: for a while, the device must answer, and run what it ran without a reboot.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Fault;
use crate::ota;
use crate::rpc::Device;
use crate::text::for_humans;
use crate::update::reboot::probe_timeout;
use crate::update::snapshot::Snapshot;
use crate::update::verdict::rebooted;

/// The time between two questions, and the least time after one that was lost.
const PACE: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(100);

/// Asks the device what it is for as long as `lasting`. An answer may get lost, but not all of those
/// within the time of a call.
pub(super) async fn run(device: &Device, now: &Snapshot, lasting: Duration, deadline: Instant) -> Result<(), Fault> {
    let until = Instant::now() + lasting;
    let patience = probe_timeout(device, now);
    let mut heard = Instant::now();
    loop {
        let asked = Instant::now();
        let left = deadline.saturating_duration_since(asked);
        match device.call_within(ota::GetInfo {}, patience.min(left)).await {
            Ok(info) => {
                heard = Instant::now();
                if let Some(stranger) = now.stranger(&info) {
                    return Err(Fault::wrong(stranger));
                }
                let after = Snapshot { info, boot: now.boot, asked, taken: heard };
                if after.build() != now.build() {
                    return Err(Fault::wrong(format!("the device has restarted, and runs {}", after.build())));
                }
                if rebooted(now, &after) {
                    let uptime = Duration::from_secs(after.info.uptime);
                    return Err(Fault::wrong(format!("the device has restarted, {} ago", for_humans(uptime))));
                }
                if heard >= until {
                    return Ok(());
                }
                sleep_until((asked + PACE).min(until)).await;
            }
            Err(error) if !error.is_passing() => return Err(Fault::wrong(error.to_string()).of_call(&error)),
            Err(error) if Instant::now() >= deadline => {
                return Err(Fault::late(error.to_string()).of_call(&error));
            }
            Err(error) if heard.elapsed() >= device.timeout() => {
                let silent = for_humans(heard.elapsed());
                let reason = format!("the device has not answered for {silent} ({error})");
                return Err(Fault::wrong(reason).of_call(&error));
            }
            Err(error) => {
                device.hang_up_after(&error);
                sleep(AGAIN).await;
            }
        }
    }
}
