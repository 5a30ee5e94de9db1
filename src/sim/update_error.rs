//! The reasons for which an update fails, with the codes and messages of each generation.

use crate::sim::wire::MethodError;

/// The reason for which an update fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateError {
    /// The bytes are not a header of a file or of the directory.
    Header,
    /// A file is compressed.
    Compressed,
    /// The first file is not the manifest.
    NoManifest,
    /// The manifest cannot be read.
    Manifest,
    /// The CRC in the zip does not match the file.
    Crc,
    /// The manifest is not signed as the device requires.
    Signature,
    /// The bundle is for another platform.
    Platform,
    /// A part that the platform requires is missing.
    Incomplete,
    /// The size of a file is not the one in the manifest.
    Size,
    /// No part of the manifest names the file.
    Extra,
    /// A checksum in the manifest does not match the file.
    Digest,
    /// The data ended before the end of the bundle.
    Unfinished,
    /// No data arrived within the timeout.
    TimedOut,
    /// The device gave up the update for another reason.
    Failed,
}

impl UpdateError {
    /// Returns the reply to `OTA.Update` in 2018, as recorded in wire/ws.json, case `ota_update_errors`.
    #[must_use]
    pub fn of_2018(self) -> MethodError {
        match self {
            Self::Header => MethodError::new(-1, "Malformed archive (invalid file header)"),
            Self::Compressed => MethodError::new(-1, "Cannot handle compressed .zip"),
            Self::NoManifest => MethodError::bare(-1),
            Self::Manifest => MethodError::new(-1, "Failed to parse manifest"),
            // Not recorded: the message for this error.
            Self::Signature => MethodError::new(-1, "Invalid signature"),
            Self::Platform => MethodError::new(-1, "Wrong platform"),
            Self::Crc | Self::Digest | Self::Incomplete => MethodError::new(-1, self.text()),
            Self::Size | Self::Extra | Self::Unfinished | Self::TimedOut | Self::Failed => {
                MethodError::new(-1, "Update failed")
            }
        }
    }

    /// Returns the reply to the piece at which a push failed.
    #[must_use]
    pub fn of_piece(self) -> MethodError {
        MethodError { code: self.code(), ..self.of_push() }
    }

    /// Returns the reply to every later call of a failed push.
    #[must_use]
    pub fn of_push(self) -> MethodError {
        MethodError::new(-1, format!("{} {}", self.code(), self.text()))
    }

    /// Returns the reply to `OTA.Update` since 2019.
    #[must_use]
    pub fn of_pull(self) -> MethodError {
        MethodError::new(-1, self.text())
    }

    fn code(self) -> i64 {
        match self {
            Self::Platform | Self::Digest => -10,
            Self::Crc => -11,
            Self::Unfinished => -13,
            Self::Incomplete | Self::TimedOut => -5,
            Self::Signature => -18,
            Self::Header | Self::Compressed | Self::NoManifest | Self::Size | Self::Extra => -1,
            // Not recorded: the code of these errors.
            Self::Manifest | Self::Failed => -1,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Header => "Malformed archive (invalid header)",
            Self::Compressed => "Compressed ZIP files are not supported",
            Self::NoManifest => "Expected manifest, found something else",
            Self::Crc => "Invalid CRC",
            Self::Signature => "Signature verification failed",
            Self::Platform => "Nothing interesting in the update (wrong platform?)",
            Self::Incomplete => "Incomplete update package",
            Self::Size => "File size mismatch",
            Self::Extra => "Extra file in bundle",
            Self::Digest => "Digest mismatch",
            Self::Unfinished => "Unexpected end of data",
            Self::TimedOut => "Update timed out",
            // Not recorded: the messages for these errors.
            Self::Manifest => "Failed to parse manifest",
            Self::Failed => "Update failed",
        }
    }
}
