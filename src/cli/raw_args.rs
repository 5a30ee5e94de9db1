//! Options in the arguments before clap has parsed them, or of a command line that clap refuses.

use std::ffi::{OsStr, OsString};

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

#[cfg(test)]
mod tests {
    use super::*;

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
