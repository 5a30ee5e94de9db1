//! The otactl program: parses the command line, runs the command, reports failures and sets the exit code.

mod cli;

use std::io;
use std::process::ExitCode;

use cli::context::Context;
use cli::failure::{Failure, FailureKind};
use cli::output::Output;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        // clap returns the help and the version as errors, too. They go to stdout and exit with 0.
        Err(error) => {
            let code = if error.use_stderr() { FailureKind::Usage.code() } else { 0 };
            return error.print().map_or(ExitCode::FAILURE, |()| ExitCode::from(code));
        }
    };
    let output = Output::new(cli.global.json, cli.global.quiet);
    let is_verbose = cli.global.verbose > 0;
    let result = run(cli, &output);
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure, is_verbose);
            ExitCode::from(failure.kind.code())
        }
    };
    output.finish();
    code
}

fn run(cli: cli::Cli, output: &Output) -> Result<(), Failure> {
    let cannot_start = |error: io::Error| {
        Failure::new(FailureKind::Other, format!("cannot start: {error}"))
            .hint("`ulimit -n` shows how many files a program may open; otactl needs some 20")
    };
    let reserved = reserve_files().map_err(cannot_start)?;
    drop(reserved);
    // One thread is enough for one device, and starts fastest.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    let context = Context::new(cli.global, output.clone());
    let result = runtime.block_on(cli.command.run(&context, cli::public_model));
    // A name lookup may still block a thread. The program does not wait for it.
    runtime.shutdown_background();
    result
}

/// Opens as many files as the runtime needs, and fails if the system allows fewer. The runtime itself would panic.
fn reserve_files() -> io::Result<Vec<impl Sized>> {
    const PAIRS: usize = 3;

    (0..PAIRS).map(|_| io::pipe()).collect()
}
