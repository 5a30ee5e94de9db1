//! One file per subcommand: its arguments and its `run`.

mod call;
mod commit;
mod create_snapshot;
mod describe;
mod generate;
mod get_boot_state;
mod info;
mod list;
mod ping;
mod reboot;
mod revert;
mod set_boot_state;
mod simulate;
mod status;
mod update;
mod wait;

use clap::Subcommand;

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
    List(list::Args),
    Describe(describe::Args),
    Info(info::Args),
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
            Self::List(args) => args.run(context).await,
            Self::Describe(args) => args.run(context).await,
            Self::Info(args) => args.run(context).await,
            Self::Ping(args) => args.run(context).await,
            Self::Reboot(args) => args.run(context).await,
            Self::Simulate(args) => args.run(context).await,
            Self::Generate(args) => args.run(&model()),
        }
    }
}
