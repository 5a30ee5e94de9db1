use otactl::ota;

use crate::cli::completion::learn::Lesson;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Prints the methods of the device. Completions offer them from then on.
pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let methods = context.device().await?.call_value(ota::ListMethods {}).await?;
    Lesson::Methods.keep(context.device_key().as_ref(), &methods);
    context.output.result(&methods)
}
