use std::time::Duration;

use otactl::ota;

use super::one_call::call_and_print;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::values;

/// Copy the running firmware to the other slot (OTA.CreateSnapshot)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Roll back to the copy: make its slot the revert slot, and the running firmware uncommitted
    #[arg(long)]
    set_as_revert: bool,

    /// Time within which the running firmware must be committed, in whole seconds; with --set-as-revert
    #[arg(long, value_name = "DURATION", requires = "set_as_revert", value_parser = values::commit_timeout)]
    commit_timeout: Option<Duration>,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let request = ota::CreateSnapshot {
            set_as_revert: self.set_as_revert.then_some(true),
            commit_timeout: self.commit_timeout.map(|timeout| timeout.as_secs()),
        };
        call_and_print(context, request).await
    }
}
