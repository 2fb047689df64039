//! From the text of `$search` to what is searched for.
//!
//! Terms and phrases that follow each other must all be found, as with `AND` between them; `NOT` binds
//! more tightly than `AND`, and that than `OR`. The three words are in capitals: in small letters they
//! are terms. A term without letters or digits, such as `&`, is passed over.

use super::super::error::{Error, check_text, quoted};
use super::super::value::fold;
use super::{Cut, Search};

/// The longest `$search`, in bytes.
const LONGEST: usize = 1024;
/// How many terms, phrases and operators a search can have.
const MOST_NODES: usize = 100;
/// How deep parentheses and `NOT` can be within each other.
const DEEPEST: usize = 20;

/// What the text searches for.
pub fn parse(text: &str) -> Result<Search, Error> {
    check_text(text, LONGEST)?;
    let mut parser = Parser {
        next: None,
        rest: text,
        at: 1,
        depth: 0,
        nodes: 0,
    };
    parser.advance()?;
    let search = parser.or()?;
    match parser.next {
        None => Ok(search),
        Some(_) => Err(parser.expected("the end")),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    Term(&'a str),
    Phrase(String),
}

struct Parser<'a> {
    /// The next token and its column; none at the end.
    next: Option<(usize, Token<'a>)>,
    rest: &'a str,
    /// The column where the rest starts.
    at: usize,
    depth: usize,
    nodes: usize,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Result<Search, Error> {
        let mut parts = vec![self.and()?];
        while self.is(&Token::Or) {
            self.advance()?;
            parts.push(self.and()?);
        }
        Ok(joined(parts, Search::Or))
    }

    fn and(&mut self) -> Result<Search, Error> {
        let mut parts = vec![self.unary()?];
        loop {
            match self.next {
                Some((_, Token::And)) => self.advance()?,
                None | Some((_, Token::Or | Token::Close)) => break,
                Some(_) => {}
            }
            parts.push(self.unary()?);
        }
        Ok(joined(parts, Search::And))
    }

    fn unary(&mut self) -> Result<Search, Error> {
        let Some((at, token)) = self.next.take() else {
            return Err(self.expected("a word or a phrase in double quotes"));
        };
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Error::new(at, format!("more than {MOST_NODES} terms")));
        }
        match token {
            Token::Open => {
                self.advance()?;
                let inner = self.nested(at, Self::or)?;
                if !self.is(&Token::Close) {
                    return Err(self.expected("`)`"));
                }
                self.advance()?;
                Ok(inner)
            }
            Token::Not => {
                self.advance()?;
                let negated = self.nested(at, Self::unary)?;
                Ok(Search::Not(Box::new(negated)))
            }
            Token::Term(term) => {
                self.advance()?;
                Ok(Search::Term(cuts(&fold(term))))
            }
            Token::Phrase(phrase) => {
                self.advance()?;
                Ok(Search::Phrase(fold(&phrase)))
            }
            token @ (Token::Close | Token::And | Token::Or) => {
                self.next = Some((at, token));
                Err(self.expected("a word or a phrase in double quotes"))
            }
        }
    }

    fn nested(
        &mut self,
        at: usize,
        part: fn(&mut Self) -> Result<Search, Error>,
    ) -> Result<Search, Error> {
        if self.depth == DEEPEST {
            let message = format!("more than {DEEPEST} levels within each other");
            return Err(Error::new(at, message));
        }
        self.depth += 1;
        let part = part(self)?;
        self.depth -= 1;
        Ok(part)
    }

    fn is(&self, token: &Token<'_>) -> bool {
        self.next.as_ref().is_some_and(|(_, own)| own == token)
    }

    fn expected(&self, wanted: &str) -> Error {
        let (at, found) = match &self.next {
            None => (self.at, "the end".to_owned()),
            Some((at, token)) => (*at, token.describe()),
        };
        Error::new(at, format!("expected {wanted}, found {found}"))
    }

    /// Goes on to the next token that means something.
    fn advance(&mut self) -> Result<(), Error> {
        loop {
            self.take_while(char::is_whitespace);
            let at = self.at;
            let token = match self.rest.chars().next() {
                None => {
                    self.next = None;
                    return Ok(());
                }
                Some('(') => self.sign(Token::Open),
                Some(')') => self.sign(Token::Close),
                Some('"') => self.phrase()?,
                Some(_) => {
                    let word = self.take_while(|c| !c.is_whitespace() && !"()\"".contains(c));
                    Token::word(word)
                }
            };
            if !matches!(token, Token::Term(term) if !term.contains(char::is_alphanumeric)) {
                self.next = Some((at, token));
                return Ok(());
            }
        }
    }

    fn sign(&mut self, token: Token<'a>) -> Token<'a> {
        self.skip();
        token
    }

    /// What stands in double quotes; a backslash before one, or before another, takes its meaning.
    fn phrase(&mut self) -> Result<Token<'a>, Error> {
        let at = self.at;
        self.skip();
        let mut phrase = String::new();
        loop {
            phrase.push_str(self.take_while(|c| c != '"' && c != '\\'));
            let Some(sign) = self.skip() else {
                let message = "the phrase that starts here has no closing quote `\"`";
                return Err(Error::new(at, message));
            };
            if sign == '"' {
                break;
            }
            let escaped = self.rest.starts_with(['"', '\\']);
            phrase.push(if escaped {
                self.skip().unwrap_or(sign)
            } else {
                sign
            });
        }
        if phrase.is_empty() {
            return Err(Error::new(at, "the phrase is empty"));
        }
        Ok(Token::Phrase(phrase))
    }

    /// Passes one character, if there is one.
    fn skip(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let skipped = characters.next()?;
        self.rest = characters.as_str();
        self.at += 1;
        Some(skipped)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.at += taken.chars().count();
        taken
    }
}

