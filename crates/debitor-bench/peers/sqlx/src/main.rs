//! axum + sqlx with a pool of connections to SQLite.

use std::error::Error;
use std::path::Path as FilePath;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{FromRow, SqlitePool};
use uuid::Uuid;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS customer (
  id TEXT PRIMARY KEY, version INTEGER NOT NULL, display_name TEXT NOT NULL, type TEXT,
  address TEXT, phone_number TEXT, email TEXT, website TEXT, tax_liable INTEGER, tax_area_id TEXT,
  tax_registration_number TEXT, currency_id TEXT, currency_code TEXT, payment_terms_id TEXT,
  shipment_method_id TEXT, payment_method_id TEXT, blocked TEXT, last_modified TEXT NOT NULL)";

#[derive(Serialize, Deserialize, FromRow)]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[serde(default)]
    id: String,
    #[serde(skip_deserializing, rename = "@odata.etag", serialize_with = "etag")]
    version: i64,
    display_name: String,
    r#type: Option<String>,
    #[sqlx(json(nullable))]
    address: Option<Value>,
    phone_number: Option<String>,
    email: Option<String>,
    website: Option<String>,
    tax_liable: Option<bool>,
    tax_area_id: Option<String>,
    tax_registration_number: Option<String>,
    currency_id: Option<String>,
    currency_code: Option<String>,
    payment_terms_id: Option<String>,
    shipment_method_id: Option<String>,
    payment_method_id: Option<String>,
    blocked: Option<String>,
    #[serde(default)]
    last_modified: DateTime<Utc>,
}

fn etag<S: serde::Serializer>(version: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("W/\"{version}\""))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    display_name: Option<String>,
    phone_number: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Options {
    #[serde(rename = "$top")]
    top: Option<usize>,
    #[serde(rename = "$skiptoken")]
    after: Option<String>,
}

type Answer<T> = Result<T, StatusCode>;

fn failed(error: sqlx::Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn create(
    State(pool): State<SqlitePool>,
    Json(body): Json<Customer>,
) -> Answer<(StatusCode, Json<Customer>)> {
    let customer = Customer {
        id: Uuid::now_v7().to_string(),
        version: 1,
        last_modified: Utc::now(),
        ..body
    };
    sqlx::query("INSERT INTO customer VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
        .bind(&customer.id)
        .bind(customer.version)
        .bind(&customer.display_name)
        .bind(&customer.r#type)
        .bind(&customer.address)
        .bind(&customer.phone_number)
        .bind(&customer.email)
        .bind(&customer.website)
        .bind(customer.tax_liable)
        .bind(&customer.tax_area_id)
        .bind(&customer.tax_registration_number)
        .bind(&customer.currency_id)
        .bind(&customer.currency_code)
        .bind(&customer.payment_terms_id)
        .bind(&customer.shipment_method_id)
        .bind(&customer.payment_method_id)
        .bind(&customer.blocked)
        .bind(customer.last_modified)
        .execute(&pool)
        .await
        .map_err(failed)?;
    Ok((StatusCode::CREATED, Json(customer)))
}

async fn list(
    State(pool): State<SqlitePool>,
    Query(options): Query<Options>,
) -> Answer<Json<Value>> {
    let top = options.top.unwrap_or(20);
    let value: Vec<Customer> =
        sqlx::query_as("SELECT * FROM customer WHERE id > ? ORDER BY id LIMIT ?")
            .bind(options.after.unwrap_or_default())
            .bind(i64::try_from(top).unwrap_or(i64::MAX))
            .fetch_all(&pool)
            .await
            .map_err(failed)?;
    let last = value.last().filter(|_| value.len() == top);
    let next = last.map(|last| format!("/customers?$top={top}&$skiptoken={}", last.id));
    Ok(Json(match next {
        Some(next) => json!({"value": value, "@odata.nextLink": next}),
        None => json!({"value": value}),
    }))
}

async fn count(State(pool): State<SqlitePool>) -> Answer<Json<i64>> {
    let count = sqlx::query_scalar("SELECT count(*) FROM customer")
        .fetch_one(&pool)
        .await;
    count.map(Json).map_err(failed)
}

async fn read(State(pool): State<SqlitePool>, Path(id): Path<String>) -> Answer<Json<Customer>> {
    let found = sqlx::query_as("SELECT * FROM customer WHERE id = ?")
        .bind(id)
        .fetch_optional(&pool);
    found
        .await
        .map_err(failed)?
        .map(Json)
        .ok_or(StatusCode::NOT_FOUND)
}

async fn update(
    State(pool): State<SqlitePool>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Answer<Json<Customer>> {
    let changed = sqlx::query_as(
        "UPDATE customer SET version = version + 1, display_name = coalesce(?, display_name),
           phone_number = coalesce(?, phone_number), email = coalesce(?, email), last_modified = ?
         WHERE id = ? AND version = ? RETURNING *",
    )
    .bind(change.display_name)
    .bind(change.phone_number)
    .bind(change.email)
    .bind(Utc::now())
    .bind(id)
    .bind(version(&headers)?)
    .fetch_optional(&pool);
    changed
        .await
        .map_err(failed)?
        .map(Json)
        .ok_or(StatusCode::PRECONDITION_FAILED)
}

async fn delete(
    State(pool): State<SqlitePool>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let done = sqlx::query("DELETE FROM customer WHERE id = ? AND version = ?")
        .bind(id)
        .bind(version(&headers)?)
        .execute(&pool)
        .await
        .map_err(failed)?;
    Ok(match done.rows_affected() {
        0 => StatusCode::PRECONDITION_FAILED,
        _ => StatusCode::NO_CONTENT,
    })
}

fn version(headers: &HeaderMap) -> Answer<i64> {
    let text = headers
        .get("if-match")
        .and_then(|value| value.to_str().ok());
    text.and_then(|text| text.strip_prefix("W/\"")?.strip_suffix('"')?.parse().ok())
        .ok_or(StatusCode::PRECONDITION_REQUIRED)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (port, folder) = (
        arguments.next().ok_or("port")?,
        arguments.next().ok_or("folder")?,
    );
    let options = SqliteConnectOptions::new()
        .filename(FilePath::new(&folder).join("customers.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_secs(30));
    let pool = SqlitePoolOptions::new()
        .max_connections(10)
        .connect_with(options)
        .await?;
    sqlx::query(SCHEMA).execute(&pool).await?;
    let router = Router::new()
        .route("/customers", get(list).post(create))
        .route("/customers/$count", get(count))
        .route("/customers/{id}", get(read).patch(update).delete(delete))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    Ok(axum::serve(listener, router).await?)
}
