//! `$orderby` from its text: properties separated by commas, each with `asc` or `desc` or neither.

use debitor_api::support::properties::Property;

use super::error::{Error, check_text};
use super::lexer::{Kind, Token, tokens};
use super::names;
use super::order::{Direction, Key, Order};

/// The longest `$orderby`, in bytes.
pub const LONGEST: usize = 1024;
/// How many keys an order can have.
pub const MOST_KEYS: usize = 5;

/// The order that the text says.
pub fn parse<P: Property>(text: &str) -> Result<Order<P>, Error> {
    check_text(text, LONGEST)?;
    let mut keys = Vec::new();
    let mut tokens = tokens(text)?.into_iter();
    loop {
        let Some(token) = tokens.next() else { break };
        if keys.len() == MOST_KEYS {
            let message = format!("more than {MOST_KEYS} properties");
            return Err(Error::new(token.at, message));
        }
        let property = property(&token)?;
        let mut next = tokens.next();
        let direction = next.as_ref().and_then(direction);
        if direction.is_some() {
            next = tokens.next();
        }
        keys.push(Key {
            property,
            direction: direction.unwrap_or(Direction::Ascending),
        });
        match next {
            Some(token) if token.kind == Kind::Comma => {}
            Some(token) if token.kind != Kind::End => {
                let wanted = if direction.is_some() {
                    "`,` or the end"
                } else {
                    "`asc`, `desc`, `,` or the end"
                };
                return Err(expected(wanted, &token));
            }
            _ => break,
        }
    }
    Ok(Order::new(keys))
}

fn property<P: Property>(token: &Token<'_>) -> Result<P, Error> {
    match token.kind {
        Kind::Bare(word) => names::property(word).map_err(|unknown| Error::new(token.at, unknown)),
        _ => Err(expected("a property", token)),
    }
}

fn direction(token: &Token<'_>) -> Option<Direction> {
    let known = [
        ("asc", Direction::Ascending),
        ("desc", Direction::Descending),
    ];
    let mut known = known.into_iter();
    known
        .find(|(word, _)| token.kind.is_word(word))
        .map(|(_, direction)| direction)
}

fn expected(wanted: &str, found: &Token<'_>) -> Error {
    let shown = found.kind.describe();
    Error::new(found.at, format!("expected {wanted}, found {shown}"))
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::CustomerProperty;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, Direction)]) {
        let order = parse::<CustomerProperty>(text).unwrap();
        let keys: Vec<_> = order
            .keys()
            .iter()
            .map(|key| (key.property.path(), key.direction))
            .collect();
        assert_eq!(keys, expected, "{text}");
    }

    #[test]
    fn keys_ascend_unless_they_say_otherwise() {
        use Direction::{Ascending, Descending};
        check("displayName", &[("displayName", Ascending)]);
        check(
            " NUMBER DESC,address/city asc , email",
            &[
                ("number", Descending),
                ("address/city", Ascending),
                ("email", Ascending),
            ],
        );
        check("id desc,number", &[("id", Descending)]);
    }

    #[track_caller]
    fn refuse(text: &str, at: usize, message: &str) {
        let error = parse::<CustomerProperty>(text).expect_err(text);
        assert_eq!((error.at, &*error.message), (at, message), "{text}");
    }

    #[test]
    fn errors_say_where_and_what() {
        refuse("", 1, "expected a property, found the end");
        refuse("number,", 8, "expected a property, found the end");
        refuse("number,,email", 8, "expected a property, found `,`");
        refuse("nummer", 1, "`nummer` names no property; perhaps `number`");
        refuse(
            "number down",
            8,
            "expected `asc`, `desc`, `,` or the end, found `down`",
        );
        refuse(
            "number asc desc",
            12,
            "expected `,` or the end, found `desc`",
        );
        refuse("length(number)", 1, {
            "`length` names no property; there are `id`, `number`, `displayName`, `type`, \
             `address/street`, `address/city`, `address/state`, `address/countryLetterCode`, \
             `address/postalCode`, `phoneNumber`, `email`, `website`, `taxLiable`, `taxAreaId`, \
             `taxAreaDisplayName`, `taxRegistrationNumber`, `currencyId`, `currencyCode`, \
             `paymentTermsId`, `shipmentMethodId`, `paymentMethodId`, `blocked` or \
             `lastModifiedDateTime`"
        });
        refuse("'number'", 1, "expected a property, found `'number'`");
        refuse("id,id,id,id,id,id", 16, "more than 5 properties");
        let long = "number,".repeat(150);
        refuse(&long, 1025, "longer than 1024 bytes");
    }
}
