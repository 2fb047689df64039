//! Reads by key: those that wait are read together, with one statement for each kind and tenant, and
//! all of it is sent at once. One that waits alone takes one round trip.
//!
//! Each of these statements is a transaction of itself, on a connection that nothing else uses. It is told
//! the tenant when that is another one than before, not each time: that would take longer than the read.
//!
//! Companies that are not open to everyone are not there for these statements: whoever finds none asks
//! once more, `alone`, in a transaction that looks at what is granted.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::{CompanyKey, Error, Noun, Result, Stored};
use super::failure::Failure;
use super::pool::Connector;
use super::session::{Answer, Call, Parameter, Session};
use super::transaction::Transaction;
use super::version;

/// Reads that wait at most; more are refused.
const WAITING: usize = 4096;
/// Reads that are read together at most.
const TOGETHER: usize = 256;
/// How long a read may take, and how long making a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which rows there are for the connection from now on: the policies of the tables ask for it.
const SET_TENANT: &str = "SELECT set_config('app.tenant', $1, false)";

/// What is read by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Company,
    Customer,
    CustomerOfSalesInvoice,
    SalesInvoice,
}

impl Kind {
    /// Finds entities by tenant, companies and ids. A row is missing if the company is; its columns
    /// are null where the entity is missing.
    fn sql(self) -> &'static str {
        match self {
            Self::Company => {
                "SELECT k.n, c.id, 0::bigint, 0::bigint, c.body, c.id
                 FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS k (company_id, id, n)
                 JOIN company AS c ON c.id = k.company_id AND c.tenant_id = $1"
            }
            Self::Customer => {
                "SELECT k.n, e.id, e.version, e.incarnation, e.body, c.id
                 FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS k (company_id, id, n)
                 JOIN company AS c ON c.id = k.company_id AND c.tenant_id = $1
                 LEFT JOIN customer AS e ON e.company_id = k.company_id AND e.id = k.id"
            }
            Self::CustomerOfSalesInvoice => {
                "SELECT k.n, e.id, e.version, e.incarnation, e.body, i.id
                 FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS k (company_id, id, n)
                 JOIN company AS c ON c.id = k.company_id AND c.tenant_id = $1
                 LEFT JOIN sales_invoice AS i ON i.company_id = k.company_id AND i.id = k.id
                 LEFT JOIN customer AS e ON e.company_id = k.company_id AND e.id = i.customer_id"
            }
            Self::SalesInvoice => {
                "SELECT k.n, e.id, e.version, e.incarnation, e.body, c.id
                 FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS k (company_id, id, n)
                 JOIN company AS c ON c.id = k.company_id AND c.tenant_id = $1
                 LEFT JOIN sales_invoice AS e ON e.company_id = k.company_id AND e.id = k.id"
            }
        }
    }

    /// What is missing if the row has no entity.
    fn missing(self, row: &Row) -> Result<Noun, tokio_postgres::Error> {
        let through: Option<Uuid> = row.try_get(5)?;
        Ok(match self {
            Self::Company => Noun::Company,
            Self::Customer => Noun::Customer,
            Self::CustomerOfSalesInvoice if through.is_some() => Noun::SalesInvoiceCustomer,
            Self::CustomerOfSalesInvoice | Self::SalesInvoice => Noun::SalesInvoice,
        })
    }
}

/// A read that waits.
struct Asked {
    kind: Kind,
    scope: CompanyKey,
    id: Uuid,
    answer: oneshot::Sender<Result<Stored>>,
}

/// Reads by key.
pub(super) struct Points {
    queue: mpsc::Sender<Asked>,
}

impl Points {
    /// Starts reading on so many connections.
    pub(super) fn start(connector: &Connector, connections: usize) -> Self {
        let (queue, asked) = mpsc::channel(WAITING);
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..connections {
            tokio::spawn(serve(connector.clone(), Arc::clone(&asked)));
        }
        Self { queue }
    }

    pub(super) async fn get(&self, kind: Kind, scope: CompanyKey, id: Uuid) -> Result<Stored> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            kind,
            scope,
            id,
            answer,
        };
        if self.queue.try_send(asked).is_err() {
            return Err(Error::Unavailable("too many reads wait".to_owned()));
        }
        match timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => answer,
            _ => Err(Error::Unavailable(
                "the database does not answer".to_owned(),
            )),
        }
    }
}

