//! `$skiptoken`: where a page starts, in a text that only this service can make.
//!
//! It holds the last entity's values of the order's keys and its id, so that the next page starts
//! behind them at the same cost wherever that is, and whatever has become of the entity. It is signed
//! together with what the list is and which entities of it are asked for: with another tenant, company
//! or query it is refused.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use debitor_api::support::properties::{Property, Type};
use uuid::Uuid;

use super::order::{Order, Position};
use super::value::Value;

/// The longest token, in bytes: any five texts of an entity, of which a company has two of 250 characters,
/// a customer one of 152 and others of 100 at most, and some room.
pub const LONGEST: usize = 4 * 1024;
/// The form of what tokens hold; others are refused.
const FORM: u8 = 1;
const SIGNATURE: usize = 32;

/// What signs tokens. All servers of a store share one, so that each can go on where another ended.
#[derive(Debug, Clone)]
pub struct Key(hmac::Key);

/// What a token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    pub tenant: Uuid,
    /// None for the list of companies.
    pub company: Option<Uuid>,
    /// The list's name, such as `customers`.
    pub list: &'a str,
    pub query: Query<'a>,
}

/// The options that say which entities are listed, and what of them, as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Query<'a> {
    pub filter: Option<&'a str>,
    pub orderby: Option<&'a str>,
    pub search: Option<&'a str>,
    pub select: Option<&'a str>,
}

impl Key {
    /// A key of its own, made from a secret that may have other uses.
    pub fn derive(secret: &[u8]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&secret, b"debitor $skiptoken");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The token of the place behind this position.
    pub fn write(&self, binding: &Binding<'_>, position: &Position) -> String {
        let content = content(position);
        let signature = hmac::sign(&self.0, &signed(binding, &content));
        BASE64.encode([signature.as_ref(), &content].concat())
    }

    /// The position that a token holds; none if it is none of ours for this binding.
    pub fn read<P: Property>(
        &self,
        binding: &Binding<'_>,
        order: &Order<P>,
        token: &str,
    ) -> Option<Position> {
        if token.len() > LONGEST {
            return None;
        }
        let token = BASE64.decode(token).ok()?;
        let (signature, content) = token.split_at_checked(SIGNATURE)?;
        hmac::verify(&self.0, &signed(binding, content), signature).ok()?;
        read_content(content, order)
    }
}

/// All that is signed, so that two of them are equal only if all their parts are.
fn signed(binding: &Binding<'_>, content: &[u8]) -> Vec<u8> {
    let query = binding.query;
    let company = binding.company.map(Uuid::into_bytes);
    let parts = [
        Some(&binding.tenant.as_bytes()[..]),
        company.as_ref().map(<[u8; 16]>::as_slice),
        Some(binding.list.as_bytes()),
        query.filter.map(str::as_bytes),
        query.orderby.map(str::as_bytes),
        query.search.map(str::as_bytes),
        query.select.map(str::as_bytes),
        Some(content),
    ];
    let mut signed = Vec::new();
    for part in parts {
        signed.push(u8::from(part.is_some()));
        let part = part.unwrap_or_default();
        signed.extend((part.len() as u64).to_be_bytes());
        signed.extend(part);
    }
    signed
}

fn content(position: &Position) -> Vec<u8> {
    let mut content = vec![FORM];
    content.extend(position.id.as_bytes());
    for value in &position.values {
        match value {
            None => content.push(b'n'),
            Some(Value::Boolean(false)) => content.push(b'f'),
            Some(Value::Boolean(true)) => content.push(b't'),
            Some(Value::Number(number)) => {
                content.push(b'd');
                content.extend(number.to_be_bytes());
            }
            Some(Value::Text(text)) => {
                content.push(b's');
                content.extend((text.len() as u64).to_be_bytes());
                content.extend(text.as_bytes());
            }
        }
    }
    content
}

/// What is signed was written by this service, though perhaps by another version of it.
fn read_content<P: Property>(content: &[u8], order: &Order<P>) -> Option<Position> {
    let mut rest = content.strip_prefix(&[FORM])?;
    let id = Uuid::from_bytes(take(&mut rest)?);
    let mut values = Vec::new();
    for key in order.keys() {
        let value = match rest.strip_prefix(b"n") {
            Some(after) => {
                rest = after;
                None
            }
            None => Some(read_value(&mut rest)?),
        };
        let mut known = value.iter();
        if !known.all(|value| is_of(key.property.kind(), value)) {
            return None;
        }
        values.push(value);
    }
    rest.is_empty().then_some(Position { values, id })
}

/// A value that is not null.
fn read_value(rest: &mut &[u8]) -> Option<Value> {
    let [kind] = take(rest)?;
    match kind {
        b'f' => Some(Value::Boolean(false)),
        b't' => Some(Value::Boolean(true)),
        b'd' => Value::number(f64::from_be_bytes(take(rest)?)),
        b's' => {
            let length = usize::try_from(u64::from_be_bytes(take(rest)?)).ok()?;
            let (text, after) = rest.split_at_checked(length)?;
            *rest = after;
            Some(Value::Text(String::from_utf8(text.to_vec()).ok()?))
        }
        _ => None,
    }
}

