//! The property of challenges, shared by tests/properties.rs and the fuzz target of the same name.

use std::sync::Arc;

use otactl::rpc::auth::{Authorization, Challenge};
use otactl::text::header_fields;
use serde_json::Value;

const USER: &str = r#"a"b\c"#;
const URI: &str = "/rpc?x=1";

/// Checks that the values of any challenge stay within their quotes.
///
/// Header and frame return realm and nonce unchanged, and no text of the device becomes another field.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(challenge) = Challenge::parse(&text) else { return };
    let credentials = format!("{USER}:pass:word").parse().expect("credentials");
    let answer = Authorization::new(Arc::new(credentials), challenge, 7);
    let frame = answer.frame();
    let header = answer.header(URI);
    let fields: Vec<_> = header_fields(header.strip_prefix("Digest ").expect("a digest")).collect();
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["username", "realm", "nonce", "uri", "qop", "nc", "cnonce", "response", "algorithm"];
    assert_eq!(names, expected, "{header}");
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((field("username"), field("uri")), (Some(USER), Some(URI)), "{header}");
    for name in ["realm", "nonce", "algorithm"] {
        let in_frame = match &frame[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(field(name), Some(in_frame.as_str()), "{name} in {header} and {frame}");
    }
    let digits = |response: &str| matches!(response.len(), 32 | 64) && response.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(field("response").is_some_and(digits) && frame["response"].as_str().is_some_and(digits), "{header}");
}
