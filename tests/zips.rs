//! Zips that differ from those of `mos build`: otactl accepts what a device accepts, and refuses the others with the
//! reason.

mod support;

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use otactl::bundle::{Bundle, BundleError};
use otactl::sim::device::updater::Updater;
use otactl::sim::generation::Generation;
use otactl::sim::update_error::UpdateError;
use otactl::sim::{Config, Firmware};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use support::{REBOOT, assert_runs, run_on, simulator_with, ws};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const APP: &[u8] = b"the app";
const FS: &[u8] = b"the file system";

fn manifest() -> Value {
    let part = |kind: &str, data: &[u8]| {
        let digest: String = Sha1::digest(data).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a String takes all");
            hex
        });
        json!({"type": kind, "src": kind, "size": data.len(), "cs_sha1": digest})
    };
    json!({
        "name": "demo", "platform": "esp32", "version": "2.0.0", "build_id": "b",
        "parts": {"app": part("app", APP), "fs": part("fs", FS)},
    })
}

/// Packs a zip of stored files. A name that ends with `/` is a directory.
fn zip(large: bool, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        if name.ends_with('/') {
            zip.add_directory(*name, options).expect("an entry");
        } else {
            zip.start_file(*name, options).expect("an entry");
            zip.write_all(data).expect("its data");
        }
    }
    zip.finish().expect("a zip").into_inner()
}

/// Returns how an update to this bundle ends on a device of this generation.
fn on_device(generation: Generation, bytes: &[u8]) -> Result<Firmware, UpdateError> {
    let running = Firmware { app: "demo".into(), version: "1".into(), build_id: "a".into(), platform: "esp32".into() };
    let mut updater = Updater::new(generation, running);
    updater.push(bytes)?;
    updater.finish()
}

fn reason(bytes: Vec<u8>) -> String {
    match Bundle::from_bytes(bytes) {
        Ok(_) => "taken".into(),
        Err(error) => error.to_string(),
    }
}

const ALL: [Generation; 3] = [Generation::Y2018, Generation::Y2019, Generation::Y2022];

#[test]
fn manifest_two_folders_deep_is_refused_with_the_reason() {
    let text = manifest().to_string();
    let bytes = zip(false, &[("a/b/manifest.json", text.as_bytes()), ("a/b/app", APP), ("a/b/fs", FS)]);
    for generation in ALL {
        assert_eq!(on_device(generation, &bytes), Err(UpdateError::NoManifest), "{generation:?}");
    }
    assert_eq!(
        reason(bytes),
        "`a/b/manifest.json` is nested too deeply: a device finds `manifest.json` in the zip itself or in one directory"
    );
}

#[test]
fn directory_entries_behind_the_manifest_are_accepted() {
    let text = manifest().to_string();
    let entries: [(&str, &[u8]); 6] =
        [("d/manifest.json", text.as_bytes()), ("d/", b""), ("e/", b""), ("d/sub/", b""), ("d/app", APP), ("d/fs", FS)];
    let bytes = zip(false, &entries);
    for (generation, expected) in ALL.into_iter().zip([Ok("2.0.0".into()), Ok("2.0.0".into()), Err(UpdateError::Extra)])
    {
        let outcome = on_device(generation, &bytes).map(|firmware| firmware.version);
        assert_eq!(outcome, expected, "{generation:?}");
    }
    let bundle = Bundle::from_bytes(bytes).expect("a bundle");
    assert_eq!(bundle.files_without_part(), ["d/", "e/", "d/sub/"], "the updater of 2022 refuses these");

    // A device looks for the manifest in the first entry, which is a directory here.
    let bytes = zip(false, &[entries[1], entries[0], entries[4], entries[5]]);
    for generation in ALL {
        assert_eq!(on_device(generation, &bytes), Err(UpdateError::NoManifest), "{generation:?}");
    }
    assert_eq!(reason(bytes), "`manifest.json` is not the first file in the zip (that is `d/`)");

    // Two files with the same name are refused.
    let bytes = zip(false, &[entries[0], ("d/app", APP), ("e/app", APP), entries[5]]);
    assert_eq!(reason(bytes), "a device cannot read this zip: there are two files of the name `app`");
}

