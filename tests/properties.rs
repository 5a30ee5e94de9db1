//! Properties that hold for any untrusted bytes. fuzz/ searches the same properties without end.
//!
//! Here they are tried on recorded bytes, on damaged recorded bytes, and on noise. `OTACTL_SEEDS=fuzz/corpus cargo test
//! --test properties` writes the recorded bytes as seeds of the fuzzer.

#[path = "properties/challenge.rs"]
mod challenge;
#[path = "properties/frame.rs"]
mod frame;
#[path = "properties/framing.rs"]
mod framing;
#[path = "properties/manifest.rs"]
mod manifest;
mod support;

use otactl::bundle::Manifest;
use otactl::bundle::write::{PartFile, pack};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use support::file;

/// Returns the texts of a recording, in order.
fn recorded(name: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(file("tests/wire").join(name)).expect("a recording");
    let recording: Value = serde_json::from_str(&text).expect("JSON");
    let cases = recording["cases"].as_array().expect("cases").iter();
    let events = cases.flat_map(|case| case["events"].as_array().expect("events"));
    events.filter_map(|event| Some(event["text"].as_str()?.as_bytes().to_vec())).collect()
}

fn lines() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = ["uart.json", "uart-md5.json", "uart-sha256.json"].into_iter().flat_map(recorded).collect();
    seeds.push(b"\n\"\"\"{\"id\":1,\"result\":null}\"\"\"\n\"\"\"\x04\"\"\"\n".to_vec());
    seeds.push(b"I (314) boot: x\r\n\n{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c,more\nmgos".to_vec());
    let end_to_end = seeds.iter().take(20).flatten().copied().collect();
    seeds.push(end_to_end);
    seeds
}

fn frames() -> Vec<Vec<u8>> {
    let names = ["uart.json", "uart-md5.json", "http.json", "http-md5.json"];
    let texts = names.into_iter().flat_map(recorded);
    let json = |bytes: Vec<u8>| {
        let from = bytes.iter().position(|&byte| byte == b'{')?;
        let to = bytes.iter().rposition(|&byte| byte == b'}')?;
        bytes.get(from..=to).map(<[u8]>::to_vec)
    };
    texts
        .filter_map(json)
        .chain([br#"{"id":"7","src":"d","tag":1,"error":{"code":0,"message":"\u00fc"}}"#.to_vec()])
        .collect()
}

fn challenges() -> Vec<Vec<u8>> {
    let header = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).ok()?;
        text.lines().find_map(|line| line.strip_prefix("WWW-Authenticate: ")).map(|value| value.as_bytes().to_vec())
    };
    let message = |bytes: Vec<u8>| {
        let frame: Value = serde_json::from_slice(bytes.get(1..bytes.len().checked_sub(9)?)?).ok()?;
        (frame["error"]["code"] == 401).then(|| frame["error"]["message"].as_str().map(Into::into)).flatten()
    };
    let headers = ["http-md5.json", "http-sha256.json"].into_iter().flat_map(recorded).filter_map(header);
    let messages = ["uart-md5.json", "uart-sha256.json"].into_iter().flat_map(recorded).filter_map(message);
    let odd = [
        r#"{"realm": "a \"b\" \\ c, d=e", "nonce": "05", "algorithm": "SHA-256"}"#,
        r#"Digest realm="a \"b\" \\ c, d=e", nonce=05 , Algorithm=MD5"#,
    ];
    headers.chain(messages).chain(odd.map(Into::into)).collect()
}

