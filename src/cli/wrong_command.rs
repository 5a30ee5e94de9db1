//! The hint for a command that does not exist: the right command, or the call that does it.
//!
//! A command that changes the device is suggested only for a synonym, which says what the user wants. Somebody who follows a wrong
//! suggestion of `revert` loses the new firmware. `update` is suggested for an obvious typo: it takes the name of a file.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use clap::Command;
use serde_json::Value;

/// The commands that change the device, except `update`.
pub(super) const CHANGING: [&str; 6] = ["commit", "revert", "reboot", "set-boot-state", "create-snapshot", "call"];

/// What people type, and the hint. Among them are the commands of `mos`.
const SYNONYMS: [(&[&str], &str); 32] = [
    (
        &["flash", "ota", "upload", "upgrade", "install", "fw", "dfu", "push", "deploy", "program"],
        "`otactl update FILE` installs the firmware zip FILE and commits it",
    ),
    (&["confirm", "accept", "keep", "approve"], "`otactl commit` keeps the running firmware"),
    (
        &["rollback", "roll-back", "undo"],
        "`otactl revert` goes back to the previous firmware, while the new one is uncommitted",
    ),
    (&["snapshot", "backup", "copy"], "`otactl create-snapshot` copies the running firmware to the other slot"),
    (
        &["boot-state", "bootstate", "slot", "slots", "state", "committed"],
        "`otactl show` shows the firmware, its slot and its commit, and `otactl get-boot-state` only the latter",
    ),
    (&["progress", "ota-status"], "`otactl status` shows the progress of an update"),
    (&["restart", "reset"], "`otactl reboot` reboots the device"),
    (&["sysinfo", "sys-info", "id", "uptime"], "`otactl info` shows id, platform, firmware and uptime"),
    (&["methods", "rpc-list", "services"], "`otactl list` lists the methods of the device"),
    (&["rpc", "exec", "run", "invoke"], "`otactl call METHOD` calls a method of the device; `otactl list` lists them"),
    (&["sim", "simulator", "emulate", "emulator"], "`otactl simulate` runs a simulated device"),
    (&["version"], "`otactl --version` shows the version of otactl, and `otactl info` that of the firmware"),
    (&["ls", "dir"], "`otactl call FS.List` lists the files of the device"),
    (&["get", "cat", "download"], "`otactl call FS.Get filename=FILE` reads a file of the device, in Base64"),
    (&["put", "cp"], "`otactl call FS.Put filename=FILE data=BASE64` writes a file of the device"),
    (&["rm", "del", "delete"], "`otactl call FS.Remove filename=FILE` removes a file of the device"),
    (
        &["fs", "files", "file"],
        "`otactl call FS.List` lists the files of the device; FS.Get, FS.Put and FS.Remove handle them",
    ),
    (
        &["config", "conf", "cfg"],
        "`otactl call Config.Get` shows the configuration of the device; Config.Set and Config.Save change it",
    ),
    (
        &["wifi"],
        "`otactl call Config.Set config.wifi.sta.enable:=true config.wifi.sta.ssid=NAME config.wifi.sta.pass=@FILE` sets the network, \
         with the password in FILE, and `otactl call Config.Save reboot:=true` applies it",
    ),
    (&["gpio", "i2c", "spi"], "`otactl list` lists the methods of the device; `otactl call METHOD` calls one"),
    (
        &["console", "monitor", "log", "logs", "tail", "debug"],
        "otactl has no console yet: `mos console` shows the log of the device. With -v, otactl shows what the device prints during \
         a command over a serial port",
    ),
    (&["port", "list-ports", "serial", "usb"], "`otactl ports` lists the serial ports and their USB devices"),
    (
        &["scan", "find", "search", "mdns", "browse"],
        "`otactl discover` finds devices on the local network and behind a broker, `otactl ports` those on a cable",
    ),
    (
        &["fleet", "rollout", "all", "group"],
        "a command works on several devices: `-d NAME` or `-p URL` several times, or `-d 'rig*'`",
    ),
    (
        &["device", "name", "alias", "profile", "inventory"],
        "`otactl devices` lists the named devices, and names others",
    ),
    (
        &["serve", "server", "http", "host"],
        "no command is needed: `otactl update FILE` serves the firmware itself, at the address of `--listen`",
    ),
    (
        &["shell", "repl", "interactive", "terminal"],
        "otactl has no shell yet: `otactl call METHOD` calls any method, and `otactl list` lists them",
    ),
    (&["ui", "web", "gui", "dashboard"], "otactl has no page for a browser: `otactl --help` lists its commands"),
    (
        &["build", "bundle", "create-fw-bundle", "compile", "clone"],
        "otactl builds no firmware: `mos build` writes build/fw.zip",
    ),
    (
        &["doctor", "diagnose", "check", "test", "health"],
        "`otactl -v ping` shows whether the device answers, and why not",
    ),
    (
        &["connect", "tls", "mqtt", "options", "port-options"],
        "`otactl help connection` describes the options for the connection",
    ),
    (&["manual", "docs", "usage"], "`otactl --help` lists all commands"),
];

