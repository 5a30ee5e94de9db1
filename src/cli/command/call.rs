use std::fs::File;
use std::io::{self, Read};

use otactl::ota;
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
            let read = File::open(path).and_then(read_all);
            (read.map_err(|error| unreadable(path, &error))?, format!("in {path}"))
        }
        None if text == "-" => (read_all(io::stdin()).map_err(|error| unreadable("stdin", &error))?, "on stdin".into()),
        None => (text, "after the method".into()),
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(Kind::Usage, format!("the arguments {whence} are not JSON: {error}"))
            .hint("write them as `'{\"name\": \"value\"}'`; the quotes outside are for the shell")
    })
}

fn read_all(input: impl Read) -> io::Result<String> {
    let mut text = String::new();
    input.take(MAX_INPUT).read_to_string(&mut text)?;
    Ok(text)
}

fn unreadable(what: &str, error: &io::Error) -> Failure {
    Failure::new(Kind::Usage, format!("cannot read the arguments from {what}: {error}"))
        .hint("give them as JSON, as `@FILE`, or as `-` for stdin")
}
