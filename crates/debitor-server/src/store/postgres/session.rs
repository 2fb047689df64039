//! A connection: statements prepared once, calls sent without waiting for each other, and an ear for
//! the server's warnings.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
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
    /// Held while something is sent whose parts belong together.
    turn: Mutex<()>,
    /// How often the database warned that a commit may not have reached the standby.
    warnings: Arc<AtomicU64>,
    /// Set by every answer.
    pub(super) heard: Arc<AtomicBool>,
    driver: JoinHandle<()>,
    /// How many transactions may be open, or wait behind the one that is.
    transactions: AtomicUsize,
    /// Which generation of connections it belongs to.
    pub(super) generation: u64,
}

impl Session {
    /// Connects to the first host that takes writes.
    pub(super) async fn open(
        address: &Address,
        generation: u64,
    ) -> Result<Self, tokio_postgres::Error> {
        let warnings = Arc::<AtomicU64>::default();
        let config = &address.config;
        let (client, driver) = match address.security.clone() {
            Security::Plain(plain) => {
                let (client, connection) = config.connect(plain).await?;
                (client, tokio::spawn(drive(connection, warnings.clone())))
            }
            Security::Tls(tls) => {
                let (client, connection) = config.connect(tls).await?;
                (client, tokio::spawn(drive(connection, warnings.clone())))
            }
        };
        Ok(Self {
            client,
            statements: Mutex::new(Statements::new()),
            turn: Mutex::default(),
            warnings,
            heard: Arc::default(),
            driver,
            transactions: AtomicUsize::new(0),
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

    /// How many warnings came. One more after a commit leaves open whether that will last, whichever of
    /// several that were under way it was about.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::Acquire)
    }

    /// Notes that a transaction is begun.
    pub(super) fn begin(&self) {
        self.transactions.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that a transaction has ended, which is known for certain.
    pub(super) fn end(&self) {
        self.transactions.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether a transaction may be open.
    pub(super) fn in_transaction(&self) -> bool {
        self.transactions.load(Ordering::Acquire) > 0
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
        let answers = self.in_order(sent).await;
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
            let prepared = new.iter().map(|sql| self.client.prepare(sql));
            let prepared = self.in_order(prepared).await;
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

    /// Sends requests one after the other, with none of anybody else between them, and waits for the
    /// answers of all.
    async fn in_order<F: Future>(&self, requests: impl Iterator<Item = F>) -> Vec<F::Output> {
        let sent = self.send(requests);
        let mut answers = Vec::with_capacity(sent.len());
        for mut request in sent {
            request.as_mut().await;
            answers.extend(request.as_mut().take_output());
        }
        answers
    }

    /// A request is sent when its future is polled first; who waits for the answer polls it again.
    fn send<F: Future>(&self, requests: impl Iterator<Item = F>) -> Vec<Sent<F>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sent = Vec::new();
        for request in requests {
            let mut request = Box::pin(maybe_done(request));
            let _ = request
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            sent.push(request);
        }
        sent
    }
}

/// A request that was sent, and its answer once that has come.
type Sent<F> = Pin<Box<MaybeDone<F>>>;

impl Drop for Session {
    /// A connection that is sound is said goodbye to. One with a transaction is cut, which ends it.
    fn drop(&mut self) {
        if self.in_transaction() {
            self.driver.abort();
        }
    }
}

/// Whether the database itself told the error.
fn is_told(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some()
}

/// Moves bytes until the connection ends. A notice is seen here before the answer that follows it.
async fn drive<S, T>(mut connection: Connection<S, T>, warnings: Arc<AtomicU64>)
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
                    warnings.fetch_add(1, Ordering::AcqRel);
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