/// Returns the message for the command `word`, which does not exist. `args` are all arguments of the command line.
pub(crate) fn message(word: &str, args: &[OsString], model: &Command) -> String {
    let before = args.iter().position(|arg| arg == word).and_then(|index| args.get(..index)).unwrap_or_default();
    if let Some(outer) = given_command(before, model).filter(|outer| outer.has_subcommands()) {
        let name = outer.get_name();
        let hint = match nested(word, outer) {
            Some(inner) => format!("did you mean `otactl {name} {inner}`?"),
            None => format!("`otactl {name} --help` lists its commands"),
        };
        return with_hint(&format!("`otactl {name}` has no command `{word}`"), &hint);
    }
    let hint = hint(word, args, model).unwrap_or_else(|| "`otactl --help` lists all commands".into());
    with_hint(&format!("there is no command `{word}`"), &hint)
}

/// Returns the message and the hint as lines.
pub(super) fn with_hint(message: &str, hint: &str) -> String {
    format!("{message}\nhint: {hint}")
}

/// Returns the first command among the arguments.
pub(crate) fn given_command<'a>(args: &[OsString], model: &'a Command) -> Option<&'a Command> {
    args.iter().skip(1).find_map(|arg| model.find_subcommand(arg))
}

/// Returns the command below another one that was probably meant.
fn nested<'a>(word: &str, outer: &'a Command) -> Option<&'a str> {
    let meant = match word.to_lowercase().as_str() {
        "rm" | "del" | "delete" | "forget" => "remove",
        "new" | "create" => "add",
        other => return similar(other, outer),
    };
    outer.find_subcommand(meant).map(Command::get_name)
}

/// Tells whether a word can only be the address of a device.
pub(super) fn is_address(word: &str) -> bool {
    let lower = word.to_lowercase();
    word.contains("://")
        || word.starts_with("/dev/")
        || lower.starts_with("sim:")
        || lower.rsplit_once('.').is_some_and(|(_, domain)| domain == "local")
        || word.parse::<IpAddr>().is_ok()
        || word.parse::<SocketAddr>().is_ok()
}

fn hint(word: &str, args: &[OsString], model: &Command) -> Option<String> {
    let lower = word.to_lowercase();
    if let Some(hint) = hint_with_arguments(&lower, args) {
        return Some(hint);
    }
    if let Some((_, hint)) = SYNONYMS.iter().find(|(words, _)| words.contains(&lower.as_str())) {
        return Some((*hint).to_owned());
    }
    if is_address(word) {
        return Some(format!("an address is the value of an option: `otactl --port {word} COMMAND`"));
    }
    if Path::new(word).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
        return Some(format!("`otactl update {word}` installs this firmware"));
    }
    if let Some(name) = similar(&lower, model) {
        return Some(format!("did you mean `otactl {name}`?"));
    }
    let is_method = word.split_once('.').is_some_and(|(service, method)| {
        let begins_upper = |part: &str| part.starts_with(|c: char| c.is_ascii_uppercase());
        begins_upper(service) && begins_upper(method)
    });
    is_method.then(|| format!("`otactl call {word}` calls a method of the device"))
}

/// Returns the hint for a command of `mos` whose arguments go into the hint.
fn hint_with_arguments(word: &str, args: &[OsString]) -> Option<String> {
    let given = args.iter().skip_while(|arg| !arg.eq_ignore_ascii_case(word)).skip(1);
    let given = given.filter_map(|arg| arg.to_str()).filter(|arg| !arg.starts_with('-'));
    match word {
        "config-get" | "conf-get" => {
            let key = given.map(|key| format!(" {}", quoted(&format!("key={key}")))).next().unwrap_or_default();
            Some(format!("`otactl call Config.Get{key}`"))
        }
        "config-set" | "conf-set" => {
            let settings: Vec<_> = given.filter_map(|arg| arg.split_once('=')).collect();
            let settings = if settings.is_empty() { vec![("wifi.sta.enable", "true")] } else { settings };
            let fields = settings.into_iter().map(|(path, value)| quoted(&field(path, value))).collect::<Vec<_>>();
            let fields = fields.join(" ");
            Some(format!("`otactl call Config.Set {fields}`, and `otactl call Config.Save reboot:=true`"))
        }
        _ => None,
    }
}

