//! The download of a device of 2018: one plain GET, whose body goes to the updater as it arrives.

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
use crate::sim::wire::Failure;

/// Without a byte for so long, the device gives up.
const STALL: Duration = Duration::from_secs(60);

/// How a download ends without a failure.
#[derive(Debug)]
pub(super) enum Fetched {
    /// A new firmware is in the slot.
    Written(Firmware),
    /// The server, or the manifest, said that there is nothing new.
    NothingNew(&'static str),
    /// The device lost its power. Nothing closes the connection.
    PowerLost(Response),
}

/// Fetches the bundle at `url` over `network` for the device `id`, which runs `running` and takes what `whose` says, at no more than
/// `rate` bytes per second. `progress` is told the percentage that has been written whenever that grows, and says what
/// goes wrong there.
#[expect(clippy::too_many_arguments, reason = "what a device knows of itself, and what it is told")]
pub(super) async fn download(
    network: &dyn DeviceNetwork,
    id: &str,
    running: &Firmware,
    whose: &UpdateConfig,
    url: &str,
    limit: Duration,
    rate: Option<NonZeroU32>,
    progress: impl Fn(u8) -> Option<DownloadFault> + Send,
) -> Result<Fetched, Failure> {
    let fetched = fetch(network, id, running, whose, url, rate, progress);
    timeout(limit, fetched).await.unwrap_or_else(|_| Err(failed()))
}

async fn fetch(
    network: &dyn DeviceNetwork,
    id: &str,
    running: &Firmware,
    whose: &UpdateConfig,
    url: &str,
    rate: Option<NonZeroU32>,
    progress: impl Fn(u8) -> Option<DownloadFault> + Send,
) -> Result<Fetched, Failure> {
    let headers = device_headers(id, running);
    let response = timeout(STALL, http_client::get(network, url, &headers)).await;
    let Ok(Ok(mut response)) = response else { return Err(failed()) };
    match response.status {
        200 => {}
        304 => return Ok(Fetched::NothingNew("Not Modified")),
        _ => return Err(Failure::new(-1, "Invalid HTTP response code")),
    }
    let Some(total @ 1..) = response.length else {
        return Err(Failure::new(-1, "Invalid content-length, perhaps chunked-encoding"));
    };
    let mut updater = Updater::new(Generation::Y2018, running.clone()).with_update_config(whose.clone());
    let (start, mut taken, mut told) = (Instant::now(), 0, None);
    while taken < total {
        let next = timeout(STALL, response.next_within(total - taken)).await;
        let Ok(Some(bytes)) = next else { return Err(failed()) };
        if updater.push(&bytes).map_err(UpdateError::of_2018)? == UpdaterProgress::NothingNew {
            return Ok(Fetched::NothingNew("Version is the same as current"));
        }
        taken += bytes.len() as u64;
        limit_rate(rate, start, taken).await;
        let percent = u8::try_from(taken.saturating_mul(100) / total).unwrap_or(100);
        if told.replace(percent) == Some(percent) {
            continue;
        }
        match progress(percent) {
            None => {}
            Some(DownloadFault::Reboot) => return Ok(Fetched::PowerLost(response)),
            Some(DownloadFault::CutOff) => return Err(failed()),
            Some(DownloadFault::Stall) => pending().await,
        }
    }
    updater.finish().map(Fetched::Written).map_err(UpdateError::of_2018)
}

fn failed() -> Failure {
    UpdateError::Failed.of_2018()
}
