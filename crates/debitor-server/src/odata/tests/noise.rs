//! Random texts that could be those of query options, or not.

use fastrand::Rng;

/// What tokens of all options are, and what only looks like them.
const NOISE: [&str; 48] = [
    "(",
    ")",
    ",",
    "'",
    "''",
    "\"",
    "\\",
    " ",
    "\t",
    "eq",
    "ne",
    "gt",
    "in",
    "and",
    "or",
    "not",
    "AND",
    "OR",
    "NOT",
    "null",
    "true",
    "contains",
    "contains(",
    "length(",
    "tolower(",
    "number",
    "address/city",
    "address",
    "taxLiable",
    "displayName eq 'x'",
    "-1",
    "1e308",
    "1e999",
    "NaN",
    "2026-01-31",
    "2026-01-31T12:00:00Z",
    "2026-02-30T99:99:99+99:99",
    "desc",
    "asc",
    "*",
    "$",
    "@",
    "\0",
    "\u{FEFF}",
    "ä",
    "𐐀",
    "\u{0301}",
    "3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b",
];

/// Text that could be that of an option, or not.
pub(super) fn noise(random: &mut Rng) -> String {
    let count = random.usize(..40);
    (0..count)
        .map(|_| match random.u8(..8) {
            0 => random.char(..).to_string(),
            _ => NOISE[random.usize(..NOISE.len())].to_owned(),
        })
        .collect()
}
