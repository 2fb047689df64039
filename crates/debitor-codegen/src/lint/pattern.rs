//! Patterns that mean the same to ECMA-262 (the document, browsers) and to the `regex` crate (the
//! server): no look-around, no back-reference, no class whose members depend on the engine. `\s` is
//! let through: the engines disagree on U+0085 and U+FEFF only, and the list of the rest is long.

/// What is wrong with a pattern, and what to write instead.
type Fault = (String, &'static str);

pub(super) fn check(pattern: &str) -> Result<(), Fault> {
    regex::Regex::new(pattern).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim();
        let remedy = "write a pattern without look-around and back-references";
        (format!("`{pattern}` cannot be compiled ({reason})"), remedy)
    })?;
    escapes(pattern)?;
    groups(pattern)?;
    classes(pattern)
}

fn escapes(pattern: &str) -> Result<(), Fault> {
    let mut rest = pattern.chars();
    while let Some(found) = rest.next() {
        let Some(escaped) = rest.next_if_escape(found) else {
            continue;
        };
        if escaped.is_ascii_alphanumeric() && !matches!(escaped, 'n' | 'r' | 't' | 's' | 'S') {
            let problem = format!("`\\{escaped}` means different things to different engines");
            return Err((
                problem,
                "write the characters out, such as `[0-9]` for `\\d`",
            ));
        }
    }
    Ok(())
}

fn groups(pattern: &str) -> Result<(), Fault> {
    let mut rest = pattern;
    while let Some((_, after)) = rest.split_once("(?") {
        if !after.starts_with(':') {
            let problem = "a group with a name or with flags is not common to the engines".into();
            return Err((problem, "write `(...)` or `(?:...)`"));
        }
        rest = after;
    }
    Ok(())
}

/// The `regex` crate nests and subtracts classes; ECMA-262 takes the same signs literally.
fn classes(pattern: &str) -> Result<(), Fault> {
    let mut inside = false;
    let mut previous = ' ';
    let mut rest = pattern.chars();
    while let Some(found) = rest.next() {
        if rest.next_if_escape(found).is_some() {
            previous = ' ';
            continue;
        }
        if inside && (found == '[' || matches!(found, '&' | '~' | '-') && previous == found) {
            let problem = format!("`{found}` in a class means different things to the engines");
            return Err((problem, "put a backslash before it"));
        }
        inside = found == '[' || inside && found != ']';
        previous = found;
    }
    Ok(())
}

trait Escapes {
    /// The escaped character, if `found` is a backslash.
    fn next_if_escape(&mut self, found: char) -> Option<char>;
}

impl Escapes for std::str::Chars<'_> {
    fn next_if_escape(&mut self, found: char) -> Option<char> {
        if found == '\\' { self.next() } else { None }
    }
}
