//! Writes the log of `--verbose` to stderr.

use std::io::{self, Write};

use otactl::secrets::mask;

use crate::cli::status_line::StatusLine;
use crate::cli::workflow_command::without_commands;
use crate::cli::writer::Importance;

/// Writes log events to stderr.
pub(super) struct LogWriter(pub(super) StatusLine);

impl Write for LogWriter {
    /// Writes a whole event without its secrets.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = mask(&text);
        self.0.above(Importance::Passing, &without_commands(&text));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
