//! Opens a serial port, and explains failures.

use std::path::Path;

use tokio_serial::{
    ClearBuffer, DataBits, FlowControl, Parity, SerialPort as _, SerialPortBuilderExt as _, SerialStream, StopBits,
};

use super::settings::{ControlLines, SerialSettings};
use super::{find, holder};
use crate::rpc::{DialError, DialFailure};

/// An open port that no other program can open.
#[derive(Debug)]
pub(super) struct OpenPort {
    pub(super) stream: SerialStream,
    hw_flow_control: bool,
}

/// Discards the unsent bytes.
///
/// If the device holds them back by CTS, the system would wait for half a minute or longer before it closes the port.
impl Drop for OpenPort {
    fn drop(&mut self) {
        if self.hw_flow_control {
            // Clearing fails if the port has vanished, which then has nothing to wait for.
            let _ = self.stream.clear(ClearBuffer::Output);
        }
    }
}

/// Opens the port exclusively, with 8 data bits, no parity and one stop bit.
pub(super) fn open(path: &Path, settings: &SerialSettings) -> Result<OpenPort, DialFailure> {
    // Kept until the port is open: closing the file before would drop the control lines.
    #[cfg(unix)]
    let _kept = keep_control_lines(path)?;
    let flow_control = if settings.hw_flow_control { FlowControl::Hardware } else { FlowControl::None };
    let mut port = tokio_serial::new(path.to_string_lossy(), settings.baud_rate)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(flow_control)
        .open_native_async()
        .map_err(|error| DialFailure::new(explain(path, &error), error))?;
    // Bytes that were received before the port had its speed are garbage.
    let _ = port.clear(ClearBuffer::Input);
    let released = match settings.control_lines {
        ControlLines::Leave => None,
        ControlLines::Release => Some(false),
        ControlLines::ReleaseInverted => Some(true),
    };
    if let Some(level) = released {
        // Opening has asserted both lines, which does not reset a board. RTS without DTR resets an ESP board, so that
        // RTS is released first. A pseudo terminal has neither line, so that both writes fail.
        if !settings.hw_flow_control {
            let _ = port.write_request_to_send(level);
        }
        let _ = port.write_data_terminal_ready(level);
    }
    Ok(OpenPort { stream: port, hw_flow_control: settings.hw_flow_control })
}

/// Configures the port to keep its control lines when it is closed. Returns the file through which that was done.
///
/// Dropping the control lines can reset the board, which rolls back an uncommitted firmware.
#[cfg(unix)]
fn keep_control_lines(path: &Path) -> Result<std::fs::File, DialFailure> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use nix::fcntl::OFlag;
    use nix::sys::termios::{ControlFlags, SetArg, tcgetattr, tcsetattr};

    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).custom_flags(flags.bits()).open(path);
    let file = file.map_err(|error| DialFailure::new(cannot_open(path, &error), error))?;
    let mut termios = tcgetattr(&file).map_err(|error| DialFailure::new(DialError::NotASerialPort, error))?;
    termios.control_flags.remove(ControlFlags::HUPCL);
    tcsetattr(&file, SetArg::TCSANOW, &termios)
        .map_err(|error| DialFailure::new(DialError::Other(error.to_string()), error))?;
    Ok(file)
}

/// Explains an error of the serial port library.
fn explain(path: &Path, error: &tokio_serial::Error) -> DialError {
    use tokio_serial::ErrorKind;

    match error.kind {
        ErrorKind::Io(kind) => cannot_open(path, &std::io::Error::new(kind, error.description.clone())),
        // Windows reports a held port and a missing one by the same kind.
        ErrorKind::NoDevice if error.description.contains("denied") => held(path),
        // Another program holds the lock of the port.
        ErrorKind::NoDevice if path.exists() => held(path),
        ErrorKind::NoDevice => missing(),
        _ => DialError::Other(error.description.clone()),
    }
}

fn cannot_open(path: &Path, error: &std::io::Error) -> DialError {
    use std::io::ErrorKind;

    match error.kind() {
        ErrorKind::NotFound => missing(),
        ErrorKind::PermissionDenied => DialError::PortDenied { group: group_of(path) },
        ErrorKind::ResourceBusy | ErrorKind::WouldBlock => held(path),
        ErrorKind::IsADirectory => DialError::NotASerialPort,
        _ => DialError::Other(error.to_string()),
    }
}

fn missing() -> DialError {
    let available = find::available().iter().map(|path| path.display().to_string()).collect();
    DialError::PortMissing { available }
}

fn held(path: &Path) -> DialError {
    DialError::PortHeld { by: holder::find(path) }
}

/// Returns the group whose members may open the port.
#[cfg(unix)]
fn group_of(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let gid = std::fs::metadata(path).ok()?.gid();
    let group = nix::unistd::Group::from_gid(gid.into()).ok()??;
    // The advice to join the group of root would not be a remedy.
    (gid != 0).then_some(group.name)
}

#[cfg(not(unix))]
fn group_of(_: &Path) -> Option<String> {
    None
}
