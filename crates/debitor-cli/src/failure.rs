//! What went wrong, for the person (standard error) and for the script (the exit code).

use std::process::ExitCode;

use debitor_client::types::ODataErrorBody;
use debitor_client::{Error, ResponseValue};

use crate::output::{Unwritten, note};

/// The server answered an error, or something that the document does not know.
const ANSWERED: u8 = 1;
/// The command line, or the body it names, is wrong.
pub(crate) const USAGE: u8 = 2;
/// There is no answer.
const UNREACHED: u8 = 3;
/// Standard output does not take the answer; `EX_IOERR` of sysexits.h.
const UNWRITTEN: u8 = 74;

/// Tells a failure and gives the exit code that stands for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let Some(failure) = error.downcast_ref::<Error<ODataErrorBody>>() else {
        let is_unwritten = error.downcast_ref::<Unwritten>().is_some();
        let code = if is_unwritten { UNWRITTEN } else { USAGE };
        return fail(code, &format!("{error:#}"));
    };
    match failure {
        Error::ErrorResponse(answer) => fail(ANSWERED, &explain(answer)),
        Error::UnexpectedResponse(answer) => bodiless(answer),
        Error::InvalidResponsePayload(_, error) => fail(
            ANSWERED,
            &format!("the answer is not what the document says: {error}"),
        ),
        Error::InvalidRequest(problem) => fail(USAGE, problem),
        // A link that leads elsewhere.
        Error::Custom(problem) => fail(ANSWERED, problem),
        Error::CommunicationError(error) if error.is_redirect() => fail(
            ANSWERED,
            &format!("the redirect is not followed: {}", chain(error)),
        ),
        Error::CommunicationError(error)
        | Error::ResponseBodyError(error)
        | Error::InvalidUpgrade(error) => fail(
            UNREACHED,
            &format!("the server was not reached: {}", chain(error)),
        ),
    }
}

fn fail(code: u8, problem: &str) -> ExitCode {
    note(&format!("error: {problem}"));
    ExitCode::from(code)
}

/// The code, the message and every detail of an error body, when to try again, and the id to report it
/// by.
fn explain(answer: &ResponseValue<ODataErrorBody>) -> String {
    let error = &answer.error;
    let target = error.target.iter().map(|target| format!(" ({target})"));
    let details = error.details.iter().map(|detail| {
        let target = detail.target.as_deref().unwrap_or("(request)");
        format!("\n  {target}: {}: {}", detail.code, detail.message)
    });
    let header = |name: &str| answer.headers().get(name)?.to_str().ok();
    let wait = header("retry-after").map(|seconds| format!("\n  try again after {seconds} s"));
    let id = header("request-id").map(|id| format!("\n  request-id: {id}"));
    let head = format!("{}: {}: {}", answer.status(), error.code, error.message);
    std::iter::once(head)
        .chain(target)
        .chain(details)
        .chain(wait)
        .chain(id)
        .collect()
}

/// Answers that the client has no type for. Those for `If-None-Match` and for `Prefer` are well.
fn bodiless(answer: &reqwest::Response) -> ExitCode {
    let status = answer.status();
    if !status.is_success() && status != reqwest::StatusCode::NOT_MODIFIED {
        return fail(
            ANSWERED,
            &format!("the document does not know the answer {status}"),
        );
    }
    note(&format!("{status}"));
    if let Some(etag) = answer
        .headers()
        .get("etag")
        .and_then(|etag| etag.to_str().ok())
    {
        note(&format!("ETag: {etag}"));
    }
    ExitCode::SUCCESS
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
