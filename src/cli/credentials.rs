//! User and password, from an option, a file, a prompt or the environment. Messages never contain them.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

#[cfg(unix)]
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use otactl::read_file::read_file;
use otactl::rpc::Credentials;
use otactl::secrets;
use otactl::update::stage::Stage;
use url::Url;

use super::environment;
use super::failure::{Failure, FailureKind};
use super::interrupt;
use super::output::Output;
use super::writer::{self, OutputStream};

/// The maximum size of a file of credentials, and of a line on stdin, in bytes.
const MAX_SECRET_SIZE: u64 = 4096;

/// Returns the credentials of `--rpc-creds` or OTACTL_RPC_CREDS, or `None` if neither is given.
pub(crate) fn read(option: Option<&str>, output: &Output) -> Result<Option<Credentials>, Failure> {
    let text = match option {
        Some("-") => ask("USER:PASSWORD for the device: ")?,
        Some(option) if option.starts_with('@') => first_line(Path::new(&option[1..]))?,
        Some(option) => {
            if output.is_interactive() {
                output
                    .status("note: all users of this machine can read the command line; `--rpc-creds @FILE` is better");
            }
            option.to_owned()
        }
        None => match environment::variable("OTACTL_RPC_CREDS")? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    let text = text.lines().next().unwrap_or_default();
    if let Some((user, password)) = text.split_once(':') {
        secrets::remember_login(user, password);
    }
    let credentials = text.parse();
    credentials.map(Some).map_err(|error| {
        Failure::new(FailureKind::Usage, format!("the credentials for the device cannot be used: {error}"))
            .hint("the password may hold colons, the user may not")
    })
}

/// Registers user and password of a URL as secrets, so that no output shows them.
pub(crate) fn remember_url_login(url: &str) {
    let Ok(url) = Url::parse(url.trim()) else { return };
    if let Some(password) = url.password() {
        secrets::remember_login(url.username(), password);
    }
}

/// Returns the first line of a file, which holds a secret.
pub(crate) fn first_line(path: &Path) -> Result<String, Failure> {
    const READABLE: &str = "give the path of a file that you may read, with the secret on its first line";

    let read = read_file(path, MAX_SECRET_SIZE).and_then(first_line_of);
    read.map_err(|error| unreadable(&path.display().to_string(), &error).hint(READABLE))
}

/// Returns the first line, without the byte order mark that some editors write.
///
/// A text over the limit is an error: a password that was cut off would be a wrong password.
fn first_line_of(bytes: Vec<u8>) -> io::Result<String> {
    if bytes.len() as u64 > MAX_SECRET_SIZE {
        return Err(io::Error::other(format!("it has more than {MAX_SECRET_SIZE} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
    let line = text.strip_prefix('\u{feff}').unwrap_or(&text).lines().next().unwrap_or_default();
    Ok(line.trim_end_matches('\r').to_owned())
}

/// Prompts for a secret on a terminal, or reads it from stdin.
pub(crate) fn ask(prompt: &str) -> Result<String, Failure> {
    const FILES: &str =
        "a file can hold the secret on its first line: `--rpc-creds @FILE`, `--mqtt-password-file FILE`";

    let unreadable = |error| unreadable("stdin", &error).hint(FILES);
    if io::stdin().is_terminal() {
        return without_sigint(|| rpassword::prompt_password(prompt)).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => interrupt::failure(&Stage::Untouched),
            _ => unreadable(error),
        });
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_SECRET_SIZE + 1).read_until(b'\n', &mut bytes);
    read.and_then(|_| first_line_of(bytes)).map_err(unreadable)
}

/// Asks a question on a terminal, and returns the answer, which is shown while it is typed.
pub(crate) fn ask_openly(question: &str) -> Result<String, Failure> {
    let mut answer = String::new();
    let read = writer::write(&OutputStream::Stderr, question.as_bytes());
    let read = read.and_then(|()| io::stdin().lock().take(MAX_SECRET_SIZE).read_line(&mut answer));
    read.map(|_| answer)
        .map_err(|error| Failure::new(FailureKind::Usage, format!("cannot read the answer from stdin: {error}")))
}

/// Prompts with SIGINT blocked.
///
/// At Ctrl-C, the library raises SIGINT before it restores the terminal, and the signal would leave the terminal without echo. After
/// Ctrl-C, SIGINT stays blocked, so that otactl reports the interruption with its own exit code.
#[cfg(unix)]
fn without_sigint<T>(prompt: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let sigint: SigSet = std::iter::once(Signal::SIGINT).collect();
    let before = sigint.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let result = prompt();
    if !result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
        before.thread_set_mask()?;
    }
    result
}

#[cfg(not(unix))]
fn without_sigint<T>(prompt: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    prompt()
}

fn unreadable(source: &str, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Usage, format!("cannot read the credentials from {source}: {error}"))
}
