//! The run of a command that makes one call and prints the result.

use otactl::rpc::Method;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Calls a method of the device and prints the result.
pub(crate) async fn call_and_print(context: &Context, request: impl Method) -> Result<(), Failure> {
    let value = context.device().await?.call_value(request).await?;
    context.output.result(&value)
}
