//! Reads the bundle of a firmware URL: only the manifest and signatures, or all of it for a device that cannot or may not download it.
//!
//! The manifest is the first file of a bundle, so reading it needs only the beginning of the bundle.

use std::time::Duration;

use url::Url;

use super::event::{Event, Observer, Severity};
use super::timeouts::DEVICE_DOWNLOAD;
use super::web_client::{FinalResponse, Redirects, WebClient, WebError};
use crate::bundle::archive::{self, ZipRecord};
use crate::bundle::manifest::FILE_NAME;
use crate::bundle::signature::SignedManifest;
use crate::bundle::{Bundle, BundleError, MAX_BUNDLE, Manifest};
use crate::text::for_humans;

/// The time limit for reading the manifest. An update is possible without it.
const MANIFEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes that are read to find the manifest.
const MAX_MANIFEST_READ: usize = 128 << 10;

/// The reason why otactl could not download a firmware.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The server did not send the bundle.
    #[error(transparent)]
    Server(WebError),
    /// The server sent nothing for this long.
    #[error("the server sent nothing for {}", for_humans(*.0))]
    Stalled(Duration),
    /// The download took longer than this limit.
    #[error("the download took longer than {}", for_humans(*.0))]
    TooSlow(Duration),
    /// The file is not a bundle that a device accepts.
    #[error(transparent)]
    Bundle(BundleError),
}

/// Downloads the bundle at `url`, of at most [`MAX_BUNDLE`] bytes, and checks its digests.
///
/// Fails after `limit` (600 s if `None`), and when the server sends nothing for `stall`. The settings of `client` decide how TLS is
/// verified. Reports a proxy, and a redirect from HTTPS to HTTP, to the observer.
pub async fn download(
    client: &WebClient,
    url: &str,
    limit: Option<Duration>,
    stall: Duration,
    observer: &dyn Observer,
) -> Result<Bundle, DownloadError> {
    let limit = limit.unwrap_or(DEVICE_DOWNLOAD);
    match tokio::time::timeout(limit, read_whole(client, url, stall, observer)).await {
        Ok(result) => result,
        Err(_) => Err(DownloadError::TooSlow(limit)),
    }
}

async fn read_whole(
    client: &WebClient,
    url: &str,
    stall: Duration,
    observer: &dyn Observer,
) -> Result<Bundle, DownloadError> {
    let answered = tokio::time::timeout(stall, get(client, url, observer)).await;
    let mut answer = answered.map_err(|_| DownloadError::Stalled(stall))?.map_err(DownloadError::Server)?;
    let mut bytes = Vec::new();
    loop {
        let read = tokio::time::timeout(stall, answer.response.chunk()).await;
        let read = read.map_err(|_| DownloadError::Stalled(stall))?;
        let Some(chunk) = read.map_err(|error| DownloadError::Server(answer.failure(error)))? else { break };
        if (bytes.len() + chunk.len()) as u64 > MAX_BUNDLE {
            return Err(DownloadError::Bundle(BundleError::TooLarge));
        }
        bytes.extend_from_slice(&chunk);
    }
    Bundle::from_bytes(bytes).map_err(DownloadError::Bundle)
}

/// Requests `url`. Fails unless the server answers with a success status.
async fn get(client: &WebClient, url: &str, observer: &dyn Observer) -> Result<FinalResponse, WebError> {
    let not_a_url = |error| WebError::of_every_request(format!("it is not a URL: {error}"));
    let url: Url = url.parse().map_err(not_a_url)?;
    let note = |says| observer.on(&Event::Finding { what: "url", says, verdict: Severity::Weak });
    let mut reported = None;
    let mut on_proxy = |proxy: &str| {
        if reported.replace(proxy.to_owned()).is_none_or(|reported| reported != proxy) {
            note(format!("otactl asks its server through the proxy {proxy}"));
        }
    };
    let answer = client.get(&url, Redirects::AnyHost, &[], &mut on_proxy).await?;
    if !answer.response.status().is_success() {
        return Err(WebError::of_every_request(answer.status()));
    }
    if let Some((from, to)) = &answer.without_tls {
        note(format!("{from} redirects to {to}, so that the firmware travels without TLS"));
    }
    Ok(answer)
}

