//! The words that a device reports, as completions may offer them. Pure.
//!
//! A shell inserts a candidate as it is: a word must not contain anything that a shell expands.

use serde_json::Value;

/// The maximum length of a word, in bytes.
const MAX_LENGTH: usize = 100;

/// The maximum depth of objects.
const MAX_DEPTH: usize = 16;

/// Tells whether a word is safe: letters and digits of ASCII, `_`, `.`, `-` and `/`, the first a letter, a digit or `_`.
pub(super) fn is_safe(word: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.len() <= MAX_LENGTH
        && word.starts_with(is_start)
        && word.chars().all(|c| is_start(c) || matches!(c, '.' | '-' | '/'))
}

/// Returns the arguments of a method from the `args_fmt` that `RPC.Describe` reports, such as `{url: %Q, timeout: %d}`.
///
/// A dot leads into an object: `config.wifi`.
pub(super) fn arguments(format: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut key: Option<String> = None;
    for c in format.chars() {
        match c {
            ':' if key.is_none() => key = Some(std::mem::take(&mut word)),
            '{' if path.len() < MAX_DEPTH => path.extend(key.take()),
            ',' | '}' => {
                if let Some(key) = key.take() {
                    arguments.push(path.iter().cloned().chain([key]).collect::<Vec<_>>().join("."));
                }
                if c == '}' {
                    path.pop();
                }
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') => {
                word.push(c);
                continue;
            }
            _ => continue,
        }
        word.clear();
    }
    arguments
}

/// Returns the paths of the values of a configuration, below `root` unless it is empty.
pub(super) fn paths(root: &str, config: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    collect(root, config, MAX_DEPTH, &mut paths);
    paths
}

fn collect(path: &str, value: &Value, depth: usize, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|_| depth > 0) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(&path, value, depth - 1, paths);
            }
        }
        _ if path.is_empty() => {}
        _ => paths.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_that_a_shell_changes_are_not_safe() {
        for word in ["GPIO.Write", "wifi.sta.ssid", "_a-b/c", "7"] {
            assert!(is_safe(word), "{word}");
        }
        for word in
            ["", "-x", "~root", "a b", "$(x)", "a;b", "a`b", "a\nb", "a\tb", "a*", "ä", "a=b", "a'b", "/etc", ".a"]
        {
            assert!(!is_safe(word), "{word}");
        }
        assert!(!is_safe(&"a".repeat(MAX_LENGTH + 1)));
    }

    #[test]
    fn arguments_are_read_from_the_format() {
        for (format, expected) in [
            ("", &[][..]),
            ("{}", &[]),
            ("{url: %Q, commit_timeout: %d}", &["url", "commit_timeout"]),
            ("{ \"pin\" : %d , value:%B }", &["pin", "value"]),
            ("{a: {b: %d, c: {d: %Q}}, e: [%d, %d], f: %M}", &["a.b", "a.c.d", "e", "f"]),
            ("}}}{a: %d}", &["a"]),
            ("a", &[]),
        ] {
            assert_eq!(arguments(format), expected, "{format}");
        }
        assert!(arguments(&"{a: ".repeat(10_000)).len() < 2);
    }

    #[test]
    fn paths_lead_to_the_values_of_a_configuration() {
        let config = json!({ "wifi": { "sta": { "ssid": "x", "pass": "y" } }, "debug": { "level": 2 } });
        assert_eq!(paths("", &config), ["wifi.sta.ssid", "wifi.sta.pass", "debug.level"]);
        assert_eq!(paths("net", &json!({ "ip": "" })), ["net.ip"]);
        assert_eq!(paths("a.b", &json!(1)), ["a.b"]);
        assert!(paths("", &json!(1)).is_empty());
    }
}
