//! Lists with conditions, orders and rows to pass over, of every noun alike: the rows are read in the
//! order of their ids, from one snapshot, and judged here, for as long as a list may take. What is
//! asked for by ids or numbers is looked up.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::super::query::Listed;
use super::super::query::seek::Seek;
use super::super::{Condition, Entities, Error, ListQuery, Page, Scope};
use super::company;
use super::failure::Failure;
use super::session::Parameter;
use super::transaction::Transaction;
use crate::odata::evaluate::{finds, matches};
use crate::odata::order::{Order, Position};

/// How long a list may take.
const TIME: Duration = Duration::from_secs(2);
/// Rows that are read and judged at once: few enough that other requests do not wait for them.
const CHUNK: i64 = 500;

/// The statements of a noun; each returns `id, body` of the owner `$1` behind the id `$2`, in the order
/// of the ids, and at most `$3` of them.
pub(super) struct Statements {
    pub(super) all: &'static str,
    /// With one of the ids `$4`.
    pub(super) of_ids: &'static str,
    /// With one of the folded numbers `$4`, where an index has them.
    pub(super) of_numbers: Option<&'static str>,
}

/// A page of the owner's list, and the end of the transaction.
pub(super) async fn page<P: Listed>(
    mut transaction: Transaction,
    company: Option<Scope>,
    owner: Uuid,
    statements: &Statements,
    query: &ListQuery<P>,
) -> Result<Page, Failure> {
    let read = async {
        require(&mut transaction, company).await?;
        read(&mut transaction, owner, statements, query).await
    };
    let read = read.await;
    ended(transaction, read).await
}

/// How many of the owner's entities are found, and the end of the transaction.
pub(super) async fn count<P: Listed>(
    mut transaction: Transaction,
    company: Option<Scope>,
    owner: Uuid,
    statements: &Statements,
    condition: &Condition<P>,
) -> Result<i32, Failure> {
    let count = async {
        require(&mut transaction, company).await?;
        counted(&mut transaction, owner, statements, condition).await
    };
    let count = count.await;
    ended(transaction, count).await
}

/// The company must be there, if the list is one of a company's.
async fn require(transaction: &mut Transaction, company: Option<Scope>) -> Result<(), Failure> {
    if let Some(scope) = company {
        let company: [Parameter<'_>; 2] = [&scope.company, &scope.tenant];
        company::found(&transaction.query(company::FIND, &company).await?)?;
    }
    Ok(())
}

async fn ended<T>(transaction: Transaction, outcome: Result<T, Failure>) -> Result<T, Failure> {
    match outcome {
        Ok(outcome) => {
            transaction.commit().await?;
            Ok(outcome)
        }
        Err(failure) => {
            transaction.rollback().await;
            Err(failure)
        }
    }
}

async fn counted<P: Listed>(
    transaction: &mut Transaction,
    owner: Uuid,
    statements: &Statements,
    condition: &Condition<P>,
) -> Result<i32, Failure> {
    let mut found = Found::new(owner, Uuid::nil(), statements, condition);
    let mut count = 0;
    while let Some(rows) = found.next(transaction).await? {
        count += rows.len();
    }
    Ok(number(count)?)
}

async fn read<P: Listed>(
    transaction: &mut Transaction,
    owner: Uuid,
    statements: &Statements,
    query: &ListQuery<P>,
) -> Result<Page, Failure> {
    let is_by_id = query.order.keys().is_empty();
    let start = query.after.as_ref().filter(|_| is_by_id && !query.count);
    let start = start.map_or(Uuid::nil(), |after| after.id);
    let mut found = Found::new(owner, start, statements, &query.condition);
    let mut best = Best::of(query);
    let mut count = 0;
    while let Some(rows) = found.next(transaction).await? {
        count += rows.len();
        for (id, body) in rows {
            best.offer(id, body);
        }
        if is_by_id && best.is_full() && !query.count {
            break;
        }
    }
    let count = query.count.then(|| number(count)).transpose()?;
    Ok(best.page(query, count))
}

fn number(count: usize) -> Result<i32, Error> {
    i32::try_from(count).map_err(|error| Error::Internal(format!("a count: {error}")))
}

/// What is found of an owner's rows, some at a time.
struct Found<'a, P> {
    owner: Uuid,
    /// The last row that was read.
    after: Uuid,
    sql: &'static str,
    /// The values that rows are looked up by, if they are.
    seek: Option<Seek>,
    condition: &'a Condition<P>,
    end: Instant,
    is_done: bool,
}

