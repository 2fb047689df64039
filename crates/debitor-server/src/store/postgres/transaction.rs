//! A transaction of one tenant: first it reads and locks, then it decides, and what it writes is sent
//! together with COMMIT. Most are of callers in a company, who are asked for when it begins.
//!
//! One that is dropped before its end, by an error or a panic, leaves its connection marked, which
//! is then cut rather than used again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::writing::Writing;
use super::super::{CompanyKey, Error};
use super::failure::Failure;
use super::grant::{self, Entry};
use super::list::Owner;
use super::pool::{Pooled, Pools};
use super::session::{Answer, Call, Parameter};
use crate::auth::Caller;
use crate::domain::right::Right;

/// How long undoing may take before the connection is cut instead.
const ROLLBACK: Duration = Duration::from_secs(1);

pub(super) const BEGIN: &str = "BEGIN";
/// Everything that such a transaction reads is of one instant.
pub(super) const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
pub(super) const COMMIT: &str = "COMMIT";
/// Which rows there are for the transaction: the policies of the tables ask for it.
pub(super) const SET_TENANT: &str = "SELECT set_config('app.tenant', $1, true)";
/// That, and that companies count which are not open to everyone: what their callers may do is asked.
pub(super) const SET_GRANTS: &str =
    "SELECT set_config('app.tenant', $1, true), set_config('app.grants', 'on', true)";
/// All of it, how long each statement may take, that customers with a word are found once for all rows,
/// however many they are, and that nothing is sorted that an index has in its order: the planner only
/// knows how large a company is on the average, and for a page would sort all of a large one.
const SET_READING: &str = "SELECT set_config('app.tenant', $1, true),
     set_config('app.grants', 'on', true), set_config('statement_timeout', $2, true),
     set_config('work_mem', '64MB', true), set_config('enable_sort', 'off', true)";

/// A parameter that outlives who made it.
pub(super) type Owned = Box<dyn ToSql + Send + Sync>;

/// The values of what a transaction begins with.
struct Opening {
    setting: Vec<String>,
    asked: Option<grant::Asked>,
}

impl Opening {
    fn setting(&self) -> Vec<Parameter<'_>> {
        self.setting
            .iter()
            .map(|one| one as Parameter<'_>)
            .collect()
    }

    fn asked(&self) -> Vec<Parameter<'_>> {
        let asked = self.asked.as_ref().map(grant::Asked::parameters);
        asked.into_iter().flatten().collect()
    }
}

/// A transaction on a connection of its own.
pub(super) struct Transaction {
    session: Arc<Pooled>,
    pools: Arc<Pools>,
    tenant: String,
    begin: &'static str,
    /// How long each statement of a list may take.
    limit: Option<Duration>,
    begun: bool,
    /// Who is at work in which company; without, nobody's right is asked.
    entry: Option<Entry>,
    /// Whether companies are there that are not open to everyone.
    sees_all: bool,
    /// How many requests it is for; none, if the store does it of itself.
    pub(super) requests: usize,
    /// The company to whose index of words it adds.
    pub(super) indexed: Option<CompanyKey>,
    writes: Vec<(&'static str, Vec<Owned>)>,
}

impl Transaction {
    /// One that will write, for a caller that must be able to write in the company.
    pub(super) async fn entering(pools: &Arc<Pools>, write: &Writing) -> Result<Self, Failure> {
        let mut transaction = Self::writing(pools, write.scope.tenant).await?;
        transaction.entry = Some(Entry::of(write.scope, Right::Write, &write.caller));
        Ok(transaction)
    }

    /// One that will write.
    pub(super) async fn writing(pools: &Arc<Pools>, tenant: Uuid) -> Result<Self, Failure> {
        let session = pools.for_writes().await?;
        Ok(Self::new(pools, Arc::new(session), tenant, None))
    }

    /// One that only reads, for a list of whoever owns it.
    pub(super) async fn listing(pools: &Arc<Pools>, owner: &Owner) -> Result<Self, Failure> {
        let mut transaction = Self::reading(pools, owner.tenant()).await?;
        if let Owner::Company(scope) = owner {
            transaction.entry = Some(Entry::of(scope.into(), Right::Read, scope.caller()));
        }
        Ok(transaction)
    }

    /// One that only reads.
    pub(super) async fn reading(pools: &Arc<Pools>, tenant: Uuid) -> Result<Self, Failure> {
        let session = pools.for_reads().await?;
        let limit = Some(pools.list_limit);
        Ok(Self::new(pools, Arc::new(session), tenant, limit))
    }

    fn new(
        pools: &Arc<Pools>,
        session: Arc<Pooled>,
        tenant: Uuid,
        limit: Option<Duration>,
    ) -> Self {
        Self {
            session,
            pools: Arc::clone(pools),
            tenant: tenant.to_string(),
            begin: limit.map_or(BEGIN, |_| BEGIN_READING),
            limit,
            begun: false,
            entry: None,
            sees_all: true,
            requests: 1,
            indexed: None,
            writes: Vec::new(),
        }
    }

