//! Patterns: from ECMA-262, which documents speak, to the syntax of Rust's engine.
//!
//! Only what both mean alike is taken, and what they mean differently (`\d`, `\s`, `.`) is spelt out,
//! so that the server matches exactly what every other reader of the document matches.

use regex::Regex;

/// The members of ECMA-262's `\s`.
const SPACES: &str =
    r"\t-\r \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}";

/// The same pattern for Rust's engine, or what cannot be carried.
pub fn translate(source: &str) -> Result<String, String> {
    let mut translated = String::new();
    let mut in_class = false;
    let mut characters = source.chars().peekable();
    while let Some(c) = characters.next() {
        let next = characters.peek().copied();
        match c {
            '\\' => {
                let escaped = characters.next().ok_or("it ends with `\\`")?;
                translated.push_str(&escape(escaped, in_class)?);
            }
            '[' if in_class => return Err("`[` within `[]` means different things".into()),
            '[' | ']' => {
                in_class = c == '[';
                translated.push(c);
            }
            '&' | '~' | '-' if in_class && next == Some(c) => {
                return Err(format!("`{c}{c}` within `[]` means different things"));
            }
            '.' if !in_class => translated.push_str(r"[^\n\r\u{2028}\u{2029}]"),
            '(' if next == Some('?') => {
                let mut ahead = characters.clone();
                ahead.next();
                if ahead.next() != Some(':') {
                    return Err("`(?` is carried as `(?:` only".into());
                }
                translated.push(c);
            }
            c => translated.push(c),
        }
    }
    Regex::new(&translated)
        .map(|_| translated)
        .map_err(|_| "it does not compile".into())
}

fn escape(escaped: char, in_class: bool) -> Result<String, String> {
    let class = |members: &str| {
        if in_class {
            members.to_owned()
        } else {
            format!("[{members}]")
        }
    };
    match escaped {
        'd' => Ok(class("0-9")),
        'w' => Ok(class("A-Za-z0-9_")),
        's' => Ok(class(SPACES)),
        'D' if !in_class => Ok("[^0-9]".into()),
        'W' if !in_class => Ok("[^A-Za-z0-9_]".into()),
        'S' if !in_class => Ok(format!("[^{SPACES}]")),
        'n' | 'r' | 't' | 'f' | 'v' => Ok(format!("\\{escaped}")),
        c if c.is_ascii_punctuation() => Ok(format!("\\{c}")),
        c => Err(format!(
            "`\\{c}` is not carried{}",
            if in_class { " within `[]`" } else { "" }
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, yes: &[&str], no: &[&str]) {
        let regex = Regex::new(&translate(source).unwrap()).unwrap();
        for text in yes {
            assert!(regex.is_match(text), "{source} should match {text:?}");
        }
        for text in no {
            assert!(!regex.is_match(text), "{source} should not match {text:?}");
        }
    }

    #[test]
    fn means_what_ecma_means() {
        check(r"^\d+$", &["12"], &["१२", "12\n"]);
        check(r"^\w$", &["a", "_"], &["ä"]);
        check(r"\S", &["a", " b\u{85}"], &["", " ", "\u{feff}"]);
        check(r"^[^@\s;]+$", &["a"], &["a b", "a\u{a0}b", ";"]);
        check(r"^.$", &["a"], &["\n", "\u{2028}"]);
        check(r#"^(\*|(W/)?"[^"]*")$"#, &["*", r#"W/"1""#], &["**", "W/1"]);
        check(r"^(?:a|b)\.\/$", &["a./"], &["a"]);
    }

    #[test]
    fn what_cannot_be_carried_is_refused() {
        for source in [
            r"\bx",
            "(?=x)",
            "(?i)x",
            r"\1",
            "[[:alpha:]]",
            "[a&&b]",
            "(",
            r"\p{L}",
            r"[\S]",
            "\\",
        ] {
            assert!(translate(source).is_err(), "{source}");
        }
    }
}
