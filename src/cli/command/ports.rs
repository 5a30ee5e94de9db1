use std::time::Duration;

use otactl::discover::{UsbPort, usb_ports};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::table::table;

/// The pause between two looks at the ports.
const WATCH_INTERVAL: Duration = Duration::from_millis(300);

/// List the serial ports of this machine, with their USB devices
///
/// Shows the product, the serial number and the ids of the USB device behind each port, and the program that has the port open. `--port
/// usb:SERIAL` takes the port with that serial number, whatever its name is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl ports")]
pub(crate) struct Args {
    /// Go on, and print the ports that come and go
    #[arg(long)]
    watch: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut known = usb_ports();
        show(context, &known)?;
        if !self.watch {
            return Ok(());
        }
        loop {
            sleep(WATCH_INTERVAL).await;
            let now = usb_ports();
            for (is_there, port) in changes(&known, &now) {
                context.output.table(&change_event(is_there, port), &change_text(is_there, port))?;
            }
            known = now;
        }
    }
}

fn show(context: &Context, ports: &[UsbPort]) -> Result<(), Failure> {
    let value = ports.iter().map(port_json).collect();
    if ports.is_empty() && !context.output.has_events() {
        context.output.status("no USB serial port found");
        return Ok(());
    }
    let rows = ports.iter().map(|port| {
        let shown = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        [
            port.path.display().to_string(),
            shown(port.product.clone()),
            shown(port.serial_number.clone()),
            shown(port.ids_text()),
            shown(port.holder()),
        ]
    });
    context.output.table(
        &value,
        &table(["PORT", "PRODUCT", "SERIAL", "USB ID", "HELD BY"], rows, context.output.result_columns()),
    )
}

fn port_json(port: &UsbPort) -> Value {
    json!({
        "port": port.path.display().to_string(),
        "product": port.product,
        "serial": port.serial_number,
        "usb_id": port.ids_text(),
        "held_by": port.holder(),
    })
}

/// Returns the ports that went and those that came. `true`: the port has come.
fn changes<'a>(before: &'a [UsbPort], now: &'a [UsbPort]) -> Vec<(bool, &'a UsbPort)> {
    let gone = before.iter().filter(|port| !now.contains(port)).map(|port| (false, port));
    let new = now.iter().filter(|port| !before.contains(port)).map(|port| (true, port));
    gone.chain(new).collect()
}

fn change_text(is_there: bool, port: &UsbPort) -> String {
    let what: Vec<_> = [port.product.clone(), port.ids_text()].into_iter().flatten().collect();
    let what = if what.is_empty() { String::new() } else { format!("  {}", what.join(", ")) };
    format!("{} {}{what}", if is_there { "plugged  " } else { "unplugged" }, port.path.display())
}

fn change_event(is_there: bool, port: &UsbPort) -> Value {
    let mut event = port_json(port);
    if let Some(fields) = event.as_object_mut() {
        fields.insert("event".into(), if is_there { "plugged" } else { "unplugged" }.into());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_that_is_plugged_into_another_device_goes_and_comes() {
        let port = |path: &str, number: Option<&str>| {
            let mut port = UsbPort::at(path);
            port.serial_number = number.map(ToOwned::to_owned);
            port
        };
        let before = [port("/dev/ttyUSB0", Some("1")), port("/dev/ttyUSB1", None)];
        let now = [port("/dev/ttyUSB0", Some("2")), port("/dev/ttyUSB1", None), port("/dev/ttyACM0", None)];
        let changes = changes(&before, &now);
        let shown: Vec<_> = changes.iter().map(|(is_there, port)| (*is_there, port.path.to_str())).collect();
        assert_eq!(shown, [(false, Some("/dev/ttyUSB0")), (true, Some("/dev/ttyUSB0")), (true, Some("/dev/ttyACM0"))]);
    }
}
