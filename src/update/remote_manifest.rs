//! Reads the bundle behind a URL: the manifest and signatures, or all of it for a device that cannot or may not download it.
//!
//! The manifest comes first in a bundle, so that only its beginning is downloaded for it.

use std::time::Duration;

use url::Url;

use super::event::{Event, Observer, Severity};
use super::timeouts::DEVICE_DOWNLOAD;
use super::web_client::{Answer, Redirects, WebClient};
use crate::bundle::archive::{self, Next};
use crate::bundle::manifest::FILE_NAME;
use crate::bundle::signature::Signed;
use crate::bundle::{Bundle, BundleError, MAX_BUNDLE, Manifest};
use crate::text::for_humans;

/// How long it may take. The manifest is a help, not a need.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The most that is read for it, in bytes.
const MAX_READ: usize = 128 << 10;

/// Reason why otactl could not download a firmware.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server did not send it.
    #[error("{0}")]
    Server(String),
    /// The server sent nothing for this long.
    #[error("the server sent nothing for {}", for_humans(*.0))]
    Stalled(Duration),
    /// The download took longer than this limit.
    #[error("the download took longer than {}", for_humans(*.0))]
    TooSlow(Duration),
    /// The file is not a bundle that a device takes.
    #[error(transparent)]
    Bundle(BundleError),
}

/// Downloads the bundle at `url`, of at most [`MAX_BUNDLE`] bytes, and checks its digests. Fails after `limit` (600 s if `None`),
/// and when the server sends nothing for `stall`. TLS is verified as `client` is set up. Tells the observer of a proxy, and of a
/// redirect from HTTPS to HTTP.
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
        let Some(chunk) = read.map_err(|error| DownloadError::Server(answer.failure(&error)))? else { break };
        if (bytes.len() + chunk.len()) as u64 > MAX_BUNDLE {
            return Err(DownloadError::Bundle(BundleError::TooLarge));
        }
        bytes.extend_from_slice(&chunk);
    }
    Bundle::from_bytes(bytes).map_err(DownloadError::Bundle)
}

/// Requests `url`. Fails with the reason unless the server answers with a success.
async fn get(client: &WebClient, url: &str, observer: &dyn Observer) -> Result<Answer, String> {
    let url: Url = url.parse().map_err(|error| format!("it is not a URL: {error}"))?;
    let note = |says| observer.on(&Event::Finding { what: "url", says, verdict: Severity::Weak });
    let mut told = None;
    let mut on_proxy = |proxy: &str| {
        if told.replace(proxy.to_owned()).is_none_or(|told| told != proxy) {
            note(format!("otactl asks its server through the proxy {proxy}"));
        }
    };
    let answer = client.get(&url, Redirects::AnyHost, &[], &mut on_proxy).await.map_err(|error| error.reason)?;
    if !answer.response.status().is_success() {
        return Err(answer.status());
    }
    if let Some((from, to)) = &answer.without_tls {
        note(format!("{from} redirects to {to}, so that the firmware travels without TLS"));
    }
    Ok(answer)
}

/// Reads the manifest of the bundle at `url`, or says why that cannot be done from here. Tells the observer as [`download`] does.
pub async fn read_manifest(
    client: &WebClient,
    url: &str,
    observer: &dyn Observer,
) -> Result<(Manifest, Signed), String> {
    match tokio::time::timeout(TIMEOUT, fetch(client, url, observer)).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
    }
}

async fn fetch(client: &WebClient, url: &str, observer: &dyn Observer) -> Result<(Manifest, Signed), String> {
    let mut answer = get(client, url, observer).await?;
    let (mut bytes, mut needed) = (Vec::new(), 0);
    while let Some(chunk) = answer.response.chunk().await.map_err(|error| answer.failure(&error))? {
        bytes.extend_from_slice(&chunk);
        // A server may send byte by byte, and reading the header copies it.
        if bytes.len() >= needed {
            match manifest_at_start(&bytes)? {
                Start::Manifest(found) => return Ok(*found),
                Start::Incomplete(wanted) => needed = wanted,
            }
        }
        if bytes.len() > MAX_READ {
            break;
        }
    }
    Err("it ends within its manifest, or has a very large one".into())
}

/// The start of a bundle.
#[derive(Debug, PartialEq)]
enum Start {
    /// All of the manifest is there.
    Manifest(Box<(Manifest, Signed)>),
    /// At least so many bytes are needed.
    Incomplete(usize),
}

/// Reads the manifest, once all of it is there.
fn manifest_at_start(bytes: &[u8]) -> Result<Start, String> {
    let (header, len) = match archive::next(bytes) {
        Next::Entry(header, len) => (header, len),
        Next::Incomplete => return Ok(Start::Incomplete(bytes.len() + 1)),
        Next::Directory | Next::Junk => return Err("it is not a firmware bundle".into()),
    };
    if header.base_name() != FILE_NAME || header.method != 0 {
        return Err("it does not begin with a stored manifest.json".into());
    }
    let end = len.saturating_add(header.size as usize);
    let Some(text) = bytes.get(len..end) else { return Ok(Start::Incomplete(end)) };
    let manifest = Manifest::read(text).map_err(|e| format!("manifest.json is not usable: {e}"))?;
    Ok(Start::Manifest(Box::new((manifest, Signed::read(&header.extra, text)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_found_as_soon_as_it_is_there() {
        let zip = include_bytes!("../../tests/wire/firmware/good.zip");
        assert_eq!(manifest_at_start(&zip[..60]), Ok(Start::Incomplete(61)));
        assert_eq!(manifest_at_start(&zip[..61 + 460]), Ok(Start::Incomplete(61 + 461)));
        let Ok(Start::Manifest(found)) = manifest_at_start(&zip[..61 + 461]) else { panic!("all there") };
        let (manifest, signed) = *found;
        assert_eq!(manifest.version, "2.0.0");
        assert_eq!((signed.manifest.as_slice(), signed.signatures.has(0)), (&zip[61..61 + 461], false));
        assert!(manifest_at_start(include_bytes!("../../tests/wire/firmware/junk.zip")).is_err());
        assert!(manifest_at_start(include_bytes!("../../tests/wire/firmware/noman.zip")).is_err());
    }
}
