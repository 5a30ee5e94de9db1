//! The device's download: one plain GET, fed to the updater as it comes.

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};

use super::device::Firmware;
use super::services::mac;
use super::signing::UpdateConfig;
use super::updater::Updater;
use super::wire::Failure;

/// How often a device follows a redirect.
const REDIRECTS: usize = 3;

/// Without a byte for so long, the device gives up.
const STALL: Duration = Duration::from_secs(60);

/// How a download ends without a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// A new firmware is in the slot.
    Written(Firmware),
    /// The server, or the manifest, said that there is nothing new.
    NothingNew(&'static str),
}

/// Fetches the bundle at `url` for the device `id`, which runs `running` and takes what `whose` says. `progress` is told
/// the percentage that has been written.
pub async fn download(
    id: &str,
    running: &Firmware,
    whose: &UpdateConfig,
    url: &str,
    timeout: Duration,
    progress: impl Fn(u8) + Send,
) -> Result<Fetched, Failure> {
    tokio::time::timeout(timeout, fetch(id, running, whose, url, progress)).await.unwrap_or_else(|_| Err(failed()))
}

async fn fetch(
    id: &str,
    running: &Firmware,
    whose: &UpdateConfig,
    url: &str,
    progress: impl Fn(u8) + Send,
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
    let mut taken = 0;
    while let Some(chunk) = response.chunk().await.map_err(|_| failed())? {
        if updater.push(&chunk)? {
            return Ok(Fetched::NothingNew("Version is the same as current"));
        }
        taken += chunk.len() as u64;
        progress(u8::try_from(taken.saturating_mul(100) / total).unwrap_or(100));
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
