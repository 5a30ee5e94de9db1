//! A check by a program on this machine. It is run as it is, without a shell. At its deadline, and when
//! nobody waits for it any more, it is ended with all that it has started; what it leaves behind when it ends by itself
//! is its own affair.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, PipeReader, Read as _};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::output::Tail;
use super::{CheckFailure, FailureKind, is_out_of_files};
use crate::text::{excerpt, printable};
use crate::update::device_state::DeviceState;

/// How long we read on once the program has ended. FailureKind it has left behind may hold its output open.
const DRAIN: Duration = Duration::from_millis(200);

/// A program that has to end with exit status 0.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandCheck {
    /// As the user wrote it.
    text: String,
    program: String,
    args: Vec<String>,
    /// The device's address, for a program that calls otactl.
    port: Option<String>,
}

/// Why a text is no check, or a check that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandCheckError {
    /// There is nothing to run.
    #[error("there is no program in it")]
    Empty,
    /// A quote is not closed.
    #[error("a quote in it is not closed")]
    Quotes,
    /// There is no such program.
    #[error("there is no program `{0}`")]
    NotFound(String),
    /// The file is there, and is no program.
    #[error("`{0}` cannot be run: it is not an executable file")]
    NotExecutable(String),
}

impl FromStr for CommandCheck {
    type Err = CommandCheckError;

    /// Splits the text into words, as a shell would.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = shlex::split(text).ok_or(CommandCheckError::Quotes)?.into_iter();
        let program = words.next().filter(|program| !program.is_empty()).ok_or(CommandCheckError::Empty)?;
        Ok(Self { text: text.trim().into(), program, args: words.collect(), port: None })
    }
}

impl CommandCheck {
    /// The same with the device's address in `OTACTL_PORT`.
    #[must_use]
    pub fn with_port(self, port: String) -> Self {
        Self { port: Some(port), ..self }
    }

    /// Its beginning, fit to be shown.
    #[must_use]
    pub fn name(&self) -> String {
        excerpt(self.text.as_bytes())
    }

    /// Whether the program is there, so that one that is not is found out before an update.
    pub fn find(&self) -> Result<(), CommandCheckError> {
        let path = env::var_os("PATH").unwrap_or_default();
        match found(&self.program, &path) {
            Found::Program => Ok(()),
            Found::File => Err(CommandCheckError::NotExecutable(excerpt(self.program.as_bytes()))),
            Found::Nothing => Err(CommandCheckError::NotFound(excerpt(self.program.as_bytes()))),
        }
    }

    /// Runs the program, with the device in its environment.
    pub(super) async fn run(&self, now: &DeviceState, deadline: Instant) -> Result<(), CheckFailure> {
        let cannot = |error: io::Error| CheckFailure {
            is_ours: is_out_of_files(&error),
            ..CheckFailure::failed(format!("it cannot be run: {error}"))
        };
        let (mut group, output) = self.start(now).map_err(cannot)?;
        let ended = timeout_at(deadline, group.0.wait()).await;
        if ended.is_err() {
            group.kill();
            // It ends at once; but whatever hangs in the system does not stop us.
            let _ = timeout(DRAIN, group.0.wait()).await;
        }
        let output = output.end().await;
        let what = match ended {
            Ok(Ok(status)) if status.success() => {
                for line in output {
                    tracing::debug!("{}: {line}", self.name());
                }
                return Ok(());
            }
            Ok(Ok(status)) => FailureKind::Failed(how(status)),
            Ok(Err(error)) => return Err(cannot(error)),
            Err(_) => FailureKind::TimedOut("it was still running, and was killed".into()),
        };
        Err(CheckFailure { what, is_ours: false, output })
    }

    fn start(&self, now: &DeviceState) -> io::Result<(Group, Output)> {
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null()).kill_on_drop(true);
        // One pipe for both, so that they come in order.
        command.stdout(writer.try_clone()?).stderr(writer);
        let build = now.build();
        // Some of it comes from the device, and a variable cannot hold all characters.
        let variables = [
            ("OTACTL_DEVICE_ID", printable(&now.info.id)),
            ("OTACTL_DEVICE_VERSION", printable(&build.version)),
            ("OTACTL_DEVICE_BUILD_ID", printable(&build.build_id)),
            ("OTACTL_DEVICE_SLOT", now.boot.active_slot.map(|slot| slot.to_string()).unwrap_or_default()),
        ];
        command.envs(variables).envs(self.port.as_ref().map(|port| ("OTACTL_PORT", port)));
        #[cfg(unix)]
        command.process_group(0);
        // The command goes with this line, and our own end of the pipe with it.
        let group = Group(command.spawn()?);
        Ok((group, Output::of(reader)?))
    }
}

