//! Checks what only updaters since 2019 require.
//!
//! Those of 2022 require a size for each part and a part for each file. Those of 2019 to 2022 require a licence for a pull (as recorded in
//! wire/ota2022-ws.json, cases `push_no_size` and `update_unlicensed`).
//!
//! Updaters of 2019 and 2022 report the same methods, so a bundle that only 2022 refuses is a note, not a refusal.

use super::finding::Finding;
use super::methods::TransferKind;
use super::questions::DeviceAnswers;
use crate::bundle::Manifest;
use crate::ota::Engine;
use crate::text::printable;
use crate::update::plan::{Source, Via};

/// Returns the findings on the bundle and the licence. Empty for a device of 2018, and if the device's requirements are met.
pub(super) fn check(source: &Source, via: Via, transfer_kind: TransferKind, answers: &DeviceAnswers) -> Vec<Finding> {
    if Engine::of(answers.methods.as_deref(), true) == Engine::OneShot {
        return Vec::new();
    }
    [sizes(source.manifest()), files(source), license(via, transfer_kind, answers.license)]
        .into_iter()
        .flatten()
        .collect()
}

/// Finds parts without a size. A wrong size is found earlier, when the bundle is read.
fn sizes(manifest: Option<&Manifest>) -> Option<Finding> {
    let parts = manifest?.parts_without_size();
    (!parts.is_empty()).then(|| {
        let says = format!(
            "the manifest has no size for the {}; a device of 2022 refuses such a bundle, one of 2019 takes it",
            named("part", "parts", &parts)
        );
        Finding::weak("sizes", says)
    })
}

/// Finds files that no part names. Checks only a local bundle: for a URL, only the manifest is known.
fn files(source: &Source) -> Option<Finding> {
    let Source::Bundle(bundle) = source else { return None };
    let files = bundle.files_without_part();
    (!files.is_empty()).then(|| {
        let says = format!(
            "no part of the manifest names the {}; a device of 2022 refuses such a bundle, one of 2019 takes it",
            named("file", "files", &files)
        );
        Finding::weak("files", says)
    })
}

/// Finds a missing licence key. An empty setting does not prove that the device is unlicensed.
fn license(via: Via, transfer_kind: TransferKind, license: Option<bool>) -> Option<Finding> {
    const NO_KEY: &str = "the device has no licence key, so it will probably refuse to download the firmware by itself";
    const NO_NEED: &str = "a push needs no licence";

    if transfer_kind == TransferKind::Push {
        return None;
    }
    if license? {
        return Some(Finding::good("license", "the device has a licence key"));
    }
    let advice = match via {
        Via::Auto | Via::Push => "otactl pushes the firmware instead",
        Via::Pull => "use `--via push`",
    };
    Some(Finding::weak("license", format!("{NO_KEY}; {NO_NEED}: {advice}")))
}

