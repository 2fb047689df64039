//! What stands between operators, and what operators make of it: the types are checked here.
//!
//! What literals alone decide is decided at once, and a literal in the tree stands on the right.

use debitor_api::support::properties::{Property, Type};

use super::super::error::Error;
use super::super::evaluate;
use super::super::expression::{Comparison, Expr, Form, Operand, TextFunction};
use super::super::literal::{Literal, describe, is_value_of};
use super::super::value::{Value, fold};

/// A part of a filter, with what errors tell of it.
#[derive(Debug)]
pub(super) struct Term<P> {
    pub(super) at: usize,
    pub(super) shown: String,
    pub(super) what: What<P>,
}

#[derive(Debug)]
pub(super) enum What<P> {
    Condition(Expr<P>),
    Null,
    Literal(Literal),
    Property(P, Form),
    Length(P, Form),
}

impl<P: Property> Term<P> {
    pub(super) fn condition(at: usize, expr: Expr<P>) -> Self {
        let what = What::Condition(expr);
        let shown = "a condition".to_owned();
        Self { at, shown, what }
    }

    /// As a condition by itself, if it can be one.
    pub(super) fn into_condition(self) -> Result<Expr<P>, Self> {
        match self.what {
            What::Condition(expr) => Ok(expr),
            What::Null => Ok(Expr::Constant(None)),
            What::Literal(Literal::Boolean(truth)) => Ok(Expr::Constant(Some(truth))),
            What::Property(property, _) if property.kind() == Type::Boolean => {
                Ok(Expr::Flag(property))
            }
            _ => Err(self),
        }
    }

    /// What depends on the entity, with its type.
    fn operand(&self) -> Option<(Operand<P>, Type)> {
        match self.what {
            What::Property(property, _) => Some((Operand::Property(property), property.kind())),
            What::Length(property, form) => Some((Operand::Length(property, form), Type::Number)),
            What::Condition(_) | What::Null | What::Literal(_) => None,
        }
    }

    /// What does not depend on it: null, or the literal's value as one of the type.
    fn constant(&self, kind: Type) -> Result<Option<Value>, Error> {
        let value = match &self.what {
            What::Null => return Ok(None),
            What::Literal(literal) => literal.value(kind),
            _ => None,
        };
        value
            .map(Some)
            .ok_or_else(|| self.expected(&describe(kind)))
    }

    fn is_constant(&self) -> bool {
        matches!(self.what, What::Null | What::Literal(_))
    }

    fn expected(&self, wanted: &str) -> Error {
        let found = &self.shown;
        Error::new(self.at, format!("expected {wanted}, found {found}"))
    }
}

/// `left comparison right`
pub(super) fn compare<P: Property>(
    left: Term<P>,
    comparison: Comparison,
    right: Term<P>,
) -> Result<Expr<P>, Error> {
    if left.is_constant() && !right.is_constant() {
        return compare(right, comparison.flipped(), left);
    }
    let left = match left {
        Term {
            what: What::Condition(expr),
            ..
        } => return compare_condition(expr, comparison, &right),
        left => left,
    };
    match left.operand() {
        Some((operand, kind)) => compare_operand(operand, kind, comparison, &right),
        None => compare_constants(&left, comparison, &right),
    }
}

fn compare_constants<P: Property>(
    left: &Term<P>,
    comparison: Comparison,
    right: &Term<P>,
) -> Result<Expr<P>, Error> {
    let mut literals = [left, right]
        .into_iter()
        .filter_map(|term| match &term.what {
            What::Literal(literal) => Some(literal.kind()),
            _ => None,
        });
    // Null is of every type.
    let kind = literals.next().unwrap_or(Type::Text);
    let (left, right) = (left.constant(kind)?, right.constant(kind)?);
    let truth = evaluate::compare(comparison, left.as_ref(), right.as_ref());
    Ok(Expr::Constant(Some(truth)))
}

