//! One file per subcommand: its arguments and its `run`. Commands that only print the result of one call are in [`Command`] itself.

mod call;
mod commit;
mod create_snapshot;
mod generate;
mod get_boot_state;
mod one_call;
mod ping;
mod reboot;
mod revert;
mod set_boot_state;
mod simulate;
mod status;
mod update;
mod wait;

use clap::Subcommand;
use one_call::call_and_print;
use otactl::ota;

use super::context::Context;
use super::failure::Failure;

/// The commands, in the order of the help page.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    // Boxed, since it is large.
    Update(Box<update::Args>),
    Wait(wait::Args),
    Commit(commit::Args),
    Revert(revert::Args),
    CreateSnapshot(create_snapshot::Args),
    GetBootState(get_boot_state::Args),
    SetBootState(set_boot_state::Args),
    Status(status::Args),
    Call(call::Args),
    /// List the methods of the device (RPC.List)
    List,
    /// Show the arguments of a method (RPC.Describe)
    Describe {
        /// Method to describe, such as `OTA.Update`
        method: String,
    },
    /// Show the id, platform and firmware of the device (Sys.GetInfo)
    Info,
    Ping(ping::Args),
    Reboot(reboot::Args),
    Simulate(Box<simulate::Args>),
    #[command(hide = true)]
    Generate(generate::Args),
}

impl Command {
    /// Runs the command. `model` gives the command line that users see.
    pub(crate) async fn run(self, context: &Context, model: fn() -> clap::Command) -> Result<(), Failure> {
        match self {
            Self::Update(args) => args.run(context).await,
            Self::Wait(args) => args.run(context).await,
            Self::Commit(args) => args.run(context).await,
            Self::Revert(args) => args.run(context).await,
            Self::CreateSnapshot(args) => args.run(context).await,
            Self::GetBootState(args) => args.run(context).await,
            Self::SetBootState(args) => args.run(context).await,
            Self::Status(args) => args.run(context).await,
            Self::Call(args) => args.run(context).await,
            Self::List => call_and_print(context, ota::ListMethods {}).await,
            Self::Describe { method } => call_and_print(context, ota::Describe { name: method }).await,
            Self::Info => call_and_print(context, ota::GetInfo {}).await,
            Self::Ping(args) => args.run(context).await,
            Self::Reboot(args) => args.run(context).await,
            Self::Simulate(args) => args.run(context).await,
            Self::Generate(args) => args.run(&model()),
        }
    }
}
