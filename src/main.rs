//! The otactl program: parses the command line, runs the command, reports failures and sets the exit code.

mod cli;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use cli::colour::ColourChoice;
use cli::context::Context;
use cli::failure::{Failure, FailureKind};
use cli::output::Output;
use cli::parse::{Invocation, NotRun, parse};
use cli::several;
use cli::shared::Shared;

fn main() -> ExitCode {
    // A shell asks at each TAB.
    if let Some(text) = cli::completion::requested(cli::public_model) {
        let output = Output::new(false, ColourChoice::Auto);
        let printed = output.text(&text);
        output.finish();
        return if printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let args: Vec<_> = std::env::args_os().collect();
    let Invocation { runs, warnings } = match parse(&args) {
        Ok(invocation) => invocation,
        Err(NotRun::Usage(error)) => return not_parsed(&error, &args),
        Err(NotRun::Config(failure)) => return failed(&failure, &output_of_args(&args), false),
    };
    let global = &runs[0].global;
    let is_verbose = global.verbose > 0;
    let plain = Output::new(global.quiet, global.color);
    let output = match &global.json {
        None => plain,
        Some(place) => match plain.clone().with_json(place) {
            Ok(output) => output,
            Err(failure) => return failed(&failure, &plain, is_verbose),
        },
    };
    let output = match runs.as_slice() {
        [run] => output.with_device_option(run.device_option.clone()),
        _ => output,
    };
    for warning in warnings {
        output.warn(&warning);
    }
    match run(runs, &output) {
        Ok(()) => {
            output.finish();
            ExitCode::SUCCESS
        }
        Err(failure) => failed(&failure, &output, is_verbose),
    }
}

/// Prints a failure. Returns its exit code.
fn failed(failure: &Failure, output: &Output, is_verbose: bool) -> ExitCode {
    output.failure(failure, is_verbose);
    output.failed_event(failure, None);
    output.finish();
    ExitCode::from(failure.kind.code())
}

/// Prints the error of clap about the command line. With `--json` among the arguments, also prints it as a JSON line.
fn not_parsed(error: &clap::Error, args: &[OsString]) -> ExitCode {
    // clap returns the help and the version as errors, too. They go to stdout and exit with 0.
    if !error.use_stderr() {
        return match error.print() {
            // A reader may close the pipe early. This is not a failure.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => failed(
                &Failure::output("stdout", &error).without_call(),
                &Output::new(false, ColourChoice::Auto),
                false,
            ),
            _ => ExitCode::SUCCESS,
        };
    }
    let output = output_of_args(args);
    cli::usage_text::print(&output, &error.render().to_string());
    output.failed_event(&error.into(), None);
    output.finish();
    ExitCode::from(FailureKind::Usage.code())
}

/// Returns the output for a command line that cannot be run. If the file of `--json` cannot be created, the error is on stderr only.
fn output_of_args(args: &[OsString]) -> Output {
    let plain = Output::new(false, ColourChoice::among(args));
    let output = cli::json_among(args).and_then(|place| plain.clone().with_json(&place).ok()).unwrap_or(plain);
    if cli::is_update_given(args) {
        output.subject.set_update();
    }
    output
}

fn run(runs: Vec<cli::Cli>, output: &Output) -> Result<(), Failure> {
    let cannot_start = |error: io::Error| {
        Failure::new(FailureKind::Other, format!("cannot start: {error}"))
            .hint("`ulimit -n` shows how many files a program may open; otactl needs some 20")
    };
    let reserved = reserve_files().map_err(cannot_start)?;
    drop(reserved);
    // One thread is enough for one device, and starts fastest.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    cli::log::start(runs[0].global.verbose, output);
    let command = &runs[0].command;
    let (changes_device, is_update) = (command.change().is_some(), command.is_update());
    let result = runtime.block_on(async {
        tokio::select! {
            // Biased so that the status line costs an answer no time.
            biased;
            result = run_all(runs, output) => result,
            // An update reports by itself where it stands. Without JSON lines, the system ends the other commands.
            () = cli::interrupt::received(), if output.has_events() && !is_update => {
                Err(cli::interrupt::failure_of_command(changes_device))
            }
            never = output.status_line.run() => match never {},
        }
    });
    // A name lookup may still block a thread. The program does not wait for it.
    runtime.shutdown_background();
    result
}

/// Runs the command on its device, or on several.
async fn run_all(mut runs: Vec<cli::Cli>, output: &Output) -> Result<(), Failure> {
    if runs.len() > 1 {
        return several::run(runs, output, cli::public_model).await;
    }
    let cli = runs.remove(0);
    if cli.command.is_update() {
        output.subject.set_update();
    }
    let uses_device = cli.command.uses_device();
    let shared = Shared::default();
    let context = Context::new(cli.command.change(), cli.global, cli.given, output.clone(), shared.clone());
    let context = context.with_name(cli.name);
    let result = cli.command.run(&context, cli::public_model).await;
    shared.reports().write(output);
    result.map_err(|failure| if uses_device { failure } else { failure.without_call() })
}

/// Opens as many files as the runtime needs, and fails if the system allows fewer. The runtime itself would panic.
fn reserve_files() -> io::Result<Vec<impl Sized>> {
    const PAIRS: usize = 3;

    (0..PAIRS).map(|_| io::pipe()).collect()
}