/// Returns bundles that a device accepts. They are small, so that many can be tried.
fn bundles() -> Vec<Vec<u8>> {
    let manifest = json!({
        "name": "demo", "platform": "esp32", "version": "2.0.0", "build_id": "b", "parts": {"nvs": {"fill": 255}},
    });
    let text = manifest.to_string().into_bytes();
    let manifest = Manifest::parse(&text).expect("a manifest");
    let app = PartFile { kind: "app", src: "demo.bin", ptn: "app_0", data: b"firmware" };
    let fs = PartFile { kind: "fs", src: "fs.bin", ptn: "fs_0", data: &[0xff; 64] };
    let mut seeds = vec![text];
    seeds.extend([&[app, fs][..], &[app], &[]].map(|files| pack(&manifest, files).expect("a bundle")));
    seeds.push(std::fs::read(file("tests/wire/firmware/junk.zip")).expect("a recorded bundle"));
    seeds
}

/// Byte sequences with a meaning for one of the parsers.
const TOKENS: [&[u8]; 24] = [
    b"\n",
    b"\r\n",
    b"\"\"\"",
    b"\x04",
    b"{\"id\":",
    b"{\"id\":1,\"result\":",
    b"}",
    b"{",
    b"\"",
    b"\\",
    b",",
    b"=",
    b"null",
    b"\"method\":\"M\"",
    b"\"error\":{\"code\":0}",
    b"31.245270191439438",
    b"\\ud83d",
    b"\xf0\x9f\x98\x80",
    b"\xff",
    b"Digest ",
    b"realm=",
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
];

/// Replaces some bytes of a seed. Half of the replacements keep the length.
fn damaged(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let with = prop_oneof![
        2 => vec(any::<u8>(), 1),
        1 => vec(any::<u8>(), 0..4),
        1 => select(&TOKENS[..]).prop_map(<[u8]>::to_vec),
    ];
    let damage = (any::<Index>(), prop_oneof![1 => Just(None), 1 => (0..6_usize).prop_map(Some)], with);
    (select(seeds), vec(damage, 0..4)).prop_map(|(mut bytes, damages)| {
        for (at, len, with) in damages {
            let at = at.index(bytes.len() + 1);
            let to = (at + len.unwrap_or(with.len())).min(bytes.len());
            bytes.splice(at..to, with);
        }
        bytes
    })
}

/// Concatenates damaged seeds, with noise between them.
fn mixed(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => damaged(seeds),
        2 => select(&TOKENS[..]).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..20),
    ];
    prop_oneof![3 => vec(piece, 1..6).prop_map(|pieces| pieces.concat()), 1 => vec(any::<u8>(), 0..200)]
}

/// Checks the property for all seeds, and writes them to files if `OTACTL_SEEDS` is set.
fn check_seeds(name: &str, seeds: &[Vec<u8>], check: fn(&[u8])) {
    assert!(seeds.len() >= 5, "{} seeds for {name}", seeds.len());
    let seed_directory =
        std::env::var_os("OTACTL_SEEDS").map(|directory| std::path::PathBuf::from(directory).join(name));
    for (number, seed) in seeds.iter().enumerate() {
        check(seed);
        if let Some(directory) = &seed_directory {
            std::fs::create_dir_all(directory).expect("a directory");
            std::fs::write(directory.join(format!("recorded-{number}")), seed).expect("written");
        }
    }
}

#[test]
fn recorded_bytes_have_the_properties() {
    check_seeds("framing", &lines(), framing::check);
    check_seeds("frame", &frames(), frame::check);
    check_seeds("challenge", &challenges(), challenge::check);
    check_seeds("manifest", &bundles(), manifest::check);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deframer_finds_the_same_items_however_the_bytes_are_split(bytes in mixed(lines())) {
        framing::check(&bytes);
    }

    #[test]
    fn frame_written_again_decodes_to_the_same(bytes in prop_oneof![damaged(frames()), mixed(frames())]) {
        frame::check(&bytes);
    }

    #[test]
    fn challenge_values_stay_within_their_quotes(bytes in prop_oneof![damaged(challenges()), mixed(challenges())]) {
        challenge::check(&bytes);
    }

    #[test]
    fn good_bundle_is_accepted_by_a_device(bytes in prop_oneof![damaged(bundles()), mixed(bundles())]) {
        manifest::check(&bytes);
    }
}
