//! Creates the demo bundles of the README and the tests: demo 2.0.0 for the simulated esp32, with about 320 KiB of
//! made-up code and file system.
//!
//! ```sh
//! cargo run --example demo_bundle -- tests/fixtures/demo-2.0.0-esp32.zip
//! cargo run --example demo_bundle -- demo-3.0.0-esp8266.zip 3.0.0 esp8266
//! ```
//!
//! The same version and platform always give the same bytes. A test compares the checked-in file with the output of
//! this program.

use std::error::Error;

use otactl::bundle::Manifest;
use otactl::bundle::write::{PartFile, pack};
use serde_json::json;

/// Returns the bundle of this version for this platform.
pub(crate) fn demo_bundle(version: &str, platform: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let manifest: Manifest = serde_json::from_value(json!({
        "name": "demo",
        "platform": platform,
        "description": "A demo app for the simulated device",
        "version": version,
        "build_id": format!("20240202-020202/g{:08x}", noise(version).next().unwrap_or_default()),
        "build_timestamp": "2024-02-02T02:02:02Z",
        "parts": {},
    }))?;
    let app = bytes(&format!("app {version} {platform}"), 256 << 10);
    let fs = bytes(&format!("fs {version} {platform}"), 64 << 10);
    Ok(pack(
        &manifest,
        &[
            PartFile { kind: "app", src: "demo.bin", ptn: "app_0", data: &app },
            PartFile { kind: "fs", src: "fs.img", ptn: "fs_0", data: &fs },
        ],
    )?)
}

fn bytes(seed: &str, len: usize) -> Vec<u8> {
    noise(seed).flat_map(u32::to_le_bytes).take(len).collect()
}

/// Returns numbers that look random, do not compress, and depend only on the seed. FNV-1a makes the first one, xorshift
/// the others.
fn noise(seed: &str) -> impl Iterator<Item = u32> {
    let start = seed.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    std::iter::successors(Some(start.max(1)), |&last| {
        let x = last ^ (last << 13);
        let x = x ^ (x >> 17);
        Some(x ^ (x << 5))
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: demo_bundle FILE [VERSION [PLATFORM]]")?;
    let version = args.next().unwrap_or_else(|| "2.0.0".into());
    let platform = args.next().unwrap_or_else(|| "esp32".into());
    std::fs::write(path, demo_bundle(&version, &platform)?)?;
    Ok(())
}
