//! A health check that runs a program on this machine, without a shell.
//!
//! At its deadline, and when the check is cancelled, the program is killed with all processes that it has started. Processes that it leaves
//! behind when it ends by itself are not killed.

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

use super::failure::{CheckFailure, CheckFailureKind, is_out_of_files};
use super::output::Tail;
use crate::text::{excerpt, printable};
use crate::update::device_state::DeviceState;

/// How long otactl reads the output after the program has ended. Processes that it has left behind may keep the output open.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(200);

/// A check that runs a program, which has to end with exit status 0.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandCheck {
    /// The command as the user wrote it.
    text: String,
    program: String,
    args: Vec<String>,
    /// The address of the device, for a program that calls otactl.
    port: Option<String>,
}

/// The reason why a text is not a usable command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandCheckError {
    /// The text names no program.
    #[error("there is no program in it")]
    Empty,
    /// A quote is not closed.
    #[error("a quote in it is not closed")]
    Quotes,
    /// The program does not exist.
    #[error("there is no program `{0}`")]
    NotFound(String),
    /// The file exists, but is not executable.
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
    /// Passes the address of the device to the program, in `OTACTL_PORT`.
    #[must_use]
    pub fn with_port(self, port: String) -> Self {
        Self { port: Some(port), ..self }
    }

    /// Returns the beginning of the command, safe to print.
    #[must_use]
    pub fn name(&self) -> String {
        excerpt(self.text.as_bytes())
    }

    /// Fails if the program does not exist or is not executable, so that this is reported before the update.
    pub fn find(&self) -> Result<(), CommandCheckError> {
        let path = env::var_os("PATH").unwrap_or_default();
        match find_program(&self.program, &path) {
            Lookup::Program => Ok(()),
            Lookup::File => Err(CommandCheckError::NotExecutable(excerpt(self.program.as_bytes()))),
            Lookup::Nothing => Err(CommandCheckError::NotFound(excerpt(self.program.as_bytes()))),
        }
    }

    /// Runs the program, with environment variables that describe the device.
    pub(super) async fn run(&self, now: &DeviceState, deadline: Instant) -> Result<(), CheckFailure> {
        let cannot_run = |error: io::Error| CheckFailure {
            is_ours: is_out_of_files(&error),
            ..CheckFailure::failed(format!("it cannot be run: {error}"))
        };
        let (mut group, output) = self.start(now).map_err(cannot_run)?;
        let ended = timeout_at(deadline, group.0.wait()).await;
        if ended.is_err() {
            group.kill();
            // The program normally ends at once. If it hangs in the kernel, otactl does not wait for it.
            let _ = timeout(DRAIN_TIMEOUT, group.0.wait()).await;
        }
        let output = output.end().await;
        let kind = match ended {
            Ok(Ok(status)) if status.success() => {
                for line in output {
                    tracing::debug!("{}: {line}", self.name());
                }
                return Ok(());
            }
            Ok(Ok(status)) => CheckFailureKind::Failed(describe(status)),
            Ok(Err(error)) => return Err(cannot_run(error)),
            Err(_) => CheckFailureKind::TimedOut("it was still running, and was killed".into()),
        };
        Err(CheckFailure { kind, is_ours: false, output })
    }

    fn start(&self, now: &DeviceState) -> io::Result<(ProcessGroup, ProgramOutput)> {
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null()).kill_on_drop(true);
        // One pipe for both keeps the lines in order.
        command.stdout(writer.try_clone()?).stderr(writer);
        let build = now.build();
        // The device reports some of these values, and a variable cannot hold every character.
        let variables = [
            ("OTACTL_DEVICE_ID", printable(&now.info.id)),
            ("OTACTL_DEVICE_VERSION", printable(&build.version)),
            ("OTACTL_DEVICE_BUILD_ID", printable(&build.build_id)),
            ("OTACTL_DEVICE_SLOT", now.boot.active_slot.map(|slot| slot.to_string()).unwrap_or_default()),
        ];
        // The address is enough, and both together are an error.
        command.env_remove("OTACTL_DEVICE").envs(variables).envs(self.port.as_ref().map(|port| ("OTACTL_PORT", port)));
        #[cfg(unix)]
        command.process_group(0);
        // `command` is dropped at the end of this function, and otactl's own writers with it.
        let group = ProcessGroup(command.spawn()?);
        Ok((group, ProgramOutput::of(reader)?))
    }
}

/// Omits the arguments and the address, which may hold a password.
impl fmt::Debug for CommandCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommandCheck").field(&self.program).finish()
    }
}

fn describe(status: ExitStatus) -> String {
    status
        .code()
        .map_or_else(|| format!("it was ended by {status}"), |code| format!("it ended with exit status {code}"))
}

/// A running program and all processes that it has started. They are killed if this is dropped before the program has ended.
struct ProcessGroup(Child);

impl ProcessGroup {
    fn kill(&mut self) {
        // No other process can have this id as long as the program has not been waited for.
        #[cfg(unix)]
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // The program may have ended just now.
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL);
        }
        #[cfg(not(unix))]
        let _ = self.0.start_kill();
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The output of a program. A separate thread collects it, and ends when the last writer has closed the pipe.
struct ProgramOutput {
    tail: Arc<Mutex<Tail>>,
    ended: oneshot::Receiver<()>,
}

impl ProgramOutput {
    fn of(mut reader: PipeReader) -> io::Result<Self> {
        let tail = Arc::new(Mutex::new(Tail::default()));
        let (end, ended) = oneshot::channel();
        let ours = Arc::clone(&tail);
        std::thread::Builder::new().name("check output".into()).spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                ours.lock().push(&buffer[..read]);
            }
            // The receiver may be gone if the check was cancelled.
            let _ = end.send(());
        })?;
        Ok(Self { tail, ended })
    }

    async fn end(self) -> Vec<String> {
        let _ = timeout(DRAIN_TIMEOUT, self.ended).await;
        self.tail.lock().lines()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Lookup {
    Program,
    /// A file that is not executable.
    File,
    Nothing,
}

/// Looks for a program as the operating system does. A name with a slash is a path. Any other name is looked up in the directories of
/// `path`.
fn find_program(program: &str, path: &OsStr) -> Lookup {
    let as_path = Path::new(program);
    let candidates = if as_path.components().count() > 1 || as_path.is_absolute() || program.contains('/') {
        vec![as_path.to_owned()]
    } else {
        env::split_paths(path).map(|directory| directory.join(program)).collect()
    };
    let mut lookup = Lookup::Nothing;
    for candidate in candidates {
        let suffixed = candidate.with_extension(env::consts::EXE_EXTENSION);
        for file in [candidate, suffixed] {
            match file.metadata() {
                Ok(metadata) if metadata.is_file() && is_executable(&metadata) => return Lookup::Program,
                Ok(_) => lookup = Lookup::File,
                Err(_) => {}
            }
        }
    }
    lookup
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
    fn command_is_split_as_in_a_shell() {
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
    fn program_is_found_as_the_system_finds_it() {
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
            ("program", Lookup::Program),
            ("text", Lookup::File),
            ("nothing", Lookup::Nothing),
            (&program, Lookup::Program),
            (&text, Lookup::File),
            (&directory, Lookup::File),
            ("./program", Lookup::Nothing),
        ] {
            assert_eq!(find_program(name, OsStr::new(&path)), expected, "{name}");
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