#[test]
fn zip64_is_refused_by_its_name() {
    let text = manifest().to_string();
    let entries: [(&str, &[u8]); 3] = [("manifest.json", text.as_bytes()), ("app", APP), ("fs", FS)];
    let bytes = zip(true, &entries);
    assert_eq!(bytes[18..26], [0xff; 8], "the sizes stand in the extra field");
    for generation in ALL {
        assert!(on_device(generation, &bytes).is_err(), "{generation:?}");
    }
    let expected = "a device cannot read this zip: the size of `manifest.json` is given as in zip64";
    assert_eq!(reason(bytes), expected);

    // A zip64 directory, as `zip -fz` writes it. Its end record comes before the usual one.
    let mut bytes = zip(false, &entries);
    let end = bytes.len() - 22;
    bytes.splice(end..end, [b"PK\x06\x06".as_slice(), &[0; 52], b"PK\x06\x07", &[0; 16]].concat());
    assert_eq!(reason(bytes), "a device cannot read this zip: its directory is one of zip64");
}

/// A device reads only `platform`, `version`, `build_id` and `parts`.
#[tokio::test]
async fn manifest_without_a_name_is_accepted() {
    let mut manifest = manifest();
    manifest.as_object_mut().expect("an object").remove("name");
    let text = manifest.to_string();
    let bytes = zip(false, &[("manifest.json", text.as_bytes()), ("app", APP), ("fs", FS)]);
    for generation in ALL {
        assert_eq!(on_device(generation, &bytes).map(|firmware| firmware.app), Ok("demo".into()), "{generation:?}");
    }
    let device = simulator_with(Config { reboot_delay: REBOOT, ..Config::default() }).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    let run = run_on(&ws(&device), &["update", &file.path().display().to_string()]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stderr.contains("\nfirmware  2.0.0 (b) for esp32, "), "{}", run.shown());
    assert!(run.stderr.contains("\ndone      demo 2.0.0 (b) runs in slot 1"), "{}", run.shown());
    assert_runs(&ws(&device), "2.0.0", true).await;
}

#[test]
fn manifest_without_parts_or_with_a_repeated_key_is_refused() {
    let mut empty = manifest();
    empty["parts"] = json!({});
    let repeated = manifest().to_string().replacen(r#""src":"app""#, r#""src":"fs","src":"app""#, 1);
    for (text, expected) in [(empty.to_string(), "it has no parts"), (repeated, "the key `src` is repeated")] {
        let bytes = zip(false, &[("manifest.json", text.as_bytes()), ("app", APP), ("fs", FS)]);
        let error = Bundle::from_bytes(bytes).expect_err(&text);
        assert!(matches!(error, BundleError::Manifest(_)), "{error:?}");
        assert!(error.to_string().starts_with(&format!("`manifest.json` is not usable: {expected}")), "{error}");
    }
}

/// One digest per part would take minutes here.
#[test]
fn parts_that_share_a_file_cost_one_digest() {
    let data = vec![7; 32 << 20];
    let digest = Sha1::digest(&data).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut manifest = manifest();
    let parts = manifest["parts"].as_object_mut().expect("parts");
    parts.clear();
    for number in 0..400 {
        parts.insert(number.to_string(), json!({"src": "f", "cs_sha1": digest}));
    }
    for number in 400..2000 {
        parts.insert(number.to_string(), json!({"src": "f"}));
    }
    let text = manifest.to_string();
    let bytes = zip(false, &[("manifest.json", text.as_bytes()), ("f", &data)]);
    let started = Instant::now();
    assert_eq!(reason(bytes), "taken");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
