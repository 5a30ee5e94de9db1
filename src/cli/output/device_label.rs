//! The name of a device at the start of its lines. Pure.

use crate::cli::wrap::clip;

/// The name of a device at the start of its lines.
#[derive(Debug)]
pub(super) struct DeviceLabel {
    pub(super) name: String,
    /// The name, padded to the width of the longest one.
    prefix: String,
    /// The same for a terminal, of which it takes at most half.
    pub(super) short: String,
}

impl DeviceLabel {
    /// Returns the label of the device `name`, padded to `width` characters. `columns` is the width of the terminal.
    pub(super) fn new(name: &str, width: usize, columns: Option<usize>) -> Self {
        const GAP: usize = 2;

        let narrow = columns.map_or(width, |columns| (columns / 2).saturating_sub(GAP).min(width));
        let prefix = format!("{name:<width$}{:GAP$}", "");
        let short = format!("{:<narrow$}{:GAP$}", clip(name, narrow), "");
        Self { name: name.to_owned(), prefix, short }
    }

    /// Returns the text with the label at the start of each line.
    pub(super) fn prefixed(&self, text: &str, is_terminal: bool) -> String {
        let prefix = if is_terminal { &self.short } else { &self.prefix };
        text.split_inclusive('\n').flat_map(|line| [prefix, line]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_takes_at_most_half_of_a_terminal() {
        let label = DeviceLabel::new("bench1", 30, Some(40));
        assert_eq!(label.prefixed("a\nb\n", true), format!("{0}a\n{0}b\n", format!("{:<20}", "bench1")));
        assert_eq!(label.prefixed("a\n", false), format!("{:<32}a\n", "bench1"));
        assert_eq!(DeviceLabel::new("mqtt://broker/esp32_AABBCC", 26, Some(40)).short, "mqtt://broker/esp…  ");
    }
}