/// The next bytes.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn is_of(kind: Type, value: &Value) -> bool {
    match value {
        Value::Boolean(_) => kind == Type::Boolean,
        Value::Number(_) => kind == Type::Number,
        Value::Text(_) => !matches!(kind, Type::Boolean | Type::Number),
    }
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::CustomerProperty;

    use super::*;
    use crate::odata::orderby;

    const TENANT: Uuid = Uuid::from_u128(1);

    fn binding() -> Binding<'static> {
        Binding {
            tenant: TENANT,
            company: Some(Uuid::from_u128(2)),
            list: "customers",
            query: Query {
                orderby: Some("displayName,taxLiable desc,email"),
                filter: Some("taxLiable"),
                ..Query::default()
            },
        }
    }

    fn order(text: &str) -> Order<CustomerProperty> {
        orderby::parse(text).unwrap()
    }

    fn position() -> Position {
        Position {
            values: vec![Some(Value::text("Ä'\0")), Some(Value::Boolean(true)), None],
            id: Uuid::from_u128(7),
        }
    }

    fn read(key: &Key, binding: &Binding<'_>, token: &str) -> Option<Position> {
        let order = order(binding.query.orderby.unwrap_or_default());
        key.read(binding, &order, token)
    }

    #[test]
    fn what_was_written_is_read() {
        let key = Key::derive(b"secret");
        let token = key.write(&binding(), &position());
        assert_eq!(read(&key, &binding(), &token), Some(position()));
        let again = Key::derive(b"secret");
        assert_eq!(again.write(&binding(), &position()), token);
    }

    #[test]
    fn the_longest_values_fit() {
        let long = Value::Text("\u{10FFFF}".repeat(100));
        let position = Position {
            values: vec![Some(long); 5],
            id: Uuid::nil(),
        };
        let text = "displayName,number,email,website,phoneNumber";
        let mut binding = binding();
        binding.query.orderby = Some(text);
        let key = Key::derive(b"secret");
        let token = key.write(&binding, &position);
        assert!(token.len() <= LONGEST, "{}", token.len());
        assert_eq!(read(&key, &binding, &token), Some(position));
    }

    #[test]
    fn no_other_binding_takes_it() {
        let key = Key::derive(b"secret");
        let token = key.write(&binding(), &position());
        let query = binding().query;
        let with = |query| Binding { query, ..binding() };
        let others = [
            Binding {
                tenant: Uuid::from_u128(3),
                ..binding()
            },
            Binding {
                company: Some(TENANT),
                ..binding()
            },
            Binding {
                company: None,
                ..binding()
            },
            Binding {
                list: "salesInvoices",
                ..binding()
            },
            with(Query {
                filter: None,
                ..query
            }),
            with(Query {
                filter: Some("taxLiable "),
                ..query
            }),
            with(Query {
                orderby: Some("number,taxLiable,email"),
                ..query
            }),
            with(Query {
                search: Some(""),
                ..query
            }),
            with(Query {
                select: Some("id"),
                ..query
            }),
            with(Query {
                filter: query.orderby,
                orderby: query.orderby,
                ..query
            }),
        ];
        for other in others {
            assert_eq!(read(&key, &other, &token), None, "{other:?}");
        }
        assert_eq!(read(&Key::derive(b"other"), &binding(), &token), None);
    }

    #[test]
    fn no_changed_or_cut_token_is_taken() {
        let key = Key::derive(b"secret");
        let token = key.write(&binding(), &position());
        for at in 0..token.len() {
            let changed = if token.as_bytes()[at] == b'A' {
                "B"
            } else {
                "A"
            };
            let mut other = token.clone();
            other.replace_range(at..=at, changed);
            assert_eq!(read(&key, &binding(), &other), None, "{at}");
            assert_eq!(read(&key, &binding(), &token[..at]), None, "{at}");
        }
        for other in [format!("{token}A"), format!("{token}="), "ä".to_owned()] {
            assert_eq!(read(&key, &binding(), &other), None, "{other}");
        }
    }

    #[test]
    fn contents_of_another_form_are_no_positions() {
        let whole = content(&position());
        let order = order("displayName,taxLiable,email");
        assert_eq!(read_content(&whole, &order), Some(position()));
        for end in 0..whole.len() {
            assert_eq!(read_content(&whole[..end], &order), None, "{end}");
        }
        let more = [&whole[..], b"n"].concat();
        assert_eq!(read_content(&more, &order), None);
        let other = self::order("taxLiable,displayName,email");
        assert_eq!(read_content(&whole, &other), None);
        let mut newer = whole;
        newer[0] = FORM + 1;
        assert_eq!(read_content(&newer, &order), None);
    }
}
