//! Opening a serial port, and what to say when that fails.

use std::path::Path;

use tokio_serial::{
    ClearBuffer, DataBits, FlowControl, Parity, SerialPort as _, SerialPortBuilderExt as _, SerialStream, StopBits,
};

use super::{ControlLines, Settings};
use crate::rpc::DialError;

/// A port that is open, for nobody else to use.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) stream: SerialStream,
    hw_flow_control: bool,
}

/// The system waits for what a device does not let out (by CTS), half a minute and more, before it closes a port.
impl Drop for Port {
    fn drop(&mut self) {
        if self.hw_flow_control {
            // A port that has vanished has nothing to wait for.
            let _ = self.stream.clear(ClearBuffer::Output);
        }
    }
}

/// Opens the port for nobody else to use, with 8 data bits, no parity and one stop bit.
pub(super) fn open(path: &Path, settings: &Settings) -> Result<Port, DialError> {
    // Held until the port is open, since closing it in between would drop the control lines.
    #[cfg(unix)]
    let _kept = keep_control_lines(path)?;
    let flow_control = if settings.hw_flow_control { FlowControl::Hardware } else { FlowControl::None };
    let mut port = tokio_serial::new(path.to_string_lossy(), settings.baud_rate)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(flow_control)
        .open_native_async()
        .map_err(|error| explain(path, &error))?;
    // What came before the port had its speed was none.
    let _ = port.clear(ClearBuffer::Input);
    let released = match settings.control_lines {
        ControlLines::Leave => None,
        ControlLines::Release => Some(false),
        ControlLines::ReleaseInverted => Some(true),
    };
    if let Some(level) = released {
        // Opening has asserted both, which resets nothing. An ESP board is reset by RTS without DTR, so that
        // RTS goes first. A pseudo terminal has neither, and says so.
        if !settings.hw_flow_control {
            let _ = port.write_request_to_send(level);
        }
        let _ = port.write_data_terminal_ready(level);
    }
    Ok(Port { stream: port, hw_flow_control: settings.hw_flow_control })
}

/// Sees to it that the control lines stay as they are when the port is closed: dropping them can reset the
/// board, which is a rollback while its firmware is uncommitted.
#[cfg(unix)]
fn keep_control_lines(path: &Path) -> Result<std::fs::File, DialError> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use nix::fcntl::OFlag;
    use nix::sys::termios::{ControlFlags, SetArg, tcgetattr, tcsetattr};

    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).custom_flags(flags.bits()).open(path);
    let file = file.map_err(|error| cannot_open(path, &error))?;
    let mut termios = tcgetattr(&file).map_err(|_| DialError::NotASerialPort)?;
    termios.control_flags.remove(ControlFlags::HUPCL);
    tcsetattr(&file, SetArg::TCSANOW, &termios).map_err(|error| DialError::Other(error.to_string()))?;
    Ok(file)
}

fn explain(path: &Path, error: &tokio_serial::Error) -> DialError {
    use tokio_serial::ErrorKind;

    match error.kind {
        ErrorKind::Io(kind) => cannot_open(path, &std::io::Error::new(kind, error.description.clone())),
        // As Windows reports both.
        ErrorKind::NoDevice if error.description.contains("denied") => held(path),
        // A lock that somebody else holds.
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
    let available = super::find::available().iter().map(|path| path.display().to_string()).collect();
    DialError::PortMissing { available }
}

fn held(path: &Path) -> DialError {
    DialError::PortHeld { by: super::holder::of(path) }
}

/// The group whose members may open the port.
#[cfg(unix)]
fn group_of(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let gid = std::fs::metadata(path).ok()?.gid();
    let group = nix::unistd::Group::from_gid(gid.into()).ok()??;
    // Being in the group of root helps nobody.
    (gid != 0).then_some(group.name)
}

#[cfg(not(unix))]
fn group_of(_: &Path) -> Option<String> {
    None
}
