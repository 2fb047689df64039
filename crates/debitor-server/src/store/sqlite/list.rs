//! Statements of lists, of every noun alike: how the rows are come by is decided here, and not left to
//! the planner, which knows nothing of how many they are.

use debitor_api::properties::CustomerProperty;
use rusqlite::{Connection, Rows, params_from_iter};
use uuid::Uuid;

use super::super::query::seek::Seek;
use super::super::query::sql::{Bind, Sql};
use super::super::query::sqlite::Sqlite;
use super::super::query::{Column, Listed};
use super::super::{Condition, Entities, Error, ListQuery, Page, Result};
use super::effort::Effort;
use super::row::text;
use super::{company, words};
use crate::auth::Caller;
use crate::odata::order::Order;

/// Whose list it is: a company's, or a caller's list of companies.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    id: Uuid,
    caller: Option<&'a Caller>,
}

impl From<Uuid> for Owner<'_> {
    fn from(id: Uuid) -> Self {
        Self { id, caller: None }
    }
}

impl<'a> From<&'a Caller> for Owner<'a> {
    fn from(caller: &'a Caller) -> Self {
        let id = caller.tenant();
        let caller = Some(caller);
        Self { id, caller }
    }
}

/// Rows up to which all that the index of words finds are read and sorted, where the list's order has
/// an index of its own. Of more, a page of those that are found comes soon in that order.
const FEW: usize = 2000;

/// How the rows are come by; each is checked all the same.
enum Access {
    /// All of the owner's, in the order of the list if it has an index.
    All,
    Ids(Vec<Uuid>),
    Numbers(Vec<String>),
    /// By their numbers in the table.
    Rows(Vec<i64>),
    /// By what the index of words is asked.
    Words(String),
}

impl Access {
    /// The best for the condition, if all that is found is needed, or, with `has_index`, a page of it
    /// in an order that has an index. With little effort none that may have to look at all rows, or
    /// that the index of words takes long for, as it cannot be stopped: that is a timeout at once.
    fn of<P: Listed>(
        db: &Connection,
        owner: Owner<'_>,
        condition: &Condition<P>,
        has_index: bool,
        effort: Effort,
    ) -> Result<Self> {
        let access = Self::best(db, owner.id, condition, has_index, effort)?;
        let is_soon = match access {
            Self::All => condition.is_all() && has_index,
            Self::Ids(_) | Self::Numbers(_) | Self::Rows(_) => true,
            Self::Words(_) => false,
        };
        if is_soon || effort == Effort::Full {
            Ok(access)
        } else {
            Err(Error::QueryTimeout)
        }
    }

    fn best<P: Listed>(
        db: &Connection,
        owner: Uuid,
        condition: &Condition<P>,
        has_index: bool,
        effort: Effort,
    ) -> Result<Self> {
        let words = match Seek::of(condition) {
            None => return Ok(Self::All),
            Some(Seek::Ids(ids)) => return Ok(Self::Ids(ids)),
            Some(Seek::Numbers(numbers)) => return Ok(Self::Numbers(numbers)),
            Some(Seek::Words(words)) => words,
        };
        let company = words::company(db, owner)?;
        let rows = words::candidates(db, company, &words, FEW, effort)?;
        Ok(match rows {
            Some(rows) => Self::Rows(rows),
            None if has_index => Self::All,
            None => Self::Words(words::question(company, &words)),
        })
    }

    /// A statement that selects these columns of the rows. Of several numbers the planner thinks that
    /// they are many, and so it is told; with a plus before it, a column's index is not chosen.
    fn select<P: Listed>(self, columns: &str, owner: Owner<'_>) -> Sql<Sqlite> {
        let index = match self {
            Self::Numbers(_) => " INDEXED BY customer_by_number",
            _ => "",
        };
        let mut sql = Sql::new(format!("SELECT {columns} FROM {}{index}", P::TABLE));
        let id = sql.bind(Bind::Id(owner.id));
        let is_by_row = matches!(self, Self::Rows(_) | Self::Words(_));
        let plus = if is_by_row { "+" } else { "" };
        sql.push(&format!(" WHERE {plus}{} = {id}", P::OWNER));
        self.add_rows(&mut sql);
        if let Some(caller) = owner.caller {
            sql.and_is_there_for(caller);
        }
        sql
    }

