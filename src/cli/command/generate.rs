use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use crate::cli::failure::{Failure, FailureKind};
use crate::cli::{completion, man};

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
        fs::write(completions.join(completion::file_name(shell)), completion::script(shell, "otactl"))?;
    }
    let pages = directory.join("man");
    fs::create_dir_all(&pages)?;
    write_pages(&pages, model).map(drop)
}

/// Writes the manual pages to a directory, and returns their number.
pub(super) fn write_pages(directory: &Path, model: &clap::Command) -> io::Result<usize> {
    let pages = man::pages(model)?;
    for (name, page) in &pages {
        fs::write(directory.join(name), page)?;
    }
    Ok(pages.len())
}
