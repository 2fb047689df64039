//! From an option's text to its tokens, each with the column where it starts.

use super::error::{Error, quoted};

/// A token of `$filter` or `$orderby`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// The column, in characters from 1.
    pub(super) at: usize,
    pub(super) kind: Kind<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Open,
    Close,
    Comma,
    /// What stood in quotes, without them.
    Text(String),
    /// A word, a name, a number: whatever stands between white space and signs.
    Bare(&'a str),
    /// Behind the last token.
    End,
}

impl Kind<'_> {
    /// As errors show what was found.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Text(text) => quoted(&format!("'{}'", text.replace('\'', "''"))),
            Self::Bare(word) => quoted(word),
            Self::End => "the end".to_owned(),
        }
    }

    /// Whether it is this word, in any letter case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Bare(own) if own.eq_ignore_ascii_case(word))
    }
}

/// All tokens of the text, in time that is linear in it; the last is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut lexer = Lexer { rest: text, at: 1 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let is_end = token.kind == Kind::End;
        tokens.push(token);
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Token<'a>, Error> {
        self.take_while(char::is_whitespace);
        let at = self.at;
        let sign = match self.rest.chars().next() {
            None => Kind::End,
            Some('(') => Kind::Open,
            Some(')') => Kind::Close,
            Some(',') => Kind::Comma,
            Some('\'') => return self.text(at),
            Some(_) => {
                let word = self.take_while(|c| !c.is_whitespace() && !"(),'".contains(c));
                let kind = Kind::Bare(word);
                return Ok(Token { at, kind });
            }
        };
        self.skip();
        Ok(Token { at, kind: sign })
    }

    /// What stands in quotes; two of them within are one.
    fn text(&mut self, at: usize) -> Result<Token<'a>, Error> {
        let mut text = String::new();
        loop {
            self.skip();
            text.push_str(self.take_while(|c| c != '\''));
            if self.rest.is_empty() {
                let message = "the text that starts here has no closing quote `'`";
                return Err(Error::new(at, message));
            }
            self.skip();
            if !self.rest.starts_with('\'') {
                break;
            }
            text.push('\'');
        }
        let kind = Kind::Text(text);
        Ok(Token { at, kind })
    }

    /// Passes one character, if there is one.
    fn skip(&mut self) {
        let mut characters = self.rest.chars();
        if characters.next().is_some() {
            self.rest = characters.as_str();
            self.at += 1;
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.at += taken.chars().count();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str)]) {
        let tokens = tokens(text).unwrap();
        let shown: Vec<_> = tokens
            .iter()
            .map(|token| (token.at, token.kind.describe()))
            .collect();
        let shown: Vec<_> = shown.iter().map(|(at, text)| (*at, &**text)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn tokens_know_their_column() {
        check("", &[(1, "the end")]);
        check(
            "  ä eq\t'ö''' ",
            &[(3, "`ä`"), (5, "`eq`"), (8, "`'ö'''`"), (14, "the end")],
        );
        check(
            "not(a in(1,-2.5))",
            &[
                (1, "`not`"),
                (4, "`(`"),
                (5, "`a`"),
                (7, "`in`"),
                (9, "`(`"),
                (10, "`1`"),
                (11, "`,`"),
                (12, "`-2.5`"),
                (16, "`)`"),
                (17, "`)`"),
                (18, "the end"),
            ],
        );
    }

    #[test]
    fn quotes_within_texts_are_doubled() {
        for (text, expected) in [
            ("''", ""),
            ("''''", "'"),
            ("'O''Brien'", "O'Brien"),
            ("'a''''b'", "a''b"),
            ("'(,)'", "(,)"),
        ] {
            assert_eq!(tokens(text).unwrap()[0].kind, Kind::Text(expected.into()));
        }
    }

    #[test]
    fn texts_must_end() {
        for (text, at) in [("'", 1), ("a eq 'b", 6), ("'''", 1), ("'a' 'b''", 5)] {
            let error = tokens(text).unwrap_err();
            assert_eq!(error.at, at, "{text}");
            assert!(error.message.contains("no closing quote"), "{text}");
        }
    }

    #[test]
    fn what_was_found_is_shown_shortened() {
        let long = "x".repeat(100);
        let shown = tokens(&long).unwrap()[0].kind.describe();
        assert_eq!(shown, format!("`{}…`", "x".repeat(40)));
    }
}
