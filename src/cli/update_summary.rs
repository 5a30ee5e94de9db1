//! [`UpdateSummary`], an update in one line.

/// An update in one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UpdateSummary {
    /// The version before the update, if the device reported it.
    pub(crate) before: Option<String>,
    /// The version after the update, if it is known.
    pub(crate) after: Option<String>,
    /// The name of the outcome.
    pub(crate) outcome: &'static str,
}
