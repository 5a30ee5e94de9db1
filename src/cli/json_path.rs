//! The option `--get`: prints one value of a result, as `--get wifi.ip` or `--get list[0].name`.

use std::fmt;
use std::str::FromStr;

use otactl::text::excerpt;
use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, FailureKind};

/// The option that prints a part of the result.
#[derive(Debug, clap::Args)]
pub(crate) struct GetArg {
    /// Print only this part of the result, such as `eth.ip`
    ///
    /// A path has the names of fields, with dots between them, and the numbers of elements in brackets, such as `list[0].name`. Text is printed
    /// without quotes.
    #[arg(long = "get", value_name = "PATH")]
    path: Option<JsonPath>,
}

impl GetArg {
    /// Tells whether only a part of the result is asked for.
    pub(crate) fn is_given(&self) -> bool {
        self.path.is_some()
    }

    /// Prints the result, or the value at the path in it.
    pub(crate) fn print(&self, context: &Context, result: &Value) -> Result<(), Failure> {
        match &self.path {
            None => context.output.result(result),
            Some(path) => context.output.value(path.find(result)?),
        }
    }
}

/// The path of a value within JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for JsonPath {
    type Err = String;

    /// Parses names after dots and numbers in brackets. A dot at the beginning is allowed, as in jq.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || Err("write it as NAME.NAME[INDEX], such as `wifi.ip` or `list[0].name`".into());
        let mut steps = Vec::new();
        for name in text.strip_prefix('.').unwrap_or(text).split('.') {
            let (key, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
            match key {
                "" if !steps.is_empty() || rest.is_empty() => return form(),
                "" => {}
                key => steps.push(Step::Key(key.into())),
            }
            while let Some((index, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let Ok(index) = index.parse() else { return form() };
                steps.push(Step::Index(index));
                rest = after;
            }
            if !rest.is_empty() {
                return form();
            }
        }
        Ok(Self(steps))
    }
}

impl JsonPath {
    /// Returns the value at the path. If the path leads to no value, the hint names the fields that exist.
    fn find<'a>(&self, root: &'a Value) -> Result<&'a Value, Failure> {
        let mut value = root;
        for (at, step) in self.0.iter().enumerate() {
            let next = match step {
                Step::Key(key) => value.get(key),
                Step::Index(index) => value.get(index),
            };
            value = next.ok_or_else(|| self.missing(at, value))?;
        }
        Ok(value)
    }

    /// Returns the failure of the step `at` in `value`.
    fn missing(&self, at: usize, value: &Value) -> Failure {
        const MAX_KEYS: usize = 30;

        let place = match at {
            0 => "the result".into(),
            at => format!("`{}`", Self(self.0[..at].to_vec())),
        };
        let content = match value {
            Value::Object(fields) if !fields.is_empty() => {
                let names: Vec<_> = fields.keys().take(MAX_KEYS).map(|key| excerpt(key.as_bytes())).collect();
                let more = if fields.len() > MAX_KEYS { ", …" } else { "" };
                format!("has {}{more}", names.join(", "))
            }
            Value::Object(_) => "is an object without fields".into(),
            Value::Array(elements) if elements.is_empty() => "is an empty array".into(),
            Value::Array(elements) => format!("is an array: [0] to [{}]", elements.len() - 1),
            other => format!("is {}, which has no fields", excerpt(other.to_string().as_bytes())),
        };
        Failure::new(FailureKind::Other, format!("the result has no `{self}`")).hint(format!("{place} {content}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn path_leads_to_the_value() {
        let result = json!({ "a": { "b": [1, { "c": "x" }, [2, 3]] }, "n": null });
        for (path, expected) in [
            ("a.b[0]", json!(1)),
            (".a.b[1].c", json!("x")),
            ("a.b[2][1]", json!(3)),
            ("n", json!(null)),
            ("a", result["a"].clone()),
        ] {
            let path: JsonPath = path.parse().expect("a path");
            assert_eq!(path.find(&result).ok(), Some(&expected), "{path}");
        }
        let path: JsonPath = "[1].x".parse().expect("a path");
        assert_eq!((path.find(&json!([0, { "x": 5 }])).ok(), path.to_string()), (Some(&json!(5)), "[1].x".into()));
    }

    #[test]
    fn missing_value_is_a_failure_that_names_what_is_there() {
        let result = json!({ "a": { "b": [1, 2] }, "text": "x", "none": [], "empty": {} });
        for (path, hint) in [
            ("b", "the result has a, text, none, empty"),
            ("a.c", "`a` has b"),
            ("a.b[2]", "`a.b` is an array: [0] to [1]"),
            ("a.b.c", "`a.b` is an array: [0] to [1]"),
            ("text.x", "`text` is \"x\", which has no fields"),
            ("none[0]", "`none` is an empty array"),
            ("empty.x", "`empty` is an object without fields"),
        ] {
            let path: JsonPath = path.parse().expect("a path");
            let failure = path.find(&result).expect_err("no value");
            assert_eq!((failure.kind.code(), failure.hints.concat().as_str()), (1, hint), "{path}");
        }
    }

    #[test]
    fn text_that_is_no_path_is_refused() {
        for text in ["", ".", "a.", "a..b", "a[", "a[x]", "a[0", "a[0]b", "a.[0]", "a[-1]"] {
            let path = text.parse::<JsonPath>();
            assert!(path.is_err(), "{text}: {path:?}");
        }
    }
}
