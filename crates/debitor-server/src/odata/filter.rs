//! `$filter`: from its text to the tree (OData URL Conventions, section 5.1.2).
//!
//! Recursive descent over tokens that cannot be taken back, so that the time is linear in the text.
//! Precedence is OData's, the strongest first: `not`; `gt ge lt le in`; `eq ne`; `and`; `or`.

mod terms;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::mem;

use debitor_api::support::properties::Property;

use self::terms::{Term, What};
use super::error::{Error, check_text, quoted};
use super::expression::{Comparison, Expr, Form, TextFunction};
use super::lexer::{Kind, Token, tokens};
use super::literal::{Literal, no_date};
use super::names;

/// The longest `$filter`, in bytes.
pub const LONGEST: usize = 4096;
/// How many conditions, operators, functions and values of `in` a filter can have.
pub const MOST_NODES: usize = 100;
/// How deep parentheses, functions and `not` can be within each other.
pub const DEEPEST: usize = 20;

/// What those who write a text without quotes have to know.
const QUOTES: &str = "a text stands in quotes";

const EQUALITIES: [Comparison; 2] = [Comparison::Equal, Comparison::NotEqual];
const RELATIONS: [Comparison; 4] = [
    Comparison::Greater,
    Comparison::GreaterOrEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
];
const FUNCTIONS: [&str; 6] = [
    "contains",
    "startswith",
    "endswith",
    "length",
    "tolower",
    "toupper",
];

/// The condition that the text says.
pub fn parse<P: Property>(text: &str) -> Result<Expr<P>, Error> {
    check_text(text, LONGEST)?;
    parse_tokens(tokens(text)?.into_iter())
}

