use std::fs;
use std::path::PathBuf;

use clap::ValueHint;

use super::generate::write_pages;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};

/// Write the manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl man ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// Directory for the pages; otactl creates it
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: PathBuf,
}

impl Args {
    pub(crate) fn run(self, context: &Context, model: &clap::Command) -> Result<(), Failure> {
        let written = fs::create_dir_all(&self.directory).and_then(|()| write_pages(&self.directory, model));
        let count = written.map_err(|error| {
            Failure::new(FailureKind::Other, format!("cannot write to {}: {error}", self.directory.display()))
                .hint("give a directory that you may write to, such as ~/.local/share/man/man1")
        })?;
        context.output.status(&format!("wrote {count} pages to {}", self.directory.display()));
        Ok(())
    }
}
