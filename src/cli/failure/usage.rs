//! Command lines that clap refuses.

use clap::error::ErrorKind;

use super::{Failure, FailureKind};

/// Takes the message and the next step out of the text that clap prints.
impl From<&clap::Error> for Failure {
    fn from(error: &clap::Error) -> Self {
        let is_command_missing =
            matches!(error.kind(), ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
        if is_command_missing {
            return Self::new(FailureKind::Usage, "no command given").hint("`otactl --help` lists the commands");
        }
        let text = error.render().to_string();
        let (message, hint) = parts(&text);
        let failure = Self::new(FailureKind::Usage, message);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Returns the first paragraph of an error of clap as one line, and its hint or first tip, or else the usage.
fn parts(text: &str) -> (String, Option<String>) {
    let text = text.trim_start().trim_start_matches("error: ");
    let message: Vec<_> =
        text.lines().take_while(|line| !line.is_empty() && !line.starts_with("hint: ")).map(str::trim).collect();
    let is_tip = |line: &'_ str| ["hint: ", "tip: "].iter().any(|start| line.trim_start().starts_with(start));
    let mut tips = text.lines().skip_while(|line| !is_tip(line));
    let tip = tips.next().and_then(|line| line.split_once(": ")).map(|(_, tip)| {
        // On a terminal, a hint goes on in lines that are indented.
        let rest = tips.take_while(|line| line.starts_with("      ") && !is_tip(line)).map(str::trim);
        std::iter::once(tip).chain(rest).collect::<Vec<_>>().join(" ")
    });
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: ")).map(|usage| format!("usage: `{usage}`"));
    (message.join(" "), tip.or(usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_clap_is_split_into_message_and_hint() {
        for (text, message, hint) in [
            (
                "error: unexpected argument '--prot' found\n\n  tip: a similar argument exists: '--port'\n\nUsage: otactl\n",
                "unexpected argument '--prot' found",
                Some("a similar argument exists: '--port'"),
            ),
            (
                "error: the following required arguments were not provided:\n  <METHOD>\n\nUsage: otactl call <METHOD>\n",
                "the following required arguments were not provided: <METHOD>",
                Some("usage: `otactl call <METHOD>`"),
            ),
            ("error: no command `put`\nhint: `otactl call FS.Put`\n", "no command `put`", Some("`otactl call FS.Put`")),
            (
                "error: no command\n       `put`\nhint: `otactl call\n      FS.Put` writes\n      a file\n",
                "no command `put`",
                Some("`otactl call FS.Put` writes a file"),
            ),
            ("error: plain\n", "plain", None),
        ] {
            assert_eq!(parts(text), (message.to_owned(), hint.map(str::to_owned)), "{text}");
        }
    }
}
