//! One file per subcommand: its arguments and its `run`.

mod call;
mod commit;
mod completions;
mod create_snapshot;
mod describe;
mod devices;
mod discover;
mod explain;
mod generate;
mod get_boot_state;
mod info;
mod list;
mod man;
mod ping;
mod ports;
mod read_back;
mod reboot;
mod revert;
mod set_boot_state;
mod show;
mod simulate;
mod status;
mod update;
mod wait;

use clap::Subcommand;
use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, FailureKind};

/// The commands, in the order of the help page.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    // Boxed, since it is large.
    Update(Box<update::Args>),
    Show(show::Args),
    Wait(wait::Args),
    Commit(commit::Args),
    Revert(revert::Args),
    CreateSnapshot(create_snapshot::Args),
    GetBootState(get_boot_state::Args),
    SetBootState(set_boot_state::Args),
    Status(status::Args),
    Call(call::Args),
    /// List the methods of the device (RPC.List)
    #[command(after_help = "Example: otactl --port ws://192.168.1.5 list")]
    List,
    Describe(describe::Args),
    Info(info::Args),
    Ping(ping::Args),
    Reboot(reboot::Args),
    Ports(ports::Args),
    Devices(devices::Args),
    Discover(discover::Args),
    Simulate(Box<simulate::Args>),
    /// Options for the connection to the device, which every command accepts
    ///
    /// An option may stand before or after the command. Each of them can also be set with an environment variable.
    #[command(hide = true, override_usage = "otactl [OPTIONS] COMMAND")]
    #[command(after_help = "Example: otactl --port wss://device.example --ca-cert-file ca.pem info")]
    Connection,
    Explain(explain::Args),
    Completions(completions::Args),
    Man(man::Args),
    #[command(hide = true)]
    Generate(generate::Args),
}

impl Command {
    /// Tells whether this is the command whose last JSON line has an outcome.
    pub(crate) fn is_update(&self) -> bool {
        matches!(self, Self::Update(_))
    }

    /// Tells whether the command is for a device: it uses the configuration, and can be run on several devices.
    pub(crate) fn uses_device(&self) -> bool {
        !matches!(
            self,
            Self::Devices(_)
                | Self::Discover(_)
                | Self::Ports(_)
                | Self::Simulate(_)
                | Self::Generate(_)
                | Self::Connection
                | Self::Completions(_)
                | Self::Explain(_)
                | Self::Man(_)
        )
    }

    /// Tells whether the command takes the options of a device to give it a name.
    pub(crate) fn names_a_device(&self) -> bool {
        matches!(self, Self::Devices(_))
    }

    /// Returns the name of a command that changes the device, for a question or a refusal when several boards are connected.
    pub(crate) fn change(&self) -> Option<&'static str> {
        match self {
            Self::Update(args) => (!args.is_dry_run()).then_some("update"),
            Self::Commit(_) => Some("commit"),
            Self::Revert(_) => Some("revert"),
            Self::CreateSnapshot(_) => Some("create-snapshot"),
            Self::SetBootState(_) => Some("set-boot-state"),
            Self::Call(args) => (!args.only_reads()).then_some("call"),
            Self::Reboot(_) => Some("reboot"),
            _ => None,
        }
    }

    /// Adds the report of an update that another device keeps from its start.
    pub(crate) fn report_not_begun(&self, context: &Context, failure: Failure) {
        if let Self::Update(args) = self {
            args.report_not_begun(context, failure);
        }
    }

    /// Reads the arguments of a method, for a command that calls one on several devices.
    pub(crate) fn read_params(&self) -> Result<Option<Value>, Failure> {
        match self {
            Self::Call(args) => args.read_params().map(Some),
            _ => Ok(None),
        }
    }

    /// Sets the arguments of a method.
    pub(crate) fn set_params(&mut self, params: Value) {
        if let Self::Call(args) = self {
            args.set_params(params);
        }
    }

    /// Runs the command. `model` gives the command line that users see.
    pub(crate) async fn run(self, context: &Context, model: fn() -> clap::Command) -> Result<(), Failure> {
        let changes = self.change().is_some();
        let result = self.execute(context, model).await;
        let result = result.map_err(|failure| if changes { failure } else { failure.of_a_question() });
        result.map_err(|failure| if context.has_user_in_url() { failure.with_user_in_url() } else { failure })
    }

    async fn execute(self, context: &Context, model: fn() -> clap::Command) -> Result<(), Failure> {
        match self {
            Self::Update(args) => args.run(context).await,
            Self::Show(args) => args.run(context).await,
            Self::Wait(args) => args.run(context).await,
            Self::Commit(args) => args.run(context).await,
            Self::Revert(args) => args.run(context).await,
            Self::CreateSnapshot(args) => args.run(context).await,
            Self::GetBootState(args) => args.run(context).await,
            Self::SetBootState(args) => args.run(context).await,
            Self::Status(args) => args.run(context).await,
            Self::Call(args) => args.run(context).await,
            Self::List => list::run(context).await,
            Self::Describe(args) => args.run(context).await,
            Self::Info(args) => args.run(context).await,
            Self::Ping(args) => args.run(context).await,
            Self::Reboot(args) => args.run(context).await,
            Self::Ports(args) => args.run(context).await,
            Self::Devices(args) => args.run(context).await,
            Self::Discover(args) => args.run(context).await,
            Self::Simulate(args) => args.run(context).await,
            Self::Connection => {
                Err(Failure::new(FailureKind::Usage, "`connection` is a topic of the help, not a command")
                    .hint("`otactl help connection` prints it"))
            }
            Self::Explain(args) => args.run(context),
            Self::Completions(args) => args.run(context),
            Self::Man(args) => args.run(context, &model()),
            Self::Generate(args) => args.run(&model()),
        }
    }
}
