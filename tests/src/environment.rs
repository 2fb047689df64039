//! What the environment says to the tests; nothing else in them reads it.

/// On which engine the end-to-end suite runs: `sqlite`, as it is without, or `postgres`.
pub(crate) const STORE: &str = "DEBITOR_TEST_STORE";
/// A PostgreSQL to use in place of a private one: the address of a user who may do everything.
pub(crate) const POSTGRES_URL: &str = "DEBITOR_TEST_POSTGRES_URL";

/// How many random filters each engine's lists are tried with.
const FILTERS: &str = "DEBITOR_TEST_FILTERS";

/// How many random filters are tried: 20,000 unless the environment says otherwise.
pub fn filters() -> usize {
    variable(FILTERS).map_or(20_000, |text| text.parse().expect("a number of filters"))
}

/// The value of a variable, if it is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests have no configuration file; this is their one place"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
