//! Statements of lists, of every noun alike.

use rusqlite::{Connection, Rows, params_from_iter};
use uuid::Uuid;

use super::super::query::seek::Seek;
use super::super::query::sql::{Bind, Sql};
use super::super::query::sqlite::Sqlite;
use super::super::query::{Column, Listed};
use super::super::{Condition, Entities, ListQuery, Page, Result};
use super::row::text;

/// A page of the owner's list.
pub(super) fn page<P: Listed>(db: &Connection, owner: Uuid, query: &ListQuery<P>) -> Result<Page> {
    let count = query
        .count
        .then(|| count(db, owner, &query.condition))
        .transpose()?;
    let (text, binds) = rows(owner, query).into_parts();
    let mut statement = db.prepare_cached(&text)?;
    let rows = statement.query(params_from_iter(binds))?;
    Ok(read(rows, query, count)?)
}

/// How many entities of the owner's list are found.
pub(super) fn count<P: Listed>(
    db: &Connection,
    owner: Uuid,
    condition: &Condition<P>,
) -> Result<i32> {
    let mut sql = Sql::new(format!("SELECT count(*) FROM {}", P::TABLE));
    add_condition(&mut sql, owner, condition);
    let (text, binds) = sql.into_parts();
    let mut statement = db.prepare_cached(&text)?;
    Ok(statement.query_row(params_from_iter(binds), |row| row.get(0))?)
}

/// The statement of a page; one row more than it holds tells whether there is a next.
fn rows<P: Listed>(owner: Uuid, query: &ListQuery<P>) -> Sql<Sqlite> {
    let mut sql = Sql::new(format!("SELECT id, body FROM {}", P::TABLE));
    add_condition(&mut sql, owner, &query.condition);
    if let Some(after) = &query.after {
        sql.and_after(&query.order, after);
    }
    sql.order_by(&query.order);
    let (top, skip) = (Bind::Rows(query.top + 1), Bind::Rows(query.skip));
    let limit = format!(" LIMIT {} OFFSET {}", sql.bind(top), sql.bind(skip));
    sql.push(&limit);
    sql
}

fn add_condition<P: Listed>(sql: &mut Sql<Sqlite>, owner: Uuid, condition: &Condition<P>) {
    let owner = sql.bind(Bind::Id(owner));
    sql.push(&format!(" WHERE {} = {owner}", P::OWNER));
    match Seek::of(condition) {
        Some(Seek::Ids(ids)) => add_one_of(sql, Column::Id, ids.into_iter().map(Bind::Id)),
        Some(Seek::Numbers(numbers)) => {
            add_one_of(sql, Column::NumberFold, numbers.into_iter().map(Bind::Text));
        }
        Some(Seek::Words(_)) | None => {}
    }
    if let Some(filter) = &condition.filter {
        sql.and_filter(filter);
    }
    if let Some(search) = &condition.search {
        sql.and_search::<P>(search);
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
            next = entities
                .iter()
                .last()
                .map(|body| query.order.position(last, body));
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
