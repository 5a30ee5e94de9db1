use serde_json::json;

use crate::cli::context::Context;
use crate::cli::explain::{self, OUTCOMES};
use crate::cli::failure::{EXIT_CODES, Failure, FailureKind};
use crate::cli::help;

/// Explain an outcome of an update, or an exit code
///
/// Prints what it means, the usual causes, and what to type. Without an argument, lists all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl explain rolled_back")]
pub(crate) struct Args {
    /// Outcome or exit code, such as `rolled_back` or 8
    #[arg(value_name = "OUTCOME|CODE")]
    name: Option<String>,
}

impl Args {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let Some(name) = self.name else {
            if context.output.is_json() {
                let outcomes: Vec<_> = OUTCOMES.iter().map(|topic| topic.name).collect();
                return context
                    .output
                    .result(&json!({ "outcomes": outcomes, "exit_codes": EXIT_CODES.map(|(code, _)| code) }));
            }
            return context.output.text(&explain::list(help::width()));
        };
        let Some(topic) = explain::find(&name) else {
            return Err(Failure::new(FailureKind::Usage, format!("`{name}` is neither an outcome nor an exit code"))
                .hint("`otactl explain` lists them"));
        };
        if context.output.is_json() {
            let meaning =
                EXIT_CODES.iter().find(|(code, _)| code.to_string() == topic.name).map(|(_, meaning)| *meaning);
            return context.output.result(&json!({
                "name": topic.name,
                "meaning": meaning.unwrap_or(topic.meaning),
                "causes": topic.causes,
                "commands": topic.commands,
            }));
        }
        context.output.text(&explain::text(&topic, help::width()))
    }
}
