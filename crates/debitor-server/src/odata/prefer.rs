//! `Prefer`: whether the caller wants a body (RFC 7240; OData Protocol, section 8.2.8.7).

/// Whether `return=minimal` is preferred. Unknown preferences are ignored, and of a preference that
/// is stated twice the first counts.
pub fn wants_minimal(header: Option<&str>) -> bool {
    header
        .into_iter()
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("return"))
        .is_some_and(|(_, value)| {
            value
                .trim()
                .trim_matches('"')
                .eq_ignore_ascii_case("minimal")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minimal_is_found_among_others() {
        for header in [
            "return=minimal",
            "x, return=minimal",
            "RETURN=\"Minimal\"; a=b",
        ] {
            assert!(wants_minimal(Some(header)), "{header}");
        }
        for header in [
            "return=representation",
            "return",
            "return=representation,return=minimal",
        ] {
            assert!(!wants_minimal(Some(header)), "{header}");
        }
        assert!(!wants_minimal(None));
    }
}
