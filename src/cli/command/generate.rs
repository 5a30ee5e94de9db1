use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use crate::cli::failure::{Failure, FailureKind};
use crate::cli::man;

/// Write the shell completions and the manual pages
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory in which to create `completions/` and `man/`
    directory: PathBuf,
}

impl Args {
    pub(crate) fn run(self, model: &clap::Command) -> Result<(), Failure> {
        write(&self.directory, model).map_err(|error| {
            Failure::new(FailureKind::Other, format!("cannot write to {}: {error}", self.directory.display()))
        })
    }
}

fn write(directory: &Path, model: &clap::Command) -> io::Result<()> {
    let completions = directory.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
        // A copy, since this adds the command `help` to the model. The manual has no page for that command.
        clap_complete::generate_to(shell, &mut model.clone(), "otactl", &completions)?;
    }
    let pages = directory.join("man");
    fs::create_dir_all(&pages)?;
    for (name, page) in man::pages(model)? {
        fs::write(pages.join(name), page)?;
    }
    Ok(())
}
