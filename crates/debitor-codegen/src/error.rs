//! What is wrong with a document: where, what, and what to write instead.

use std::fmt;

/// One fault of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// JSON pointer (RFC 6901) of the place, such as `/paths/~1customers/get`; empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(
        pointer: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() {
            "/"
        } else {
            &self.pointer
        };
        write!(f, "{place}: {}; {}", self.problem, self.remedy)
    }
}

impl std::error::Error for Fault {}
