//! Explains the messages by which a device refuses a bundle.

const DAMAGED: &str =
    "the bundle is damaged, or its parts changed after its manifest was written: build or download it again";

const SIGN: &str = "sign the bundle with the private halves of the device's keys; `otactl call Config.Get \
                    '{\"key\":\"update\"}'` shows what it asks for";

/// The start of each known message, and the next step for the user.
const KNOWN: [(&str, &str); 13] = [
    (
        "File size mismatch",
        "the manifest has no size, or a wrong one, for a part, and this device demands it: build the bundle again with a \
         current `mos build`, which writes the sizes",
    ),
    (
        "Extra file in bundle",
        "the zip holds a file that no part of the manifest names, and this device takes none: build the bundle again, or \
         remove the file from it",
    ),
    (
        "Nothing interesting in the update (wrong platform?)",
        "the bundle is for another platform, or has no part that this device can use: give the firmware that was built for \
         the `arch` that `otactl info` shows",
    ),
    (
        "Incomplete update package",
        "the bundle lacks a part that this platform needs, such as `fs`: build the bundle with all its parts",
    ),
    ("Wrong platform", "give the firmware that was built for the `arch` that `otactl info` shows"),
    ("Digest mismatch", DAMAGED),
    ("Invalid CRC", DAMAGED),
    ("Malformed archive", "the file is not a zip as `mos build` makes it: build the bundle again"),
    ("Failed to parse manifest", "the manifest is damaged, or this firmware is too old for it: build the bundle again"),
    ("Invalid signature", SIGN),
    ("Invalid HTTP response code", "the server does not have the firmware at this URL: check the URL"),
    ("Signature verification failed", SIGN),
    (
        "Compressed ZIP files are not supported",
        "pack the bundle without compression: `zip -0 fw.zip FILES`, or as `mos build` does it",
    ),
];

/// Returns a hint with the next step for a message by which a device refuses a bundle. Returns `None` for any other
/// message.
///
/// An example is `-10 Nothing interesting in the update (wrong platform?)`. The code before the message may be missing.
#[must_use]
pub fn explain_refusal(message: &str) -> Option<&'static str> {
    let message = message.trim();
    let words = match message.split_once(' ') {
        Some((code, words)) if code.parse::<i64>().is_ok() => words.trim_start(),
        _ => message,
    };
    KNOWN.iter().find(|(known, _)| words.starts_with(known)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_with_or_without_code_is_explained() {
        for (known, hint) in KNOWN {
            for message in [known.into(), format!("-10 {known}"), format!("-1 {known}\r\n")] {
                assert_eq!(explain_refusal(&message), Some(hint), "{message:?}");
            }
            assert!(!hint.contains("  ") && !hint.contains('\n') && !hint.ends_with('.'), "{hint:?}");
        }
    }

    #[test]
    fn other_message_is_not_explained() {
        for message in ["", "-10", "-10 ", "1 Update applied, rebooting", "-10 Update failed", "x File size mismatch"] {
            assert_eq!(explain_refusal(message), None, "{message:?}");
        }
    }
}