/// Answers what is asked until nobody can ask any more.
async fn serve(connector: Connector, queue: Arc<Mutex<mpsc::Receiver<Asked>>>) {
    let mut reader = Reader {
        connector,
        session: None,
        tenant: None,
    };
    loop {
        let mut asked = Vec::new();
        if queue.lock().await.recv_many(&mut asked, TOGETHER).await == 0 {
            return;
        }
        let groups = Group::of(asked);
        if let Err(why) = reader.answer(groups).await {
            tracing::debug!(reason = why, "reads failed");
        }
    }
}

/// A connection that only reads by key.
struct Reader {
    connector: Connector,
    session: Option<Session>,
    /// Whose rows there are for the connection.
    tenant: Option<Uuid>,
}

impl Reader {
    /// Answers the reads, on a new connection if the one there is turns out to be lost.
    async fn answer(&mut self, groups: Vec<Group>) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..2 {
            match self.read(&groups).await {
                Ok(answers) => {
                    for (group, answer) in groups.into_iter().zip(answers) {
                        group.answer(answer);
                    }
                    return Ok(());
                }
                Err(why) => {
                    self.session = None;
                    last = why;
                }
            }
        }
        for group in groups {
            group.refuse(&last);
        }
        Err(last)
    }

    /// What the database answers to each group.
    async fn read(&mut self, groups: &[Group]) -> Result<Vec<Result<Vec<Row>, Failure>>, String> {
        let session = self.connected().await?;
        // If nobody waits for its answers any more, the connection is cut.
        session.begin();
        let asked = ask(&session, self.tenant.take(), groups);
        let answers = timeout(PATIENCE, asked)
            .await
            .map_err(|_| "the database does not answer".to_owned())??;
        session.end();
        let mut found = Vec::with_capacity(groups.len());
        for (group, answer) in groups.iter().zip(answers) {
            found.push(
                match answer.map_err(|error| Failure::of(&error, group.kind.sql())) {
                    Err(Failure::Lost(why)) => return Err(why),
                    answer => answer,
                },
            );
        }
        if found.len() < groups.len() {
            return Err("a read without an answer".to_owned());
        }
        if found.iter().all(Result::is_ok) {
            self.tenant = groups.last().map(|group| group.tenant);
        }
        self.session = Some(session);
        Ok(found)
    }

    /// The connection, or a new one if there is none that is good.
    async fn connected(&mut self) -> Result<Session, String> {
        let usable = self.session.take();
        if let Some(session) = usable.filter(|session| self.connector.is_good(session)) {
            return Ok(session);
        }
        self.tenant = None;
        timeout(PATIENCE, self.connector.open())
            .await
            .map_err(|_| "the database does not answer".to_owned())?
            .map_err(|error| format!("{error:#}"))
    }
}

