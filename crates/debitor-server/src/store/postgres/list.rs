//! Statements of lists, of every noun alike. What words find is looked up at first, so that it is
//! known whether it is little. A search is judged by the server itself (`judged`).

use std::sync::Arc;

use debitor_api::properties::CustomerProperty;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::query::postgres::Postgres;
use super::super::query::seek::Seek;
use super::super::query::sql::{Bind, Sql};
use super::super::query::{Column, Listed};
use super::super::{Condition, Entities, Error, ListQuery, Page, Result, Scope};
use super::failure::Failure;
use super::session::{Call, Parameter};
use super::transaction::{Owned, Transaction};
use super::{judged, look_up};
use crate::auth::Caller;

/// Whose list it is: a caller's list of companies, or a company's.
#[derive(Debug, Clone)]
pub(super) enum Owner {
    Caller(Arc<Caller>),
    Company(Scope),
}

impl Owner {
    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::Caller(caller) => caller.tenant(),
            Self::Company(scope) => scope.company(),
        }
    }

    pub(super) fn tenant(&self) -> Uuid {
        match self {
            Self::Caller(caller) => caller.tenant(),
            Self::Company(scope) => scope.tenant(),
        }
    }

    /// Adds that the row is there for the caller, of whose list it is.
    pub(super) fn narrow(&self, sql: &mut Sql<Postgres>) {
        if let Self::Caller(caller) = self {
            sql.and_is_there_for(caller);
        }
    }
}

/// How the rows are come by; each is checked all the same.
pub(super) enum Access {
    /// All of the owner's.
    All,
    Ids(Vec<Uuid>),
    Numbers(Vec<String>),
}

impl Access {
    pub(super) async fn of<P: Listed>(
        transaction: &mut Transaction,
        owner: &Owner,
        condition: &Condition<P>,
    ) -> Result<Self, Failure> {
        Ok(match Seek::of(condition) {
            None => Self::All,
            Some(Seek::Ids(ids)) => Self::Ids(ids),
            Some(Seek::Numbers(numbers)) => Self::Numbers(numbers),
            Some(Seek::Words(words)) => look_up::few(transaction, owner.id(), &words)
                .await?
                .map_or(Self::All, Self::Ids),
        })
    }

    /// A statement that counts the rows. All customers of a company are counted already.
    fn count<P: Listed>(&self, owner: &Owner, condition: &Condition<P>) -> Sql<Postgres> {
        if condition.is_all() && P::TABLE == CustomerProperty::TABLE {
            let mut sql = Sql::new("SELECT customers FROM company WHERE id = ");
            let owner = sql.bind(Bind::Id(owner.id()));
            sql.push(&owner);
            return sql;
        }
        self.select("count(*)", owner, condition)
    }

    /// A statement on the rows, with their JSON parsed once for each. The owner is bound first.
    fn select<P: Listed>(
        &self,
        columns: &str,
        owner: &Owner,
        condition: &Condition<P>,
    ) -> Sql<Postgres> {
        let mut sql = Sql::new(format!("SELECT {columns} FROM "));
        let id = sql.bind(Bind::Id(owner.id()));
        let rows = self.rows::<P>(&mut sql, &id);
        sql.push(&format!(
            "{rows} CROSS JOIN LATERAL (SELECT body::jsonb AS json OFFSET 0) AS parsed WHERE {} = {id}",
            P::OWNER
        ));
        owner.narrow(&mut sql);
        if let Some(filter) = &condition.filter {
            sql.and_filter(filter);
        }
        sql
    }

    /// What the rows are read from. Values are looked up one by one: asked for all of them at once, the
    /// planner, who only knows how large a company is on the average, may read all of a large one.
    fn rows<P: Listed>(&self, sql: &mut Sql<Postgres>, owner: &str) -> String {
        let (column, values) = match self {
            Self::All => return P::TABLE.to_owned(),
            Self::Numbers(numbers) => {
                let numbers = numbers.iter().cloned().map(Bind::Text);
                (Column::NumberFold, array(sql, numbers))
            }
            Self::Ids(ids) => {
                let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
                let ids = sql.bind(Bind::Text(format!("{{{}}}", ids.join(","))));
                (Column::Id, format!("{ids}::uuid[]"))
            }
        };
        let (table, key, column) = (P::TABLE, P::OWNER, column.name());
        format!(
            "(SELECT DISTINCT one FROM unnest({values}) AS one) AS sought CROSS JOIN LATERAL \
             (SELECT * FROM {table} WHERE {key} = {owner} AND {column} = one OFFSET 0) AS {table}"
        )
    }
}

fn array(sql: &mut Sql<Postgres>, values: impl Iterator<Item = Bind>) -> String {
    let values: Vec<_> = values.map(|value| sql.bind(value)).collect();
    format!("ARRAY[{}]", values.join(", "))
}

