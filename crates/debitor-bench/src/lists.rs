//! What lists are asked for: addresses, each of which was asked for once and answered as it must be.
//!
//! Customers are asked for that lie spread over the company, as many in a great one as in a small one,
//! by their id and by what lists find them by: so all have the same chance to be in some memory.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::fill::{self, Lists};
use crate::http::Connection;
use crate::operation::Operation::{
    self, ByEmail, ById, ByNumber, Count, DeepPage, FirstHundred, FirstTen, Prefix, RareWord,
};
use crate::server::Running;

/// What is measured, in the order in which it is told.
pub(crate) const KINDS: [Operation; 9] = [
    ById,
    FirstTen,
    FirstHundred,
    DeepPage,
    Prefix,
    ByNumber,
    ByEmail,
    RareWord,
    Count,
];

/// Customers that are asked for, if the company has so many.
const ASKED_FOR: usize = 10_000;
/// Customers on a page of [`Lists::read`], behind which the links lead that it wrote.
const STEP: usize = 1000;
/// Letters of a name: in a million customers hardly more than one has the same.
const BEGINNING: usize = 5;
/// Customers on a page; no look-up finds more.
const PAGE: usize = 10;

/// Writes the addresses of every kind for wrk's script. The list of all customers was read before.
pub(crate) async fn prepare(server: &Running) -> Result<()> {
    let lists = Lists::of(&server.folder);
    let ids = Lists::first_words(&lists.customers)?;
    let links = Lists::first_words(&lists.pages)?;
    let mut asked = Asked::open(server).await?;
    ensure!(
        fill::count(server).await? == ids.len() as u64,
        "a wrong number of customers"
    );
    let dialect = &server.dialect;
    for (kind, length) in [(FirstTen, PAGE), (FirstHundred, 100)] {
        let path = dialect.list(&[("$top", &length.to_string())]);
        asked.page(&path, &ids[..length]).await?;
        lists.write_look_ups(kind, &[path])?;
    }
    let (position, link) = deep(ids.len(), &links).context("the company is too small")?;
    asked.page(&link, &ids[position..position + PAGE]).await?;
    lists.write_look_ups(DeepPage, &[link])?;
    let mut paths = KINDS.map(|kind| (kind, Vec::new()));
    for id in ids.iter().step_by(ids.len().div_ceil(ASKED_FOR)) {
        let customer = asked.customer(id).await?;
        for (kind, paths) in &mut paths {
            if let Some(path) = customer.path(server, *kind) {
                customer.check(*kind, &asked.ask(&path).await?, &path)?;
                paths.push(path);
            }
        }
    }
    let written = paths.iter().filter(|(_, paths)| !paths.is_empty());
    for (kind, paths) in written {
        lists.write_look_ups(*kind, paths)?;
    }
    Ok(())
}

/// Whether `$search` finds the first customer of the list by a word of its name.
pub(crate) async fn finds(server: &Running) -> Result<bool> {
    let ids = Lists::first_words(&Lists::of(&server.folder).customers)?;
    let mut asked = Asked::open(server).await?;
    let customer = asked.customer(ids.first().context("no customer")?).await?;
    let path = customer.path(server, RareWord).context("no path")?;
    Ok(ids_of(&asked.ask(&path).await?)?.contains(&customer.id.as_str()))
}

/// The page behind nine tenths of the customers, or a little before: where it begins, and its link,
/// which is that of another length at the same place.
fn deep(customers: usize, links: &[String]) -> Option<(usize, String)> {
    let pages = customers / 10 * 9 / STEP;
    let link = links.get(pages.checked_sub(1)?)?;
    let link = link.replace("$top=20", &format!("$top={PAGE}"));
    Some((pages * STEP, link))
}

/// A connection to the server.
struct Asked<'a> {
    server: &'a Running,
    connection: Connection,
}

impl<'a> Asked<'a> {
    async fn open(server: &'a Running) -> Result<Self> {
        let connection = Connection::open(&server.host).await?;
        Ok(Self { server, connection })
    }

    async fn ask(&mut self, path: &str) -> Result<Value> {
        let request = self.server.dialect.page(path);
        let body = self.connection.send(&request, String::new()).await?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// Looks at a page, which must have just these.
    async fn page(&mut self, path: &str, expected: &[String]) -> Result<()> {
        let answer = self.ask(path).await?;
        ensure!(ids_of(&answer)? == expected, "{path}: {answer}");
        Ok(())
    }

    async fn customer(&mut self, id: &str) -> Result<Customer> {
        let answer = self.ask(&self.server.dialect.by_id(id)).await?;
        Customer::read(&answer).with_context(|| format!("not a customer: {answer}"))
    }
}

/// What a customer is found by.
struct Customer {
    id: String,
    number: String,
    email: String,
    name: String,
}

impl Customer {
    fn read(entity: &Value) -> Option<Self> {
        let text = |name: &str| entity[name].as_str().map(str::to_owned);
        Some(Self {
            id: text("id")?,
            number: text("number")?,
            email: text("email")?,
            name: text("displayName")?,
        })
    }

