//! The otactl program: parses the command line, runs the command, reports failures and sets the exit code.

mod cli;

use std::io;
use std::process::ExitCode;

use cli::context::{Context, Shared};
use cli::failure::{Failure, FailureKind};
use cli::output::Output;
use cli::parse::{Invocation, NotRun, parse};
use cli::several;

fn main() -> ExitCode {
    let invocation = match parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        // clap returns the help and the version as errors, too. They go to stdout and exit with 0.
        Err(NotRun::Usage(error)) => {
            let code = if error.use_stderr() { FailureKind::Usage.code() } else { 0 };
            return error.print().map_or(ExitCode::FAILURE, |()| ExitCode::from(code));
        }
        Err(NotRun::Config(failure)) => {
            let output = Output::new(false, false);
            output.failure(&failure, false);
            output.finish();
            return ExitCode::from(failure.kind.code());
        }
    };
    let Invocation { runs, warnings } = invocation;
    let global = &runs[0].global;
    let output = Output::new(global.json, global.quiet);
    let is_verbose = global.verbose > 0;
    for warning in warnings {
        output.warn(&warning);
    }
    let result = run(runs, &output);
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

fn run(mut runs: Vec<cli::Cli>, output: &Output) -> Result<(), Failure> {
    let cannot_start = |error: io::Error| {
        Failure::new(FailureKind::Other, format!("cannot start: {error}"))
            .hint("`ulimit -n` shows how many files a program may open; otactl needs some 20")
    };
    let reserved = reserve_files().map_err(cannot_start)?;
    drop(reserved);
    // One thread is enough for one device, and starts fastest.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    cli::context::start_log(runs[0].global.verbose, output);
    let result = if runs.len() == 1 {
        let cli = runs.remove(0);
        let context = Context::new(&cli.command, cli.global, cli.given, output.clone(), Shared::default());
        runtime.block_on(cli.command.run(&context, cli::public_model))
    } else {
        runtime.block_on(several::run(runs, output, cli::public_model))
    };
    // A name lookup may still block a thread. The program does not wait for it.
    runtime.shutdown_background();
    result
}

/// Opens as many files as the runtime needs, and fails if the system allows fewer. The runtime itself would panic.
fn reserve_files() -> io::Result<Vec<impl Sized>> {
    const PAIRS: usize = 3;

    (0..PAIRS).map(|_| io::pipe()).collect()
}
