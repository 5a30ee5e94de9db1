//! Adds devices to a configuration file and removes them. Comments and order stay. Pure.

use toml_edit::{Array, DocumentMut, Item, Table, TomlError, Value};

/// A key of a device with its values.
pub(crate) type NewSetting = (String, Vec<String>);

/// Returns the text with a section for the device `name`. An existing section of that name is replaced.
pub(crate) fn with_device(text: &str, name: &str, settings: &[NewSetting]) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let mut section = Table::new();
    for (key, values) in settings {
        section.insert(key, Item::Value(value(values)));
    }
    let devices = document.entry("device").or_insert_with(|| {
        let mut devices = Table::new();
        // The header of each device is enough.
        devices.set_implicit(true);
        Item::Table(devices)
    });
    if let Some(devices) = devices.as_table_like_mut() {
        match devices.get_mut(name).and_then(Item::as_table_mut) {
            // The comment above the section stays.
            Some(old) => {
                old.clear();
                section.iter().for_each(|(key, item)| drop(old.insert(key, item.clone())));
            }
            None => drop(devices.insert(name, Item::Table(section))),
        }
    }
    Ok(document.to_string())
}

/// Returns the text without the device `name`. `None`: it has no such device.
pub(crate) fn without_device(text: &str, name: &str) -> Result<Option<String>, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let removed = document.get_mut("device").and_then(Item::as_table_like_mut).and_then(|devices| devices.remove(name));
    Ok(removed.map(|_| document.to_string()))
}

fn value(values: &[String]) -> Value {
    match values {
        [one] => scalar(one),
        several => Value::Array(several.iter().map(|value| scalar(value)).collect::<Array>()),
    }
}

/// Returns a text as the value that a person would write: `true` and numbers without quotes.
fn scalar(text: &str) -> Value {
    match (text, text.parse::<i64>()) {
        ("true", _) => true.into(),
        ("false", _) => false.into(),
        (_, Ok(number)) if number.to_string() == text => number.into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\n[defaults]\ntimeout = \"20s\" # slow\n\n# the old one\n[device.a]\nport = \"sim:\"\n";

    fn settings(settings: &[(&str, &str)]) -> Vec<NewSetting> {
        settings.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect()
    }

    #[test]
    fn device_is_added_below_and_comments_stay() {
        let new = settings(&[("port", "usb:0001"), ("baud-rate", "9600"), ("insecure", "true")]);
        let text = with_device(TEXT, "b", &new).expect("TOML");
        assert_eq!(text, format!("{TEXT}\n[device.b]\nport = \"usb:0001\"\nbaud-rate = 9600\ninsecure = true\n"));
        let text = with_device("", "b", &settings(&[("port", "0001")])).expect("TOML");
        assert_eq!(text, "[device.b]\nport = \"0001\"\n");
    }

    #[test]
    fn device_of_the_same_name_is_replaced() {
        let text = with_device(TEXT, "a", &settings(&[("port", "ws://b")])).expect("TOML");
        assert_eq!(text, TEXT.replace("sim:", "ws://b"));
    }

    #[test]
    fn device_is_removed() {
        let text = with_device(TEXT, "b", &settings(&[("port", "sim:")])).expect("TOML");
        assert_eq!(without_device(&text, "b").expect("TOML").as_deref(), Some(TEXT));
        assert_eq!(without_device(TEXT, "c").expect("TOML"), None);
        assert!(without_device("a = ", "c").is_err());
    }
}
