//! Bundles of any version and size, and their signatures. The code does not use the bundle reader of the library.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use otactl::bundle::write::{PartFile, pack};
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use serde_json::{Map, Value, json};

/// Packs a bundle of the demo app for the simulated device. `file_system` is the size of the file system in bytes.
pub fn bundle(version: &str, file_system: usize) -> Vec<u8> {
    bundle_for("esp32", version, file_system)
}

/// Packs a bundle of the demo app for this platform.
pub fn bundle_for(platform: &str, version: &str, file_system: usize) -> Vec<u8> {
    let manifest = json!({"name": "demo", "platform": platform, "version": version, "build_id": "b", "parts": {}});
    let manifest = serde_json::from_value(manifest).expect("a manifest");
    let files = [("app", "demo.bin", "app_0", vec![1; 2000]), ("fs", "fs.img", "fs_0", vec![2; file_system])];
    let files = files.each_ref().map(|(kind, src, ptn, data)| PartFile { kind, src, ptn, data });
    pack(&manifest, &files).expect("a bundle")
}

/// Returns the public key in the format of the device's configuration.
pub fn public_key(key: &KeyPair) -> String {
    BASE64.encode(key.subject_public_key_info())
}

/// Adds signatures of the manifest to a bundle.
pub fn sign(zip: &[u8], keys: &[(usize, &KeyPair)]) -> Vec<u8> {
    let (name_len, size) = (u16_at(zip, 26), u32_at(zip, 22));
    let start = 30 + name_len;
    let manifest = &zip[start..start + size];
    let signature = |key: &KeyPair| json!(BASE64.encode(key.sign(manifest).expect("a signature")));
    let signatures: Map<String, Value> = keys.iter().map(|(n, key)| (format!("sig{n}"), signature(key))).collect();
    let text = Value::from(signatures).to_string();
    let len = u16::try_from(text.len()).expect("short").to_le_bytes();
    let extra = [&0x293a_u16.to_le_bytes(), &len, text.as_bytes()].concat();

    let mut signed = zip.to_vec();
    signed[28..30].copy_from_slice(&u16::try_from(extra.len()).expect("short").to_le_bytes());
    // The offsets of all later data grow: those of the other files in the directory, and that of the directory itself.
    let mut moved = |at: usize| {
        let to = u32::try_from(u32_at(zip, at) + extra.len()).expect("small").to_le_bytes();
        signed[at..at + 4].copy_from_slice(&to);
    };
    let end = zip.len() - 22;
    let mut entry = u32_at(zip, end + 16);
    for number in 0..u16_at(zip, end + 10) {
        if number > 0 {
            moved(entry + 42);
        }
        entry += 46 + u16_at(zip, entry + 28) + u16_at(zip, entry + 30) + u16_at(zip, entry + 32);
    }
    moved(end + 16);
    signed.splice(start..start, extra);
    signed
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    u16::from_le_bytes([bytes[at], bytes[at + 1]]).into()
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u16_at(bytes, at) + (u16_at(bytes, at + 2) << 16)
}