/// A page of the owner's list.
pub(super) async fn page<P: Listed>(
    mut transaction: Transaction,
    owner: Owner,
    query: ListQuery<P>,
) -> Result<Page, Failure> {
    if query.condition.search.is_some() {
        return judged::page(transaction, &owner, &query).await;
    }
    let access = Access::of(&mut transaction, &owner, &query.condition).await?;
    let mut all = vec![rows(&access, &owner, &query)];
    if query.count {
        all.push(access.count(&owner, &query.condition));
    }
    let answers = read(transaction, all).await?;
    let [rows, counted @ ..] = &answers[..] else {
        return Err(unanswered().into());
    };
    let count = counted.first().map(|rows| count_of(rows)).transpose()?;
    page_of(rows, &query, count)
}

/// How many entities of the owner's list are found.
pub(super) async fn count<P: Listed>(
    mut transaction: Transaction,
    owner: Owner,
    condition: Condition<P>,
) -> Result<i32, Failure> {
    if condition.search.is_some() {
        return judged::count(transaction, &owner, &condition).await;
    }
    let access = Access::of(&mut transaction, &owner, &condition).await?;
    let counted = access.count(&owner, &condition);
    let answers = read(transaction, vec![counted]).await?;
    Ok(count_of(answers.first().ok_or_else(unanswered)?)?)
}

/// The statement of a page; one row more than it holds tells whether there is a next.
fn rows<P: Listed>(access: &Access, owner: &Owner, query: &ListQuery<P>) -> Sql<Postgres> {
    let mut sql = access.select("id, body", owner, &query.condition);
    if let Some(after) = &query.after {
        sql.and_after(&query.order, after);
    }
    sql.order_by(&query.order);
    let (top, skip) = (Bind::Rows(query.top + 1), Bind::Rows(query.skip));
    let limit = format!(" LIMIT {} OFFSET {}", sql.bind(top), sql.bind(skip));
    sql.push(&limit);
    sql
}

/// The answers to the statements, all of one instant.
async fn read(transaction: Transaction, all: Vec<Sql<Postgres>>) -> Result<Vec<Vec<Row>>, Failure> {
    let all: Vec<_> = all.into_iter().map(Sql::into_parts).collect();
    let all: Vec<_> = all
        .into_iter()
        .map(|(text, binds)| (text, binds.into_iter().map(owned).collect::<Vec<_>>()))
        .collect();
    let parameters: Vec<Vec<Parameter<'_>>> = all
        .iter()
        .map(|(_, binds)| binds.iter().map(|bind| &**bind as Parameter<'_>).collect())
        .collect();
    let texts = all.iter().map(|(text, _)| text);
    let calls = texts
        .zip(&parameters)
        .map(|(text, parameters)| Call::new(text, parameters));
    transaction.read(&calls.collect::<Vec<_>>()).await
}

/// The rows of one statement, with which the transaction ends if it is the last.
pub(super) async fn query(
    transaction: &mut Transaction,
    sql: Sql<Postgres>,
    is_last: bool,
) -> Result<Vec<Row>, Failure> {
    let (text, binds) = sql.into_parts();
    let binds: Vec<_> = binds.into_iter().map(owned).collect();
    let parameters: Vec<_> = binds.iter().map(|bind| &**bind as Parameter<'_>).collect();
    if !is_last {
        return transaction.query(&text, &parameters).await;
    }
    let mut answers = transaction
        .finally(&[Call::new(&text, &parameters)])
        .await?;
    Ok(answers.pop().unwrap_or_default())
}

fn owned(bind: Bind) -> Owned {
    match bind {
        Bind::Text(text) => Box::new(text),
        Bind::Number(number) => Box::new(number),
        Bind::Boolean(boolean) => Box::new(boolean),
        Bind::Id(id) => Box::new(id),
        Bind::Rows(rows) => Box::new(i64::from(rows)),
    }
}

fn unanswered() -> Error {
    Error::Internal("a statement without an answer".to_owned())
}

/// The page from its rows of `id, body`, one more of which was asked for than it holds.
fn page_of<P: Listed>(
    rows: &[Row],
    query: &ListQuery<P>,
    count: Option<i32>,
) -> Result<Page, Failure> {
    let top = query.top as usize;
    let mut entities = Entities::default();
    let mut next = None;
    for row in rows.iter().take(top) {
        let body: &str = row.try_get(1)?;
        entities.push(body.as_bytes(), query.top);
    }
    if let Some([.., last]) = rows.get(..top)
        && rows.len() > top
    {
        let body: &str = last.try_get(1)?;
        next = Some(query.order.position(last.try_get(0)?, body.as_bytes()));
    }
    Ok(Page {
        entities,
        next,
        count,
    })
}

/// The number that a statement counted.
fn count_of(rows: &[Row]) -> Result<i32> {
    let count = rows.first().map(|row| row.try_get::<_, i64>(0));
    let count = count.and_then(Result::ok);
    count
        .and_then(|count| i32::try_from(count).ok())
        .ok_or_else(|| Error::Internal("a count that is none".to_owned()))
}
