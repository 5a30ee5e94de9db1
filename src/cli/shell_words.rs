//! Finds the operators of a shell in the command of `--check-cmd`, which runs without a shell.

/// Operators of a shell that are refused as words of their own.
const OPERATORS: [&str; 14] = ["|", "||", "|&", "&", "&&", ";", ">", ">>", "<", "<<", "&>", "2>", "2>>", "2>&1"];

/// Returns the first word of a command that is an operator of a shell, without quotes.
///
/// `curl -f x; grep y` has one as well: a semicolon at the end of a word.
pub(crate) fn operator(command: &str) -> Option<&'static str> {
    let word_operator = |word: &str| OPERATORS.into_iter().find(|operator| *operator == word);
    unquoted_words(command).find_map(|word| match word.strip_suffix(';') {
        Some(before) if !before.is_empty() => Some(";"),
        _ => word_operator(&word),
    })
}

/// Returns the option with the same command for a shell, quoted so that it can be pasted.
pub(crate) fn for_shell(command: &str) -> String {
    // Quoting fails only for a NUL byte, which no argument contains.
    let quoted = |text: &str| shlex::try_quote(text).map_or_else(|_| text.to_owned(), Into::into);
    format!("--check-cmd {}", quoted(&format!("sh -c {}", quoted(command))))
}

/// Returns the words of a command. Quoted and escaped characters become NUL, which no operator contains.
fn unquoted_words(command: &str) -> impl Iterator<Item = String> {
    let mut chars = command.chars();
    std::iter::from_fn(move || {
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next() {
            match (quote, c) {
                (None, c) if c.is_whitespace() => {
                    if !word.is_empty() {
                        return Some(word);
                    }
                }
                (None, '\'' | '"') => {
                    quote = Some(c);
                    word.push('\0');
                }
                (Some(open), c) if open == c => quote = None,
                (None | Some('"'), '\\') => {
                    chars.next();
                    word.push('\0');
                }
                (Some(_), _) => word.push('\0'),
                (None, c) => word.push(c),
            }
        }
        (!word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_operator_is_found() {
        for (command, expected) in [
            ("curl -f x | grep y", Some("|")),
            ("curl -f x > /dev/null", Some(">")),
            ("curl -f x 2>&1", Some("2>&1")),
            ("test -e x && reboot", Some("&&")),
            ("a || b", Some("||")),
            ("a ; b", Some(";")),
            ("a; b", Some(";")),
            ("a &", Some("&")),
            ("a < b", Some("<")),
            ("sh -c 'a | b'", None),
            ("grep '|' x", None),
            ("grep \"|\" x", None),
            ("grep \\| x", None),
            ("grep a|b x", None),
            ("curl http://x/?a=1&b=2", None),
            ("echo \"a \\\" | b\"", None),
            ("echo 'a; b'", None),
            ("find . -exec x \\;", None),
            ("", None),
        ] {
            assert_eq!(operator(command), expected, "{command}");
        }
    }

    #[test]
    fn line_for_a_shell_is_the_same_command() {
        for command in ["curl -f x | grep y", "a 'b c' && d", "echo \"$X\" > 'a b'", "it\\'s; x"] {
            let option = shlex::split(&for_shell(command)).expect("closed quotes");
            assert_eq!(option[0], "--check-cmd", "{command}");
            let words = shlex::split(&option[1]).expect("closed quotes");
            assert_eq!(words, ["sh", "-c", command], "{command}");
        }
        assert_eq!(for_shell("curl -f x | grep y"), "--check-cmd \"sh -c 'curl -f x | grep y'\"");
    }
}
