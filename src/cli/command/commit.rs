use otactl::ota;
use otactl::rpc::CallError;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};

/// Keep the firmware that runs (OTA.Commit)
///
/// Looks at the boot state afterwards; that the device took the commit is not believed but read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        let answer = device.call_value(ota::Commit {}).await;
        // The answer may be lost, or an error because there is nothing to commit: the state decides.
        if let Err(error) = &answer
            && !matches!(error, CallError::Remote { error, .. } if error.code < 0)
            && !matches!(error, CallError::Lost { sent: true, .. } | CallError::Timeout { .. })
        {
            return answer.map(drop).map_err(Failure::from);
        }
        let boot = device.call(ota::GetBootState {}).await?;
        match (boot.is_committed, answer) {
            (true, Ok(value)) => {
                context.output.result(&value)?;
                context.output.say(&format!("{boot}"));
                Ok(())
            }
            (true, Err(CallError::Remote { .. })) => {
                context.output.result(&Value::Null)?;
                context.output.say(&format!("nothing to commit: {boot}"));
                Ok(())
            }
            (true, Err(error)) => {
                context.output.result(&Value::Null)?;
                context.output.say(&format!("{error}; but the commit has arrived: {boot}"));
                Ok(())
            }
            (false, Err(error)) => Err(error.into()),
            (false, Ok(_)) => Err(Failure::new(
                Kind::NotUpdated,
                format!("the device took the commit, but its state does not show it: {boot}"),
            )
            .hint("try again, and look at the device's console")),
        }
    }
}
