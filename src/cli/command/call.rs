use std::io::{self, Read as _};
use std::path::Path;

use otactl::ota;
use otactl::read_file::read_file;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};

/// More than this is no request that a device could take, in bytes.
const MAX_INPUT: u64 = 1 << 20;

/// Call any method of the device
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The method, such as `Sys.GetInfo`
    method: String,

    /// Its arguments as JSON; `@FILE` reads them from a file, `-` from stdin
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    params: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let params = match self.params {
            Some(text) => read_params(text)?,
            None => Value::Null,
        };
        let device = context.device().await?;
        // So that a question is asked again on a line that loses frames, and an order is given once.
        let idempotent = ota::may_be_called_twice(&self.method);
        let value = device.call_raw(&self.method, params, idempotent, device.timeout()).await?;
        context.output.result(&value)
    }
}

fn read_params(text: String) -> Result<Value, Failure> {
    let (text, whence) = match text.strip_prefix('@') {
        Some(path) => {
            let read = read_file(Path::new(path), MAX_INPUT).and_then(text_of);
            (read.map_err(|error| unreadable(path, &error))?, format!("in {path}"))
        }
        None if text == "-" => (read_stdin().map_err(|error| unreadable("stdin", &error))?, "on stdin".into()),
        None => (text, "after the method".into()),
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(Kind::Usage, format!("the arguments {whence} are not JSON: {error}"))
            .hint("write them as `'{\"name\": \"value\"}'`; the quotes outside are for the shell")
    })
}

fn read_stdin() -> io::Result<String> {
    let mut bytes = Vec::new();
    io::stdin().take(MAX_INPUT).read_to_end(&mut bytes)?;
    text_of(bytes)
}

fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "they are not UTF-8"))
}

fn unreadable(what: &str, error: &io::Error) -> Failure {
    Failure::new(Kind::Usage, format!("cannot read the arguments from {what}: {error}"))
        .hint("give them as JSON, as `@FILE`, or as `-` for stdin")
}