fn compare_condition<P: Property>(
    expr: Expr<P>,
    comparison: Comparison,
    right: &Term<P>,
) -> Result<Expr<P>, Error> {
    let truth = match right.what {
        What::Null => None,
        What::Literal(Literal::Boolean(truth)) => Some(truth),
        _ => return Err(right.expected("`true`, `false` or `null` to compare a condition with")),
    };
    let is = Expr::Is(Box::new(expr), truth);
    match comparison {
        Comparison::Equal => Ok(is),
        Comparison::NotEqual => Ok(Expr::Not(Box::new(is))),
        _ => Err(right.expected("`eq` or `ne` between a condition and this")),
    }
}

fn compare_operand<P: Property>(
    left: Operand<P>,
    kind: Type,
    comparison: Comparison,
    right: &Term<P>,
) -> Result<Expr<P>, Error> {
    if let Some((operand, other)) = right.operand() {
        if !is_comparable(kind, other) {
            return Err(right.expected(&describe(kind)));
        }
        return Ok(Expr::Compare(left, comparison, operand));
    }
    let Some(value) = right.constant(kind)? else {
        let is_null = Expr::IsNull(left);
        return Ok(match comparison {
            Comparison::Equal => is_null,
            Comparison::NotEqual => Expr::Not(Box::new(is_null)),
            _ => Expr::Constant(Some(false)),
        });
    };
    let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    if is_equality && !is_value_of(kind, &value) {
        return Err(right.expected(&describe(kind)));
    }
    Ok(Expr::Compare(left, comparison, Operand::Literal(value)))
}

/// Whether values of both types can be compared; enumerations are texts.
fn is_comparable(one: Type, other: Type) -> bool {
    let is_text = |kind| matches!(kind, Type::Text | Type::Enumeration(_));
    one == other || (is_text(one) && is_text(other))
}

/// `left in (values)`
pub(super) fn is_in<P: Property>(left: &Term<P>, values: &[Term<P>]) -> Result<Expr<P>, Error> {
    let Some((operand, kind)) = left.operand() else {
        return Err(left.expected("a property before `in`"));
    };
    let mut known = Vec::new();
    let mut has_null = false;
    for term in values {
        match term.constant(kind)? {
            Some(value) if is_value_of(kind, &value) => known.push(value),
            Some(_) => return Err(term.expected(&describe(kind))),
            None => has_null = true,
        }
    }
    Ok(match (known.is_empty(), has_null) {
        (true, _) => Expr::IsNull(operand),
        (false, false) => Expr::In(operand, known),
        (false, true) => Expr::Or(vec![
            Expr::In(operand.clone(), known),
            Expr::IsNull(operand),
        ]),
    })
}

/// `function(text, part)`
pub(super) fn text<P: Property>(
    function: TextFunction,
    text: &Term<P>,
    part: &Term<P>,
) -> Result<Expr<P>, Error> {
    let (text, part) = (text_operand(text)?, text_operand(part)?);
    Ok(match (text, part) {
        (Some(Operand::Literal(text)), Some(Operand::Literal(part))) => {
            Expr::Constant(evaluate::apply(function, Some(&text), Some(&part)))
        }
        (Some(text), Some(part)) => Expr::Text(function, text, part),
        _ => Expr::Constant(None),
    })
}

/// A text; none if it is null.
fn text_operand<P: Property>(term: &Term<P>) -> Result<Option<Operand<P>>, Error> {
    match term.operand() {
        Some((operand, kind)) if is_comparable(kind, Type::Text) => Ok(Some(operand)),
        Some(_) => Err(term.expected("a text")),
        None => Ok(term.constant(Type::Text)?.map(Operand::Literal)),
    }
}

/// `length(text)`
pub(super) fn length<P: Property>(text: &Term<P>) -> Result<What<P>, Error> {
    text_operand(text)?;
    Ok(match &text.what {
        What::Property(property, form) => What::Length(*property, *form),
        What::Literal(Literal::Text(text)) => {
            // Options are far shorter than numbers are exact.
            let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            What::Literal(Literal::Number(length.into()))
        }
        _ => What::Null,
    })
}

/// `tolower(text)` and `toupper(text)`
pub(super) fn folded<P: Property>(text: &Term<P>) -> Result<What<P>, Error> {
    text_operand(text)?;
    Ok(match &text.what {
        What::Property(property, _) => What::Property(*property, Form::Folded),
        What::Literal(Literal::Text(text)) => What::Literal(Literal::Text(fold(text))),
        _ => What::Null,
    })
}
