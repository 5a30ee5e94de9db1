use std::io::{self, Read as _};
use std::path::Path;

use otactl::ota;
use otactl::read_file::read_file;
use otactl::text::has_single_quotes_only;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};

/// The maximum size of arguments from a file or stdin, in bytes. No device takes a larger request.
const MAX_INPUT_SIZE: u64 = 1 << 20;

/// Call a method of the device by its name
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Method to call, such as `Sys.GetInfo`
    method: String,

    /// Arguments of the method as JSON; `@FILE` reads them from a file, `-` from stdin
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    params: Option<String>,
}

impl Args {
    /// Tells whether the method is known to change nothing, or has the name of one that reads.
    pub(crate) fn only_reads(&self) -> bool {
        const READING: [&str; 5] = ["Get", "List", "Describe", "Ping", "Status"];

        let name = self.method.rsplit('.').next().unwrap_or_default();
        READING.iter().any(|reading| name.starts_with(reading))
    }

    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let params = match self.params {
            Some(text) => read_params(text)?,
            None => Value::Null,
        };
        let device = context.device().await?;
        // On a link that loses frames, an idempotent method is called again. Any other method is called once.
        let idempotent = ota::may_be_called_twice(&self.method);
        let value = device.call_raw(&self.method, params, idempotent, device.timeout()).await?;
        context.output.result(&value)
    }
}

fn read_params(text: String) -> Result<Value, Failure> {
    let (text, source) = match text.strip_prefix('@') {
        Some(path) => {
            let read = read_file(Path::new(path), MAX_INPUT_SIZE).and_then(utf8_text);
            (read.map_err(|error| unreadable(path, &error))?, format!("in {path}"))
        }
        None if text == "-" => (read_stdin().map_err(|error| unreadable("stdin", &error))?, "on stdin".into()),
        None => (text, "after the method".into()),
    };
    serde_json::from_str(&text).map_err(|error| {
        let form = if cfg!(windows) { r#""{\"name\": \"value\"}""# } else { r#"'{"name": "value"}'"# };
        let failure = Failure::new(FailureKind::Usage, format!("the arguments {source} are not JSON: {error}"));
        if has_single_quotes_only(&text) {
            return failure.hint(format!("JSON takes double quotes: write the arguments as `{form}`"));
        }
        failure.hint(format!("write them as `{form}`; the outer quotes are for the shell"))
    })
}

fn read_stdin() -> io::Result<String> {
    let mut bytes = Vec::new();
    io::stdin().take(MAX_INPUT_SIZE).read_to_end(&mut bytes)?;
    utf8_text(bytes)
}

fn utf8_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "they are not UTF-8"))
}

fn unreadable(source: &str, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Usage, format!("cannot read the arguments from {source}: {error}"))
        .hint("give them as JSON, as `@FILE`, or as `-` for stdin")
}
