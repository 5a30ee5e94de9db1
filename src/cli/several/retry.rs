//! The command that tries the failed devices again. Pure.

use std::ffi::OsString;

use crate::cli::printable::without_password;
use crate::cli::raw_args::{DeviceOption, device_option};

/// Returns the hint with the command line `args` for the devices `failed` only.
///
/// A command line that may contain secrets is not repeated. `labels` are the names or the addresses of all devices. A device of the
/// configuration is named with `-d`, another one with `-p`.
pub(crate) fn hint<'a>(
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
    let devices: Vec<String> = failed
        .iter()
        .filter(|name| labels.contains(name))
        .flat_map(|name| [option.to_owned(), (*name).into()])
        .collect();
    let joined =
        |words: &[String]| shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    if may_contain_secrets(&words) {
        return format!("the same command with only `{}` tries them again", joined(&devices));
    }
    // The options of a device come after the command, before `--`.
    let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.splice(at..at, devices);
    format!("`{}` tries them again", joined(&words))
}

/// Tells whether a command line has credentials, or arguments of a method, which may be settings.
fn may_contain_secrets(words: &[String]) -> bool {
    let calls = words.iter().position(|word| word == "call");
    words.iter().any(|word| word.starts_with("--rpc-creds"))
        || calls.is_some_and(|at| words[at..].iter().any(|word| word.contains(['=', '{'])))
}

/// Returns the option that names a device, for a shell: `-d NAME` for one of the configuration, else `-p PORT`.
pub(crate) fn option_of(name: Option<&str>, port: Option<&str>) -> Option<String> {
    let (option, value) = match (name, port) {
        (Some(name), _) => ("-d", name.to_owned()),
        (None, Some(port)) => ("-p", without_password(port)),
        (None, None) => return None,
    };
    Some(format!("{option} {}", shlex::try_quote(&value).ok()?))
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
            assert_eq!(hint(args, labels.into_iter(), failed), format!("`{expected}` tries them again"));
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        let args = ["otactl", "update", "my fw.zip", "-d", "a*"].map(OsString::from);
        assert_eq!(
            hint(args.into_iter(), ["a1"].into_iter(), &["a1"]),
            "`otactl update 'my fw.zip' -d a1` tries them again"
        );
    }

    #[test]
    fn command_line_with_secrets_is_not_repeated() {
        for line in [
            "otactl --rpc-creds a:PW ping -d x -d y",
            "otactl call Wifi.Set pass=PW -d x -d y",
            "otactl call M {\"a\":\"PW\"} -d x -d y",
        ] {
            let args = line.split(' ').map(OsString::from);
            let shown = hint(args, ["x", "y"].into_iter(), &["y"]);
            assert_eq!(shown, "the same command with only `-d y` tries them again");
        }
    }
}
