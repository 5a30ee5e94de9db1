//! Chooses a serial port of this machine.

use otactl::discover::{UsbPort, UsbSelector, usb_ports};
use otactl::transport::target::Target;

use super::credentials;
use super::failure::{Failure, FailureKind};
use super::output::Output;

/// Returns the USB serial port of this machine, for a command without `--port`.
///
/// If there are several, a command that changes the device takes none by chance.
pub(crate) fn any(change: Option<&'static str>, output: &Output) -> Result<Target, Failure> {
    let ports = usb_ports();
    let Some(first) = ports.first() else {
        return Err(Failure::new(FailureKind::Usage, "no device given, and no USB serial port found").hint(
            "plug the board in, or name the device with `--port ws://ADDRESS` or OTACTL_PORT, or with `-d NAME` if `otactl devices` \
             lists it; `--port sim:` simulates one",
        ));
    };
    let port = match (change, &ports[1..]) {
        (_, []) => {
            output.status(&format!("taking {}", first.path.display()));
            first
        }
        (Some(command), _) if output.can_ask() => ask_for_port(command, &ports)?,
        (Some(command), _) => return Err(several_ports(command, &ports)),
        (None, others) => {
            let others: Vec<_> = others.iter().map(|port| port.path.display().to_string()).collect();
            let (first, others) = (first.path.display(), others.join(", "));
            output.status(&format!("taking {first}; there is also {others}: choose with `--port`"));
            &ports[0]
        }
    };
    Ok(Target::Serial(port.path.clone()))
}

/// Returns the serial port of a USB device.
pub(crate) fn of_usb(selector: &UsbSelector, output: &Output) -> Result<Target, Failure> {
    let ports = usb_ports();
    let found: Vec<_> = ports.iter().filter(|port| selector.matches(port)).collect();
    match found.as_slice() {
        [port] => {
            output.status(&format!("taking {}", port.path.display()));
            Ok(Target::Serial(port.path.clone()))
        }
        [] => Err(Failure::new(FailureKind::Usage, format!("no serial port has a USB device `{selector}`"))
            .hint("`otactl ports` lists the serial ports with their USB devices")),
        several => {
            let names: Vec<_> = several.iter().map(|port| port.path.display().to_string()).collect();
            Err(Failure::new(FailureKind::Usage, format!("`{selector}` is several ports: {}", names.join(", ")))
                .hint("`otactl ports` lists their serial numbers; usb:VID:PID:SERIAL names one of them"))
        }
    }
}

/// Asks the user which of several ports the command is for.
fn ask_for_port<'a>(command: &str, ports: &'a [UsbPort]) -> Result<&'a UsbPort, Failure> {
    let lines: Vec<String> =
        (1..).zip(ports).map(|(number, port)| format!("  {number}  {}", port.description())).collect();
    let count = ports.len();
    let question = format!("{count} boards are connected:\n{}\n{command} which one? [1-{count}] ", lines.join("\n"));
    let answer = credentials::ask_openly(&question)?;
    let number = answer.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    number.and_then(|index| ports.get(index)).ok_or_else(|| several_ports(command, ports))
}

/// Returns the failure of a command that changes the device if nothing says which one.
fn several_ports(command: &str, ports: &[UsbPort]) -> Failure {
    let names: Vec<String> = ports.iter().map(UsbPort::description).collect();
    let message =
        format!("{} boards are connected, and `{command}` changes the device: {}", ports.len(), names.join("; "));
    Failure::new(FailureKind::Usage, message)
        .hint("choose one with `--port`, such as `--port usb:SERIAL`, or give it a name with `otactl devices add`")
}
