//! axum + sqlx with a pool of connections to PostgreSQL.

use std::error::Error;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS customer (
  id uuid PRIMARY KEY, version bigint NOT NULL, display_name text NOT NULL, type text,
  address jsonb, phone_number text, email text, website text, tax_liable boolean, tax_area_id text,
  tax_registration_number text, currency_id text, currency_code text, payment_terms_id text,
  shipment_method_id text, payment_method_id text, blocked text,
  last_modified timestamptz NOT NULL)";

const INSERT: &str = "INSERT INTO customer VALUES
  ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

#[derive(Serialize, Deserialize, FromRow)]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[serde(default)]
    id: Uuid,
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
    after: Option<Uuid>,
}

type Answer<T> = Result<T, StatusCode>;

fn failed(error: sqlx::Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn create(
    State(pool): State<PgPool>,
    Json(body): Json<Customer>,
) -> Answer<(StatusCode, Json<Customer>)> {
    let customer = Customer {
        id: Uuid::now_v7(),
        version: 1,
        last_modified: Utc::now(),
        ..body
    };
    sqlx::query(INSERT)
        .bind(customer.id)
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

async fn list(State(pool): State<PgPool>, Query(options): Query<Options>) -> Answer<Json<Value>> {
    let top = options.top.unwrap_or(20);
    let value: Vec<Customer> =
        sqlx::query_as("SELECT * FROM customer WHERE id > $1 ORDER BY id LIMIT $2")
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

async fn count(State(pool): State<PgPool>) -> Answer<Json<i64>> {
    let count = sqlx::query_scalar("SELECT count(*) FROM customer")
        .fetch_one(&pool)
        .await;
    count.map(Json).map_err(failed)
}

async fn read(State(pool): State<PgPool>, Path(id): Path<Uuid>) -> Answer<Json<Customer>> {
    let found = sqlx::query_as("SELECT * FROM customer WHERE id = $1")
        .bind(id)
        .fetch_optional(&pool);
    found
        .await
        .map_err(failed)?
        .map(Json)
        .ok_or(StatusCode::NOT_FOUND)
}

async fn update(
    State(pool): State<PgPool>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Answer<Json<Customer>> {
    let changed = sqlx::query_as(
        "UPDATE customer SET version = version + 1, display_name = coalesce($1, display_name),
           phone_number = coalesce($2, phone_number), email = coalesce($3, email), last_modified = $4
         WHERE id = $5 AND version = $6 RETURNING *",
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
    State(pool): State<PgPool>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let done = sqlx::query("DELETE FROM customer WHERE id = $1 AND version = $2")
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
    let (port, url) = (
        arguments.next().ok_or("port")?,
        arguments.next().ok_or("url")?,
    );
    let pool = PgPoolOptions::new()
        .max_connections(10)
        .connect(&url)
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
