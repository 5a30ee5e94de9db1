//! Explains the error codes of the OTA service, whose messages are missing or short.

use crate::rpc::RemoteError;

/// The meaning of an error code of one method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meaning {
    /// The meaning, as text that follows a colon.
    pub words: &'static str,
    /// The next step for the user, if there is one.
    pub hint: Option<&'static str>,
}

/// A known error.
struct KnownError {
    method: &'static str,
    code: i64,
    /// The message of the service of 2018 with this code, if it has one. Another message has another meaning.
    message: Option<&'static str>,
    meaning: Meaning,
}

const fn known(
    method: &'static str,
    code: i64,
    message: Option<&'static str>,
    words: &'static str,
    hint: Option<&'static str>,
) -> KnownError {
    KnownError { method, code, message, meaning: Meaning { words, hint } }
}

const STORED: Option<&str> = Some("`otactl get-boot-state` shows what the device has stored");

/// The codes of the service of 2018, whose source is public. The recorded services of 2019 to 2022 use the same codes.
const KNOWN: [KnownError; 11] = [
    known("OTA.GetBootState", -1, None, "the device cannot read its boot state", None),
    known(
        "OTA.SetBootState",
        -2,
        None,
        "the request has no field that the device can use",
        Some("`otactl describe OTA.SetBootState` shows the fields"),
    ),
    known(
        "OTA.SetBootState",
        -3,
        None,
        "the device has no such slot",
        Some("`otactl get-boot-state` shows what the device has stored; correct a bad slot before the device reboots"),
    ),
    known("OTA.SetBootState", -4, None, "the device cannot write its boot state", STORED),
    known(
        "OTA.CreateSnapshot",
        -1,
        Some("Cannot create snapshots in uncommitted state"),
        "a snapshot needs committed firmware",
        Some("a snapshot needs committed firmware: first `otactl commit`, or `otactl revert`"),
    ),
    known("OTA.CreateSnapshot", -1, Some("Failed to create snapshot"), "the device could not copy the firmware", None),
    known(
        "OTA.CreateSnapshot",
        -2,
        Some("Failed to get boot state"),
        "the device made the copy, and cannot read its boot state",
        None,
    ),
    known(
        "OTA.CreateSnapshot",
        -3,
        Some("Failed to set boot state"),
        "the device made the copy, and cannot write its boot state: a rollback does not boot the copy",
        STORED,
    ),
    known(
        "OTA.CreateSnapshot",
        -4,
        Some("Failed to set commit timeout"),
        "the device made the copy and is uncommitted, and cannot set the commit timeout",
        Some(
            "`otactl get-boot-state` shows what the device has stored; a reboot of an uncommitted device is a rollback",
        ),
    ),
    known("OTA.Commit", -1, None, "there is nothing to commit", None),
    known(
        "OTA.Revert",
        -1,
        None,
        "there is nothing to revert",
        Some("only firmware that is not committed yet can be reverted; `otactl get-boot-state` shows whether it is"),
    ),
];

/// Returns the meaning of an error of `method`, or `None` if it is not known.
///
/// An error whose message differs from that of the known error has another meaning, which is not known.
#[must_use]
pub fn explain_code(method: &str, error: &RemoteError) -> Option<Meaning> {
    let mut of_code = KNOWN.iter().filter(|known| known.method == method && known.code == error.code);
    let known = match error.message.as_deref().map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => of_code.find(|known| known.message == Some(message)),
        None => of_code.next(),
    };
    known.map(|known| known.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(method: &str, code: i64, message: Option<&str>) -> Option<&'static str> {
        let error = RemoteError { code, message: message.map(Into::into) };
        explain_code(method, &error).map(|meaning| meaning.words)
    }

    #[test]
    fn error_code_is_explained_by_method_and_message() {
        for (method, code, message, expected) in [
            ("OTA.SetBootState", -3, None, Some("the device has no such slot")),
            ("OTA.SetBootState", -3, Some(""), Some("the device has no such slot")),
            ("OTA.SetBootState", -3, Some("another reason"), None),
            ("OTA.SetBootState", -1, None, None),
            ("OTA.CreateSnapshot", -1, None, Some("a snapshot needs committed firmware")),
            (
                "OTA.CreateSnapshot",
                -1,
                Some("Failed to create snapshot"),
                Some("the device could not copy the firmware"),
            ),
            ("OTA.CreateSnapshot", -3, Some("Failed to create snapshot"), None),
            ("OTA.Update", -1, None, None),
            ("Sys.Reboot", -1, None, None),
        ] {
            assert_eq!(explained(method, code, message), expected, "{method} {code} {message:?}");
        }
    }

    #[test]
    fn hint_of_an_error_code_does_not_change_the_boot_state() {
        for KnownError { method, code, meaning, .. } in KNOWN {
            let text = [Some(meaning.words), meaning.hint].into_iter().flatten();
            for line in text {
                assert!(
                    !line.contains("  ") && !line.contains('\n') && !line.ends_with('.'),
                    "{method} {code}: {line}"
                );
            }
            let hint = meaning.hint.unwrap_or_default();
            assert!(!hint.contains("set-boot-state") && !hint.contains("reboot`"), "{method} {code}: {hint}");
        }
    }
}
