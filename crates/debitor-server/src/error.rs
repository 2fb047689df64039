//! The one place that turns errors into statuses; whatever is the server's own fault is logged here
//! and leaves without a word of what it was.

use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use debitor_api::{Fault, Problem};

use crate::auth::{REALM, Rejection};
use crate::layers::rates::{TooMany, What};
use crate::store::{self, Conflict};

/// What a handler fails with.
#[derive(Debug)]
pub enum ApiError {
    Store(store::Error),
    /// Faults that only the handler can see, after those of the document.
    Invalid(Vec<Fault>),
    /// A list took longer than a list may, most likely for this option.
    TooSlow {
        option: &'static str,
    },
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Vec<Fault>> for ApiError {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Invalid(faults)
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Store(error) => from_store(error),
            ApiError::Invalid(faults) => invalid(faults),
            ApiError::TooSlow { option } => too_slow(option),
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let (status, code) = match rejection {
            Rejection::TooMany(too_many) => return too_many.into(),
            Rejection::Scope { .. } => (StatusCode::FORBIDDEN, "accessDenied"),
            Rejection::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable"),
            _ => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        };
        let problem = Self::new(status, code, rejection.to_string());
        match rejection.challenge() {
            Some(challenge) => problem.header(WWW_AUTHENTICATE, challenge),
            None => problem.header(RETRY_AFTER, ISSUER_SECONDS),
        }
    }
}

impl From<TooMany> for Problem {
    fn from(too_many: TooMany) -> Self {
        let TooMany { what, rate, wait } = too_many;
        let what = match what {
            What::Requests => "requests a second of the program for the tenant",
            What::Writes => "writes a second of the program for the tenant",
            What::Failures => "failed authentications a second of the address",
        };
        let message = format!("There were more than {} {what}.", rate.per_second);
        let seconds = wait.as_nanos().div_ceil(NANOSECONDS).max(1);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "activityLimitReached",
            message,
        )
        .header(RETRY_AFTER, seconds.to_string())
    }
}

/// Of a second.
const NANOSECONDS: u128 = 1_000_000_000;

/// Seconds after which a client should try again when its issuer's keys cannot be read: they are asked
/// for no more often.
const ISSUER_SECONDS: &str = "10";

/// Seconds after which a client should try again when the store cannot answer.
const RETRY_SECONDS: &str = "1";

fn from_store(error: store::Error) -> Problem {
    match error {
        store::Error::NotFound(noun) => {
            let message = format!("There is no such {noun}.");
            Problem::new(StatusCode::NOT_FOUND, "itemNotFound", message)
        }
        store::Error::ReadOnly => {
            let message =
                "The company was granted to the caller to be read, and not to be changed.";
            let problem = Problem::new(StatusCode::FORBIDDEN, "accessDenied", message);
            problem.header(WWW_AUTHENTICATE, REALM)
        }
        store::Error::Conflict(conflict) => from_conflict(&conflict),
        store::Error::Stale(noun) => {
            let message = format!("The {noun} has changed since it was read.");
            Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "preconditionFailed",
                message,
            )
            .target("If-Match")
        }
        store::Error::Reference { property, message } => invalid(vec![Fault {
            code: "reference",
            message: message.into(),
            target: property.into(),
        }]),
        store::Error::QueryTimeout => too_slow("$filter"),
        store::Error::InProgress => {
            let message = "A request with the same key is under way.";
            Problem::new(StatusCode::CONFLICT, "requestInProgress", message)
                .target("Idempotency-Key")
                .header(RETRY_AFTER, RETRY_SECONDS)
        }
        store::Error::KeyReused => {
            let message = "The key was used for another request.";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::new(status, "idempotencyKeyReused", message).target("Idempotency-Key")
        }
        store::Error::Full(why) => {
            tracing::error!(reason = %why, "the disk is full");
            let message = "The service has no room for the change. Nothing was changed.";
            let status = StatusCode::INSUFFICIENT_STORAGE;
            Problem::new(status, "insufficientStorage", message)
        }
        store::Error::Unavailable(why) | store::Error::Broken(why) => {
            tracing::error!(reason = %why, "the store is unavailable");
            unavailable("The service cannot answer just now. Try again later.")
        }
        store::Error::OutcomeUnknown(why) => {
            tracing::error!(reason = %why, "the outcome of a write is unknown");
            let message = "The change may have been made or not. Sent again with the same \
                           `Idempotency-Key`, it is made once.";
            unavailable(message).inner_code("outcomeUnknown")
        }
        store::Error::Internal(why) => {
            tracing::error!(reason = %why, "the store failed");
            Problem::internal()
        }
    }
}

fn too_slow(option: &'static str) -> Problem {
    let message = "The list takes too long: no index serves the filter, the search or the order. \
                   Add a condition that one serves.";
    Problem::new(StatusCode::BAD_REQUEST, "queryTimeout", message).target(option)
}

