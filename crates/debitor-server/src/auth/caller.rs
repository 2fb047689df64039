//! Who calls, and what of the store is there for them. Nothing outside of this module can say so
//! otherwise: a store is asked by a [`Caller`] or in a [`Scope`], and these are made of a verified
//! token, or by an [`Administrator`].

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::Rejection;
use crate::security;

/// Who a verified token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub(super) tenant: Uuid,
    pub(super) subject: String,
    pub(super) app: Option<String>,
    pub(super) permissions: Vec<String>,
    pub(super) companies: Option<Vec<Uuid>>,
    pub(super) is_administrator: bool,
}

impl Caller {
    /// The tenant (`tid`), the only one whose companies exist for the caller.
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// The person or program (`oid`, else `sub`), unique within the tenant.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The program that calls (`azp`, else `appid`), if the token names it.
    pub fn app(&self) -> Option<&str> {
        self.app.as_deref()
    }

    /// The only companies that exist for the caller (`companies`), if the token says which: those of
    /// them that are granted.
    pub fn companies(&self) -> Option<&[Uuid]> {
        self.companies.as_deref()
    }

    /// Whether this is no request's caller, for whom all companies of the tenant are there.
    pub fn is_administrator(&self) -> bool {
        self.is_administrator
    }

    /// Whether the caller has any one of these permissions; it has, if none are needed.
    pub fn may(&self, any_of: &[&str]) -> bool {
        any_of.is_empty()
            || self
                .permissions
                .iter()
                .any(|own| any_of.contains(&own.as_str()))
    }

    /// Refuses the caller unless it has any one of these permissions.
    pub(crate) fn require(&self, any_of: &[&str]) -> Result<(), Rejection> {
        if self.may(any_of) {
            return Ok(());
        }
        let needed = any_of.first().copied().unwrap_or_default().to_owned();
        security::not_permitted(self);
        Err(Rejection::Scope { needed })
    }

    /// The company, as far as it is there for the caller, which the store finds out. One that the token
    /// leaves out is looked for under an id that no company has, so that all is as if it did not exist.
    pub fn scope(self: &Arc<Self>, company: Uuid) -> Scope {
        let is_named = self.companies().is_none_or(|all| all.contains(&company));
        Scope {
            caller: Arc::clone(self),
            company: if is_named { company } else { Uuid::nil() },
        }
    }
}

/// As the record of changes names it: the person or program, and the program that it used.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.app {
            Some(app) => write!(f, "{} by {app}", self.subject),
            None => f.write_str(&self.subject),
        }
    }
}

/// The company that a request is about, and its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    caller: Arc<Caller>,
    company: Uuid,
}

impl Scope {
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    pub fn tenant(&self) -> Uuid {
        self.caller.tenant
    }

    pub fn company(&self) -> Uuid {
        self.company
    }
}

/// Whoever runs the program on its own machine, at work in a tenant: a command, the demo data, a
/// benchmark, a test. No request makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrator {
    tenant: Uuid,
}

impl Administrator {
    pub const fn of(tenant: Uuid) -> Self {
        Self { tenant }
    }

    pub fn tenant(self) -> Uuid {
        self.tenant
    }

    /// A caller for whom every company of the tenant is there, to be read and written.
    pub fn caller(self) -> Arc<Caller> {
        Arc::new(Caller {
            is_administrator: true,
            ..self.acting_as("operator", None, None)
        })
    }

    /// One of its companies, if it is there.
    pub fn scope(self, company: Uuid) -> Scope {
        self.caller().scope(company)
    }

    /// A caller as a token without permissions would make it, for whom grants count.
    pub fn acting_as(
        self,
        subject: &str,
        app: Option<&str>,
        companies: Option<Vec<Uuid>>,
    ) -> Caller {
        Caller {
            tenant: self.tenant,
            subject: subject.to_owned(),
            app: app.map(str::to_owned),
            permissions: Vec::new(),
            companies,
            is_administrator: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_that_the_token_leaves_out_is_no_company() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let tenant = Administrator::of(Uuid::from_u128(9));
        let named = Arc::new(tenant.acting_as("ada", None, Some(vec![one])));
        assert_eq!(named.scope(one).company(), one);
        assert_eq!(named.scope(other).company(), Uuid::nil());
        let all = Arc::new(tenant.acting_as("ada", None, None));
        assert_eq!(all.scope(other).company(), other);
        let none = Arc::new(tenant.acting_as("ada", None, Some(Vec::new())));
        assert_eq!(none.scope(one).company(), Uuid::nil());
    }
}
