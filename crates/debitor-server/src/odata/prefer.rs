//! `Prefer`: what the caller would like, if it can be had (RFC 7240; OData Protocol, section 8.2.8).

/// Whether `return=minimal` is preferred: no body in the answer.
pub fn wants_minimal(header: Option<&str>) -> bool {
    preference(header, &["return"]).is_some_and(|value| value.eq_ignore_ascii_case("minimal"))
}

/// The largest page that is wanted; it is named `maxpagesize` too since OData 4.01. What is no
/// positive number is ignored, as are unknown preferences.
pub fn max_page_size(header: Option<&str>) -> Option<u32> {
    let value = preference(header, &["odata.maxpagesize", "maxpagesize"])?;
    value.parse().ok().filter(|size| *size > 0)
}

/// The value of a preference; of one that is stated twice the first counts.
fn preference<'a>(header: Option<&'a str>, names: &[&str]) -> Option<&'a str> {
    let stated = header.into_iter().flat_map(|value| value.split(','));
    let mut stated = stated.filter_map(|one| one.split(';').next()?.split_once('='));
    let is_meant = |name: &str| names.iter().any(|own| own.eq_ignore_ascii_case(name));
    let (_, value) = stated.find(|(name, _)| is_meant(name.trim()))?;
    Some(value.trim().trim_matches('"'))
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

    #[test]
    fn page_sizes_are_positive_numbers() {
        for (header, expected) in [
            ("odata.maxpagesize=50", Some(50)),
            ("respond-async, OData.MaxPageSize = \"7\"", Some(7)),
            ("maxpagesize=3;x=y", Some(3)),
            ("odata.maxpagesize=1,odata.maxpagesize=2", Some(1)),
            ("odata.maxpagesize=0", None),
            ("odata.maxpagesize=-1", None),
            ("odata.maxpagesize=many", None),
            ("odata.maxpagesize=99999999999", None),
            ("odata.maxpagesize", None),
            ("return=minimal", None),
        ] {
            assert_eq!(max_page_size(Some(header)), expected, "{header}");
        }
        assert_eq!(max_page_size(None), None);
    }
}
