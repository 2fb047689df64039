//! What makes a token valid: its signature and its claims, each of the right type, at this instant.
//!
//! The library verifies signatures, issuer and audience. Times are checked here, because they are
//! the [`Clock`](crate::clock::Clock)'s, and so are types: a claim of the wrong type is never taken
//! for a missing one.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::Validation;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::keys::Key;
use super::{Caller, Issuer, Rejection};

/// How far the issuer's clock and ours may differ, in seconds.
const LEEWAY_SECONDS: i64 = 60;
const MAX_KEY_ID_BYTES: usize = 256;
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

type Object = Map<String, Value>;

/// What a token says, once its signature is verified.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) caller: Arc<Caller>,
    /// When it is valid at the earliest and no more, in seconds since 1970.
    starts: Option<i64>,
    expires: i64,
}

impl Verified {
    /// Refuses a token that is not valid yet, or no more.
    pub(super) fn check_times(&self, now: DateTime<Utc>) -> Result<(), Rejection> {
        let now = now.timestamp();
        let latest = now.saturating_add(LEEWAY_SECONDS);
        if self.starts.is_some_and(|starts| starts > latest) {
            return Err(Rejection::Invalid);
        }
        if self.expires <= now.saturating_sub(LEEWAY_SECONDS) {
            return Err(Rejection::Expired);
        }
        Ok(())
    }
}

/// Verifies a token and reads who it speaks for; its times are read and not checked.
pub(super) fn verify(token: &str, issuers: &[Issuer]) -> Result<Verified, Rejection> {
    let header = part(token, 0).ok_or(Rejection::Invalid)?;
    check_header(&header)?;
    let claimed = part(token, 1).ok_or(Rejection::Invalid)?;
    let issuer = trusted(text(&claimed, "iss")?, issuers).ok_or(Rejection::Invalid)?;
    let claims = issuer
        .keys
        .candidates(text(&header, "kid")?)
        .find_map(|key| signed_claims(token, key, issuer))
        .ok_or(Rejection::Invalid)?;
    let expires = seconds(&claims, "exp")?.ok_or(Rejection::Invalid)?;
    let starts = seconds(&claims, "nbf")?.max(seconds(&claims, "iat")?);
    Ok(Verified {
        caller: Arc::new(read_caller(&claims)?),
        starts,
        expires,
    })
}

/// A part of the token as the JSON object that it must be; nothing is verified yet.
fn part(token: &str, index: usize) -> Option<Object> {
    let encoded = token.split('.').nth(index)?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Refuses what we do not understand: critical extensions, encryption, nesting, other types.
fn check_header(header: &Object) -> Result<(), Rejection> {
    let foreign = ["crit", "enc", "zip", "cty", "b64"];
    let known_type = text(header, "typ")?
        .is_none_or(|typ| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known)));
    let short_id = text(header, "kid")?.is_none_or(|id| id.len() <= MAX_KEY_ID_BYTES);
    if known_type && short_id && foreign.iter().all(|name| !header.contains_key(*name)) {
        Ok(())
    } else {
        Err(Rejection::Invalid)
    }
}

fn trusted<'a>(name: Option<&str>, issuers: &'a [Issuer]) -> Option<&'a Issuer> {
    issuers
        .iter()
        .find(|issuer| Some(issuer.name.as_str()) == name)
}

/// The claims, if this key signed them for us by its own algorithm.
fn signed_claims(token: &str, key: &Key, issuer: &Issuer) -> Option<Object> {
    let mut validation = Validation::new(key.algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[&issuer.name]);
    validation.set_audience(&[&issuer.audience]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    jsonwebtoken::decode(token, &key.decoding, &validation)
        .ok()
        .map(|data| data.claims)
}

fn read_caller(claims: &Object) -> Result<Caller, Rejection> {
    let subject = either(claims, "oid", "sub")?.ok_or(Rejection::Invalid)?;
    let scopes = text(claims, "scp")?.unwrap_or_default().split(' ');
    let mut permissions: Vec<String> = scopes
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    permissions.extend(texts(claims, "roles")?);
    Ok(Caller {
        tenant: tenant(claims)?,
        subject: subject.to_owned(),
        app: either(claims, "azp", "appid")?.map(str::to_owned),
        permissions,
        companies: companies(claims)?,
        is_administrator: false,
    })
}

/// The only companies that the token is for, if it says which: an array of GUIDs.
fn companies(claims: &Object) -> Result<Option<Vec<Uuid>>, Rejection> {
    if !claims.contains_key("companies") {
        return Ok(None);
    }
    let named = texts(claims, "companies")?;
    named
        .iter()
        .map(|text| guid(text))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn tenant(claims: &Object) -> Result<Uuid, Rejection> {
    let tenant = guid(text(claims, "tid")?.ok_or(Rejection::Invalid)?)?;
    if tenant.is_nil() {
        Err(Rejection::Invalid)
    } else {
        Ok(tenant)
    }
}

/// A GUID with hyphens, the one spelling that issuers use.
fn guid(text: &str) -> Result<Uuid, Rejection> {
    let guid = Some(text).filter(|text| text.len() == 36);
    let guid = guid.and_then(|text| Uuid::parse_str(text).ok());
    guid.ok_or(Rejection::Invalid)
}

/// The first of two claims that is there; an empty text is as good as none. The character U+0000 no
/// store takes.
fn either<'a>(claims: &'a Object, first: &str, second: &str) -> Result<Option<&'a str>, Rejection> {
    let found = text(claims, first)?.filter(|text| !text.is_empty());
    let fallback = text(claims, second)?.filter(|text| !text.is_empty());
    match found.or(fallback) {
        Some(name) if name.contains('\0') => Err(Rejection::Invalid),
        name => Ok(name),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Result<Option<&'a str>, Rejection> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::Invalid),
    }
}

fn texts(object: &Object, name: &str) -> Result<Vec<String>, Rejection> {
    match object.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned).ok_or(Rejection::Invalid))
            .collect(),
        Some(_) => Err(Rejection::Invalid),
    }
}

/// An instant in whole seconds; RFC 7519 allows fractions, which no issuer sends.
fn seconds(object: &Object, name: &str) -> Result<Option<i64>, Rejection> {
    match object.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Rejection::Invalid),
    }
}
