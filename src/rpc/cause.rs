//! [`Cause`], the error of the system or of a library below an error of otactl.

use std::error::Error;
use std::sync::Arc;
use std::{fmt, io};

/// The error of the system or of a library that caused an error of otactl. Clones share it.
///
/// otactl decides by its own types. The cause is kept for its text, and for programs that look for its type.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// Keeps an error as a cause.
    pub fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(error))
    }

    /// Returns the first error of the type `E` in the chain of causes.
    #[must_use]
    pub fn find<E: Error + 'static>(&self) -> Option<&E> {
        chain(&*self.0).find_map(|error| error.downcast_ref())
    }
}

/// Returns the error and its causes, the outermost first.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // `io::Error::source` skips the wrapped error itself, so `get_ref` comes first.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Shows the error itself.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The wrapped error of an `io::Error` shows the same text, and its own source is not skipped.
        chain(&*self.0).nth(1)
    }
}

/// Causes are equal if their texts are: most errors of the system and of libraries cannot be compared.
impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for Cause {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_error_is_found_by_its_type() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let cause = Cause::new(io::Error::other(Cause::new(io::Error::other(refused))));
        let kinds: Vec<_> = chain(&cause).filter_map(|error| error.downcast_ref::<io::Error>()).collect();
        assert_eq!(kinds.last().map(|error| error.kind()), Some(io::ErrorKind::ConnectionRefused), "{kinds:?}");
        assert!(cause.find::<io::Error>().is_some() && cause.find::<fmt::Error>().is_none());
    }
}
