//! Rows in numbers that requests would take long to make.

use tokio_postgres::Client;

/// Copies a row of the table, with an id and a number of its own for each, and with these columns.
pub(crate) async fn multiply(sql: &Client, table: &str, times: usize, columns: &str) {
    let copy = format!(
        "INSERT INTO {table} SELECT made.*
         FROM (SELECT * FROM {table} LIMIT 1) AS one,
              coalesce(one.body::jsonb->>'number', 'none') AS number,
              (SELECT n, gen_random_uuid() AS id FROM generate_series(1, {times}) AS n) AS new,
              LATERAL jsonb_populate_record(one::{table}, jsonb_build_object(
                'id', new.id,
                'number_fold', 'n' || n,
                'body', replace(replace(one.body, one.id::text, new.id::text), number, 'N' || n)
                {columns})) AS made"
    );
    sql.batch_execute(&copy).await.unwrap();
}
