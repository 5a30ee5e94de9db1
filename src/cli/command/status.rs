use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Show how far an update is (OTA.Status)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        const OLDER: &str = "older firmware has no OTA.Status; `otactl get-boot-state` says what it can";
        let answer = context.device().await?.call_value(ota::GetStatus {}).await;
        let value = answer.map_err(|error| Failure::of_call(error, 404, OLDER))?;
        context.output.result(&value)
    }
}
