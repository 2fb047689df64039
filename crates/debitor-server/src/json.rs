//! The members of an object of JSON, found without parsing their values: bodies are stored as JSON,
//! and most of what is asked of one concerns few of its members.
//!
//! Only for JSON that this program wrote: without white space between tokens. Of anything else it
//! finds nothing more from the first surprise on.

use memchr::memchr2;

/// A member of an object, as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    /// The name, without its quotes; escapes stay as they are.
    pub(crate) name: &'a [u8],
    /// The value's JSON.
    pub(crate) value: &'a [u8],
    /// Name, colon and value.
    pub(crate) whole: &'a [u8],
}

/// The members of the object, in their order.
pub(crate) fn members(object: &[u8]) -> Members<'_> {
    Members {
        rest: object.strip_prefix(b"{").unwrap_or_default(),
    }
}

/// See [`members`].
#[derive(Debug, Clone)]
pub(crate) struct Members<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let name_end = string_end(self.rest)?;
        let value_start = name_end + 1;
        let value = self.rest.get(value_start..)?;
        let value = value.get(..value_end(value)?)?;
        let end = value_start + value.len();
        let member = Member {
            name: self.rest.get(1..name_end - 1)?,
            value,
            whole: self.rest.get(..end)?,
        };
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(member)
    }
}

/// Where the string that the text starts with ends, behind its closing quote.
fn string_end(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the value that the text starts with ends: before the comma or the brace behind it.
fn value_end(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += string_end(bytes.get(at..)?)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(object: &str) -> Vec<(&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        members(object.as_bytes())
            .map(|member| (text(member.name), text(member.value)))
            .collect()
    }

    #[test]
    fn each_kind_of_value_ends_where_it_ends() {
        let object = r#"{"a":"x,\"}\\","b":{"c":[1,{"d":"}"}]},"e":null,"f":-1.5,"g":[],"ü":"ö"}"#;
        let expected = [
            ("a", r#""x,\"}\\""#),
            ("b", r#"{"c":[1,{"d":"}"}]}"#),
            ("e", "null"),
            ("f", "-1.5"),
            ("g", "[]"),
            ("ü", r#""ö""#),
        ];
        assert_eq!(pairs(object), expected);
        let third = members(object.as_bytes()).nth(2).unwrap();
        assert_eq!(third.whole, br#""e":null"#);
    }

    #[test]
    fn whatever_is_no_object_has_no_more_members() {
        for text in [
            "",
            "{}",
            "[]",
            "{",
            "{\"a",
            "{\"a\":",
            "{\"a\":\"",
            "{\"a\":\"\\",
            "x",
        ] {
            assert_eq!(pairs(text), [], "{text}");
        }
        assert_eq!(pairs(r#"{"a":1,x"#), [("a", "1")]);
    }
}
