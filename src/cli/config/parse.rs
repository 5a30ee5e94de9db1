//! Reads the text of a configuration file. Pure.

use std::path::Path;
use std::sync::Arc;

use toml_edit::{Document, Item, Key, TableLike, TomlError, Value};

use super::keys::{self, Kind, OF_A_DEVICE, OF_DEFAULTS, SHARED, nearest};
use super::place::Place;
use crate::cli::failure::{Failure, FailureKind};

/// One configuration file.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    pub(crate) defaults: Section,
    pub(crate) devices: Vec<(String, Section)>,
}

/// The settings of a device, or the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Section(pub(crate) Vec<Setting>);

/// A key with its values as a command line would have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
    pub(crate) place: Place,
}

impl Section {
    /// Returns the setting with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.key == key)
    }

    /// Returns the first value of a key.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.get(key)?.values.first().map(String::as_str)
    }

    /// Adds the settings whose keys this section does not have.
    pub(super) fn add_missing(&mut self, other: Self) {
        for setting in other.0 {
            if self.get(&setting.key).is_none() {
                self.0.push(setting);
            }
        }
    }
}

/// Reads the text of the file `path`.
pub(crate) fn parse(text: &str, path: &Path) -> Result<ConfigFile, Failure> {
    let reader = Reader::new(text, path);
    let document = Document::parse(text).map_err(|error| reader.syntax_error(&error))?;
    let mut file = ConfigFile::default();
    for (name, item) in document.as_table() {
        let key = document.as_table().key(name);
        match (name, item.as_table_like()) {
            ("defaults", Some(table)) => file.defaults = reader.section(table, &OF_DEFAULTS)?,
            ("device", Some(devices)) => {
                for (name, item) in devices.iter() {
                    let key = devices.key(name);
                    let Some(table) = item.as_table_like() else {
                        return Err(reader
                            .failure(start(key), &format!("`device.{name}` is no table"))
                            .hint(format!("write `[device.{name}]`, and the settings in the lines below it")));
                    };
                    check_name(name).map_err(|problem| reader.failure(start(key), &problem))?;
                    file.devices.push((name.to_owned(), reader.section(table, &OF_A_DEVICE)?));
                }
            }
            _ => {
                return Err(reader
                    .failure(start(key), &format!("`{name}` is not known"))
                    .hint("the file has `[device.NAME]` for each device, and `[defaults]`"));
            }
        }
    }
    Ok(file)
}

/// Fails if a name cannot be written on a command line, or stands for other names.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_usable = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(is_usable) {
        return Ok(());
    }
    Err(format!("`{name}` cannot be the name of a device: letters, digits, `-`, `_` and `.` can"))
}