impl<'a> Token<'a> {
    fn word(word: &'a str) -> Self {
        match word {
            "AND" => Self::And,
            "OR" => Self::Or,
            "NOT" => Self::Not,
            term => Self::Term(term),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Open => quoted("("),
            Self::Close => quoted(")"),
            Self::And => quoted("AND"),
            Self::Or => quoted("OR"),
            Self::Not => quoted("NOT"),
            Self::Term(term) => quoted(term),
            Self::Phrase(phrase) => quoted(&format!("\"{phrase}\"")),
        }
    }
}

fn joined(mut parts: Vec<Search>, join: fn(Vec<Search>) -> Search) -> Search {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

/// The ways to cut a term, which has a letter or digit, into the words of an entity: each once.
fn cuts(term: &str) -> Vec<Vec<String>> {
    // As an entity's telephone number is one word, one that is written in groups must be too.
    let is_number = term
        .chars()
        .all(|c| c.is_ascii_digit() || "+-/.".contains(c));
    let ways = [Cut::Words, Cut::Addresses].into_iter();
    let mut cuts: Vec<Vec<String>> = Vec::new();
    for way in ways.chain(is_number.then_some(Cut::Joined)) {
        let words = way.words(term);
        if !words.is_empty() && !cuts.contains(&words) {
            cuts.push(words);
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::CustomerProperty;

    use super::super::super::evaluate::finds;
    use super::*;

    fn show(search: &Search) -> String {
        let all = |word, parts: &[Search]| {
            let parts: Vec<_> = parts.iter().map(show).collect();
            format!("({word} {})", parts.join(" "))
        };
        match search {
            Search::And(parts) => all("and", parts),
            Search::Or(parts) => all("or", parts),
            Search::Not(part) => format!("(not {})", show(part)),
            Search::Term(cuts) => {
                let cuts: Vec<_> = cuts.iter().map(|words| words.join("+")).collect();
                cuts.join("|")
            }
            Search::Phrase(phrase) => format!("{phrase:?}"),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(show(&parse(text).unwrap()), expected, "{text}");
    }

    #[test]
    fn operators_bind_as_odata_says() {
        check("Nord", "nord");
        check("nord hafen", "(and nord hafen)");
        check("a AND b OR c", "(or (and a b) c)");
        check("a OR b c", "(or a (and b c))");
        check("NOT a b", "(and (not a) b)");
        check("(a OR b)AND NOT(c)", "(and (or a b) (not c))");
        check("a and b", "(and a and b)");
        check("\"Nord Hafen\" x", "(and \"nord hafen\" x)");
        check("\"a\\\"b\\\\c\\d\"", "\"a\\\"b\\\\c\\\\d\"");
        check("Müller & Söhne", "(and müller söhne)");
    }

    #[test]
    fn terms_are_cut_in_every_way_that_could_be_meant() {
        check("nord-hafen", "nord+hafen|nord-hafen");
        check("info@nord.example", "info+nord+example|info+nord.example");
        check("info@", "info");
        check("+49-40", "49+40|+49-40|4940");
        check("nord*", "nord|nord*");
    }

    #[track_caller]
    fn refuse(text: &str, at: usize, message: &str) {
        let error = parse(text).expect_err(text);
        assert_eq!((error.at, &*error.message), (at, message), "{text}");
    }

    #[test]
    fn errors_say_where_and_what() {
        let term = "expected a word or a phrase in double quotes, found";
        refuse("", 1, &format!("{term} the end"));
        refuse(" & ", 4, &format!("{term} the end"));
        refuse("a OR", 5, &format!("{term} the end"));
        refuse("OR a", 1, &format!("{term} `OR`"));
        refuse("a AND OR b", 7, &format!("{term} `OR`"));
        refuse("()", 2, &format!("{term} `)`"));
        refuse("(ä b", 5, "expected `)`, found the end");
        refuse("a)", 2, "expected the end, found `)`");
        refuse(
            "a \"b",
            3,
            "the phrase that starts here has no closing quote `\"`",
        );
        refuse("a \"\"", 3, "the phrase is empty");
        refuse(&"(".repeat(21), 21, "more than 20 levels within each other");
        refuse(&"a ".repeat(101), 201, "more than 100 terms");
        refuse("a \"\0\"", 4, "no text may contain the character U+0000");
        refuse(&"a".repeat(1025), 1025, "longer than 1024 bytes");
    }

    const CUSTOMER: &str = r#"{"number":"C10-2","displayName":"Nordhafen Öl & Gas","phoneNumber":"+49 40 5550-1","email":"info@nord-see.example","website":"secret.example","address":{"city":"Hamburg"}}"#;

    #[test]
    fn customers_are_found_by_the_beginnings_of_their_words() {
        for text in [
            "nord",
            "NORDHAFEN",
            "öl",
            "gas nord",
            "C10",
            "c10-2",
            "2",
            "info",
            "info@nord-see",
            "nord-see.ex",
            "4940",
            "+49-40",
            "ham",
            "x OR ham",
            "NOT x",
            "\"hafen öl & g\"",
            "\"40 5550\"",
            "\"@nord\"",
        ] {
            let found = finds::<CustomerProperty>(&parse(text).unwrap(), CUSTOMER.as_bytes());
            assert!(found, "{text}");
        }
        for text in [
            "hafen",
            "nordhafens",
            "nord x",
            "NOT nord",
            "40",
            "secret",
            "\"nord gas\"",
            "example",
            "\"gas info\"",
        ] {
            let found = finds::<CustomerProperty>(&parse(text).unwrap(), CUSTOMER.as_bytes());
            assert!(!found, "{text}");
        }
    }
}
