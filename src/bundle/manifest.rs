//! [`Manifest`], the content of `manifest.json`.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::text::{device_text, excerpt};

/// The name of the manifest within the zip, in at most one directory.
pub const FILE_NAME: &str = "manifest.json";

/// The manifest of a bundle. Unknown fields are kept unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The name of the app. Empty if the manifest has none: a device does not need it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The platform that the firmware was built for, such as `esp32`. A device refuses firmware of another platform.
    pub platform: String,
    /// The version of the firmware.
    pub version: String,
    /// The build id. Version and build id together identify a build.
    pub build_id: String,
    /// The parts by their names, in the order of the manifest.
    pub parts: Map<String, Value>,
    /// `description`, `build_timestamp` and all other fields.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A part of the firmware, which is written to one area of the flash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// The type of the part, such as `app`, `fs` or `boot`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name of the file within the zip. A part that is filled with a constant has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src: Option<String>,
    /// The size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The SHA-1 digest of the file in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cs_sha1: Option<String>,
    /// The SHA-256 digest of the file in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cs_sha256: Option<String>,
    /// `addr`, `fill`, `flash`, `encrypt`, `ptn`, the parameters of a file system and all other fields.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The identity of a firmware. Two firmwares are the same if version and build id are equal.
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

/// The reason why a manifest is not usable for a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The manifest is not JSON, or a field is missing or has another type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The manifest has no parts.
    #[error("it has no parts")]
    NoParts,
    /// A field that a device requires is empty. Holds its name.
    #[error("`{0}` is empty")]
    Empty(&'static str),
}

impl Manifest {
    /// Parses the manifest of a bundle for a device.
    ///
    /// Fails if there are no parts, or if `platform`, `version` or `build_id` is empty, which a device refuses too.
    /// Also fails if a key is repeated, since parsers differ in the value that they use.
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

    /// Parses a manifest as a device does.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        // The parts are stored as JSON. Check now that each of them can be parsed.
        for part in manifest.parts.values() {
            Part::deserialize(part)?;
        }
        Ok(manifest)
    }

    /// Iterates over the parts with their names, in the order of the manifest.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Part)> {
        self.parts.iter().filter_map(|(name, part)| Some((name.as_str(), Part::deserialize(part).ok()?)))
    }

    /// Returns the names of the parts that have a file but no size, in the order of the manifest. The updater of 2022
    /// refuses such parts.
    #[must_use]
    pub fn parts_without_size(&self) -> Vec<&str> {
        self.parts().filter(|(_, part)| part.src.is_some() && part.size.is_none()).map(|(name, _)| name).collect()
    }

    /// Returns the version and the build id.
    #[must_use]
    pub fn build(&self) -> Build {
        Build { version: self.version.clone(), build_id: self.build_id.clone() }
    }
}

/// Accepts any JSON in which no object repeats a key.
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

    /// A manifest without its unknown fields would have another signature, and would be written incompletely.
    #[test]
    fn unknown_field_is_kept() {
        let manifest = Manifest::parse(sample().to_string().as_bytes()).expect("a manifest");
        assert_eq!(serde_json::to_value(&manifest).expect("JSON"), sample());
        let parts: Vec<_> = manifest.parts().collect();
        assert_eq!(parts[0].0, "app");
        assert_eq!(parts[0].1.rest["new"], 1);
        assert_eq!(parts[1].1.size, Some(16384));
        assert_eq!(manifest.build().to_string(), "2.0.0 (b)");
    }

    #[test]
    fn part_with_a_file_but_no_size_is_listed() {
        let mut value = sample();
        value["parts"]["fs"] = json!({"type": "fs", "src": "fs.img", "size": 5});
        value["parts"]["fill"] = json!({"type": "nvs", "fill": 255});
        let manifest = Manifest::parse(value.to_string().as_bytes()).expect("a manifest");
        assert_eq!(manifest.parts_without_size(), ["app"]);
    }

    #[test]
    fn manifest_without_a_required_field_is_refused() {
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

    /// A device reads only `platform`, `version`, `build_id` and `parts`.
    #[test]
    fn manifest_without_a_name_is_accepted() {
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
        fn parse_of_any_bytes_does_not_panic(bytes: Vec<u8>) {
            let _ = Manifest::read(&bytes);
            let _ = Manifest::parse(&bytes);
        }
    }
}
