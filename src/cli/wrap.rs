//! Fits messages to the width of a terminal. Pure.

use otactl::bundle::manifest::Build;

/// The column at which the text of a step begins, after the name of the step.
pub(crate) const STEP_COLUMN: usize = 10;

/// Breaks `text` at spaces, so that no line is longer than `width`. The first line begins at `column`, the others at `indent`.
///
/// A word that is too long for the indent begins further left. A word that is longer than the width is not broken.
pub(crate) fn wrap(text: &str, column: usize, indent: usize, width: usize) -> String {
    broken(text, column, width, |len| indent.min(width.saturating_sub(len)))
}

/// Breaks `text` at spaces as [`wrap`] does, but a word that is too long for the indent stays behind it. No line ends with a space.
pub(crate) fn wrap_at_indent(text: &str, indent: usize, width: usize) -> String {
    let lines = broken(text, 0, width, |_| indent);
    lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Breaks `text` at spaces. `indent_of` returns the indent of a line from the length of its first word.
fn broken(text: &str, column: usize, width: usize, indent_of: impl Fn(usize) -> usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    let mut at = column;
    for (index, word) in text.split(' ').enumerate() {
        let len = word.chars().count();
        let gap = usize::from(index > 0);
        // A break before the first word helps only if the word then fits.
        if at + gap + len <= width || (index == 0 && len > width) {
            wrapped.extend([&" "[..gap], word]);
            at += gap + len;
        } else {
            let indent = indent_of(len);
            wrapped.extend(["\n", &" ".repeat(indent), word]);
            at = indent + len;
        }
    }
    wrapped
}

/// Cuts off `text` after `max` characters, with `…` as the last one.
pub(crate) fn clip(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The builds whose ids are on the screen.
#[derive(Debug, Default)]
pub(crate) struct ShownBuilds(Vec<Build>);

impl ShownBuilds {
    /// Returns a message about `build` for a line of `room` characters, and the build id if it needs a line of its own.
    ///
    /// An id appears once, unless another build with the same version is shown.
    pub(crate) fn place(&mut self, text: String, build: &Build, room: usize) -> (String, Option<String>) {
        let id = format!("({})", build.build_id);
        let without = text.replacen(&format!(" {id}"), "", 1);
        if without == text {
            return (text, None);
        }
        let is_ambiguous = self.0.iter().any(|shown| shown.version == build.version && shown != build);
        let is_known = self.0.contains(build);
        if is_known && !is_ambiguous {
            return (without, None);
        }
        if !is_known {
            self.0.push(build.clone());
        }
        if text.chars().count() <= room { (text, None) } else { (without, Some(build.build_id.clone())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_words_with_a_hanging_indent() {
        for (text, column, indent, width, expected) in [
            ("", 10, 10, 40, ""),
            ("fits in the line", 10, 10, 26, "fits in the line"),
            ("fits in the line", 10, 10, 25, "fits in the\n          line"),
            ("a b", 10, 4, 11, "a\n    b"),
            // Longer than the room behind the indent.
            ("an 0123456789 end", 10, 10, 16, "an\n      0123456789\n          end"),
            // Longer than the screen.
            ("an 0123456789 end", 4, 4, 8, "an\n0123456789\n    end"),
            ("0123456789 end", 4, 4, 8, "0123456789\n    end"),
            ("0123456789 end", 4, 4, 12, "\n  0123456789\n    end"),
            ("ää öö", 0, 0, 5, "ää öö"),
        ] {
            assert_eq!(wrap(text, column, indent, width), expected, "{text} {column} {indent} {width}");
        }
    }

    #[test]
    fn long_text_is_clipped() {
        for (text, max, expected) in [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("a bcd", 3, "a…"), ("ab", 0, "…")] {
            assert_eq!(clip(text, max), expected, "{text} {max}");
        }
    }

    #[test]
    fn build_id_appears_once_unless_versions_are_equal() {
        let build = |version: &str, build_id: &str| Build { version: version.into(), build_id: build_id.into() };
        let (old, new) = (build("1", "old"), build("2", "new"));
        let mut shown = ShownBuilds::default();
        let mut place = |text: &str, build, room| shown.place(text.into(), build, room);
        assert_eq!(place("runs 1 (old), committed", &old, 23), ("runs 1 (old), committed".into(), None));
        assert_eq!(place("for 2 (new)", &new, 10), ("for 2".into(), Some("new".into())));
        assert_eq!(place("back 2 (new)", &new, 99), ("back 2".into(), None));
        assert_eq!(place("no id", &old, 2), ("no id".into(), None));
        let again = build("2", "again");
        assert_eq!(place("for 2 (again)", &again, 99), ("for 2 (again)".into(), None));
        assert_eq!(place("back 2 (again)", &again, 9), ("back 2".into(), Some("again".into())));
    }
}
