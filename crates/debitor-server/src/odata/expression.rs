//! What `$filter` says, as a typed tree: one meaning, which the evaluator and the SQL of each engine
//! read alike.
//!
//! A condition is true, false or unknown, as OData's null is of the type boolean too. An entity is
//! listed where the whole condition is true.
//!
//! | condition | with null |
//! | --- | --- |
//! | `eq`, `ne`, `in` | null is a value: it equals null and nothing else. Never unknown |
//! | `gt`, `ge`, `lt`, `le` | false, whichever side is null. Never unknown |
//! | `contains`, `startswith`, `endswith` | unknown if a text is null |
//! | a boolean property by itself | unknown if it is null |
//! | `length`, `tolower`, `toupper` | null of null, which the comparison around them sees |
//! | a condition `eq true`, `eq false`, `eq null` | whether it is just that. Never unknown |
//!
//! | `a` | `b` | `not a` | `a and b` | `a or b` |
//! | --- | --- | --- | --- | --- |
//! | true | true | false | true | true |
//! | true | false | false | false | true |
//! | true | unknown | false | unknown | true |
//! | false | false | true | false | false |
//! | false | unknown | true | false | unknown |
//! | unknown | unknown | unknown | unknown | unknown |
//!
//! This is SQL's logic, so that only comparisons need care: SQL's are unknown where OData's are false
//! or, as `email ne 'x'` of a customer without email, true.
//!
//! Text is compared folded, by its bytes, and every text in the tree is folded already: see
//! [`super::value`]. `tolower` and `toupper` change nothing that a comparison sees, and so are here
//! only where `length` counts what they made.

use debitor_api::support::properties::Property;

use super::value::Value;

/// A condition on an entity with the properties `P`.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr<P> {
    /// All of them; two at least.
    And(Vec<Expr<P>>),
    /// Any of them; two at least.
    Or(Vec<Expr<P>>),
    Not(Box<Expr<P>>),
    /// Neither operand is null as such, and one at least is no literal. Both are of one type.
    Compare(Operand<P>, Comparison, Operand<P>),
    /// `eq null`; never a literal.
    IsNull(Operand<P>),
    /// One of these values, each a literal of the operand's type; one at least. `in` with a null
    /// among its values is an [`Expr::Or`] with [`Expr::IsNull`].
    In(Operand<P>, Vec<Value>),
    /// A function of two texts, not both of them literals.
    Text(TextFunction, Operand<P>, Operand<P>),
    /// A boolean property by itself.
    Flag(P),
    /// Whether a condition is true, false, or (without a value) unknown.
    Is(Box<Expr<P>>, Option<bool>),
    /// True, false or unknown, whatever the entity.
    Constant(Option<bool>),
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand<P> {
    Property(P),
    /// How many characters a text property has, as code points.
    Length(P, Form),
    Literal(Value),
}

/// Which of a property's texts is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// As it is kept.
    Original,
    /// As `tolower` and `toupper` give it, which can have more characters.
    Folded,
}

/// A comparison of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A function that tells something of a text by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextFunction {
    Contains,
    StartsWith,
    EndsWith,
}

impl Comparison {
    pub const ALL: [Self; 6] = [
        Self::Equal,
        Self::NotEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Less,
        Self::LessOrEqual,
    ];

    /// As requests write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }

    /// The comparison with its sides exchanged.
    pub const fn flipped(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }
}

impl TextFunction {
    pub const ALL: [Self; 3] = [Self::Contains, Self::StartsWith, Self::EndsWith];

    /// As requests write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
        }
    }
}

impl<P: Property> Expr<P> {
    /// The properties that the condition depends on, each as often as it is named.
    pub fn properties(&self) -> Vec<P> {
        let of = |operand: &Operand<P>| match operand {
            Operand::Property(property) | Operand::Length(property, _) => Some(*property),
            Operand::Literal(_) => None,
        };
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::properties).collect(),
            Self::Not(part) | Self::Is(part, _) => part.properties(),
            Self::Compare(left, _, right) | Self::Text(_, left, right) => {
                of(left).into_iter().chain(of(right)).collect()
            }
            Self::IsNull(operand) | Self::In(operand, _) => of(operand).into_iter().collect(),
            Self::Flag(property) => vec![*property],
            Self::Constant(_) => Vec::new(),
        }
    }
}