/// Returns a setting as a field of `otactl call`. It is a number, a boolean or `null` if it reads like one, else a string.
fn field(path: &str, value: &str) -> String {
    let is_scalar = serde_json::from_str(value).is_ok_and(|value: Value| !value.is_object() && !value.is_array());
    match value {
        _ if is_scalar => format!("config.{path}:={value}"),
        // `=@` would read a file.
        _ if value.starts_with('@') => format!("config.{path}:={}", Value::from(value)),
        _ => format!("config.{path}={value}"),
    }
}

/// Returns a text as one word for a shell, in quotes only if it needs them.
fn quoted(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.,:=/@%+".contains(c)) {
        return text.to_owned();
    }
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), Into::into)
}

/// Returns the command with the most similar name: at most two edits away, or one for `update`. Never returns one of [`CHANGING`].
fn similar<'a>(word: &str, model: &'a Command) -> Option<&'a str> {
    let visible = model.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name);
    let close = visible.filter_map(|name| {
        let edits = strsim::osa_distance(word, name);
        let max = if name == "update" { 1 } else { 2.min(name.len() / 3) };
        (edits <= max).then_some((edits, name))
    });
    close.min().map(|(_, name)| name).filter(|name| !CHANGING.contains(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    fn hint_for(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        hint(line.split(' ').next().unwrap_or_default(), &args, &crate::cli::Cli::command()).unwrap_or_default()
    }

    #[test]
    fn no_word_stands_twice_among_the_synonyms() {
        let all: Vec<_> = SYNONYMS.iter().flat_map(|(words, _)| words.iter()).collect();
        assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "{all:?}");
    }

    #[test]
    fn command_of_mos_leads_to_the_right_command() {
        for (typed, expected) in [
            ("config-get", "`otactl call Config.Get`"),
            ("config-get wifi.sta", "`otactl call Config.Get key=wifi.sta`"),
            (
                "config-set wifi.sta.enable=true wifi.sta.ssid=it's debug.level=3 mqtt.user=@x",
                r#"call Config.Set config.wifi.sta.enable:=true "config.wifi.sta.ssid=it's" config.debug.level:=3 'config.mqtt.user:="@x"'`"#,
            ),
            ("put", "FS.Put"),
            ("get", "FS.Get"),
            ("ls", "FS.List"),
            ("rm", "FS.Remove"),
            ("wifi", "Config.Set"),
            ("ota", "`otactl update FILE`"),
            ("flash", "`otactl update FILE`"),
            ("rollback", "`otactl revert`"),
            ("confirm", "`otactl commit`"),
            ("device", "`otactl devices`"),
            ("Sys.GetInfo", "`otactl call Sys.GetInfo`"),
            ("build/fw.zip", "`otactl update build/fw.zip`"),
            ("ws://192.168.1.5", "`otactl --port ws://192.168.1.5 COMMAND`"),
        ] {
            let hint = hint_for(typed);
            assert!(hint.contains(expected), "{typed}: {hint}");
        }
    }

    #[test]
    fn typo_suggests_no_command_that_changes_the_device() {
        for (typed, expected) in [
            ("updat", "update"),
            ("udpate", "update"),
            ("UPDATE", "update"),
            ("lsit", "list"),
            ("descibe", "describe"),
            ("pnig", "ping"),
            ("get-bot-stat", "get-boot-state"),
        ] {
            assert_eq!(hint_for(typed), format!("did you mean `otactl {expected}`?"), "{typed}");
        }
        for typed in ["upd", "invert", "commute", "uptade-all", "put", "serve", "fleet", "config-set", "shell", "robot"]
        {
            let hint = hint_for(typed);
            assert!(!hint.contains("did you mean"), "{typed}: {hint}");
        }
        for typed in
            ["comit", "COMMIT", "revrt", "revertt", "rebot", "reboto", "set-bot-state", "create-snapsht", "cal"]
        {
            assert_eq!(hint_for(typed), "", "{typed}");
        }
    }
}