    /// The last word of its name, of random letters.
    fn word(&self) -> &str {
        self.name.rsplit(' ').next().unwrap_or_default()
    }

    fn beginning(&self) -> &str {
        self.name.get(..BEGINNING).unwrap_or(&self.name)
    }

    /// The address by which it is found; none for the kinds that ask for no customer.
    fn path(&self, server: &Running, kind: Operation) -> Option<String> {
        let dialect = &server.dialect;
        let Self { id, .. } = self;
        if kind == ById {
            return Some(dialect.by_id(id));
        }
        let (option, value) = self.option(kind)?;
        Some(dialect.list(&[(option, &value), ("$top", &PAGE.to_string())]))
    }

    fn option(&self, kind: Operation) -> Option<(&'static str, String)> {
        let Self { number, email, .. } = self;
        let beginning = self.beginning();
        Some(match kind {
            Prefix => ("$filter", format!("startswith(displayName,'{beginning}')")),
            ByNumber => ("$filter", format!("number eq '{number}'")),
            ByEmail => ("$filter", format!("email eq '{email}'")),
            RareWord => ("$search", self.word().to_owned()),
            _ => return None,
        })
    }

    /// Whether it is what was found: by its id, number and e-mail address alone, otherwise with a few
    /// that are like it.
    fn check(&self, kind: Operation, answer: &Value, path: &str) -> Result<()> {
        let is_found = match kind {
            ById => answer["id"] == *self.id,
            ByNumber | ByEmail => ids_of(answer)? == [self.id.as_str()],
            _ => {
                let ids = ids_of(answer)?;
                ids.len() < PAGE && ids.contains(&self.id.as_str()) && self.are_like(kind, answer)
            }
        };
        ensure!(is_found, "{path} does not find {}: {answer}", self.id);
        Ok(())
    }

    fn are_like(&self, kind: Operation, answer: &Value) -> bool {
        let is_like = |entity: &Value| match kind {
            Prefix => {
                let name = entity["displayName"].as_str();
                name.is_some_and(|name| name.starts_with(self.beginning()))
            }
            _ => entity.to_string().contains(self.word()),
        };
        let mut entities = answer["value"].as_array().into_iter().flatten();
        entities.all(is_like)
    }
}

fn ids_of(answer: &Value) -> Result<Vec<&str>> {
    let entities = answer["value"].as_array();
    let entities = entities.with_context(|| format!("no list: {answer}"))?;
    let ids = entities.iter().map(|entity| entity["id"].as_str());
    ids.collect::<Option<_>>().context("a customer without id")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn customer() -> Customer {
        Customer {
            id: "a".to_owned(),
            number: "C7".to_owned(),
            email: "x@y".to_owned(),
            name: "abcdef ghijkl mnopqr".to_owned(),
        }
    }

    #[test]
    fn the_deep_page_begins_at_nine_tenths() {
        let links: Vec<String> = (1..10)
            .map(|page| format!("/c?$top=20&$skiptoken={page}"))
            .collect();
        let found =
            |position, token: &str| Some((position, format!("/c?$top=10&$skiptoken={token}")));
        assert_eq!(deep(10_000, &links), found(9000, "9"));
        assert_eq!(deep(2_000, &links), found(1000, "1"));
        assert_eq!(deep(1_000, &links), None);
    }

    #[test]
    fn an_answer_without_the_customer_is_refused() {
        let check = |kind, answer: Value| customer().check(kind, &answer, "/c").is_ok();
        let own = json!({"id": "a", "displayName": "abcdef ghijkl mnopqr"});
        let like = json!({"id": "b", "displayName": "abcdez"});
        let other = json!({"id": "c", "displayName": "zzz"});
        assert!(check(ById, own.clone()));
        assert!(!check(ById, other.clone()));
        assert!(check(ByEmail, json!({"value": [own]})));
        assert!(!check(ByNumber, json!({"value": []})));
        assert!(!check(ByNumber, json!({"value": [own, like]})));
        assert!(check(Prefix, json!({"value": [like, own]})));
        assert!(!check(Prefix, json!({"value": [own, other]})));
        assert!(!check(RareWord, json!({"value": [own, other]})));
        assert!(!check(Prefix, json!({"value": vec![own; 10]})));
    }
}
