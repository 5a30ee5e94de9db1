use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Show how far an update is (OTA.Status)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match context.device().await?.call_value(ota::GetStatus {}).await {
            Ok(value) => context.output.result(&value),
            Err(error) => {
                let missing = error.remote().is_some_and(|error| error.code == 404);
                let mut failure = Failure::from(error);
                if missing {
                    failure.hints =
                        vec!["older firmware has no OTA.Status; `otactl get-boot-state` says what it can".into()];
                }
                Err(failure)
            }
        }
    }
}