struct Reader<'a> {
    text: &'a str,
    file: Arc<Path>,
    /// The offsets of the ends of all lines, in bytes.
    line_ends: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, file: &Path) -> Self {
        Self { text, file: file.into(), line_ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    /// Returns the failure of a text that is not TOML.
    fn syntax_error(&self, error: &TomlError) -> Failure {
        let span = error.span().unwrap_or_default();
        match error.message().trim() {
            "duplicate key" => {
                let key = self.text.get(span.clone()).unwrap_or_default().trim();
                self.failure(span.start, &format!("`{key}` is there twice")).hint("remove one of the two, or rename it")
            }
            problem => self
                .failure(span.start, problem)
                .hint("a line is `[device.NAME]` or `KEY = VALUE`, and a text stands in quotes: `port = \"ws://192.168.1.5\"`"),
        }
    }

    /// Reads a table whose keys are the shared ones and `more`.
    fn section(&self, table: &dyn TableLike, more: &[&'static str]) -> Result<Section, Failure> {
        let mut settings = Vec::new();
        for (key, item) in table.iter() {
            let at = start(table.key(key));
            if !SHARED.contains(&key) && !more.contains(&key) {
                return Err(self.unknown_key(key, at, more));
            }
            let values = self.values(key, item, at)?;
            settings.push(Setting { key: key.to_owned(), values, place: self.place(at) });
        }
        Ok(Section(settings))
    }

    fn unknown_key(&self, key: &str, at: usize, more: &[&'static str]) -> Failure {
        let failure = self.failure(at, &format!("`{key}` is not known"));
        match nearest(key, SHARED.into_iter().chain(more.iter().copied())) {
            _ if key == "rpc-creds" => {
                failure.hint(format!("write `{} = \"FILE\"`, a file with USER:PASSWORD", keys::RPC_CREDS_FILE))
            }
            Some(nearest) => failure.hint(format!("is it `{nearest}`?")),
            None => failure.hint("the keys are the names of options: `otactl help connection` lists those of a device"),
        }
    }

    fn values(&self, key: &str, item: &Item, at: usize) -> Result<Vec<String>, Failure> {
        let values: Vec<&Value> = match item.as_value() {
            Some(Value::Array(array)) if keys::is_list(key) => array.iter().collect(),
            Some(value) => vec![value],
            None => return Err(self.wrong_type(key, "a table", at)),
        };
        values.into_iter().map(|value| self.value(key, value, at)).collect()
    }

    fn value(&self, key: &str, value: &Value, at: usize) -> Result<String, Failure> {
        match (value, keys::kind(key)) {
            (Value::String(text), Kind::Text) if keys::is_path(key) && text.value().is_empty() => Err(self
                .failure(at, &format!("`{key}` is empty; it has to be the path of a file"))
                .hint("without a file, remove the line")),
            (Value::String(text), Kind::Text | Kind::Number | Kind::Duration) => Ok(self.path(key, text.value())),
            (Value::Integer(number), Kind::Number | Kind::Duration) => Ok(number.value().to_string()),
            (Value::Boolean(is_set), Kind::Flag) => Ok(is_set.value().to_string()),
            _ => Err(self.wrong_type(key, type_name(value), at)),
        }
    }

    /// Returns the failure of a key whose value has the wrong type.
    fn wrong_type(&self, key: &str, found: &str, at: usize) -> Failure {
        let (wanted, example) = match keys::kind(key) {
            Kind::Text if keys::is_list(key) => ("a text in quotes, or a list of texts", "\"TEXT\""),
            Kind::Text => ("a text in quotes", "\"TEXT\""),
            Kind::Flag => ("true or false, without quotes", "true"),
            Kind::Number => ("a whole number", "NUMBER"),
            Kind::Duration => ("a duration in quotes, or a whole number of seconds", "\"90s\""),
        };
        self.failure(at, &format!("`{key}` is {found}; it has to be {wanted}"))
            .hint(format!("write it as `{key} = {example}`"))
    }

    /// Returns the value of a key. A relative path counts from the directory of the file, `~` is the home directory.
    fn path(&self, key: &str, value: &str) -> String {
        if !keys::is_path(key) || value == "-" {
            return value.to_owned();
        }
        let path = match value.strip_prefix("~/").zip(etcetera::home_dir().ok()) {
            Some((rest, home)) => home.join(rest),
            None => self.file.parent().unwrap_or(Path::new("")).join(value),
        };
        path.to_string_lossy().into_owned()
    }

    fn place(&self, offset: usize) -> Place {
        Place { file: Arc::clone(&self.file), line: self.line_ends.partition_point(|end| *end < offset) + 1 }
    }

    fn failure(&self, offset: usize, message: &str) -> Failure {
        Failure::new(FailureKind::Usage, format!("{}: {message}", self.place(offset)))
    }
}

/// Returns the type of a value in words.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a table",
    }
}

/// Returns the offset of a key in bytes.
fn start(key: Option<&Key>) -> usize {
    key.and_then(Key::span).map_or(0, |span| span.start)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse_at(text: &str) -> Result<ConfigFile, Failure> {
        parse(text, Path::new("/etc/otactl/config.toml"))
    }

    #[test]
    fn settings_have_the_form_of_a_command_line() {
        let text = "[defaults]\ntimeout = \"20s\"\ndevice = 'bench1'\n\n[device.bench1]\nport = 'usb:0001'\nbaud-rate = 115200\n\
                    insecure = true\nrpc-creds-file = 'bench1.txt'\ncert-file = '/a.pem'\ncheck-rpc = ['RPC.Ping', 'A.B']\n";
        let file = parse_at(text).expect("a file");
        assert_eq!((file.defaults.value("timeout"), file.defaults.value("device")), (Some("20s"), Some("bench1")));
        let (name, device) = &file.devices[0];
        assert_eq!(name, "bench1");
        for (key, expected) in [
            ("port", &["usb:0001"][..]),
            ("baud-rate", &["115200"]),
            ("insecure", &["true"]),
            ("rpc-creds-file", &["/etc/otactl/bench1.txt"]),
            ("cert-file", &["/a.pem"]),
            ("check-rpc", &["RPC.Ping", "A.B"]),
        ] {
            assert_eq!(device.get(key).expect(key).values, expected, "{key}");
        }
        assert_eq!(device.get("insecure").expect("set").place.line, 8);
    }

    #[test]
    fn mistake_is_named_with_its_line_and_the_nearest_key() {
        for (text, line, words) in [
            ("[device.a]\nport = 'sim:'\nbaud_rate = 1\n", 3, "`baud-rate`"),
            ("[device.a]\nprot = 'sim:'\n", 2, "`port`"),
            ("[defaults]\nport = 'sim:'\n", 2, "`port` is not known"),
            ("[device.a]\nrpc-creds = 'a:b'\n", 2, "rpc-creds-file"),
            ("[devices.a]\n", 1, "[device.NAME]"),
            ("device = 1\n", 1, "[device.NAME]"),
            ("[device]\na = 1\n", 2, "[device.a]"),
            ("[device.a]\ntimeout = 1.5\n", 2, "`timeout` is a number with a fraction; it has to be a duration"),
            ("[device.a]\ntimeout = ['1s', '2s']\n", 2, "`timeout` is a list"),
            ("[device.a]\ncheck-rpc = [[1]]\n", 2, "`check-rpc` is a list; it has to be a text in quotes, or a list"),
            ("[device.a]\nport = 1\n", 2, "`port` is a number; it has to be a text in quotes"),
            ("[device.a]\nport = { a = 1 }\n", 2, "`port` is a table"),
            ("[device.a]\nport = ['x', 'y']\n", 2, "`port` is a list"),
            ("[device.a]\ninsecure = 'yes'\n", 2, "`insecure` is a text; it has to be true or false"),
            ("[device.a]\ninsecure = 1\n", 2, "`insecure` is a number; it has to be true or false"),
            ("[device.a]\nbaud-rate = true\n", 2, "`baud-rate` is true or false; it has to be a whole number"),
            ("[device.a]\n\nrpc-creds-file = ''\n", 3, "`rpc-creds-file` is empty"),
            ("[defaults]\nserve-tls = ['', 'key']\n", 2, "`serve-tls` is empty"),
            ("[device.a]\n\nport = \n", 3, "a text stands in quotes"),
            ("[device.a]\nport = ws://a\n", 2, "a text stands in quotes"),
            ("[device.a]\nport = 'x'\nport = 'y'\n", 3, "`port` is there twice"),
            ("[device.a]\nport = 'x'\n\n[device.a]\n", 4, "a` is there twice"),
            ("[device.'r*']\nport = 'x'\n", 1, "cannot be the name"),
        ] {
            let failure = parse_at(text).expect_err(text);
            let shown = format!("{} {}", failure.message, failure.hints.concat());
            assert!(shown.starts_with(&format!("/etc/otactl/config.toml, line {line}: ")), "{text}: {shown}");
            assert!(shown.contains(words), "{text}: {shown}");
        }
    }

    proptest! {
        #[test]
        fn text_of_any_kind_does_not_panic(text in "(\\[(device\\.)?[a-z]*\\]\n|[a-z-]+ = ['\"\\[1]*[a-z]*['\"\\]]*\n|.){0,20}") {
            let _ = parse_at(&text);
        }
    }
}