/// Without the arguments and the address, either of which may hold a password.
impl fmt::Debug for CommandCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommandCheck").field(&self.program).finish()
    }
}

fn how(status: ExitStatus) -> String {
    status
        .code()
        .map_or_else(|| format!("it was ended by {status}"), |code| format!("it ended with exit status {code}"))
}

/// A running program and all that it has started, which are killed when this is dropped before the
/// program has ended.
struct Group(Child);

impl Group {
    fn kill(&mut self) {
        // As long as the program has not been waited for, nobody else can have its number.
        #[cfg(unix)]
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // It may have ended in this moment.
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL);
        }
        #[cfg(not(unix))]
        let _ = self.0.start_kill();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// FailureKind a program writes, collected by a thread of its own, which ends with the last writer.
struct Output {
    tail: Arc<Mutex<Tail>>,
    ended: oneshot::Receiver<()>,
}

impl Output {
    fn of(mut reader: PipeReader) -> io::Result<Self> {
        let tail = Arc::new(Mutex::new(Tail::default()));
        let (end, ended) = oneshot::channel();
        let ours = Arc::clone(&tail);
        std::thread::Builder::new().name("check output".into()).spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                ours.lock().push(&buffer[..read]);
            }
            // Nobody may want to know any more.
            let _ = end.send(());
        })?;
        Ok(Self { tail, ended })
    }

    async fn end(self) -> Vec<String> {
        let _ = timeout(DRAIN, self.ended).await;
        self.tail.lock().lines()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Program,
    /// A file that cannot be run.
    File,
    Nothing,
}

/// Looks for a program as the system does: a name with a slash is a path, any other stands in one of the
/// directories of `path`.
fn found(program: &str, path: &OsStr) -> Found {
    let as_path = Path::new(program);
    let candidates = if as_path.components().count() > 1 || as_path.is_absolute() || program.contains('/') {
        vec![as_path.to_owned()]
    } else {
        env::split_paths(path).map(|directory| directory.join(program)).collect()
    };
    let mut found = Found::Nothing;
    for candidate in candidates {
        let suffixed = candidate.with_extension(env::consts::EXE_EXTENSION);
        for file in [candidate, suffixed] {
            match file.metadata() {
                Ok(metadata) if metadata.is_file() && is_executable(&metadata) => return Found::Program,
                Ok(_) => found = Found::File,
                Err(_) => {}
            }
        }
    }
    found
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        let words = |text: &str| {
            text.parse::<CommandCheck>().map(|check| {
                let mut words = vec![check.program];
                words.extend(check.args);
                words
            })
        };
        for (text, expected) in [
            ("true", Ok(&["true"][..])),
            (" curl  -f 'http://x/a b' ", Ok(&["curl", "-f", "http://x/a b"])),
            ("sh -c \"a | b \\\"c\\\"\"", Ok(&["sh", "-c", "a | b \"c\""])),
            ("a ''", Ok(&["a", ""])),
            ("a 'b", Err(CommandCheckError::Quotes)),
            ("", Err(CommandCheckError::Empty)),
            ("  ", Err(CommandCheckError::Empty)),
            ("'' a", Err(CommandCheckError::Empty)),
        ] {
            assert_eq!(words(text), expected.map(|words| words.iter().map(ToString::to_string).collect()), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_found_as_the_system_finds_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let scratch = tempfile::tempdir().expect("a directory");
        let put = |name: &str, mode| {
            let file = scratch.path().join(name);
            std::fs::write(&file, "").expect("written");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
            file.display().to_string()
        };
        let (program, text) = (put("program", 0o755), put("text", 0o644));
        let directory = scratch.path().display().to_string();
        let path = format!("/nonexistent:{directory}");
        for (name, expected) in [
            ("program", Found::Program),
            ("text", Found::File),
            ("nothing", Found::Nothing),
            (&program, Found::Program),
            (&text, Found::File),
            (&directory, Found::File),
            ("./program", Found::Nothing),
        ] {
            assert_eq!(found(name, OsStr::new(&path)), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_split_without_a_panic(text: String) {
            if let Ok(check) = text.parse::<CommandCheck>() {
                prop_assert!(!check.program.is_empty());
            }
        }
    }
}