fn parse_tokens<'a, P: Property>(
    mut tokens: impl Iterator<Item = Token<'a>>,
) -> Result<Expr<P>, Error> {
    let Some(next) = tokens.next() else {
        return Err(expected(1, "a condition", &Kind::End));
    };
    let mut parser = Parser {
        next,
        rest: tokens,
        depth: 0,
        nodes: 0,
        properties: PhantomData,
    };
    let term = parser.or()?;
    let expr = parser.condition(term)?;
    match parser.next.kind {
        Kind::End => Ok(expr),
        _ => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

fn expected(at: usize, wanted: &str, found: &Kind<'_>) -> Error {
    let found = found.describe();
    Error::new(at, format!("expected {wanted}, found {found}"))
}

/// The word as a literal, if it is meant as one.
fn literal(at: usize, word: &str) -> Result<Option<Literal>, Error> {
    match (Literal::bare(word), no_date(word)) {
        (None, Some(told)) => Err(Error::new(at, format!("{told}; {QUOTES}"))),
        (literal, _) => Ok(literal),
    }
}

struct Parser<'a, I, P> {
    next: Token<'a>,
    rest: I,
    depth: usize,
    nodes: usize,
    properties: PhantomData<P>,
}

impl<'a, I: Iterator<Item = Token<'a>>, P: Property> Parser<'a, I, P> {
    fn or(&mut self) -> Result<Term<P>, Error> {
        self.joined("or", Self::and, Expr::Or)
    }

    fn and(&mut self) -> Result<Term<P>, Error> {
        self.joined("and", Self::equality, Expr::And)
    }

    /// One part, or several with the word between them.
    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Term<P>, Error>,
        join: fn(Vec<Expr<P>>) -> Expr<P>,
    ) -> Result<Term<P>, Error> {
        let first = part(self)?;
        if !self.next.kind.is_word(word) {
            return Ok(first);
        }
        let at = first.at;
        let mut parts = vec![self.condition(first)?];
        while self.next.kind.is_word(word) {
            let operator = self.take();
            self.count(operator.at)?;
            let next = part(self)?;
            parts.push(self.condition(next)?);
        }
        Ok(Term::condition(at, join(parts)))
    }

    fn equality(&mut self) -> Result<Term<P>, Error> {
        let left = self.relation()?;
        let compared = self.compared(left, &EQUALITIES, Self::relation)?;
        let next = &self.next.kind;
        if next.is_word("in") || Comparison::ALL.iter().any(|one| next.is_word(one.name())) {
            return Err(self.unexpected("parentheses around one of several comparisons"));
        }
        Ok(compared)
    }

    fn relation(&mut self) -> Result<Term<P>, Error> {
        let left = self.unary()?;
        if self.next.kind.is_word("in") {
            return self.membership(&left);
        }
        self.compared(left, &RELATIONS, Self::unary)
    }

    /// The comparison that follows, if it is one of these.
    fn compared(
        &mut self,
        left: Term<P>,
        comparisons: &[Comparison],
        part: fn(&mut Self) -> Result<Term<P>, Error>,
    ) -> Result<Term<P>, Error> {
        let next = &self.next.kind;
        let mut comparisons = comparisons.iter();
        let Some(comparison) = comparisons.find(|one| next.is_word(one.name())) else {
            return Ok(left);
        };
        let operator = self.take();
        self.count(operator.at)?;
        let right = part(self)?;
        let at = left.at;
        Ok(Term::condition(
            at,
            terms::compare(left, *comparison, right)?,
        ))
    }

    fn membership(&mut self, left: &Term<P>) -> Result<Term<P>, Error> {
        let operator = self.take();
        self.count(operator.at)?;
        self.expect(&Kind::Open, "`(` and the values behind `in`")?;
        let mut values = Vec::new();
        loop {
            values.push(self.literal()?);
            match self.next.kind {
                Kind::Comma => self.take(),
                Kind::Close => break,
                _ => return Err(self.unexpected("`,` or `)`")),
            };
        }
        self.take();
        let at = left.at;
        Ok(Term::condition(at, terms::is_in(left, &values)?))
    }

    /// A value of `in`.
    fn literal(&mut self) -> Result<Term<P>, Error> {
        let token = self.take();
        self.count(token.at)?;
        let (at, shown) = (token.at, token.kind.describe());
        let literal = match token.kind {
            Kind::Text(text) => Some(What::Literal(Literal::Text(text))),
            Kind::Bare(word) if word.eq_ignore_ascii_case("null") => Some(What::Null),
            Kind::Bare(word) => literal(at, word)?.map(What::Literal),
            Kind::Open | Kind::Close | Kind::Comma | Kind::End => None,
        };
        match literal {
            Some(what) => Ok(Term { at, shown, what }),
            None => Err(Error::new(at, format!("expected a literal, found {shown}"))),
        }
    }

    fn unary(&mut self) -> Result<Term<P>, Error> {
        if !self.next.kind.is_word("not") {
            return self.primary();
        }
        let at = self.take().at;
        self.count(at)?;
        let negated = self.nested(at, Self::unary)?;
        let Ok(condition) = negated.into_condition() else {
            let message = "`not` binds more tightly than comparisons: put what it negates in \
                           parentheses, as in `not (number eq '1')`";
            return Err(Error::new(at, message));
        };
        Ok(Term::condition(at, Expr::Not(Box::new(condition))))
    }

    fn primary(&mut self) -> Result<Term<P>, Error> {
        let token = self.take();
        let (at, shown) = (token.at, token.kind.describe());
        let what = match token.kind {
            Kind::Open => {
                let inner = self.nested(at, Self::or)?;
                self.expect(&Kind::Close, "`)`")?;
                return Ok(inner);
            }
            Kind::Text(text) => What::Literal(Literal::Text(text)),
            Kind::Bare(word) if self.next.kind == Kind::Open => return self.function(at, word),
            Kind::Bare(word) => self.word(at, word)?,
            kind @ (Kind::Comma | Kind::Close | Kind::End) => {
                return Err(expected(at, "a property, a literal or a function", &kind));
            }
        };
        Ok(Term { at, shown, what })
    }

    fn word(&mut self, at: usize, word: &str) -> Result<What<P>, Error> {
        if word.eq_ignore_ascii_case("null") {
            return Ok(What::Null);
        }
        if let Some(literal) = literal(at, word)? {
            return Ok(What::Literal(literal));
        }
        if let Kind::Text(_) = self.next.kind {
            let message = format!("{} cannot stand before a literal", quoted(word));
            return Err(Error::new(at, message));
        }
        names::property(word)
            .map(|property| What::Property(property, Form::Original))
            .map_err(|unknown| Error::new(at, format!("{unknown}; {QUOTES}")))
    }

    fn function(&mut self, at: usize, word: &str) -> Result<Term<P>, Error> {
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        self.count(at)?;
        let text = TextFunction::ALL.into_iter().find(|own| is(own.name()));
        if text.is_none() && !FUNCTIONS.into_iter().any(is) {
            let (shown, known) = (quoted(word), names::list(&FUNCTIONS));
            return Err(Error::new(
                at,
                format!("{shown} is no function; there are {known}"),
            ));
        }
        self.take();
        let first = self.nested(at, Self::primary)?;
        let what = if let Some(function) = text {
            self.expect(&Kind::Comma, "`,` and the function's second text")?;
            let second = self.nested(at, Self::primary)?;
            What::Condition(terms::text(function, &first, &second)?)
        } else if is("length") {
            terms::length(&first)?
        } else {
            terms::folded(&first)?
        };
        self.expect(&Kind::Close, "`)`")?;
        let shown = quoted(word);
        Ok(Term { at, shown, what })
    }

    /// What lies one level deeper.
    fn nested<T>(
        &mut self,
        at: usize,
        part: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth == DEEPEST {
            let message = format!("more than {DEEPEST} levels within each other");
            return Err(Error::new(at, message));
        }
        self.depth += 1;
        let part = part(self)?;
        self.depth -= 1;
        Ok(part)
    }

    fn count(&mut self, at: usize) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes <= MOST_NODES {
            return Ok(());
        }
        let message = format!("more than {MOST_NODES} operators, functions and values of `in`");
        Err(Error::new(at, message))
    }

    /// The term as a condition; if it is none, a comparison is missing where the next token is.
    fn condition(&mut self, term: Term<P>) -> Result<Expr<P>, Error> {
        term.into_condition().map_err(|term| {
            let wanted = format!("a comparison such as `eq` behind {}", term.shown);
            self.unexpected(&wanted)
        })
    }

    fn expect(&mut self, kind: &Kind<'_>, wanted: &str) -> Result<(), Error> {
        if self.next.kind != *kind {
            return Err(self.unexpected(wanted));
        }
        self.take();
        Ok(())
    }

    fn unexpected(&self, wanted: &str) -> Error {
        expected(self.next.at, wanted, &self.next.kind)
    }

    /// The next token; tokens cannot be given back.
    fn take(&mut self) -> Token<'a> {
        let (at, kind) = (self.next.at, Kind::End);
        let following = self.rest.next().unwrap_or(Token { at, kind });
        mem::replace(&mut self.next, following)
    }
}