/// The rows of each group, asked on a connection that shows those of this tenant.
async fn ask(
    session: &Session,
    mut shown: Option<Uuid>,
    groups: &[Group],
) -> Result<Vec<Answer>, String> {
    let tenants: Vec<String> = groups.iter().map(|one| one.tenant.to_string()).collect();
    let tenants: Vec<[Parameter<'_>; 1]> =
        tenants.iter().map(|one| [one as Parameter<'_>]).collect();
    let keys: Vec<[Parameter<'_>; 3]> = groups
        .iter()
        .map(|one| [&one.tenant as _, &one.companies as _, &one.ids as _])
        .collect();
    let mut calls = Vec::with_capacity(2 * groups.len());
    for ((group, tenant), keys) in groups.iter().zip(&tenants).zip(&keys) {
        if shown != Some(group.tenant) {
            calls.push(Call::new(SET_TENANT, tenant));
            shown = Some(group.tenant);
        }
        calls.push(Call::new(group.kind.sql(), keys));
    }
    let answers = session.pipeline(&calls).await;
    of_groups(answers, &calls)
}

/// The answers to the reads. If a tenant could not be set, those behind it were asked for another: then
/// nothing counts, and all are asked again on a new connection.
fn of_groups<T, E: Display>(
    answers: Vec<Result<T, E>>,
    calls: &[Call<'_>],
) -> Result<Vec<Result<T, E>>, String> {
    let mut found = Vec::new();
    for (answer, call) in answers.into_iter().zip(calls) {
        match answer {
            Err(why) if call.sql == SET_TENANT => return Err(why.to_string()),
            Ok(_) if call.sql == SET_TENANT => {}
            answer => found.push(answer),
        }
    }
    Ok(found)
}

/// Reads of one kind for one tenant.
struct Group {
    kind: Kind,
    tenant: Uuid,
    companies: Vec<Uuid>,
    ids: Vec<Uuid>,
    answers: Vec<oneshot::Sender<Result<Stored>>>,
}

impl Group {
    fn of(asked: Vec<Asked>) -> Vec<Self> {
        let mut groups = BTreeMap::new();
        for one in asked {
            let key = (one.scope.tenant, one.kind);
            let group = groups.entry(key).or_insert_with(|| Self {
                kind: one.kind,
                tenant: one.scope.tenant,
                companies: Vec::new(),
                ids: Vec::new(),
                answers: Vec::new(),
            });
            group.companies.push(one.scope.company);
            group.ids.push(one.id);
            group.answers.push(one.answer);
        }
        groups.into_values().collect()
    }

    /// Tells everyone what was found. Who asked may be gone.
    fn answer(self, rows: Result<Vec<Row>, Failure>) {
        let rows = match rows {
            Ok(rows) => rows,
            Err(failure) => return self.refuse(&Error::from(failure).to_string()),
        };
        let mut answers: Vec<_> = self.answers.into_iter().map(Some).collect();
        for row in &rows {
            let place: Result<i64, _> = row.try_get(0);
            let place = place.ok().and_then(|n| usize::try_from(n - 1).ok());
            let answer = place
                .and_then(|n| answers.get_mut(n))
                .and_then(Option::take);
            if let Some(answer) = answer {
                let _ = answer.send(stored(self.kind, row).map_err(Error::from));
            }
        }
        for answer in answers.into_iter().flatten() {
            let _ = answer.send(Err(Error::NotFound(Noun::Company)));
        }
    }

    fn refuse(self, why: &str) {
        for answer in self.answers {
            let _ = answer.send(Err(Error::Unavailable(why.to_owned())));
        }
    }
}

/// Reads one alone, in a transaction whose caller is asked for.
pub(super) async fn alone(
    transaction: Transaction,
    kind: Kind,
    key: CompanyKey,
    id: Uuid,
) -> Result<Stored, Failure> {
    let (companies, ids) = (vec![key.company], vec![id]);
    let parameters: [Parameter<'_>; 3] = [&key.tenant, &companies, &ids];
    let answers = transaction
        .read(&[Call::new(kind.sql(), &parameters)])
        .await?;
    let row = answers.iter().flatten().next();
    stored(kind, row.ok_or(Error::NotFound(Noun::Company))?)
}

fn stored(kind: Kind, row: &Row) -> Result<Stored, Failure> {
    let Some(id) = row.try_get(1)? else {
        return Err(Error::NotFound(kind.missing(row)?).into());
    };
    let body: &str = row.try_get(4)?;
    Ok(Stored {
        id,
        etag: version(row, 2)?.etag(),
        json: bytes::Bytes::copy_from_slice(body.as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counts_that_was_asked_for_another_tenant() {
        let [set, read] = [SET_TENANT, Kind::Customer.sql()].map(|sql| Call::new(sql, &[]));
        let calls = [set, read, read, set, read];
        let found = |answers: [Result<u8, &'static str>; 5]| of_groups(answers.into(), &calls);
        let good = found([Ok(0), Ok(1), Err("a read"), Ok(0), Ok(2)]);
        assert_eq!(good, Ok(vec![Ok(1), Err("a read"), Ok(2)]));
        let unset = found([Ok(0), Ok(1), Ok(2), Err("unset"), Ok(3)]);
        assert_eq!(unset, Err("unset".to_owned()));
    }
}
