//! The configuration file: named devices and defaults of options.
//!
//! - [`keys`]: the keys of a section; [`parse`]: reads a file; [`place`]: the file and the line of a setting;
//! - [`files`]: where the files are, and who may have written them;
//! - [`edit`]: adds and removes devices; [`change`]: changes a file, one program at a time, under a [`lock`];
//! - [`apply`]: gives the options of a command line the values of a section; [`secret_files`]: files that others can read.
//!
//! A key is the name of an option without its dashes. The values are checked by the parsers of the options.

pub(crate) mod apply;
pub(crate) mod change;
pub(crate) mod edit;
pub(crate) mod files;
pub(crate) mod keys;
pub(crate) mod lock;
pub(crate) mod parse;
pub(crate) mod place;
pub(crate) mod secret_files;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use parse::{ConfigFile, Section};

use super::failure::{Failure, FailureKind};

/// The settings of all files that apply.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// The values of options that neither the command line nor the environment gives.
    pub(crate) defaults: Section,
    /// The devices with their names, in the order of the files.
    pub(crate) devices: Vec<(String, Section)>,
    /// The index of each device in `devices`.
    indices: HashMap<String, usize>,
}

impl Config {
    /// Reads the file of `--config`, or else that of the project and that of the user. Files that do not exist are left out.
    pub(crate) fn read(given: Option<&Path>) -> Result<Self, Failure> {
        let mut config = Self::default();
        for path in files::to_read(given) {
            if let Some(text) = files::read(&path, given.is_some())? {
                config.add(parse::parse(&text, &path)?);
            }
        }
        Ok(config)
    }

    /// Adds a file. The settings of the files before it win; a device is described by one file only.
    fn add(&mut self, file: ConfigFile) {
        self.defaults.add_missing(file.defaults);
        for (name, section) in file.devices {
            if !self.indices.contains_key(&name) {
                self.indices.insert(name.clone(), self.devices.len());
                self.devices.push((name, section));
            }
        }
    }

    /// Returns the section of a device.
    pub(crate) fn device(&self, name: &str) -> Option<&Section> {
        self.indices.get(name).map(|index| &self.devices[*index].1)
    }

    /// Returns the names of the devices that match the patterns, each once, in the order of the patterns.
    ///
    /// `*` stands for any text and `?` for one character. A pattern that matches no device is an error.
    pub(crate) fn select(&self, patterns: &[String]) -> Result<Vec<String>, Failure> {
        let (mut names, mut selected) = (Vec::new(), HashSet::new());
        for pattern in patterns {
            let mut found = self.devices.iter().map(|(name, _)| name).filter(|name| matches(pattern, name)).peekable();
            if found.peek().is_none() {
                return Err(self.unknown(pattern));
            }
            names.extend(found.filter(|name| selected.insert(name.as_str())).cloned());
        }
        Ok(names)
    }

    fn unknown(&self, pattern: &str) -> Failure {
        const MAX_LISTED: usize = 8;

        let failure = Failure::new(FailureKind::Usage, format!("no device is named `{pattern}`"));
        let names: Vec<&str> = self.devices.iter().map(|(name, _)| name.as_str()).collect();
        // A name with another number is another device, and no typo.
        let digits = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
        let alike = names.iter().copied().filter(|name| digits(name) == digits(pattern));
        let is_pattern = pattern.contains(['*', '?', '[']);
        match (keys::nearest(pattern, alike).filter(|_| !is_pattern), names.as_slice()) {
            (Some(nearest), _) => failure.hint(format!("is it `-d {nearest}`? `otactl devices` lists the devices")),
            (None, []) => failure.hint(format!(
                "`otactl devices add {pattern} --port URL` names a device; no configuration file has one yet"
            )),
            (None, [.., _]) if names.len() <= MAX_LISTED => {
                failure.hint(format!("the devices are {}; `otactl devices` describes them", names.join(", ")))
            }
            (None, _) => failure.hint("`otactl devices` lists the devices"),
        }
    }
}

/// Tells whether a name matches a pattern of `*`, `?` and other characters. Takes time in the product of the lengths at most.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stands, and where the text after it is tried next.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, tried)) => {
                    star = Some((at, tried + 1));
                    (p, n) = (at + 1, tried + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_names() {
        for (pattern, name, expected) in [
            ("rig7", "rig7", true),
            ("rig7", "rig71", false),
            ("rig*", "rig71", true),
            ("rig*", "rig", true),
            ("*7", "rig77", true),
            ("r?g*1", "rug-a1b1", true),
            ("r?g", "rg", false),
            ("*", "", true),
            ("**a*", "bab", true),
            ("a*b*c", "abbbd", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert!(!matches(&"*a".repeat(2000), &"b".repeat(2000)), "in little time");
    }

    fn config() -> Config {
        let text = "[device.bench1]\nport = 'sim:'\n[device.bench2]\nport = 'sim:'\n[device.rig7]\nport = 'sim:'\n";
        let mut config = Config::default();
        config.add(parse::parse(text, Path::new("a.toml")).expect("a file"));
        config
    }

    #[test]
    fn names_are_selected_once_in_the_order_of_the_patterns() {
        let patterns = ["rig7", "bench*", "*"].map(ToOwned::to_owned);
        assert_eq!(config().select(&patterns).expect("devices"), ["rig7", "bench1", "bench2"]);
    }

    #[test]
    fn unknown_name_leads_to_the_nearest_one() {
        let failure = config().select(&["bensh1".into()]).expect_err("unknown");
        assert!(failure.hints[0].contains("`-d bench1`"), "{failure:?}");
        let failure = Config::default().select(&["x".into()]).expect_err("unknown");
        assert!(failure.hints[0].contains("otactl devices add x"), "{failure:?}");
    }

    #[test]
    fn time_to_read_a_file_grows_with_its_length() {
        let time = |count: usize| {
            let sections = (0..count).map(|n| format!("[device.n{n}]\nport = 'sim:'\ntimeout = '3s'\n"));
            let text = sections.collect::<Vec<_>>().concat();
            let start = std::time::Instant::now();
            let mut config = Config::default();
            config.add(parse::parse(&text, Path::new("a.toml")).expect("a file"));
            assert_eq!(config.select(&["n*".into(), "*".into()]).expect("devices").len(), count);
            start.elapsed()
        };
        let quickest = |count| (0..3).map(|_| time(count)).min().expect("a time");
        let (small, large) = (quickest(1000), quickest(8000));
        // 64 times as long if the time grew with the square of the length.
        assert!(large < small * 25, "{small:?} {large:?}");
    }

    #[test]
    fn settings_of_the_first_file_win() {
        let mut config = config();
        let other = "[defaults]\ntimeout = '3s'\n[device.rig7]\nport = 'ws://other'\n[device.rig8]\nport = 'sim:'\n";
        config.add(parse::parse(other, Path::new("b.toml")).expect("a file"));
        let port = |name| config.device(name).and_then(|section| section.value("port")).map(ToOwned::to_owned);
        assert_eq!((port("rig7").as_deref(), port("rig8").as_deref()), (Some("sim:"), Some("sim:")));
        assert_eq!(config.defaults.value("timeout"), Some("3s"));
    }
}
