//! The command line of otactl: parse, run, report, exit code.

mod cli;

use std::process::ExitCode;

use cli::context::Context;
use cli::failure::{Failure, Kind};
use cli::output::Output;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        // The help and the version are no failures; they go to stdout, all else to stderr.
        Err(error) => {
            let code = if error.use_stderr() { Kind::Usage.code() } else { 0 };
            return error.print().map_or(ExitCode::FAILURE, |()| ExitCode::from(code));
        }
    };
    let output = Output::new(&cli.global);
    let result = run(cli, &output);
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.kind.code())
        }
    };
    output.finish();
    code
}

fn run(cli: cli::Cli, output: &Output) -> Result<(), Failure> {
    // One thread is enough for one device, and is the quickest to start.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Other, format!("cannot start: {error}")))?;
    let context = Context::new(cli.global, output.clone());
    let result = runtime.block_on(cli.command.run(&context));
    // A look-up of a name may still hang in a thread; nobody waits for it.
    runtime.shutdown_background();
    result
}