    fn add_rows(self, sql: &mut Sql<Sqlite>) {
        match self {
            Self::All => {}
            Self::Ids(ids) => add_one_of(sql, Column::Id, ids.into_iter().map(Bind::Id)),
            Self::Numbers(numbers) => {
                add_one_of(sql, Column::NumberFold, numbers.into_iter().map(Bind::Text));
            }
            Self::Rows(rows) => {
                let rows = sql.bind(Bind::Text(format!("{rows:?}")));
                sql.push(&format!(
                    " AND row IN (SELECT value FROM json_each({rows}))"
                ));
            }
            Self::Words(question) => {
                let question = sql.bind(Bind::Text(question));
                sql.push(&format!(
                    " AND row IN (SELECT rowid FROM customer_words WHERE customer_words MATCH {question})"
                ));
            }
        }
    }
}

fn add_one_of(sql: &mut Sql<Sqlite>, column: Column, values: impl Iterator<Item = Bind>) {
    let values: Vec<_> = values.map(|value| sql.bind(value)).collect();
    sql.push(&format!(
        " AND {} IN ({})",
        column.name(),
        values.join(", ")
    ));
}

/// A page of the owner's list.
pub(super) fn page<'a, P: Listed>(
    db: &Connection,
    owner: impl Into<Owner<'a>>,
    query: &ListQuery<P>,
    effort: Effort,
) -> Result<Page> {
    let owner = owner.into();
    let count = query
        .count
        .then(|| count(db, owner, &query.condition, effort))
        .transpose()?;
    let (text, binds) = rows(db, owner, query, effort)?.into_parts();
    let mut statement = db.prepare_cached(&text)?;
    let rows = statement.query(params_from_iter(binds))?;
    Ok(read(rows, query, count)?)
}

/// How many entities of the owner's list are found.
pub(super) fn count<'a, P: Listed>(
    db: &Connection,
    owner: impl Into<Owner<'a>>,
    condition: &Condition<P>,
    effort: Effort,
) -> Result<i32> {
    let owner = owner.into();
    if condition.is_all() && P::TABLE == CustomerProperty::TABLE {
        return Ok(company::customers(db, owner.id)?);
    }
    let access = Access::of(db, owner, condition, false, effort)?;
    if let (Access::Words(question), None, Some(search)) =
        (&access, &condition.filter, &condition.search)
        && words::is_exact(search)
    {
        return Ok(words::count_of(db, question)?);
    }
    let mut sql = access.select::<P>("count(*)", owner);
    add_condition(&mut sql, condition);
    let (text, binds) = sql.into_parts();
    let mut statement = db.prepare_cached(&text)?;
    Ok(statement.query_row(params_from_iter(binds), |row| row.get(0))?)
}

/// The statement of a page; one row more than it holds tells whether there is a next.
fn rows<P: Listed>(
    db: &Connection,
    owner: Owner<'_>,
    query: &ListQuery<P>,
    effort: Effort,
) -> Result<Sql<Sqlite>> {
    let has_index = has_index(&query.order);
    let access = Access::of(db, owner, &query.condition, has_index, effort)?;
    let mut sql = access.select::<P>("id, body", owner);
    add_condition(&mut sql, &query.condition);
    if let Some(after) = &query.after {
        sql.and_after(&query.order, after);
    }
    sql.order_by(&query.order);
    let (top, skip) = (Bind::Rows(query.top + 1), Bind::Rows(query.skip));
    let limit = format!(" LIMIT {} OFFSET {}", sql.bind(top), sql.bind(skip));
    sql.push(&limit);
    Ok(sql)
}

fn add_condition<P: Listed>(sql: &mut Sql<Sqlite>, condition: &Condition<P>) {
    if let Some(filter) = &condition.filter {
        sql.and_filter(filter);
    }
    if let Some(search) = &condition.search {
        sql.and_search::<P>(search);
    }
}

/// Whether the rows can be read in the order: by a column that no two rows share.
fn has_index<P: Listed>(order: &Order<P>) -> bool {
    let first = order.keys().first();
    first.is_none_or(|key| key.property.column().is_some())
}

/// The page from its rows of `id, body`.
fn read<P: Listed>(
    mut rows: Rows<'_>,
    query: &ListQuery<P>,
    count: Option<i32>,
) -> rusqlite::Result<Page> {
    let mut entities = Entities::default();
    let mut last = Uuid::nil();
    let mut next = None;
    while let Some(row) = rows.next()? {
        if entities.len() == query.top as usize {
            let body = entities.iter().last();
            next = body.map(|body| query.order.position(last, body));
            break;
        }
        last = Uuid::from_bytes(row.get(0)?);
        entities.push(text(row, 1)?, query.top);
    }
    Ok(Page {
        entities,
        next,
        count,
    })
}

#[cfg(test)]
mod tests;