fn unavailable(message: &str) -> Problem {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Problem::new(status, "serviceNotAvailable", message).header(RETRY_AFTER, RETRY_SECONDS)
}

fn from_conflict(conflict: &Conflict) -> Problem {
    let (code, target) = match conflict {
        Conflict::IdTaken(_) => ("nameAlreadyExists", Some("id")),
        Conflict::NumberTaken(_) => ("nameAlreadyExists", Some("number")),
        Conflict::NamedBySalesInvoice(_) => ("entityInUse", None),
        Conflict::NotDraft(_) => ("notADraft", None),
    };
    let mut text = conflict.to_string();
    text[..1].make_ascii_uppercase();
    let problem = Problem::new(StatusCode::CONFLICT, code, format!("{text}."));
    match target {
        Some(target) => problem.target(target),
        None => problem,
    }
}

/// The same shape as the faults that the document's constraints make.
fn invalid(faults: Vec<Fault>) -> Problem {
    let message = match faults.len() {
        1 => "The request has 1 fault.".to_owned(),
        count => format!("The request has {count} faults."),
    };
    let mut problem = Problem::new(StatusCode::BAD_REQUEST, "invalidRequest", message);
    if let [only] = faults.as_slice() {
        problem = problem.target(only.target.clone());
    }
    problem.details = faults;
    problem
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::layers::rates::Rate;
    use crate::store::Noun;

    fn status(error: store::Error) -> (u16, &'static str) {
        let problem = Problem::from(ApiError::from(error));
        (problem.status.as_u16(), problem.code)
    }

    #[test]
    fn each_error_of_a_store_has_its_status() {
        let reference = store::Error::Reference {
            property: "customerId",
            message: "names no customer",
        };
        let named = Conflict::NamedBySalesInvoice("S00010".into());
        for (error, expected) in [
            (
                store::Error::NotFound(Noun::Customer),
                (404, "itemNotFound"),
            ),
            (
                store::Error::Stale(Noun::Customer),
                (412, "preconditionFailed"),
            ),
            (
                store::Error::Conflict(Conflict::IdTaken(Uuid::nil())),
                (409, "nameAlreadyExists"),
            ),
            (store::Error::Conflict(named), (409, "entityInUse")),
            (reference, (400, "invalidRequest")),
            (
                store::Error::Unavailable("disk".into()),
                (503, "serviceNotAvailable"),
            ),
            (
                store::Error::Broken("disk".into()),
                (503, "serviceNotAvailable"),
            ),
            (
                store::Error::OutcomeUnknown("disk".into()),
                (503, "serviceNotAvailable"),
            ),
            (
                store::Error::Full("disk".into()),
                (507, "insufficientStorage"),
            ),
            (store::Error::ReadOnly, (403, "accessDenied")),
            (store::Error::QueryTimeout, (400, "queryTimeout")),
            (store::Error::InProgress, (409, "requestInProgress")),
            (store::Error::KeyReused, (422, "idempotencyKeyReused")),
            (
                store::Error::Internal("bug".into()),
                (500, "generalException"),
            ),
        ] {
            assert_eq!(status(error), expected);
        }
    }

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        for error in [
            store::Error::Unavailable,
            store::Error::Internal,
            store::Error::Full,
            store::Error::Broken,
            store::Error::OutcomeUnknown,
        ] {
            let problem = Problem::from(ApiError::from(error("SELECT secret".to_owned())));
            assert!(!format!("{problem:?}").contains("secret"), "{problem:?}");
        }
        let unavailable = store::Error::Unavailable("disk".into());
        let problem = Problem::from(ApiError::from(unavailable));
        assert_eq!(problem.header_value::<u32>("Retry-After"), Some(1));
    }

    #[test]
    fn a_refused_token_is_told_how_to_authenticate() {
        let problem = Problem::from(Rejection::Expired);
        assert_eq!(problem.status, StatusCode::UNAUTHORIZED);
        let challenge = problem.header_value::<String>("WWW-Authenticate").unwrap();
        assert!(challenge.contains("invalid_token"), "{challenge}");
        let needed = "Financials.Read.All".to_owned();
        let problem = Problem::from(Rejection::Scope { needed });
        assert_eq!(problem.status, StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_are_enough() {
        for (milliseconds, expected) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            let problem = Problem::from(Rejection::TooMany(TooMany {
                what: What::Failures,
                rate: Rate {
                    per_second: 10,
                    burst: 20,
                },
                wait: Duration::from_millis(milliseconds),
            }));
            assert_eq!(problem.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(problem.header_value::<u64>("Retry-After"), Some(expected));
            assert_eq!(problem.header_value::<String>("WWW-Authenticate"), None);
            assert!(problem.message.contains("more than 10 failed"));
        }
    }
}
