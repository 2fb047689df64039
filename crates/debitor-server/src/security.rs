//! Refused accesses: a line of the log for each, under the target `security`, in the span of its request,
//! which has the request's id and operation. It says who was refused what, and nothing that the request holds.
//!
//! No row of the record of changes: whoever is refused could fill the disk with them, and would turn reads
//! into writes.

use uuid::Uuid;

use crate::auth::{Caller, Rejection};
use crate::store::{Error, Noun, Scope};

const TARGET: &str = "security";

/// A request had no caller.
pub(crate) fn unauthenticated(rejection: &Rejection) {
    tracing::info!(target: TARGET, refusal = ?rejection, "access refused");
}

/// The caller's token lacks the permission.
pub(crate) fn not_permitted(caller: &Caller) {
    refused(caller, None, "permission");
}

/// The company is not there for the caller, whether or not there is one, or may not be changed by it.
pub(crate) fn look_at(scope: &Scope, error: &Error) {
    let refusal = match error {
        Error::NotFound(Noun::Company) => "company",
        Error::ReadOnly => "change",
        _ => return,
    };
    refused(scope.caller(), Some(scope.company()), refusal);
}

fn refused(caller: &Caller, company: Option<Uuid>, refusal: &'static str) {
    tracing::info!(
        target: TARGET,
        refusal,
        actor = %caller,
        tenant = %caller.tenant(),
        company = company.map(tracing::field::display),
        "access refused"
    );
}
