//! OData's key syntax: `/customers({key})` and `/customers('{key}')` mean `/customers/{key}`. And what
//! OData adds to paths, such as `/$count`, with its `$` encoded, as some clients encode every character
//! that is no letter or digit.

use std::borrow::Cow;

/// The path with every key as a segment of its own, and `$` as itself where it begins a segment.
pub fn as_segments(path: &str) -> Cow<'_, str> {
    // Both characters are in every key in parentheses, spelled as they are or percent-encoded.
    if !path.contains(')') && !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut changed = false;
    let segments: Vec<Cow<'_, str>> = path
        .split('/')
        .map(|segment| match split(segment) {
            Some((name, key)) => {
                changed = true;
                Cow::Owned(format!("{name}/{key}"))
            }
            None => match segment.strip_prefix("%24") {
                Some(name) => {
                    changed = true;
                    Cow::Owned(format!("${name}"))
                }
                None => Cow::Borrowed(segment),
            },
        })
        .collect();
    if changed {
        Cow::Owned(segments.join("/"))
    } else {
        Cow::Borrowed(path)
    }
}

/// `customers('{key}')` as `customers` and `{key}`; other segments are none of our business.
fn split(segment: &str) -> Option<(&str, &str)> {
    let inside = strip_end(segment, ")", "%29")?;
    let (name, key) = split_at_first(inside, "(", "%28")?;
    let key = unquote(key)?;
    let plain = |text: &str| !text.is_empty() && !text.contains(['(', ')', '\'']);
    (plain(name) && plain(key)).then_some((name, key))
}

/// The key without its quotes; none if only one end has one.
fn unquote(key: &str) -> Option<&str> {
    match (strip_start(key, "'", "%27"), strip_end(key, "'", "%27")) {
        (Some(rest), Some(_)) => strip_end(rest, "'", "%27"),
        (None, None) => Some(key),
        _ => None,
    }
}

fn strip_start<'a>(text: &'a str, plain: &str, encoded: &str) -> Option<&'a str> {
    text.strip_prefix(plain)
        .or_else(|| text.strip_prefix(encoded))
}

fn strip_end<'a>(text: &'a str, plain: &str, encoded: &str) -> Option<&'a str> {
    text.strip_suffix(plain)
        .or_else(|| text.strip_suffix(encoded))
}

fn split_at_first<'a>(text: &'a str, plain: &str, encoded: &str) -> Option<(&'a str, &'a str)> {
    let at = |mark: &str| text.find(mark).map(|position| (position, mark.len()));
    let (position, length) = match (at(plain), at(encoded)) {
        (Some(one), Some(other)) => one.min(other),
        (one, other) => one.or(other)?,
    };
    Some((&text[..position], &text[position + length..]))
}

#[cfg(test)]
mod tests {
    use super::as_segments;

    const KEY: &str = "3B2F52B9-52b9-3b2f-b952-2f3bb9522f3b";

    fn check(path: &str, expected: &str) {
        let expected = expected.replace("KEY", KEY);
        assert_eq!(as_segments(&path.replace("KEY", KEY)), expected, "{path}");
    }

    #[test]
    fn keys_in_parentheses_become_segments() {
        check("/customers(KEY)", "/customers/KEY");
        check("/customers('KEY')", "/customers/KEY");
        check("/customers%28KEY%29", "/customers/KEY");
        check("/customers(%27KEY%27)", "/customers/KEY");
        check("/customers%28%27KEY%27%29", "/customers/KEY");
        check("/customers%28'KEY')", "/customers/KEY");
    }

    #[test]
    fn every_segment_can_have_one() {
        check(
            "/v1.0/financials/companies(KEY)/salesInvoices('KEY')/customer",
            "/v1.0/financials/companies/KEY/salesInvoices/KEY/customer",
        );
        check(
            "/companies/KEY/customers(KEY)",
            "/companies/KEY/customers/KEY",
        );
    }

    #[test]
    fn what_odata_adds_begins_with_a_dollar_however_it_is_sent() {
        check("/customers/%24count", "/customers/$count");
        check(
            "/companies(KEY)/customers/%24count",
            "/companies/KEY/customers/$count",
        );
        check("/customers/a%24count", "/customers/a%24count");
    }

    #[test]
    fn a_key_that_is_no_guid_is_refused_later_by_its_operation() {
        check("/customers(abc)", "/customers/abc");
    }

    #[test]
    fn other_paths_stay_as_they_are() {
        for path in [
            "",
            "/",
            "/customers/KEY",
            "/customers()",
            "/customers('')",
            "/customers(')",
            "/(KEY)",
            "/customers('KEY)",
            "/customers(KEY')",
            "/customers(KEY",
            "/customersKEY)",
            "/a%20b",
            "/customers((KEY))",
            "/customers(KEY)x",
            "/customers(it''s)",
            "/docs/index.html",
        ] {
            check(path, path);
        }
    }
}
