//! User and password, from wherever they come. None of the messages repeats them.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use otactl::rpc::Credentials;

use super::failure::{Failure, Kind};
use super::output::Output;

/// More than this is no password, in bytes.
const MAX_FILE: u64 = 4096;

/// What `--rpc-creds` or OTACTL_RPC_CREDS say; `None` if neither is given.
pub(crate) fn read(option: Option<&str>, output: &Output) -> Result<Option<Credentials>, Failure> {
    let text = match option {
        Some("-") => ask().map_err(|error| unreadable("stdin", &error))?,
        Some(option) if option.starts_with('@') => {
            let path = &option[1..];
            from_file(path).map_err(|error| unreadable(path, &error))?
        }
        Some(option) => {
            if output.has_reader() {
                output.say("note: whoever is on this machine can read the command line; `--rpc-creds @FILE` is better");
            }
            option.to_owned()
        }
        None => match std::env::var("OTACTL_RPC_CREDS") {
            Ok(text) if !text.is_empty() => text,
            _ => return Ok(None),
        },
    };
    let credentials = text.lines().next().unwrap_or_default().parse();
    credentials.map(Some).map_err(|error| {
        Failure::new(Kind::Usage, format!("the credentials for the device cannot be used: {error}"))
            .hint("the password may hold colons, the user may not")
    })
}

fn from_file(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

fn ask() -> io::Result<String> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password("USER:PASSWORD for the device: ");
    }
    let mut line = String::new();
    io::stdin().lock().take(MAX_FILE).read_line(&mut line)?;
    Ok(line)
}

fn unreadable(whence: &str, error: &io::Error) -> Failure {
    Failure::new(Kind::Usage, format!("cannot read the credentials from {whence}: {error}"))
        .hint("`--rpc-creds @FILE` reads USER:PASSWORD from the first line of a file")
}
