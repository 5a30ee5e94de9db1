//! `manifest.json`: what a bundle says of itself.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::text::{device_text, excerpt};

/// The name of the manifest within the zip, below an optional leading directory.
pub const FILE_NAME: &str = "manifest.json";

/// The manifest of a bundle. Fields that are not named here are kept as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The app's name. Empty if the manifest has none: a device does without it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it was built for, such as `esp32`. A device refuses another platform's.
    pub platform: String,
    /// The firmware's version.
    pub version: String,
    /// Which build of that version. Version and build id together name a firmware.
    pub build_id: String,
    /// The parts by name, in the manifest's order.
    pub parts: Map<String, Value>,
    /// `description`, `build_timestamp`, and whatever else there is.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A part of the firmware: what is written to one place of the flash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// `app`, `fs`, `boot`, …
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The file within the zip. A part that is only filled has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src: Option<String>,
    /// The size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-1 of the file, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cs_sha1: Option<String>,
    /// SHA-256 of the file, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cs_sha256: Option<String>,
    /// `addr`, `fill`, `flash`, `encrypt`, `ptn`, the measures of a file system, and whatever else
    /// there is.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What names a firmware: two firmwares are the same if both are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Build {
    /// The version.
    pub version: String,
    /// The build id.
    pub build_id: String,
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", device_text(&self.version), device_text(&self.build_id))
    }
}

/// Reason why no device should be given a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not JSON, lacks a field, or has one of another type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It has no parts.
    #[error("it has no parts")]
    NoParts,
    /// A field is empty that a device requires.
    #[error("`{0}` is empty")]
    Empty(&'static str),
}

impl Manifest {
    /// Reads the manifest of a bundle for a device. Refuses one without parts, one with an empty `platform`, `version` or
    /// `build_id`, which a device refuses too, and one in which a key is repeated: readers differ in which value they take.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        serde_json::from_slice::<UniqueKeys>(bytes)?;
        let manifest = Self::parse(bytes)?;
        let fields =
            [("platform", &manifest.platform), ("version", &manifest.version), ("build_id", &manifest.build_id)];
        if let Some((name, _)) = fields.into_iter().find(|(_, value)| value.is_empty()) {
            return Err(ManifestError::Empty(name));
        }
        if manifest.parts.is_empty() {
            return Err(ManifestError::NoParts);
        }
        Ok(manifest)
    }

    /// Reads a manifest as a device does.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        // Each part has to have a part's shape, even if it is looked at only later.
        for part in manifest.parts.values() {
            Part::deserialize(part)?;
        }
        Ok(manifest)
    }

    /// The parts with their names, in the manifest's order.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Part)> {
        self.parts.iter().filter_map(|(name, part)| Some((name.as_str(), Part::deserialize(part).ok()?)))
    }

    /// Returns the names of the parts that have a file but no size, in the manifest's order. The updater of 2022 refuses such
    /// parts.
    #[must_use]
    pub fn parts_without_size(&self) -> Vec<&str> {
        self.parts().filter(|(_, part)| part.src.is_some() && part.size.is_none()).map(|(name, _)| name).collect()
    }

    /// Version and build id.
    #[must_use]
    pub fn build(&self) -> Build {
        Build { version: self.version.clone(), build_id: self.build_id.clone() }
    }
}

/// Any JSON in which no object repeats a key.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self.deserialize(deserializer).map(|()| Self)
    }
}

impl<'de> DeserializeSeed<'de> for UniqueKeys {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if keys.contains(&key) {
                let key = excerpt(key.as_bytes());
                return Err(de::Error::custom(format_args!("the key `{key}` is repeated")));
            }
            keys.insert(key);
            map.next_value_seed(Self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn sample() -> Value {
        json!({
            "name": "demo", "platform": "esp32", "description": "d", "version": "2.0.0", "build_id": "b",
            "build_timestamp": "2024-02-02T02:02:02Z", "future": {"a": [1]},
            "parts": {
                "app": {"type": "app", "src": "demo.bin", "ptn": "app_0", "encrypt": true, "new": 1},
                "nvs": {"type": "nvs", "size": 16384, "fill": 255},
            },
        })
    }

    /// A manifest that loses fields would be signed and written wrongly.
    #[test]
    fn unknown_fields_are_kept() {
        let manifest = Manifest::parse(sample().to_string().as_bytes()).expect("a manifest");
        assert_eq!(serde_json::to_value(&manifest).expect("JSON"), sample());
        let parts: Vec<_> = manifest.parts().collect();
        assert_eq!(parts[0].0, "app");
        assert_eq!(parts[0].1.rest["new"], 1);
        assert_eq!(parts[1].1.size, Some(16384));
        assert_eq!(manifest.build().to_string(), "2.0.0 (b)");
    }

    #[test]
    fn parts_without_size_are_those_with_a_file() {
        let mut value = sample();
        value["parts"]["fs"] = json!({"type": "fs", "src": "fs.img", "size": 5});
        value["parts"]["fill"] = json!({"type": "nvs", "fill": 255});
        let manifest = Manifest::parse(value.to_string().as_bytes()).expect("a manifest");
        assert_eq!(manifest.parts_without_size(), ["app"]);
    }

    #[test]
    fn what_lacks_a_field_is_refused() {
        for field in ["platform", "version", "build_id", "parts"] {
            let mut value = sample();
            value.as_object_mut().expect("object").remove(field);
            let error = Manifest::parse(value.to_string().as_bytes()).expect_err(field);
            assert!(error.to_string().contains(field), "{error}");
        }
        let mut value = sample();
        value["parts"]["app"] = json!("no object");
        assert!(Manifest::parse(value.to_string().as_bytes()).is_err());
    }

    /// A device looks at `platform`, `version`, `build_id` and `parts` only.
    #[test]
    fn manifest_without_a_name_is_read() {
        let mut value = sample();
        value.as_object_mut().expect("object").remove("name");
        let manifest = Manifest::read(value.to_string().as_bytes()).expect("a manifest");
        assert_eq!(manifest.name, "");
        assert_eq!(serde_json::to_value(&manifest).expect("JSON"), value);
    }

    #[test]
    fn manifest_that_is_ambiguous_or_empty_is_refused() {
        let text = sample().to_string();
        assert!(Manifest::read(text.as_bytes()).is_ok(), "{text}");
        for (from, to, expected) in [
            (r#""src":"demo.bin""#, r#""src":"demo.bin","src":"demo.bin""#, "the key `src` is repeated"),
            (r#""new":1"#, r#""new":{"a":[{"b":1,"b":1}]}"#, "the key `b` is repeated"),
            (r#""nvs":{"#, r#""app":{"#, "the key `app` is repeated"),
            (r#""name":"demo""#, r#""version":"1""#, "the key `version` is repeated"),
            (r#""2.0.0""#, r#""""#, "`version` is empty"),
            (r#""platform":"esp32""#, r#""platform":"""#, "`platform` is empty"),
            (r#""build_id":"b""#, r#""build_id":"""#, "`build_id` is empty"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let error = Manifest::read(changed.as_bytes()).expect_err(to).to_string();
            assert!(error.starts_with(expected), "{to}: {error}");
        }
        let mut value = sample();
        value["parts"] = json!({});
        let error = Manifest::read(value.to_string().as_bytes()).expect_err("no parts").to_string();
        assert_eq!(error, "it has no parts");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Manifest::read(&bytes);
            let _ = Manifest::parse(&bytes);
        }
    }
}
