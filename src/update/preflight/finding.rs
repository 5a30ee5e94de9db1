//! One result of the preflight.

use crate::update::event::{Event, Severity};
use crate::update::outcome::Refusal;

/// A result of the preflight on one subject, and the refusal of the update if it causes one.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) says: String,
    pub(super) severity: Severity,
    pub(super) refusal: Option<Refusal>,
}

impl Finding {
    pub(super) fn good(what: &'static str, says: impl Into<String>) -> Self {
        Self { what, says: says.into(), severity: Severity::Good, refusal: None }
    }

    pub(super) fn unknown(what: &'static str, says: impl Into<String>) -> Self {
        Self { severity: Severity::Unknown, ..Self::good(what, says) }
    }

    pub(super) fn weak(what: &'static str, says: impl Into<String>) -> Self {
        Self { severity: Severity::Weak, ..Self::good(what, says) }
    }

    pub(super) fn refused(what: &'static str, refusal: Refusal) -> Self {
        Self { what, says: refusal.to_string(), severity: Severity::Refused, refusal: Some(refusal) }
    }

    /// Makes a refusal that the user may override with `force`. The finding is weak then.
    pub(super) fn refused_unless(force: bool, what: &'static str, refusal: Refusal) -> Self {
        if force { Self::weak(what, refusal.to_string()) } else { Self::refused(what, refusal) }
    }

    pub(super) fn event(&self) -> Event {
        Event::Finding { what: self.what, says: self.says.clone(), verdict: self.severity }
    }
}
