//! Everything that is not a success, before it becomes an operation's documented answer.

use std::fmt;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::Context;

/// How many faults an answer lists; a request can hold many more.
const LISTED_FAULTS: usize = 100;

/// One fault of a request: one of a problem's details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of fault, such as `maxLength`.
    pub code: &'static str,
    /// A sentence that says what is expected.
    pub message: String,
    /// Where: `address/city`, `$top`, `If-Match`.
    pub target: String,
}

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The answer's status.
    pub status: StatusCode,
    /// A word for programs, such as `itemNotFound`.
    pub code: &'static str,
    /// A word for programs that is closer to the cause, where there is one.
    pub inner_code: Option<&'static str>,
    /// A sentence for people.
    pub message: Box<str>,
    /// What the problem is about.
    pub target: Option<Box<str>>,
    /// The single faults, where there are several.
    pub details: Vec<Fault>,
    /// Headers that the answer needs, such as `WWW-Authenticate`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with neither target nor details.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            inner_code: None,
            message: message.into().into_boxed_str(),
            target: None,
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// A failure of the server, of which the caller learns nothing more.
    pub fn internal() -> Self {
        let message = "The server failed to answer this request.";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "generalException",
            message,
        )
    }

    /// Says a word that is closer to the cause.
    #[must_use]
    pub fn inner_code(mut self, code: &'static str) -> Self {
        self.inner_code = Some(code);
        self
    }

    /// Says what the problem is about.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into().into_boxed_str());
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, fault: Fault) -> Self {
        self.details.push(fault);
        self
    }

    /// Adds a header; a value that no header can have is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    /// The value of a header, by its name in any case, as the type that the document gives it.
    pub fn header_value<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(own, _)| own.as_str().eq_ignore_ascii_case(name))?;
        value.to_str().ok()?.parse().ok()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.status.as_u16(),
            self.code,
            self.message
        )
    }
}

impl std::error::Error for Problem {}

/// The document's error body: the one schema that all its 4xx and 5xx answers share.
pub trait ErrorBody: Serialize {
    /// The body that tells the problem.
    fn new(problem: Problem, context: &Context) -> Self;
}

/// The faults found in a request so far.
#[derive(Debug, Default)]
pub struct Faults {
    listed: Vec<Fault>,
    count: usize,
    preconditions: usize,
}

impl Faults {
    /// Notes a fault.
    pub fn add(
        &mut self,
        code: &'static str,
        target: impl fmt::Display,
        message: impl Into<String>,
    ) {
        self.count += 1;
        if self.listed.len() < LISTED_FAULTS {
            self.listed.push(Fault {
                code,
                message: message.into(),
                target: target.to_string(),
            });
        }
    }

    /// Notes that a required precondition is missing, which alone is 428 rather than 400.
    pub fn missing_precondition(&mut self, target: &str) {
        self.preconditions += 1;
        self.add("required", target, "is required");
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The faults that an answer would list.
    pub fn listed(&self) -> &[Fault] {
        &self.listed
    }

    /// The one problem that tells them all.
    pub fn into_problem(self) -> Problem {
        let only_preconditions = self.count > 0 && self.count == self.preconditions;
        let mut problem = if only_preconditions {
            let message = "The request must state a precondition.";
            Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "preconditionRequired",
                message,
            )
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "invalidRequest", self.message())
        };
        if let [only] = self.listed.as_slice() {
            problem.target = Some(only.target.as_str().into());
        }
        problem.details = self.listed;
        problem
    }

    fn message(&self) -> String {
        match (self.count, self.listed.len()) {
            (1, _) => "The request has 1 fault.".to_owned(),
            (count, listed) if count > listed => {
                format!("The request has {count} faults, of which {listed} are listed.")
            }
            (count, _) => format!("The request has {count} faults."),
        }
    }
}
