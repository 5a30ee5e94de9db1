//! The command that tries the failed devices again. Pure.

use std::ffi::OsString;

/// Returns the command line `args` for the devices `failed` only.
///
/// `labels` are the names or the addresses of all devices. A device of the configuration is named with `-d`, another one with `-p`.
pub(crate) fn command<'a>(
    args: impl Iterator<Item = OsString>,
    labels: impl Iterator<Item = &'a str>,
    failed: &[&str],
) -> String {
    let labels: Vec<&str> = labels.collect();
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut words = vec!["otactl".to_owned()];
    let mut rest = args.iter().skip(1);
    let mut option = "-d";
    while let Some(arg) = rest.next() {
        if arg == "--" {
            words.push(arg.clone());
            words.extend(rest.by_ref().cloned());
            break;
        }
        match device_option(arg) {
            Some(DeviceOption { short, has_value }) => {
                option = short;
                if !has_value {
                    rest.next();
                }
            }
            None => words.push(arg.clone()),
        }
    }
    // The options of a device come after the command, before `--`.
    let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let devices =
        failed.iter().filter(|name| labels.contains(name)).flat_map(|name| [option.to_owned(), (*name).into()]);
    words.splice(at..at, devices);
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

pub(crate) struct DeviceOption {
    /// The short form of the option.
    pub(crate) short: &'static str,
    /// The value is part of the same word.
    has_value: bool,
}

/// Tells whether a word is an option that names a device.
pub(crate) fn device_option(word: &str) -> Option<DeviceOption> {
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
    fn command_names_the_failed_devices_only() {
        for (args, failed, expected) in [
            ("otactl update fw.zip -d bench1 -d bench2 -d rig7", &["rig7"][..], "otactl update fw.zip -d rig7"),
            ("otactl --device=bench* ping", &["bench1", "bench2"], "otactl ping -d bench1 -d bench2"),
            ("otactl -dbench* ping -v", &["bench2"], "otactl ping -v -d bench2"),
            ("otactl -p ws://a -p ws://b commit", &["ws://b"], "otactl commit -p ws://b"),
            ("otactl call -d x -- M -d", &["x"], "otactl call -d x -- M -d"),
        ] {
            let args = args.split(' ').map(OsString::from);
            let labels = ["bench1", "bench2", "rig7", "ws://a", "ws://b", "x"];
            assert_eq!(command(args, labels.into_iter(), failed), expected);
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        let args = ["otactl", "update", "my fw.zip", "-d", "a*"].map(OsString::from);
        assert_eq!(command(args.into_iter(), ["a1"].into_iter(), &["a1"]), "otactl update 'my fw.zip' -d a1");
    }
}
