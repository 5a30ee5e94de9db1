use otactl::ota;
use serde_json::Value;

use crate::cli::call_args;
use crate::cli::completion::learn::Lesson;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json_path::GetArg;
use crate::cli::nearest_method;

/// Call a method of the device by its name
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 call Config.Get '{\"key\": \"device.id\"}'")]
pub(crate) struct Args {
    /// Method to call, such as `Sys.GetInfo`
    method: String,

    /// Arguments of the method: one JSON value, or fields such as `name=OTA.Update`
    ///
    /// As JSON: the value itself, `@FILE` to read it from a file, or `-` from stdin. As fields: `KEY=VALUE` is a number, true,
    /// false or null if VALUE is one, else text; `KEY:=JSON` is any JSON; `KEY=@FILE` is the text of a file. A dot leads into an
    /// object: `config.wifi.sta.enable=true`.
    #[arg(value_name = "JSON|KEY=VALUE", allow_negative_numbers = true)]
    params: Vec<String>,

    /// The arguments, once they were read.
    #[arg(skip)]
    read: Option<Value>,

    #[command(flatten)]
    get: GetArg,
}

impl Args {
    /// Tells whether the method is known to change nothing, or has the name of one that reads.
    pub(crate) fn only_reads(&self) -> bool {
        nearest_method::only_reads(&self.method)
    }

    /// Reads the arguments. stdin can be read once only.
    pub(crate) fn read_params(&self) -> Result<Value, Failure> {
        call_args::read(self.params.clone())
    }

    /// Sets arguments that were read before.
    pub(crate) fn set_params(&mut self, params: Value) {
        self.read = Some(params);
    }

    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let params = match self.read {
            Some(params) => params,
            None => call_args::read(self.params)?,
        };
        let device = context.device().await?;
        // On a link that loses frames, an idempotent method is called again. Any other method is called once.
        let idempotent = ota::may_be_called_twice(&self.method);
        let lesson = Lesson::of_call(&self.method, &params);
        match device.call_raw(&self.method, params, idempotent, device.timeout()).await {
            Ok(value) => {
                if let Some(lesson) = lesson {
                    lesson.keep(context.device_key().as_ref(), &value);
                }
                self.get.print(context, &value)
            }
            Err(error) => Err(nearest_method::failure(&device, &self.method, error).await),
        }
    }
}
