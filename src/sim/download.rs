//! The device's download: one plain GET, fed to the updater as it comes.

use std::error::Error;
use std::future::pending;
use std::num::NonZeroU32;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, redirect};
use tokio::time::{Instant, sleep_until};

use super::device::Firmware;
use super::faults::DownloadFault;
use super::services::mac;
use super::signing::UpdateConfig;
use super::updater::Updater;
use super::wire::Failure;

/// How often a device follows a redirect.
const REDIRECTS: usize = 3;

/// Without a byte for so long, the device gives up.
const STALL: Duration = Duration::from_secs(60);

/// What the updater is given at a time, in bytes: a segment of TCP.
const PIECE: usize = 1460;

/// How a download ends without a failure.
#[derive(Debug)]
pub enum Fetched {
    /// A new firmware is in the slot.
    Written(Firmware),
    /// The server, or the manifest, said that there is nothing new.
    NothingNew(&'static str),
    /// The power is gone, and nobody closes the connection.
    PowerLost(Response),
}

/// Fetches the bundle at `url` for the device `id`, which runs `running` and takes what `whose` says, at no more than
/// `rate` bytes per second. `progress` is told the percentage that has been written whenever that grows, and says what
/// goes wrong there.
pub async fn download(
    id: &str,
    running: &Firmware,
    whose: &UpdateConfig,
    url: &str,
    timeout: Duration,
    rate: Option<NonZeroU32>,
    progress: impl Fn(u8) -> Option<DownloadFault> + Send,
) -> Result<Fetched, Failure> {
    let fetched = fetch(id, running, whose, url, rate, progress);
    tokio::time::timeout(timeout, fetched).await.unwrap_or_else(|_| Err(failed()))
}

async fn fetch(
    id: &str,
    running: &Firmware,
    whose: &UpdateConfig,
    url: &str,
    rate: Option<NonZeroU32>,
    progress: impl Fn(u8) -> Option<DownloadFault> + Send,
) -> Result<Fetched, Failure> {
    let client = client().map_err(|_| failed())?;
    let mut response = client
        .get(url)
        .header("X-MGOS-Device-ID", format!("{id} {}", mac(id)))
        .header("X-MGOS-FW-Version", format!("{} {} {}", running.platform, running.version, running.build_id))
        .header("User-Agent", format!("{}/{} (MongooseOS/2.20.0; {})", running.app, running.version, running.platform))
        .send()
        .await
        .map_err(|_| failed())?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED => return Ok(Fetched::NothingNew("Not Modified")),
        _ => return Err(Failure::new(-1, "Invalid HTTP response code")),
    }
    let Some(total) = response.content_length().filter(|&total| total > 0) else {
        return Err(Failure::new(-1, "Invalid content-length, perhaps chunked-encoding"));
    };
    let mut updater = Updater::new(running.clone()).taking(whose.clone());
    let (start, mut taken, mut told) = (Instant::now(), 0, None);
    while let Some(chunk) = response.chunk().await.map_err(|_| failed())? {
        for piece in chunk.chunks(PIECE) {
            if updater.push(piece)? {
                return Ok(Fetched::NothingNew("Version is the same as current"));
            }
            taken += piece.len() as u64;
            if let Some(rate) = rate {
                sleep_until(start + Duration::from_millis(taken.saturating_mul(1000) / u64::from(rate.get()))).await;
            }
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
    }
    updater.finish().map(Fetched::Written)
}

/// A client of plain HTTP: the simulated device knows no certificates.
fn client() -> Result<Client, Box<dyn Error>> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::limited(REDIRECTS))
        .read_timeout(STALL)
        .build()?)
}

fn failed() -> Failure {
    Failure::new(-1, "Update failed")
}
