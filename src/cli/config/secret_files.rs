//! Files with secrets that other users of this machine can read.

use std::path::Path;

use super::keys::SECRETS;
use super::parse::Section;
use url::Url;

/// Returns a warning for each file with a secret that others can read: the files that the section names, and its own file if an address in
/// it has a password.
pub(crate) fn warnings(section: &Section) -> Vec<String> {
    let named = section.0.iter().filter(|setting| SECRETS.contains(&setting.key.as_str()));
    let named = named.flat_map(|setting| &setting.values).filter(|file| *file != "-").map(Path::new);
    let with_password = section.0.iter().filter(|setting| setting.values.iter().any(|value| has_password(value)));
    let own = with_password.map(|setting| &*setting.place.file).take(1);
    let readable = named.chain(own).filter(|file| others_can_read(file));
    readable
        .map(|file| format!("other users can read {0}, which holds a secret: `chmod 600 {0}`", file.display()))
        .collect()
}

fn has_password(value: &str) -> bool {
    Url::parse(value).is_ok_and(|url| url.password().is_some())
}

#[cfg(unix)]
fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    const READ_BY_OTHERS: u32 = 0o044;

    // A directory has other permissions: the advice would lock it.
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & READ_BY_OTHERS != 0)
}

/// Other systems have no such permissions.
#[cfg(not(unix))]
fn others_can_read(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::cli::config::parse::parse;

    #[test]
    fn file_with_a_secret_that_others_can_read_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str, mode: u32| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
            path
        };
        let text = "[device.a]\nport = 'ws://user:hidden@dev'\nrpc-creds-file = 'creds'\nkey-file = 'key'\nca-cert-file = 'ca'\n\
                    mqtt-password-file = '.'\n";
        let config = write("config.toml", text, 0o644);
        write("creds", "user:hidden", 0o640);
        write("key", "", 0o600);
        write("ca", "", 0o644);
        let file = parse(text, &config).expect("a file");
        let warnings = warnings(&file.devices[0].1);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("creds`") && warnings[1].contains("config.toml`"), "{warnings:?}");
        assert!(!warnings.concat().contains("hidden"));
    }
}
