//! User and password, from wherever they come. None of the messages repeats them.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use otactl::rpc::Credentials;

use super::environment;
use super::failure::{Failure, Kind};
use super::output::Output;

/// More than this is no password, in bytes.
const MAX_FILE: u64 = 4096;

/// What `--rpc-creds` or OTACTL_RPC_CREDS say; `None` if neither is given.
pub(crate) fn read(option: Option<&str>, output: &Output) -> Result<Option<Credentials>, Failure> {
    let text = match option {
        Some("-") => ask("USER:PASSWORD for the device: ")?,
        Some(option) if option.starts_with('@') => first_line(Path::new(&option[1..]))?,
        Some(option) => {
            if output.has_reader() {
                output.say("note: whoever is on this machine can read the command line; `--rpc-creds @FILE` is better");
            }
            option.to_owned()
        }
        None => match environment::variable("OTACTL_RPC_CREDS")? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    let credentials = text.lines().next().unwrap_or_default().parse();
    credentials.map(Some).map_err(|error| {
        Failure::new(Kind::Usage, format!("the credentials for the device cannot be used: {error}"))
            .hint("the password may hold colons, the user may not")
    })
}

/// The first line of a file, where a secret stands.
pub(crate) fn first_line(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
    read.map_err(|error| unreadable(&path.display().to_string(), &error))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A secret that is typed, or comes on stdin.
pub(crate) fn ask(prompt: &str) -> Result<String, Failure> {
    let unreadable = |error| unreadable("stdin", &error);
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(prompt).map_err(unreadable);
    }
    let mut line = String::new();
    io::stdin().lock().take(MAX_FILE).read_line(&mut line).map_err(unreadable)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn unreadable(whence: &str, error: &io::Error) -> Failure {
    Failure::new(Kind::Usage, format!("cannot read the credentials from {whence}: {error}"))
        .hint("a secret is read from the first line of a file: `--rpc-creds @FILE`, `--mqtt-password-file FILE`")
}
