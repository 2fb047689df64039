//! What someone may do with a company, and whom it is granted to.

use std::fmt;

/// What someone may do with a company; more is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Nothing: it does not exist for them.
    None,
    Read,
    Write,
}

impl Right {
    /// As stores keep it.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Read => 1,
            Self::Write => 2,
        }
    }

    /// What is kept so; whatever no store keeps is no right.
    pub(crate) fn of_number(number: i64) -> Self {
        match number {
            1 => Self::Read,
            2 => Self::Write,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

/// Whom a company is granted to, within its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// Whoever has a token of the tenant. A company is made with this grant, to write, unless it is
    /// made restricted.
    Everyone,
    /// A person or program, by the token's `oid`, else `sub`.
    Subject(String),
    /// Whoever uses this program, by the token's `azp`, else `appid`.
    App(String),
}

impl Grantee {
    /// As stores keep those who are named: what kind it is, and its name.
    pub(crate) fn named(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Everyone => None,
            Self::Subject(name) => Some((SUBJECT, name)),
            Self::App(name) => Some((APP, name)),
        }
    }

    /// Who is kept so.
    pub(crate) fn of_named(kind: &str, name: String) -> Option<Self> {
        match kind {
            SUBJECT => Some(Self::Subject(name)),
            APP => Some(Self::App(name)),
            _ => None,
        }
    }
}

const SUBJECT: &str = "subject";
const APP: &str = "app";

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.named() {
            None => f.write_str("everyone"),
            Some((kind, name)) => write!(f, "{kind}:{name}"),
        }
    }
}

/// A company and who may do what with it, as those who run the server see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub company: uuid::Uuid,
    pub name: String,
    pub everyone: Right,
    /// Those who are named, in order.
    pub grants: Vec<(Grantee, Right)>,
}