impl<'a, P: Listed> Found<'a, P> {
    fn new(owner: Uuid, after: Uuid, statements: &Statements, condition: &'a Condition<P>) -> Self {
        let (sql, seek) = match (Seek::of(condition), statements.of_numbers) {
            (Some(Seek::Ids(ids)), _) => (statements.of_ids, Some(Seek::Ids(ids))),
            (Some(Seek::Numbers(some)), Some(sql)) => (sql, Some(Seek::Numbers(some))),
            _ => (statements.all, None),
        };
        Self {
            owner,
            after,
            sql,
            seek,
            condition,
            end: Instant::now() + TIME,
            is_done: false,
        }
    }

    /// The next that are found, maybe none of what was read; nothing at the end.
    async fn next(
        &mut self,
        transaction: &mut Transaction,
    ) -> Result<Option<Vec<(Uuid, String)>>, Failure> {
        if self.is_done {
            return Ok(None);
        }
        if Instant::now() > self.end {
            return Err(Error::QueryTimeout.into());
        }
        let mut parameters: Vec<Parameter<'_>> = vec![&self.owner, &self.after, &CHUNK];
        match &self.seek {
            Some(Seek::Ids(ids)) => parameters.push(ids),
            Some(Seek::Numbers(numbers)) => parameters.push(numbers),
            Some(Seek::Words(_)) | None => {}
        }
        let rows = transaction.query(self.sql, &parameters).await?;
        self.is_done = i64::try_from(rows.len()).is_ok_and(|count| count < CHUNK);
        let mut found = Vec::new();
        for row in &rows {
            let body: &str = row.try_get(1)?;
            self.after = row.try_get(0)?;
            if holds(self.condition, body.as_bytes()) {
                found.push((self.after, body.to_owned()));
            }
        }
        tokio::task::yield_now().await;
        Ok(Some(found))
    }
}

fn holds<P: Listed>(condition: &Condition<P>, body: &[u8]) -> bool {
    let filter = condition.filter.as_ref();
    let search = condition.search.as_ref();
    filter.is_none_or(|filter| matches(filter, body))
        && search.is_none_or(|search| finds::<P>(search, body))
}

/// The first of a list, behind the position where the page starts.
struct Best<'a, P> {
    order: &'a Order<P>,
    after: Option<&'a Position>,
    /// As many as are passed over or on the page, and one that tells whether there is a next page.
    wanted: usize,
    kept: Vec<(Position, String)>,
}

impl<'a, P: Listed> Best<'a, P> {
    fn of(query: &'a ListQuery<P>) -> Self {
        Self {
            order: &query.order,
            after: query.after.as_ref(),
            wanted: query.skip as usize + query.top as usize + 1,
            kept: Vec::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.kept.len() >= self.wanted
    }

    fn offer(&mut self, id: Uuid, body: String) {
        let position = self.order.position(id, body.as_bytes());
        if let Some(after) = self.after
            && self.order.compare(&position, after).is_le()
        {
            return;
        }
        self.kept.push((position, body));
        // Now and then, so that each is moved only a few times.
        if self.kept.len() >= 2 * self.wanted {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let order = self.order;
        self.kept
            .sort_by(|one, other| order.compare(&one.0, &other.0));
        self.kept.truncate(self.wanted);
    }

    fn page(mut self, query: &ListQuery<P>, count: Option<i32>) -> Page {
        self.cut();
        let has_next = self.is_full();
        let (skip, top) = (query.skip as usize, query.top as usize);
        let mut entities = Entities::default();
        let mut last = None;
        for (position, body) in self.kept.into_iter().skip(skip).take(top) {
            entities.push(body.as_bytes(), query.top);
            last = Some(position);
        }
        Page {
            entities,
            next: last.filter(|_| has_next),
            count,
        }
    }
}