/// Reads the manifest and the signatures of the bundle at `url`. Fails with a message.
///
/// Reports a proxy and a redirect to the observer as [`download`] does.
pub async fn read_manifest(
    client: &WebClient,
    url: &str,
    observer: &dyn Observer,
) -> Result<(Manifest, SignedManifest), String> {
    match tokio::time::timeout(MANIFEST_TIMEOUT, fetch_manifest(client, url, observer)).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s", MANIFEST_TIMEOUT.as_secs())),
    }
}

async fn fetch_manifest(
    client: &WebClient,
    url: &str,
    observer: &dyn Observer,
) -> Result<(Manifest, SignedManifest), String> {
    let mut answer = get(client, url, observer).await.map_err(|error| error.to_string())?;
    let (mut bytes, mut needed) = (Vec::new(), 0);
    while let Some(chunk) = answer.response.chunk().await.map_err(|error| answer.failure(error).to_string())? {
        bytes.extend_from_slice(&chunk);
        // Parsing copies the header, and a server may send byte by byte. So parse only when enough bytes are there.
        if bytes.len() >= needed {
            match manifest_at_start(&bytes)? {
                BundleStart::Manifest(found) => return Ok(*found),
                BundleStart::Incomplete(wanted) => needed = wanted,
            }
        }
        if bytes.len() > MAX_MANIFEST_READ {
            break;
        }
    }
    Err("it ends within its manifest, or has a very large one".into())
}

/// The content of the start of a bundle.
#[derive(Debug, PartialEq)]
enum BundleStart {
    /// The complete manifest.
    Manifest(Box<(Manifest, SignedManifest)>),
    /// The manifest is incomplete. Parsing needs at least this many bytes.
    Incomplete(usize),
}

/// Parses the manifest at the start of a bundle.
fn manifest_at_start(bytes: &[u8]) -> Result<BundleStart, String> {
    let (header, len) = match archive::next(bytes) {
        ZipRecord::Entry(header, len) => (header, len),
        ZipRecord::Incomplete => return Ok(BundleStart::Incomplete(bytes.len() + 1)),
        ZipRecord::Directory | ZipRecord::Junk => return Err("it is not a firmware bundle".into()),
    };
    if header.base_name() != FILE_NAME || header.method != 0 {
        return Err("it does not begin with a stored manifest.json".into());
    }
    let end = len.saturating_add(header.size as usize);
    let Some(text) = bytes.get(len..end) else { return Ok(BundleStart::Incomplete(end)) };
    let manifest = Manifest::read(text).map_err(|e| format!("manifest.json is not usable: {e}"))?;
    Ok(BundleStart::Manifest(Box::new((manifest, SignedManifest::read(&header.extra, text)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_is_parsed_as_soon_as_it_is_complete() {
        let zip = include_bytes!("../../tests/wire/firmware/good.zip");
        assert_eq!(manifest_at_start(&zip[..60]), Ok(BundleStart::Incomplete(61)));
        assert_eq!(manifest_at_start(&zip[..61 + 460]), Ok(BundleStart::Incomplete(61 + 461)));
        let Ok(BundleStart::Manifest(found)) = manifest_at_start(&zip[..61 + 461]) else { panic!("incomplete") };
        let (manifest, signed) = *found;
        assert_eq!(manifest.version, "2.0.0");
        assert_eq!((signed.manifest.as_slice(), signed.signatures.has(0)), (&zip[61..61 + 461], false));
        assert!(manifest_at_start(include_bytes!("../../tests/wire/firmware/junk.zip")).is_err());
        assert!(manifest_at_start(include_bytes!("../../tests/wire/firmware/noman.zip")).is_err());
    }
}
