//! The document's error body, filled from what went wrong: the one place that knows its properties.

use crate::support::{Context, ErrorBody, Fault, Problem};
use crate::types::{ODataError, ODataErrorBody, ODataErrorDetail, ODataInnerError};

impl ErrorBody for ODataErrorBody {
    fn new(problem: Problem, context: &Context) -> Self {
        let details: Vec<_> = problem
            .details
            .into_iter()
            .map(ODataErrorDetail::from)
            .collect();
        let error = ODataError {
            code: problem.code.to_owned(),
            message: problem.message.into_string(),
            target: problem.target.map(str::into_string),
            details: if details.is_empty() {
                None
            } else {
                Some(details)
            },
            inner_error: Some(ODataInnerError {
                code: problem.inner_code.map(str::to_owned),
                date: Some(context.received_at),
                request_id: Some(context.request_id),
                client_request_id: context.client_request_id,
            }),
        };
        Self { error }
    }
}

impl From<Fault> for ODataErrorDetail {
    fn from(fault: Fault) -> Self {
        Self {
            code: fault.code.to_owned(),
            message: fault.message,
            target: Some(fault.target),
        }
    }
}
