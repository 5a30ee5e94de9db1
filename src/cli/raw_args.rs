//! Options in the arguments before clap has parsed them, or of a command line that clap refuses.

use std::ffi::{OsStr, OsString};

use super::target_arg::is_auto;

/// Returns the value of `option` in `--option VALUE` or `--option=VALUE`. Arguments after `--` do not count.
pub(super) fn value_of<'a>(args: &'a [OsString], option: &str) -> Option<&'a OsStr> {
    let mut words = args.iter().skip(1).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == option {
            return words.next().map(OsString::as_os_str);
        }
        let value = word.to_str().and_then(|word| word.strip_prefix(option)?.strip_prefix('='));
        if let Some(value) = value {
            return Some(OsStr::new(value));
        }
    }
    None
}

/// Returns the arguments without each `--port auto`, which counts as not given. Arguments after `--` stay.
pub(super) fn without_auto(args: &[OsString]) -> Vec<OsString> {
    let is_auto_text = |value: Option<&str>| value.is_some_and(is_auto);
    let mut kept = Vec::with_capacity(args.len());
    let mut rest = args;
    while let [word, behind @ ..] = rest {
        if word == "--" {
            kept.extend_from_slice(rest);
            break;
        }
        let text = word.to_str().unwrap_or_default();
        let is_option = ["--port", "-p"].contains(&text);
        if is_option && is_auto_text(behind.first().and_then(|value| value.to_str())) {
            rest = &behind[1..];
            continue;
        }
        let short = text.strip_prefix("-p").map(|value| value.strip_prefix('=').unwrap_or(value));
        if !is_auto_text(text.strip_prefix("--port=")) && !is_auto_text(short) {
            kept.push(word.clone());
        }
        rest = behind;
    }
    kept
}

/// An option that names a device.
pub(super) struct DeviceOption {
    /// The short form of the option.
    pub(super) short: &'static str,
    /// The value is part of the same word.
    pub(super) has_value: bool,
}

/// Tells whether a word is an option that names a device.
pub(super) fn device_option(word: &str) -> Option<DeviceOption> {
    for (long, short) in [("--device", "-d"), ("--port", "-p")] {
        if word == long || word == short {
            return Some(DeviceOption { short, has_value: false });
        }
        let is_long = word.strip_prefix(long).is_some_and(|rest| rest.starts_with('='));
        if is_long || (word.starts_with(short) && !word.starts_with("--")) {
            return Some(DeviceOption { short, has_value: true });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_auto_is_left_out_in_each_form() {
        for (line, expected) in [
            ("otactl --port auto ping", "otactl ping"),
            ("otactl ping --port=Auto -v", "otactl ping -v"),
            ("otactl -p auto -p sim: ping", "otactl -p sim: ping"),
            ("otactl -pauto ping -p=auto", "otactl ping"),
            ("otactl -p autobahn ping", "otactl -p autobahn ping"),
            ("otactl call M -- -p auto", "otactl call M -- -p auto"),
            ("otactl call auto -p", "otactl call auto -p"),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
            assert_eq!(without_auto(&args), expected, "{line}");
        }
    }

    #[test]
    fn value_of_an_option_is_found_in_both_forms() {
        for (line, expected) in [
            ("otactl --config a.toml ping", Some("a.toml")),
            ("otactl ping --config=a=b.toml", Some("a=b.toml")),
            ("otactl --config-file x ping", None),
            ("otactl ping --config", None),
            ("otactl call M -- --config a.toml", None),
            ("--config a.toml", None),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(value_of(&args, "--config"), expected.map(OsStr::new), "{line}");
        }
    }
}
