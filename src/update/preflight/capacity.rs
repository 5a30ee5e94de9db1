//! Checks whether the file system of the firmware fits the device.
//!
//! `Sys.GetInfo` reports the capacity of the file system. No method reports the size of a slot for the code.

use super::finding::Finding;
use crate::bundle::Part;
use crate::ota::SystemInfo;
use crate::update::outcome::Refusal;
use crate::update::plan::{Plan, Source};

const SUBJECT: &str = "file system";

/// The largest accepted ratio of the image size to the reported capacity.
///
/// An image is as large as the partition, but the reported capacity is smaller: SPIFFS needs about a quarter for its own pages and blocks.
/// An image of more than twice the capacity is that of another board.
const MAX_OVERHEAD_FACTOR: u64 = 2;

/// Compares the largest file system image with the capacity of the device. Returns `None` if either size is unknown.
pub(super) fn check(plan: &Plan, info: &SystemInfo) -> Option<Finding> {
    let holds = info.fs_size.filter(|&size| size > 0)?;
    let parts = plan.source.manifest()?.parts();
    let image = parts.filter(is_file_system).filter_map(|(_, part)| part_size(&plan.source, &part)).max()?;
    if image <= holds.saturating_mul(MAX_OVERHEAD_FACTOR) {
        return Some(Finding::good(SUBJECT, format!("{image} bytes, for one that holds {holds}")));
    }
    let refusal = Refusal::FileSystemTooLarge { image, holds };
    Some(Finding::refused_unless(plan.force, SUBJECT, refusal))
}

fn is_file_system((_, part): &(&str, Part)) -> bool {
    part.kind.as_deref() == Some("fs")
}

/// Returns the size of a part in bytes, from the manifest or from the file.
fn part_size(source: &Source, part: &Part) -> Option<u64> {
    let in_file = || match source {
        Source::Bundle(bundle) => bundle.size_of(part.src.as_deref()?),
        Source::Url { .. } => None,
    };
    part.size.or_else(in_file)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bundle::Bundle;
    use crate::bundle::write::{PartFile, pack};

    fn info(fs_size: &Value) -> SystemInfo {
        let info = json!({"fw_version": "1", "fw_id": "b", "uptime": 1, "fs_size": fs_size});
        serde_json::from_value(info).expect("an info")
    }

    fn source(parts: &Value) -> Source {
        let manifest = json!({"name": "n", "platform": "p", "version": "1", "build_id": "b", "parts": parts});
        Source::Url {
            url: String::new(),
            manifest: serde_json::from_value(manifest).map_err(|e| e.to_string()),
            signed: None,
        }
    }

    #[test]
    fn image_over_twice_the_capacity_is_refused() {
        let fs =
            |size: u64| source(&json!({"app": {"type": "app", "size": 9_000_000}, "fs": {"type": "fs", "size": size}}));
        for (source, fs_size, force, expected) in [
            (fs(65_536), json!(50_000), false, "Good"),
            (fs(100_000), json!(50_000), false, "Good"),
            (fs(100_001), json!(50_000), false, "Refused"),
            (fs(100_001), json!(50_000), true, "Weak"),
            (fs(100_001), json!(u64::MAX), false, "Good"),
            (fs(100_001), json!(0), false, "nothing"),
            (fs(100_001), json!(null), false, "nothing"),
            (fs(100_001), json!("much"), false, "nothing"),
            (source(&json!({"fs": {"type": "fs", "src": "fs.img"}})), json!(1), false, "nothing"),
            (source(&json!({"app": {"type": "app", "size": 9_000_000}})), json!(1), false, "nothing"),
        ] {
            let plan = Plan { force, ..Plan::new(source) };
            let found = check(&plan, &info(&fs_size)).map(|found| format!("{:?}", found.severity));
            assert_eq!(found.as_deref().unwrap_or("nothing"), expected, "{:?} {fs_size} {force}", plan.source);
        }
    }

    /// A manifest need not name the size of a file in the bundle.
    #[test]
    fn part_size_without_manifest_size_is_the_file_size() {
        let data = vec![7; 1000];
        let Source::Url { manifest: Ok(manifest), .. } = source(&json!({})) else { panic!("a manifest") };
        let zip = pack(&manifest, &[PartFile { kind: "fs", src: "fs.img", ptn: "fs_0", data: &data }]).expect("a zip");
        let bundle = Bundle::from_bytes(zip).expect("a bundle");
        assert_eq!(bundle.size_of("fs.img"), Some(1000));
        assert_eq!(bundle.size_of("other.img"), None);
        let (_, mut part) = bundle.manifest().parts().next().expect("a part");
        part.size = None;
        assert_eq!(part_size(&Source::Bundle(bundle), &part), Some(1000));
    }
}
