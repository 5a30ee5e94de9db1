//! Reads the text of a configuration file. Pure.

use std::path::Path;
use std::sync::Arc;

use toml_edit::{Document, Item, Key, TableLike, Value};

use super::keys::{self, OF_A_DEVICE, OF_DEFAULTS, SHARED, nearest};
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
    let reader = Reader { text, file: path.into() };
    let document = Document::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        reader.failure(offset, error.message().trim())
    })?;
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
}

impl Reader<'_> {
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
        let one = |value: &Value| match value {
            Value::String(text) => Some(self.path(key, text.value())),
            Value::Integer(number) => Some(number.value().to_string()),
            Value::Boolean(is_set) => Some(is_set.value().to_string()),
            _ => None,
        };
        let values = match item.as_value() {
            Some(Value::Array(array)) => array.iter().map(one).collect::<Option<Vec<_>>>(),
            Some(value) => one(value).map(|value| vec![value]),
            None => None,
        };
        values.ok_or_else(|| {
            self.failure(at, &format!("`{key}` has a value of another kind"))
                .hint("a value is a text in quotes, a whole number, true or false, or a list of them")
        })
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
        let before = self.text.get(..offset).unwrap_or(self.text);
        Place { file: Arc::clone(&self.file), line: before.matches('\n').count() + 1 }
    }

    fn failure(&self, offset: usize, message: &str) -> Failure {
        Failure::new(FailureKind::Usage, format!("{}: {message}", self.place(offset)))
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
            ("[device.a]\ntimeout = 1.5\n", 2, "another kind"),
            ("[device.a]\ntimeout = [[1]]\n", 2, "another kind"),
            ("[device.a]\n\nport = \n", 3, ""),
            ("[device.a]\nport = 'x'\nport = 'y'\n", 3, ""),
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
