//! The arguments of a method, as `otactl call` takes them: one JSON value, or fields such as `key=value`.

use std::io::{self, Read as _};
use std::path::Path;

use otactl::read_file::read_file;
use otactl::text::{excerpt, has_single_quotes_only};
use serde_json::{Map, Value};

use super::failure::{Failure, FailureKind};

/// The maximum size of arguments from a file or stdin, in bytes. No device takes a larger request.
const MAX_INPUT_SIZE: u64 = 1 << 20;

const FIELD_HINT: &str =
    "write a field as `KEY=VALUE`, as `KEY:=JSON`, or as `KEY=@FILE`; `a.b=1` sets a field of a field";

/// Reads the arguments of a method: nothing, one JSON value, or fields. No arguments are `null`.
pub(crate) fn read(texts: Vec<String>) -> Result<Value, Failure> {
    if texts.is_empty() {
        return Ok(Value::Null);
    }
    let is_field = |text: &String| Field::split(text).is_some();
    let fields = texts.iter().filter(|text| is_field(text)).count();
    if fields == texts.len() {
        return object(&texts).map(Value::Object);
    }
    let other = texts.iter().position(|text| !is_field(text)).unwrap_or_default();
    match <[String; 1]>::try_from(texts) {
        Ok([text]) => read_json(text),
        Err(texts) => Err(mixed(&texts[other], fields > 0)),
    }
}

/// Returns the failure of several arguments, of which `other` is not a field.
fn mixed(other: &str, has_fields: bool) -> Failure {
    let other = excerpt(other.as_bytes());
    if has_fields {
        let message = format!("`{other}` is not a field, and stands beside fields");
        return Failure::new(FailureKind::Usage, message)
            .hint("give either one JSON value, or fields only: `KEY=VALUE`, `KEY:=JSON`, `KEY=@FILE`");
    }
    Failure::new(FailureKind::Usage, format!("several arguments, and `{other}` is not a field")).hint(
        "quote the JSON for the shell, so that it is one word; or give fields: `KEY=VALUE`, `KEY:=JSON`, `KEY=@FILE`",
    )
}

/// A field on the command line: `KEY=VALUE` or `KEY:=JSON`.
#[derive(Debug, PartialEq, Eq)]
struct Field<'a> {
    key: &'a str,
    is_json: bool,
    value: &'a str,
}

impl<'a> Field<'a> {
    /// Splits a text at its first `=` or `:=`. Returns `None` if the text before it cannot be a key, as in JSON.
    fn split(text: &'a str) -> Option<Self> {
        let (key, value) = text.split_once('=')?;
        let (key, is_json) = match key.strip_suffix(':') {
            Some(key) => (key, true),
            None => (key, false),
        };
        let is_key = !key.is_empty()
            && !key.starts_with(['@', '-'])
            && !key.contains(|c: char| c.is_whitespace() || "{}[]\"',:".contains(c));
        is_key.then_some(Self { key, is_json, value })
    }

    /// Returns the value. `KEY=VALUE` is a number, `true`, `false` or `null` if it is one as JSON, else a string.
    fn value(&self) -> Result<Value, Failure> {
        let Self { key, is_json, value } = self;
        let text = match value.strip_prefix('@') {
            Some(path) => &read_text(path)?,
            None => *value,
        };
        if *is_json {
            return serde_json::from_str(text).map_err(|error| {
                Failure::new(FailureKind::Usage, format!("the value of `{key}` is not JSON: {error}"))
                    .hint(format!("write text as `{key}=TEXT`, and JSON as `{key}:='{{\"name\": \"value\"}}'`"))
            });
        }
        match serde_json::from_str(text) {
            Ok(scalar @ (Value::Number(_) | Value::Bool(_) | Value::Null)) if !value.starts_with('@') => Ok(scalar),
            _ => Ok(text.into()),
        }
    }
}

/// Returns the object of the fields. A dot in a key leads into an object.
fn object(texts: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut object = Map::new();
    for field in texts.iter().filter_map(|text| Field::split(text)) {
        let key = field.key;
        if key.split('.').any(str::is_empty) {
            let message = format!("`{key}` has an empty name before or after a dot");
            return Err(Failure::new(FailureKind::Usage, message).hint(FIELD_HINT));
        }
        insert(&mut object, key, field.value()?).map_err(|taken| {
            Failure::new(FailureKind::Usage, format!("`{key}` does not fit to the `{taken}` before it"))
                .hint("give each field once, and give a field either a value or fields")
        })?;
    }
    Ok(object)
}

/// Inserts a value. Fails with the key that has another value already.
fn insert<'a>(object: &mut Map<String, Value>, key: &'a str, value: Value) -> Result<(), &'a str> {
    let mut object = object;
    let mut end = 0;
    for name in key.split('.') {
        let is_last = end + name.len() == key.len();
        end += name.len();
        if is_last {
            if object.contains_key(name) {
                return Err(key);
            }
            object.insert(name.into(), value);
            return Ok(());
        }
        let inner = object.entry(name).or_insert_with(|| Map::new().into());
        object = inner.as_object_mut().ok_or(&key[..end])?;
        end += 1;
    }
    Ok(())
}

