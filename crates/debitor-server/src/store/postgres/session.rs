//! A connection: statements prepared once, calls sent without waiting for each other, and an ear for
//! the server's warnings.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::{MaybeDone, maybe_done};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, Row, RowStream, Statement};

use super::address::{Address, Security};

pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);
pub(super) type Answer = Result<Vec<Row>, tokio_postgres::Error>;

/// A statement and its parameters.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) sql: &'a str,
    pub(super) parameters: &'a [Parameter<'a>],
}

impl<'a> Call<'a> {
    pub(super) fn new(sql: &'a str, parameters: &'a [Parameter<'a>]) -> Self {
        Self { sql, parameters }
    }
}

/// How long the first plans of a connection are kept, and how long any: each time it is twice as long.
const FIRST_PLANS: Duration = Duration::from_secs(1);
const PLANS: Duration = Duration::from_mins(1);
/// Statements that a connection knows at most, of which lists can be asked for in many ways.
const MOST: usize = 200;

/// Statements with their plans. A plan that was made for empty tables may use the wrong index of
/// those that grew, so that plans are made anew from time to time, and often at first.
struct Statements {
    prepared: HashMap<Box<str>, Statement>,
    since: Instant,
    keep: Duration,
}

impl Statements {
    fn new() -> Self {
        Self {
            prepared: HashMap::new(),
            since: Instant::now(),
            keep: FIRST_PLANS,
        }
    }

    /// Those of the calls that have to be prepared.
    fn missing<'a>(&mut self, calls: &[Call<'a>]) -> Vec<&'a str> {
        if self.since.elapsed() > self.keep || self.prepared.len() > MOST {
            self.prepared.clear();
            self.since = Instant::now();
            self.keep = (2 * self.keep).min(PLANS);
        }
        let mut missing = Vec::new();
        for call in calls {
            if !self.prepared.contains_key(call.sql) && !missing.contains(&call.sql) {
                missing.push(call.sql);
            }
        }
        missing
    }
}

/// A connection to the database.
pub(super) struct Session {
    client: Client,
    statements: Mutex<Statements>,
    /// Set by a warning that a commit may not have reached the standby.
    warned: Arc<AtomicBool>,
    /// Set by every answer.
    pub(super) heard: Arc<AtomicBool>,
    driver: JoinHandle<()>,
    /// Whether a transaction may be open.
    pub(super) in_transaction: bool,
    /// Which generation of connections it belongs to.
    pub(super) generation: u64,
}

impl Session {
    /// Connects to the first host that takes writes.
    pub(super) async fn open(
        address: &Address,
        generation: u64,
    ) -> Result<Self, tokio_postgres::Error> {
        let warned = Arc::<AtomicBool>::default();
        let config = &address.config;
        let (client, driver) = match address.security.clone() {
            Security::Plain(plain) => {
                let (client, connection) = config.connect(plain).await?;
                (client, tokio::spawn(drive(connection, warned.clone())))
            }
            Security::Tls(tls) => {
                let (client, connection) = config.connect(tls).await?;
                (client, tokio::spawn(drive(connection, warned.clone())))
            }
        };
        Ok(Self {
            client,
            statements: Mutex::new(Statements::new()),
            warned,
            heard: Arc::default(),
            driver,
            in_transaction: false,
            generation,
        })
    }

    /// Ends the connection, whoever waits for it.
    pub(super) fn cutter(&self) -> AbortHandle {
        self.driver.abort_handle()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether a warning came since the last time that this was asked.
    pub(super) fn take_warning(&self) -> bool {
        self.warned.swap(false, Ordering::AcqRel)
    }

    /// Sends several statements at once, as a script; nothing of them is prepared.
    pub(super) async fn script(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(sql).await
    }

    /// One statement's rows.
    pub(super) async fn query(&self, sql: &str, parameters: &[Parameter<'_>]) -> Answer {
        let statements = self.prepare(&[Call::new(sql, parameters)]).await?;
        let answer = self.client.query(&statements[0], parameters).await;
        self.hear(&answer);
        answer
    }

    /// The rows of a statement that is run once on a connection, and so not prepared.
    pub(super) async fn ask(&self, sql: &str) -> Answer {
        self.client.query_typed(sql, &[]).await
    }

    /// One statement's rows as they come, which may be many.
    pub(super) async fn stream(
        &self,
        sql: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<RowStream, tokio_postgres::Error> {
        let statements = self.prepare(&[Call::new(sql, parameters)]).await?;
        let parameters = parameters.iter().copied();
        self.client.query_raw(&statements[0], parameters).await
    }

    /// Sends all calls in their order, and waits for the answers of all. After one that fails inside
    /// a transaction, the rest fail too.
    pub(super) async fn pipeline(&self, calls: &[Call<'_>]) -> Vec<Answer> {
        let statements = match self.prepare(calls).await {
            Ok(statements) => statements,
            Err(error) => return vec![Err(error)],
        };
        let sent = calls
            .iter()
            .zip(&statements)
            .map(|(call, statement)| self.client.query(statement, call.parameters));
        let answers = in_order(sent).await;
        if let Some(last) = answers.last() {
            self.hear(last);
        }
        answers
    }

    /// Notes that the database said something. Seldom written, as all connections share it.
    fn hear(&self, answer: &Answer) {
        let answered = answer.as_ref().err().is_none_or(is_told);
        if answered && !self.heard.load(Ordering::Relaxed) {
            self.heard.store(true, Ordering::Release);
        }
    }

    /// The statements of the calls; those that are new to the connection are prepared together.
    async fn prepare(&self, calls: &[Call<'_>]) -> Result<Vec<Statement>, tokio_postgres::Error> {
        let new = self.known().missing(calls);
        if !new.is_empty() {
            let prepared = in_order(new.iter().map(|sql| self.client.prepare(sql))).await;
            for (sql, statement) in new.into_iter().zip(prepared) {
                self.known().prepared.insert(sql.into(), statement?);
            }
        }
        let prepared = &self.known().prepared;
        Ok(calls
            .iter()
            .map(|call| prepared[call.sql].clone())
            .collect())
    }

    fn known(&self) -> MutexGuard<'_, Statements> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    /// A connection that is sound is said goodbye to. One with a transaction is cut, which ends it.
    fn drop(&mut self) {
        if self.in_transaction {
            self.driver.abort();
        }
    }
}

/// Whether the database itself told the error.
fn is_told(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some()
}

/// Starts each future in its turn, for a request is sent when its future is polled first; then waits
/// for all.
async fn in_order<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut sent: Vec<Pin<Box<MaybeDone<F>>>> = Vec::new();
    for future in futures {
        let mut future = Box::pin(maybe_done(future));
        let _ = futures::poll!(future.as_mut());
        sent.push(future);
    }
    let mut answers = Vec::with_capacity(sent.len());
    for mut future in sent {
        future.as_mut().await;
        answers.extend(future.as_mut().take_output());
    }
    answers
}

/// Moves bytes until the connection ends. A notice is seen here before the answer that follows it.
async fn drive<S, T>(mut connection: Connection<S, T>, warned: Arc<AtomicBool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match std::future::poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => {
                let code = notice.code();
                tracing::debug!(code = code.code(), "the database noted something");
                if *code == SqlState::WARNING || *code == SqlState::ADMIN_SHUTDOWN {
                    warned.store(true, Ordering::Release);
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "a connection to the database ended");
                return;
            }
            None => return,
        }
    }
}
