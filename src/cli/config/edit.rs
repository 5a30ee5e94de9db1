//! Adds devices to a configuration file and removes them. Comments and order stay. Pure.

use std::mem::take;

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, TomlError, Value};

use super::keys::{Kind, kind};

/// A key of a device with its values.
pub(crate) type NewSetting = (String, Vec<String>);

/// The name of a device and its settings.
pub(crate) type NewDevice = (String, Vec<NewSetting>);

/// Returns the text with these devices. A device that is already there gets these settings and keeps its others.
pub(crate) fn with_devices(text: &str, devices: &[NewDevice]) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    // Comments at the end of the file stay above a new section.
    let mut end = document.trailing().as_str().unwrap_or_default().to_owned();
    document.set_trailing("");
    let sections = document.entry("device").or_insert_with(|| {
        let mut sections = Table::new();
        // The header of each device is enough.
        sections.set_implicit(true);
        Item::Table(sections)
    });
    let have_headers = sections.is_table();
    if let Some(sections) = sections.as_table_like_mut() {
        for (name, settings) in devices {
            if let Some(section) = sections.get_mut(name).and_then(Item::as_table_like_mut) {
                set(section, settings);
                continue;
            }
            let mut section = Table::new();
            set(&mut section, settings);
            if have_headers && !end.is_empty() {
                section.decor_mut().set_prefix(format!("{}\n", take(&mut end)));
            }
            sections.insert(name, Item::Table(section));
        }
    }
    document.set_trailing(end);
    Ok(with_line_ends_of(text, &document))
}

/// Sets keys of a section. A comment behind a value stays.
fn set(section: &mut dyn TableLike, settings: &[NewSetting]) {
    for (key, values) in settings {
        let mut value = value(key, values);
        match section.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) => {
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => drop(section.insert(key, Item::Value(value))),
        }
    }
}

/// Returns the text of a document with the line ends of the text from which it was read.
fn with_line_ends_of(text: &str, document: &DocumentMut) -> String {
    const BOM: char = '\u{feff}';

    let mut new = document.to_string().replace("\r\n", "\n");
    if text.split_once('\n').is_some_and(|(first, _)| first.ends_with('\r')) {
        new = new.replace('\n', "\r\n");
    }
    if text.starts_with(BOM) && !new.starts_with(BOM) {
        new.insert(0, BOM);
    }
    new
}

/// Returns the text without the device `name`. `None`: it has no such device.
pub(crate) fn without_device(text: &str, name: &str) -> Result<Option<String>, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let removed = document.get_mut("device").and_then(Item::as_table_like_mut).and_then(|devices| devices.remove(name));
    Ok(removed.map(|_| with_line_ends_of(text, &document)))
}

fn value(key: &str, values: &[String]) -> Value {
    match values {
        [one] => scalar(key, one),
        several => Value::Array(several.iter().map(|value| scalar(key, value)).collect::<Array>()),
    }
}

/// Returns the value of an option as a value of the type that its key has.
fn scalar(key: &str, text: &str) -> Value {
    match (kind(key), text.parse::<i64>()) {
        (Kind::Flag, _) => is_true(text).into(),
        (Kind::Number | Kind::Duration, Ok(number)) if number.to_string() == text => number.into(),
        _ => text.into(),
    }
}

/// Reads the value of a flag as the command line does, which has checked it.
fn is_true(text: &str) -> bool {
    !matches!(text.to_ascii_lowercase().as_str(), "n" | "no" | "f" | "false" | "off" | "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\n[defaults]\ntimeout = \"20s\" # slow\n\n# the old one\n[device.a]\nport = \"sim:\"\n";

    fn settings(settings: &[(&str, &str)]) -> Vec<NewSetting> {
        settings.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect()
    }

    fn with_device(text: &str, name: &str, new: &[(&str, &str)]) -> String {
        with_devices(text, &[(name.to_owned(), settings(new))]).expect("TOML")
    }

    #[test]
    fn device_is_added_below_and_comments_stay() {
        let new = [
            ("port", "usb:0001"),
            ("baud-rate", "9600"),
            ("insecure", "true"),
            ("set-control-lines", "No"),
            ("mqtt-client-id", "123"),
        ];
        let expected = "port = \"usb:0001\"\nbaud-rate = 9600\ninsecure = true\nset-control-lines = false\nmqtt-client-id = \"123\"\n";
        assert_eq!(with_device(TEXT, "b", &new), format!("{TEXT}\n[device.b]\n{expected}"));
        assert_eq!(with_device("", "b", &[("port", "1")]), "[device.b]\nport = \"1\"\n");
    }

    #[test]
    fn device_of_the_same_name_keeps_its_other_settings_and_comments() {
        let text =
            format!("{TEXT}# the key\nkey-file = 'k' # secret\ntimeout = '3s' # short\n\n[device.b]\nport = 'x'\n");
        let changed = with_device(&text, "a", &[("port", "ws://b"), ("timeout", "5s"), ("baud-rate", "9600")]);
        let expected = text.replace("sim:", "ws://b").replace("'3s' # short\n", "\"5s\" # short\nbaud-rate = 9600\n");
        assert_eq!(changed, expected);
        let inline = "[device]\na = { port = \"x\", timeout = \"3s\" }\nb.port = \"y\"\n";
        assert_eq!(with_device(inline, "a", &[("port", "z")]), inline.replace("\"x\"", "\"z\""));
        assert_eq!(with_device(inline, "b", &[("port", "z")]), inline.replace("\"y\"", "\"z\""));
    }

    #[test]
    fn comment_at_the_end_of_the_file_stays_where_it_is() {
        for text in ["# mine\n".to_owned(), format!("{TEXT}\n# the end\n")] {
            let added = with_device(&text, "b", &[("port", "ws://b")]);
            assert_eq!(added, format!("{text}\n[device.b]\nport = \"ws://b\"\n"));
            assert_eq!(with_device(&added, "b", &[("port", "x")]), added.replace("ws://b", "x"));
        }
        let text = format!("{TEXT}\n# the end\n");
        assert_eq!(with_device(&text, "a", &[("port", "x")]), text.replace("sim:", "x"));
    }

    #[test]
    fn line_ends_of_the_file_stay() {
        let text = TEXT.replace('\n', "\r\n");
        assert_eq!(with_device(&text, "a", &[("port", "ws://b")]), text.replace("sim:", "ws://b"));
        let added = with_device(&text, "b", &[("port", "sim:")]);
        assert_eq!(added, format!("{text}\r\n[device.b]\r\nport = \"sim:\"\r\n"));
        assert_eq!(without_device(&added, "b").expect("TOML"), Some(text));
    }

    #[test]
    fn device_is_removed() {
        let text = with_device(TEXT, "b", &[("port", "sim:")]);
        assert_eq!(without_device(&text, "b").expect("TOML").as_deref(), Some(TEXT));
        assert_eq!(without_device(TEXT, "c").expect("TOML"), None);
        assert!(without_device("a = ", "c").is_err());
    }
}
