pub(super) mod edit;
mod probe;

use serde_json::{Value, json};

use crate::cli::config::Config;
use crate::cli::config::parse::Section;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::printable::without_password;
use crate::cli::table::table;

/// List the named devices; add and remove devices
///
/// A command takes a device with `--device NAME`, and OTACTL_DEVICE names the device of all commands. The files are otactl.toml in this
/// directory or one above it, and ~/.config/otactl/config.toml.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
#[command(after_help = "Example: otactl devices add bench1 --port /dev/ttyUSB0")]
pub(crate) struct Args {
    /// Ask each device what it runs
    #[arg(long)]
    probe: bool,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Give the device of --port a name
    ///
    /// The other options for the connection are kept with the name. A device that already has the name keeps the settings that are not given.
    #[command(after_help = "Example: otactl devices add bench1 --port usb:0001 --rpc-creds @bench1.txt")]
    Add {
        /// Name of the device: letters, digits, `-`, `_` and `.`
        name: String,
    },
    /// Forget a device
    #[command(after_help = "Example: otactl devices remove bench1")]
    Remove {
        /// Name of the device
        name: String,
    },
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self.action {
            Some(Action::Add { name }) => edit::add(context, &name),
            Some(Action::Remove { name }) => edit::remove(context, &name),
            None => list(context, self.probe).await,
        }
    }
}

async fn list(context: &Context, with_probe: bool) -> Result<(), Failure> {
    let config = Config::read(context.config_file())?;
    if config.devices.is_empty() && !context.output.has_events() {
        context.output.status("no device has a name yet: `otactl devices add NAME --port URL` gives one");
        return Ok(());
    }
    let probed = if with_probe { Some(probe::all(context, &config).await) } else { None };
    let devices = config.devices.iter().enumerate().map(|(index, (name, section))| {
        let mut device = json!({ "name": name, "port": port(section) });
        if let (Some(probed), Some(fields)) = (&probed, device.as_object_mut()) {
            fields.extend(probed[index].json());
        }
        device
    });
    let value = devices.collect::<Value>();
    let columns = context.output.result_columns();
    let text = match probed {
        None => table(
            ["NAME", "WHERE"],
            config.devices.iter().map(|(name, section)| [name.clone(), port(section)]),
            columns,
        ),
        Some(probed) => {
            let rows = config.devices.iter().zip(probed).map(|((name, section), probed)| {
                let [device, runs, state] = probed.cells();
                [name.clone(), port(section), device, runs, state]
            });
            table(["NAME", "WHERE", "DEVICE", "RUNS", "STATE"], rows, columns)
        }
    };
    context.output.table(&value, &text)
}

/// Returns the address of a device, without its password.
fn port(section: &Section) -> String {
    without_password(section.value("port").unwrap_or("-"))
}
