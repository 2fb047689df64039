//! Problems made of faults, and fields of three states.

use axum::http::header::{ALLOW, RETRY_AFTER};

use crate::support::negotiate::method_not_allowed;
use crate::support::{Faults, Field, Problem};

fn faults(targets: &[&str]) -> Faults {
    let mut faults = Faults::default();
    for target in targets {
        faults.add("type", target, "must be a string");
    }
    faults
}

#[test]
fn one_fault_is_the_target() {
    let problem = faults(&["a"]).into_problem();
    assert_eq!(
        (problem.status.as_u16(), problem.code),
        (400, "invalidRequest")
    );
    assert_eq!(&*problem.message, "The request has 1 fault.");
    assert_eq!(
        (problem.target.as_deref(), problem.details.len()),
        (Some("a"), 1)
    );
}

#[test]
fn several_faults_have_no_common_target() {
    let problem = faults(&["a", "b"]).into_problem();
    assert_eq!(&*problem.message, "The request has 2 faults.");
    assert_eq!((problem.target, problem.details.len()), (None, 2));
}

#[test]
fn a_flood_of_faults_is_cut() {
    let problem = faults(&vec!["a"; 5000]).into_problem();
    assert_eq!(
        &*problem.message,
        "The request has 5000 faults, of which 100 are listed."
    );
    assert_eq!(problem.details.len(), 100);
}

#[test]
fn a_missing_precondition_alone_is_428() {
    let mut faults = Faults::default();
    faults.missing_precondition("If-Match");
    let problem = faults.into_problem();
    assert_eq!(
        (problem.status.as_u16(), problem.target.as_deref()),
        (428, Some("If-Match"))
    );
    let mut faults = Faults::default();
    faults.missing_precondition("If-Match");
    faults.add("type", "a", "must be a string");
    assert_eq!(faults.into_problem().status.as_u16(), 400);
}

#[test]
fn headers_are_found_in_any_case_and_as_their_type() {
    let problem = Problem::internal()
        .header(RETRY_AFTER, "7")
        .header(ALLOW, "bad\nvalue");
    assert_eq!(problem.header_value("Retry-After"), Some(7));
    assert_eq!(problem.header_value::<String>("allow"), None);
    assert_eq!(
        method_not_allowed("GET").header_value::<String>("allow"),
        Some("GET".into())
    );
}

#[test]
fn problems_are_small_enough_to_return() {
    assert!(size_of::<Problem>() < 128);
}

#[test]
fn a_field_changes_what_is_stored() {
    assert_eq!(Field::Absent.or(Some(1)), Some(1));
    assert_eq!(Field::Null.or(Some(1)), None);
    assert_eq!(Field::Value(2).or(Some(1)), Some(2));
    assert_eq!(Field::<u8>::from(None), Field::Null);
    assert_eq!(serde_json::to_string(&Field::Value("x")).unwrap(), r#""x""#);
    assert_eq!(
        serde_json::from_str::<Field<u8>>("null").unwrap(),
        Field::Null
    );
}
