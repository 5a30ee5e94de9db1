//! Whether the device has room for the file system. Nothing tells how large a slot for the code is, but what a file
//! system holds is told by `Sys.GetInfo`.

use super::finding::Finding;
use crate::bundle::Part;
use crate::ota::SystemInfo;
use crate::update::outcome::Refusal;
use crate::update::plan::{Plan, Source};

const WHAT: &str = "file system";

/// An image is as large as the partition, and what the file system says that it holds is less: SPIFFS keeps some pages
/// and blocks for itself, a quarter or so. Twice as much is no overhead but the image of another board.
const OVERHEAD: u64 = 2;

/// Holds the largest image of a file system against the device's. Nothing, if either does not tell.
pub(super) fn judge(plan: &Plan, info: &SystemInfo) -> Option<Finding> {
    let holds = info.fs_size.filter(|&size| size > 0)?;
    let parts = plan.source.manifest()?.parts();
    let image = parts.filter(is_file_system).filter_map(|(_, part)| size(&plan.source, &part)).max()?;
    if image <= holds.saturating_mul(OVERHEAD) {
        return Some(Finding::good(WHAT, format!("{image} bytes, for one that holds {holds}")));
    }
    let refusal = Refusal::FileSystemTooLarge { image, holds };
    Some(Finding::refused_unless(plan.force, WHAT, refusal))
}

fn is_file_system((_, part): &(&str, Part)) -> bool {
    part.kind.as_deref() == Some("fs")
}

/// By the manifest, or by the file.
fn size(source: &Source, part: &Part) -> Option<u64> {
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
    fn only_what_cannot_be_overhead_is_refused() {
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
            let found = judge(&plan, &info(&fs_size)).map(|found| format!("{:?}", found.bearing));
            assert_eq!(found.as_deref().unwrap_or("nothing"), expected, "{:?} {fs_size} {force}", plan.source);
        }
    }

    /// A manifest need not tell the size of a file that is there.
    #[test]
    fn the_size_of_the_file_counts_if_the_manifest_does_not_say() {
        let data = vec![7; 1000];
        let Source::Url { manifest: Ok(manifest), .. } = source(&json!({})) else { panic!("a manifest") };
        let zip = pack(&manifest, &[PartFile { kind: "fs", src: "fs.img", ptn: "fs_0", data: &data }]).expect("a zip");
        let bundle = Bundle::from_bytes(zip).expect("a bundle");
        assert_eq!(bundle.size_of("fs.img"), Some(1000));
        assert_eq!(bundle.size_of("other.img"), None);
        let (_, mut part) = bundle.manifest().parts().next().expect("a part");
        part.size = None;
        assert_eq!(size(&Source::Bundle(bundle), &part), Some(1000));
    }
}
