//! Commands of GitHub Actions, which a job finds in the output of its programs: `::NAME::TEXT` at the start of a line, and `##[NAME]TEXT`
//! anywhere.

use std::borrow::Cow;

/// Tells whether this is a job of GitHub.
pub(crate) fn is_github_job() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Returns messages in which a job of GitHub finds no command. The text of a device may contain one.
pub(crate) fn without_commands(text: &str) -> Cow<'_, str> {
    if is_github_job() { broken(text) } else { Cow::Borrowed(text) }
}

/// Breaks the commands in a text.
fn broken(text: &str) -> Cow<'_, str> {
    let is_command = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##[") && !text.lines().any(is_command) {
        return Cow::Borrowed(text);
    }
    let line = |line: &str| {
        let start = if is_command(line) { "·" } else { "" };
        format!("{start}{}", line.replace("##[", "##·["))
    };
    text.split_inclusive('\n').map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_broken() {
        for (text, expected) in [
            ("error: it failed: a::b\nhint: # [x] ##x[\n", "error: it failed: a::b\nhint: # [x] ##x[\n"),
            ("::stop-commands::x\n", "·::stop-commands::x\n"),
            ("error: a\n    ::add-mask::a\n\t\u{a0}::b::\n", "error: a\n·    ::add-mask::a\n·\t\u{a0}::b::\n"),
            ("device    ##[error]a ##[b]", "device    ##·[error]a ##·[b]"),
            ("###[[", "###·[["),
        ] {
            assert_eq!(broken(text), expected, "{text:?}");
        }
    }
}
