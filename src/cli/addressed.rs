//! Commands in hints, for the device of the command line. Pure.

use std::borrow::Cow;

use super::raw_args::device_option;
use super::wrong_command::CHANGING;

/// Returns the text with `option`, such as `-d bench1`, in each command that changes a device and names none.
///
/// Typed without it, the command would change the device that is meant by default.
pub(crate) fn addressed<'a>(text: &'a str, option: Option<&str>) -> Cow<'a, str> {
    const START: &str = "`otactl ";

    let Some(option) = option.filter(|_| text.contains(START)) else { return text.into() };
    let mut pieces = text.split(START);
    let mut result = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let command = piece.split('`').next().unwrap_or_default();
        let (name, rest) = command.split_at(command.find(' ').unwrap_or(command.len()));
        let names_a_device = rest.split(' ').any(|word| device_option(word).is_some());
        result += START;
        if (CHANGING.contains(&name) || name == "update") && !names_a_device {
            result.extend([name, " ", option, &piece[name.len()..]]);
        } else {
            result += piece;
        }
    }
    result.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_that_changes_a_device_names_it() {
        for (text, expected) in [
            (
                "`otactl commit` keeps it, `otactl revert` goes back",
                "`otactl commit -d l` keeps it, `otactl revert -d l` goes back",
            ),
            (
                "`otactl set-boot-state --active-slot 1` restores",
                "`otactl set-boot-state -d l --active-slot 1` restores",
            ),
            ("`otactl show` shows it", "`otactl show` shows it"),
            ("`otactl update fw.zip -p ws://a` tries", "`otactl update fw.zip -p ws://a` tries"),
            ("`otactl update fw.zip -pws://a` tries", "`otactl update fw.zip -pws://a` tries"),
            ("`otactl --port sim: commit` tries", "`otactl --port sim: commit` tries"),
            ("run the same command again", "run the same command again"),
            ("`otactl commit", "`otactl commit -d l"),
        ] {
            assert_eq!(addressed(text, Some("-d l")), expected);
            assert_eq!(addressed(text, None), text);
        }
    }
}
