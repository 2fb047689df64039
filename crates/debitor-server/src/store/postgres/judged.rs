//! Searches: rows are read in the order of their ids, from one snapshot, and judged here, for as long
//! as a list may take. Of customers, those are read that the index of words finds, if they are few.

use tokio::time::Instant;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::query::Listed;
use super::super::query::sql::{Bind, Sql};
use super::super::{Condition, Entities, Error, ListQuery, Page};
use super::failure::Failure;
use super::list::{Access, Owner, query};
use super::session::{Call, Parameter};
use super::transaction::Transaction;
use crate::odata::evaluate::{finds, matches};
use crate::odata::order::{Order, Position};

/// Rows that are read and judged at once: few enough that other requests do not wait for them.
const CHUNK: u32 = 500;

/// A page of the owner's list, and the end of the transaction.
pub(super) async fn page<P: Listed>(
    mut transaction: Transaction,
    owner: &Owner,
    query: &ListQuery<P>,
) -> Result<Page, Failure> {
    let read = read(&mut transaction, owner, query).await;
    transaction.end(read).await
}

/// How many of the owner's entities are found, and the end of the transaction.
pub(super) async fn count<P: Listed>(
    mut transaction: Transaction,
    owner: &Owner,
    condition: &Condition<P>,
) -> Result<i32, Failure> {
    let count = counted(&mut transaction, owner, condition).await;
    transaction.end(count).await
}

async fn counted<P: Listed>(
    transaction: &mut Transaction,
    owner: &Owner,
    condition: &Condition<P>,
) -> Result<i32, Failure> {
    let mut found = Found::new(transaction, owner, Uuid::nil(), condition).await?;
    let mut count = 0;
    while let Some(rows) = found.next(transaction).await? {
        count += rows.len();
    }
    Ok(number(count)?)
}

async fn read<P: Listed>(
    transaction: &mut Transaction,
    owner: &Owner,
    query: &ListQuery<P>,
) -> Result<Page, Failure> {
    let is_by_id = query.order.keys().is_empty();
    let start = query.after.as_ref().filter(|_| is_by_id && !query.count);
    let start = start.map_or(Uuid::nil(), |after| after.id);
    let mut found = Found::new(transaction, owner, start, &query.condition).await?;
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
    owner: &'a Owner,
    /// The last row that was read.
    after: Uuid,
    /// Which rows are read still.
    access: Access,
    condition: &'a Condition<P>,
    end: Instant,
    is_done: bool,
}

impl<'a, P: Listed> Found<'a, P> {
    async fn new(
        transaction: &mut Transaction,
        owner: &'a Owner,
        after: Uuid,
        condition: &'a Condition<P>,
    ) -> Result<Self, Failure> {
        let end = Instant::now() + transaction.limit();
        let mut access = Access::of(transaction, owner, condition).await?;
        if let Access::Ids(ids) = &mut access {
            ids.retain(|id| *id > after);
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(Self {
            owner,
            after,
            access,
            condition,
            end,
            is_done: false,
        })
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
        let rows = self.read(transaction).await?;
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

    /// The next rows.
    async fn read(&mut self, transaction: &mut Transaction) -> Result<Vec<Row>, Failure> {
        let (table, key) = (P::TABLE, P::OWNER);
        match &mut self.access {
            Access::All => {
                let mut sql = Sql::new(format!("SELECT id, body FROM {table} WHERE {key} = "));
                let (id, after) = (Bind::Id(self.owner.id()), Bind::Id(self.after));
                let behind = format!("{} AND id > {}", sql.bind(id), sql.bind(after));
                sql.push(&behind);
                self.owner.narrow(&mut sql);
                let limit = format!(" ORDER BY id LIMIT {}", sql.bind(Bind::Rows(CHUNK)));
                sql.push(&limit);
                let rows = query(transaction, sql, false).await?;
                self.is_done = rows.len() < CHUNK as usize;
                Ok(rows)
            }
            Access::Ids(ids) => {
                let count = ids.len().min(CHUNK as usize);
                let next: Vec<String> = ids.drain(..count).map(|id| id.to_string()).collect();
                self.is_done = ids.is_empty();
                let mut sql = Sql::new("SELECT c.id, c.body FROM unnest(");
                let sought = sql.bind(Bind::Text(format!("{{{}}}", next.join(","))));
                let id = sql.bind(Bind::Id(self.owner.id()));
                sql.push(&format!(
                    "{sought}::uuid[]) AS sought (one) CROSS JOIN LATERAL \
                     (SELECT id, body FROM {table} WHERE {key} = {id} AND id = one"
                ));
                self.owner.narrow(&mut sql);
                sql.push(" OFFSET 0) AS c ORDER BY c.id");
                query(transaction, sql, self.is_done).await
            }
            Access::Numbers(numbers) => {
                let sql = format!(
                    "SELECT c.id, c.body
                     FROM (SELECT DISTINCT one FROM unnest($2::text[]) AS one) AS sought
                     CROSS JOIN LATERAL (SELECT id, body FROM {table}
                       WHERE {key} = $1 AND number_fold = one OFFSET 0) AS c
                     ORDER BY c.id"
                );
                self.is_done = true;
                let owner = self.owner.id();
                let values: [Parameter<'_>; 2] = [&owner, numbers];
                let mut answers = transaction.finally(&[Call::new(&sql, &values)]).await?;
                Ok(answers.pop().unwrap_or_default())
            }
        }
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
