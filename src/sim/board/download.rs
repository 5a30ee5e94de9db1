//! The download of a device of 2018: one GET, whose body goes to the updater as it arrives.

use std::future::pending;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::sim::device::updater::{Updater, UpdaterProgress};
use crate::sim::fault::effects::DownloadFault;
use crate::sim::firmware::Firmware;
use crate::sim::generation::Generation;
use crate::sim::http_client::{self, DeviceNetwork, Response, device_headers, limit_rate};
use crate::sim::signing::UpdateConfig;
use crate::sim::update_error::UpdateError;
use crate::sim::wire::MethodError;

/// The longest time without data before the device gives up the download.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The result of a download that does not fail.
#[derive(Debug)]
pub(super) enum DownloadResult {
    /// A new firmware is in the slot.
    Written(Firmware),
    /// The server or the manifest reports that the device already runs this firmware. The value is the reason.
    NothingNew(&'static str),
    /// The device lost its power. The connection stays half-open.
    PowerLost(Response),
}

/// Fetches the bundle at `url` over `network` and gives it to an updater.
///
/// The device `id` runs the firmware `running`, requires the signatures of `update_config`, and reads at most `rate`
/// bytes per second. The download fails after `limit`. Each new percentage is passed to `progress`, which returns the
/// fault that occurs there.
#[expect(clippy::too_many_arguments, reason = "the properties of the device and the arguments of the call")]
pub(super) async fn download(
    network: &dyn DeviceNetwork,
    id: &str,
    running: &Firmware,
    update_config: &UpdateConfig,
    url: &str,
    limit: Duration,
    rate: Option<NonZeroU32>,
    progress: impl Fn(u8) -> Option<DownloadFault> + Send,
) -> Result<DownloadResult, MethodError> {
    let fetched = fetch(network, id, running, update_config, url, rate, progress);
    timeout(limit, fetched).await.unwrap_or_else(|_| Err(failed()))
}

async fn fetch(
    network: &dyn DeviceNetwork,
    id: &str,
    running: &Firmware,
    update_config: &UpdateConfig,
    url: &str,
    rate: Option<NonZeroU32>,
    progress: impl Fn(u8) -> Option<DownloadFault> + Send,
) -> Result<DownloadResult, MethodError> {
    let headers = device_headers(id, running);
    let response = timeout(IDLE_TIMEOUT, http_client::get(network, url, &headers)).await;
    let Ok(Ok(mut response)) = response else { return Err(failed()) };
    match response.status {
        200 => {}
        304 => return Ok(DownloadResult::NothingNew("Not Modified")),
        _ => return Err(MethodError::new(-1, "Invalid HTTP response code")),
    }
    let Some(total @ 1..) = response.length else {
        return Err(MethodError::new(-1, "Invalid content-length, perhaps chunked-encoding"));
    };
    let mut updater = Updater::new(Generation::Y2018, running.clone()).with_update_config(update_config.clone());
    let (start, mut received, mut last_percent) = (Instant::now(), 0, None);
    while received < total {
        let next = timeout(IDLE_TIMEOUT, response.next_within(total - received)).await;
        let Ok(Some(bytes)) = next else { return Err(failed()) };
        if updater.push(&bytes).map_err(UpdateError::of_2018)? == UpdaterProgress::NothingNew {
            return Ok(DownloadResult::NothingNew("Version is the same as current"));
        }
        received += bytes.len() as u64;
        limit_rate(rate, start, received).await;
        let percent = u8::try_from(received.saturating_mul(100) / total).unwrap_or(100);
        if last_percent.replace(percent) == Some(percent) {
            continue;
        }
        match progress(percent) {
            None => {}
            Some(DownloadFault::Reboot) => return Ok(DownloadResult::PowerLost(response)),
            Some(DownloadFault::CutOff) => return Err(failed()),
            Some(DownloadFault::Stall) => pending().await,
        }
    }
    updater.finish().map(DownloadResult::Written).map_err(UpdateError::of_2018)
}

fn failed() -> MethodError {
    UpdateError::Failed.of_2018()
}