    /// Asks what these callers may do in the company, each of whom is then to be asked for.
    pub(super) fn enter_all<'a>(
        &mut self,
        company: CompanyKey,
        callers: impl Iterator<Item = &'a Arc<Caller>>,
    ) {
        self.entry = Some(Entry::of_writers(company, callers));
    }

    /// Refuses a caller of several, once the first statement was answered.
    pub(super) fn admits(&self, write: &Writing) -> Result<(), Error> {
        let unasked = || Error::Internal("nobody has entered the company".to_owned());
        let entry = self.entry.as_ref().ok_or_else(unasked)?;
        entry.admits(&write.caller)
    }

    /// How long a list may take; no time, if this is no transaction for lists.
    pub(super) fn limit(&self) -> Duration {
        self.limit.unwrap_or_default()
    }

    /// One statement's rows.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let [rows] = self.queries([Call::new(sql, parameters)]).await?;
        Ok(rows)
    }

    /// The rows of the statements of a transaction that only reads, which ends with them.
    pub(super) async fn read(mut self, calls: &[Call<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        self.finally(calls).await
    }

    /// The rows of the last statements of a transaction that only reads. Nothing is left then to be ended.
    pub(super) async fn finally(&mut self, calls: &[Call<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        let rows = self.send(calls, &[Call::new(COMMIT, &[])]).await;
        self.begun = false;
        rows
    }

    /// The rows of several statements, none of which needs those of another.
    pub(super) async fn queries<const N: usize>(
        &mut self,
        calls: [Call<'_>; N],
    ) -> Result<[Vec<Row>; N], Failure> {
        let rows = self.send(&calls, &[]).await?;
        let unanswered = |_| Error::Internal("a statement without an answer".to_owned());
        Ok(rows.try_into().map_err(unanswered)?)
    }

    /// The rows of any number of statements.
    pub(super) async fn all(&mut self, calls: &[Call<'_>]) -> Result<Vec<Vec<Row>>, Failure> {
        self.send(calls, &[]).await
    }

    async fn send(
        &mut self,
        calls: &[Call<'_>],
        ending: &[Call<'_>],
    ) -> Result<Vec<Vec<Row>>, Failure> {
        let opening = self.opening();
        let (setting, asked) = (opening.setting(), opening.asked());
        let mut all = self.beginning(&setting, &asked);
        let skipped = all.len();
        all.extend(calls);
        all.extend(ending);
        let answers = self.session.pipeline(&all).await;
        if !ending.is_empty() && is_ended(&answers, &all) {
            self.session.end();
        }
        let mut rows = Vec::with_capacity(all.len());
        for (answer, call) in answers.into_iter().zip(&all) {
            let found = answer.map_err(|error| self.noticed(&error, call.sql))?;
            if rows.len() < skipped && call.sql == grant::FIND {
                self.entered(&found)?;
            }
            rows.push(found);
        }
        rows.truncate(skipped + calls.len());
        rows.drain(..skipped.min(rows.len()));
        Ok(rows)
    }

    /// Takes what callers may do, before anything is made of what else was found.
    fn entered(&mut self, found: &[Row]) -> Result<(), Failure> {
        match &mut self.entry {
            Some(entry) => entry.enter(found),
            None => Ok(()),
        }
    }

    /// What the transaction is told about itself when it begins, and who is asked for.
    fn opening(&self) -> Opening {
        let limit = self.limit.map(|limit| limit.as_millis().to_string());
        Opening {
            setting: std::iter::once(self.tenant.clone()).chain(limit).collect(),
            asked: self
                .entry
                .as_ref()
                .filter(|_| !self.begun)
                .map(Entry::asked),
        }
    }

    /// What is sent before the first statement.
    fn beginning<'a>(
        &mut self,
        setting: &'a [Parameter<'a>],
        asked: &'a [Parameter<'a>],
    ) -> Vec<Call<'a>> {
        if self.begun {
            return Vec::new();
        }
        self.begun = true;
        self.session.begin();
        let set = match (self.limit, self.sees_all) {
            (Some(_), _) => SET_READING,
            (None, true) => SET_GRANTS,
            (None, false) => SET_TENANT,
        };
        let find = (!asked.is_empty()).then(|| Call::new(grant::FIND, asked));
        let begin = [Call::new(self.begin, &[]), Call::new(set, setting)];
        begin.into_iter().chain(find).collect()
    }

    /// Adds a statement that is sent with COMMIT.
    pub(super) fn write(&mut self, sql: &'static str, parameters: Vec<Owned>) {
        self.writes.push((sql, parameters));
    }

    /// Sends what was written, and COMMIT with it; the rows that the writes returned. COMMIT is never
    /// cancelled: nobody could say then whether it was done.
    pub(super) async fn commit(mut self) -> Result<Vec<Vec<Row>>, Failure> {
        let writes = std::mem::take(&mut self.writes);
        if !self.begun && writes.is_empty() {
            return Ok(Vec::new());
        }
        if !self.begun && self.entry.is_some() {
            // Nothing is committed for a caller who was not asked for.
            self.send(&[], &[]).await?;
        }
        let start = Instant::now();
        let parameters: Vec<Vec<Parameter<'_>>> = writes
            .iter()
            .map(|(_, parameters)| parameters.iter().map(|p| &**p as Parameter<'_>).collect())
            .collect();
        let opening = self.opening();
        let (setting, asked) = (opening.setting(), opening.asked());
        let mut calls = self.beginning(&setting, &asked);
        let skipped = calls.len();
        calls.extend(
            writes
                .iter()
                .zip(&parameters)
                .map(|((sql, _), parameters)| Call::new(sql, parameters)),
        );
        calls.push(Call::new(COMMIT, &[]));
        let warnings = self.session.warnings();
        let answers = self.session.pipeline(&calls).await;
        if is_ended(&answers, &calls) {
            self.session.end();
        }
        let is_warned = self.session.warnings() > warnings;
        let mut rows = self.judge(answers, &calls, is_warned)?.split_off(skipped);
        rows.pop();
        if self.begin == BEGIN && self.requests > 0 {
            self.pools.observed.commit(self.requests, start.elapsed());
        }
        if let Some(scope) = self.indexed {
            self.pools.merges.added(scope);
        }
        Ok(rows)
    }

    /// Whether COMMIT was done, by the answers to the writes and to itself; their rows if it was.
    fn judge(
        &self,
        answers: Vec<Answer>,
        calls: &[Call<'_>],
        is_warned: bool,
    ) -> Result<Vec<Vec<Row>>, Failure> {
        let sent = answers.len() == calls.len();
        let mut rows = Vec::with_capacity(calls.len());
        for (answer, call) in answers.into_iter().zip(calls) {
            let error = match answer {
                Ok(found) => {
                    rows.push(found);
                    continue;
                }
                Err(error) => error,
            };
            // A write that the database refused undid the transaction, whatever came after. A lost
            // connection leaves open how far the server got.
            let refused = error.as_db_error().is_some() && call.sql != COMMIT;
            return Err(if refused || !sent {
                self.noticed(&error, call.sql)
            } else {
                Failure::of_commit(&error)
            });
        }
        if is_warned {
            let why = "the wait for the standby was cancelled";
            return Err(Failure::Unknown(why.to_owned()));
        }
        Ok(rows)
    }

    /// Commits what came of the work, or undoes everything if it failed.
    pub(super) async fn end<T>(self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        match outcome {
            Ok(outcome) => {
                self.commit().await?;
                Ok(outcome)
            }
            Err(failure) => {
                self.rollback().await;
                Err(failure)
            }
        }
    }

    /// Undoes everything.
    async fn rollback(self) {
        if !self.begun || self.session.is_closed() {
            return;
        }
        let undone = tokio::time::timeout(ROLLBACK, self.session.query("ROLLBACK", &[])).await;
        if matches!(undone, Ok(Ok(_))) {
            self.session.end();
        }
    }

    /// What the error means; a database that takes no writes is left for one that does.
    fn noticed(&self, error: &tokio_postgres::Error, sql: &str) -> Failure {
        if self.limit.is_some() && error.code() == Some(&SqlState::QUERY_CANCELED) {
            return Error::QueryTimeout.into();
        }
        let failure = Failure::of(error, sql);
        if let Failure::ReadOnly(_) = failure {
            self.pools.connector.renew(&self.session);
        }
        failure
    }
}

/// A transaction that is sent as a whole, as nothing that it reads is needed for what it writes. Several can
/// be under way on a connection, each sent before the one in front of it is answered. Companies that are not
/// open to everyone are not there for it: their callers would have to be asked for.
pub(super) struct Whole(Transaction);

impl Whole {
    /// One for so many requests.
    pub(super) fn new(
        pools: &Arc<Pools>,
        session: Arc<Pooled>,
        tenant: Uuid,
        requests: usize,
    ) -> Self {
        let mut transaction = Transaction::new(pools, session, tenant, None);
        transaction.sees_all = false;
        transaction.requests = requests;
        Self(transaction)
    }

    /// Adds a statement.
    pub(super) fn write(&mut self, sql: &'static str, parameters: Vec<Owned>) {
        self.0.write(sql, parameters);
    }

    /// Notes the company to whose index of words it adds.
    pub(super) fn index(&mut self, scope: CompanyKey) {
        self.0.indexed = Some(scope);
    }

    /// Sends it, and waits until it is committed; the rows that the statements returned.
    pub(super) async fn commit(self) -> Result<Vec<Vec<Row>>, Failure> {
        self.0.commit().await
    }
}

/// Whether the transaction has ended with COMMIT, the last of the calls. One in which a statement failed
/// is ended by it as well: it is undone.
fn is_ended(answers: &[Answer], calls: &[Call<'_>]) -> bool {
    answers.len() == calls.len() && answers.last().is_some_and(Result::is_ok)
}