/// Reads one JSON value: the text itself, a file after `@`, or stdin for `-`.
fn read_json(text: String) -> Result<Value, Failure> {
    let (text, source) = match text.strip_prefix('@') {
        Some(path) => (read_text(path)?, format!("in {path}")),
        None if text == "-" => (
            read_stdin().map_err(|error| unreadable("stdin", &error).hint("give them as JSON, or as `@FILE`"))?,
            "on stdin".into(),
        ),
        None => (text, "after the method".into()),
    };
    serde_json::from_str(&text).map_err(|error| {
        let form = if cfg!(windows) { r#""{\"name\": \"value\"}""# } else { r#"'{"name": "value"}'"# };
        let failure = Failure::new(FailureKind::Usage, format!("the arguments {source} are not JSON: {error}"));
        if has_single_quotes_only(&text) {
            return failure.hint(format!("JSON takes double quotes: write the arguments as `{form}`"));
        }
        failure.hint(format!("write them as `name=value`, or as `{form}`; the outer quotes are for the shell"))
    })
}

fn read_text(path: &str) -> Result<String, Failure> {
    let read = read_file(Path::new(path), MAX_INPUT_SIZE).and_then(utf8_text);
    read.map_err(|error| unreadable(path, &error).hint("give the path of a text file that you may read"))
}

fn read_stdin() -> io::Result<String> {
    let mut bytes = Vec::new();
    io::stdin().take(MAX_INPUT_SIZE).read_to_end(&mut bytes)?;
    utf8_text(bytes)
}

fn utf8_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "they are not UTF-8"))
}

fn unreadable(source: &str, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Usage, format!("cannot read the arguments from {source}: {error}")).caused_by(error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(texts: &[&str]) -> Result<Value, Failure> {
        read(texts.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn fields_become_an_object() {
        for (texts, expected) in [
            (&[][..], json!(null)),
            (&["{\"a\": \"b=c\"}"], json!({ "a": "b=c" })),
            (&["\"a=b\""], json!("a=b")),
            (&["[1, \"a=b\"]"], json!([1, "a=b"])),
            (&["-5"], json!(-5)),
            (&["name=OTA.Update"], json!({ "name": "OTA.Update" })),
            (&["a=1", "b=-1.5", "c=true", "d=null", "e="], json!({ "a": 1, "b": -1.5, "c": true, "d": null, "e": "" })),
            (
                &["a=007", "b=1.2.3", "c=True", "d=\"x\""],
                json!({ "a": "007", "b": "1.2.3", "c": "True", "d": "\"x\"" }),
            ),
            (&["a={}", "b=[1]"], json!({ "a": "{}", "b": "[1]" })),
            (&["a:={\"b\": [1]}", "c:=\"5\""], json!({ "a": { "b": [1] }, "c": "5" })),
            (&["a=b=c", "url=http://h/?x=1"], json!({ "a": "b=c", "url": "http://h/?x=1" })),
            (
                &["config.wifi.sta.enable=true", "config.wifi.sta.ssid=lab", "save=true"],
                json!({ "config": { "wifi": { "sta": { "enable": true, "ssid": "lab" } } }, "save": true }),
            ),
            (&["a:={\"x\": 1}", "a.b=2"], json!({ "a": { "x": 1, "b": 2 } })),
            (&["größe=1"], json!({ "größe": 1 })),
        ] {
            assert_eq!(parsed(texts).ok(), Some(expected), "{texts:?}");
        }
    }

    #[test]
    fn arguments_that_do_not_fit_are_refused_with_the_right_form() {
        for (texts, message, hint) in [
            (&["a=1", "{}"][..], "`{}` is not a field, and stands beside fields", "either one JSON value"),
            (&["a=1", "-"], "`-` is not a field", "either one JSON value"),
            (&["{\"a\":", "1}"], "several arguments, and `{\"a\":` is not a field", "one word"),
            (&["a=1", "a=2"], "`a` does not fit to the `a` before it", "once"),
            (&["a=1", "a.b=2"], "`a.b` does not fit to the `a` before it", "once"),
            (&["a.b=1", "a=2"], "`a` does not fit to the `a` before it", "once"),
            (&["a.b.c=1", "a.b=2"], "`a.b` does not fit to the `a.b` before it", "once"),
            (&["a..b=1"], "`a..b` has an empty name", "KEY:=JSON"),
            (&[".a=1"], "`.a` has an empty name", "KEY:=JSON"),
            (&["a:=x"], "the value of `a` is not JSON", "`a=TEXT`"),
            (&["a=@/no/such/file"], "cannot read the arguments from /no/such/file", "the path of a text file"),
            (&["=1"], "the arguments after the method are not JSON", "name=value"),
            (&["{'a': 1}"], "the arguments after the method are not JSON", "double quotes"),
        ] {
            let failure = parsed(texts).expect_err("no arguments");
            assert!(failure.message.contains(message), "{texts:?}: {}", failure.message);
            assert!(failure.hints.concat().contains(hint), "{texts:?}: {:?}", failure.hints);
            assert_eq!(failure.kind, FailureKind::Usage, "{texts:?}");
        }
    }

    #[test]
    fn field_from_a_file_is_text_or_json() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "12\n").expect("written");
        let path = file.path().display();
        let fields = parsed(&[&format!("text=@{path}"), &format!("json:=@{path}")]).expect("fields");
        assert_eq!(fields, json!({ "text": "12\n", "json": 12 }));
    }
}