/// Lists the names after the noun in singular or plural.
fn named(one: &str, many: &str, names: &[impl AsRef<str>]) -> String {
    let noun = if names.len() == 1 { one } else { many };
    let names: Vec<_> = names.iter().map(|name| format!("`{}`", printable(name.as_ref()))).collect();
    format!("{noun} {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bundle::Bundle;
    use crate::bundle::write::{PartFile, pack};
    use crate::update::event::Severity;

    fn manifest(parts: &Value) -> Manifest {
        let manifest = json!({"name": "n", "platform": "p", "version": "1", "build_id": "b", "parts": parts});
        serde_json::from_value(manifest).expect("a manifest")
    }

    fn url(parts: &Value) -> Source {
        Source::Url { url: String::new(), manifest: Ok(manifest(parts)), signed: None }
    }

    /// Returns a bundle with a file that no part names: the second of two parts with one name replaces the first.
    fn with_an_extra_file() -> Source {
        let file = |src| PartFile { kind: "app", src, ptn: "app_0", data: b"data" };
        let zip = pack(&manifest(&json!({})), &[file("old.bin"), file("new.bin")]).expect("a zip");
        Source::Bundle(Bundle::from_bytes(zip).expect("a bundle"))
    }

    fn recorded(name: &str) -> Source {
        let path = format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        Source::Bundle(Bundle::read(path.as_ref()).expect("a bundle"))
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn bundle_that_a_device_of_2022_refuses_is_weak() {
        let no_size = json!({"app": {"src": "a"}, "fs": {"src": "f", "size": 1}, "nvs": {"fill": 255}});
        let no_sizes = json!({"app": {"src": "a"}, "fs": {"src": "f"}});
        let unknown = Source::Url { url: String::new(), manifest: Err(String::new()), signed: None };
        let (newer, old) = (Some(list(&["OTA.Update", "OTA.Begin"])), Some(list(&["OTA.Update"])));
        let one = "sizes: the manifest has no size for the part `app`; a device of 2022 refuses";
        let extra = "files: no part of the manifest names the file `n-p-1/old.bin`; a device of 2022 refuses";
        for (source, methods, expected) in [
            (url(&no_size), newer.clone(), one),
            (url(&no_size), None, one),
            (url(&no_size), old.clone(), ""),
            (url(&no_sizes), newer.clone(), "sizes: the manifest has no size for the parts `app`, `fs`; a device"),
            (unknown, newer.clone(), ""),
            (with_an_extra_file(), newer.clone(), extra),
            (with_an_extra_file(), old, ""),
            (recorded("fixtures/demo-2.0.0-esp32.zip"), newer.clone(), ""),
            (recorded("wire/firmware/good.zip"), newer, "sizes: the manifest has no size for the parts `app`, `fs`"),
        ] {
            let answers = DeviceAnswers { methods, ..DeviceAnswers::default() };
            let found = check(&source, Via::Push, TransferKind::Push, &answers);
            let says: Vec<_> = found.iter().map(|found| format!("{}: {}", found.what, found.says)).collect();
            assert!(says.join("\n").starts_with(expected), "{source:?} {answers:?}: {says:?}, not {expected}");
            assert_eq!(says.len(), usize::from(!expected.is_empty()), "{source:?} {answers:?}: {says:?}");
            assert!(found.iter().all(|found| found.severity == Severity::Weak && found.refusal.is_none()));
        }
    }

    #[test]
    fn missing_licence_is_found_only_if_a_pull_may_need_it() {
        let (newer, old) = (Some(list(&["OTA.Update", "OTA.Begin"])), Some(list(&["OTA.Update"])));
        let bundle = recorded("fixtures/demo-2.0.0-esp32.zip");
        let (pushes, asks) = ("no licence: otactl pushes the firmware instead", "no licence: use `--via push`");
        for (via, transfer_kind, methods, license, expected) in [
            (Via::Pull, TransferKind::Pull, &newer, Some(false), Some((Severity::Weak, asks))),
            (Via::Auto, TransferKind::Either, &newer, Some(false), Some((Severity::Weak, pushes))),
            (Via::Auto, TransferKind::Pull, &None, Some(false), Some((Severity::Weak, pushes))),
            (Via::Push, TransferKind::Push, &newer, Some(false), None),
            (Via::Pull, TransferKind::Pull, &old, Some(false), None),
            (Via::Pull, TransferKind::Pull, &newer, None, None),
            (Via::Pull, TransferKind::Pull, &newer, Some(true), Some((Severity::Good, "has a licence key"))),
        ] {
            let answers = DeviceAnswers { methods: methods.clone(), license, ..DeviceAnswers::default() };
            let found = check(&bundle, via, transfer_kind, &answers);
            let found = found.iter().map(|found| (found.severity, found.says.as_str())).next();
            assert_eq!(
                found.map(|found| found.0),
                expected.map(|expected| expected.0),
                "{transfer_kind:?} {answers:?}"
            );
            if let (Some((_, says)), Some((_, end))) = (found, expected) {
                assert!(says.ends_with(end), "{transfer_kind:?} {answers:?}: {says}");
            }
        }
    }
}
