//! `$search`: what a list is searched for (OData URL Conventions, section 5.1.7).
//!
//! | asked for | found |
//! | --- | --- |
//! | a term: `nord` | entities with a word that begins so |
//! | a phrase: `"nord hafen"` | entities with a text that contains it |
//!
//! [`words`] is what an entity's words are, for the evaluator and for every index: those of names and
//! numbers are runs of letters and digits; those of e-mail addresses the parts around the `@`; a
//! telephone number is one word of its digits. A term that is itself several words, as `nord-süd`, is
//! found where all are; one that could be cut in several ways where one way is found. All is folded.

mod parse;

pub use parse::parse;

use debitor_api::properties::CustomerProperty;
use debitor_api::support::properties::Property;

use super::value::{Value, value};

/// What is searched for. There is no unknown in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// All of them; two at least.
    And(Vec<Search>),
    /// Any of them; two at least.
    Or(Vec<Search>),
    Not(Box<Search>),
    /// Any of these ways to cut a term into words; each has one word at least, all of which must begin
    /// words of the entity.
    Term(Vec<Vec<String>>),
    /// Folded text that a text of the entity contains; not empty.
    Phrase(String),
}

/// Properties of which some are searched.
pub trait Searched: Property {
    /// Those that are, and how they are cut into words.
    const SEARCHED: &'static [(Self, Cut)];
}

/// How text is cut into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cut {
    /// Runs of letters and digits.
    Words,
    /// The parts of e-mail addresses around the `@`.
    Addresses,
    /// One word of all letters and digits.
    Joined,
}

impl Searched for CustomerProperty {
    const SEARCHED: &'static [(Self, Cut)] = &[
        (Self::DisplayName, Cut::Words),
        (Self::Number, Cut::Words),
        (Self::Email, Cut::Addresses),
        (Self::PhoneNumber, Cut::Joined),
        (Self::AddressCity, Cut::Words),
    ];
}

impl Cut {
    /// The words of folded text.
    pub fn words(self, folded: &str) -> Vec<String> {
        let has_word = |text: &&str| text.contains(char::is_alphanumeric);
        match self {
            Self::Words => owned(
                folded
                    .split(|c: char| !c.is_alphanumeric())
                    .filter(has_word),
            ),
            Self::Addresses => owned(
                folded
                    .split(|c: char| c.is_whitespace() || matches!(c, '@' | ';' | ',' | '<' | '>'))
                    .filter(has_word),
            ),
            Self::Joined => {
                let word: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
                Vec::from_iter((!word.is_empty()).then_some(word))
            }
        }
    }
}

fn owned<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    words.map(str::to_owned).collect()
}

/// The searched texts of an entity, folded, each with how it is cut.
pub fn texts<P: Searched>(entity: &[u8]) -> impl Iterator<Item = (String, Cut)> {
    P::SEARCHED
        .iter()
        .filter_map(|(property, cut)| match value(*property, entity)? {
            Value::Text(text) => Some((text, *cut)),
            Value::Number(_) | Value::Boolean(_) => None,
        })
}

/// The words of an entity, in order and each once: what an index of it holds.
pub fn words<P: Searched>(entity: &[u8]) -> Vec<String> {
    let mut words: Vec<String> = texts::<P>(entity)
        .flat_map(|(text, cut)| cut.words(&text))
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cut: Cut, text: &str, expected: &[&str]) {
        assert_eq!(cut.words(text), expected, "{text}");
    }

    #[test]
    fn texts_are_cut_as_their_property_needs() {
        check(Cut::Words, "müller & söhne-2", &["müller", "söhne", "2"]);
        check(Cut::Words, " - ", &[]);
        check(
            Cut::Addresses,
            "a.b@nord-hafen.example; c@d, <e@f>",
            &["a.b", "nord-hafen.example", "c", "d", "e", "f"],
        );
        check(Cut::Joined, "+49 (40) 5550-0142", &["494055500142"]);
        check(Cut::Joined, "+", &[]);
    }

    #[test]
    fn words_of_an_entity_are_in_order_and_each_once() {
        let customer = r#"{"number":"C1","displayName":"Nord NORD Öl","phoneNumber":"0 1","email":null,"address":{"city":"Nord"}}"#;
        let words = words::<CustomerProperty>(customer.as_bytes());
        assert_eq!(words, ["01", "c1", "nord", "öl"]);
    }
}
