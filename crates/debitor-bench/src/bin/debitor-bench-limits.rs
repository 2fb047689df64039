//! What the machine can do at best: an HTTP server that keeps nothing, and the disk alone.
//!
//! `serve` answers a GET with fixed bytes, and a POST with what it parsed and a new id. `fdatasync`
//! writes one block again and again, and syncs it each time.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use clap::Parser;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use uuid::Uuid;

/// As many bytes as a customer of the benchmark has in an answer.
const ANSWER_BYTES: usize = 777;
const BLOCK: [u8; 4096] = [b'x'; 4096];

#[derive(Parser)]
enum Command {
    /// Prints its address, and serves until it is killed.
    Serve,
    /// Prints how often a second a block of this file was written and synced.
    Fdatasync { file: PathBuf, seconds: f64 },
}

fn main() -> Result<()> {
    let mut output = std::io::stdout();
    match Command::parse() {
        Command::Serve => tokio::runtime::Runtime::new()?.block_on(serve()),
        Command::Fdatasync { file, seconds } => {
            let rate = fdatasync(&file, Duration::from_secs_f64(seconds))?;
            Ok(writeln!(output, "{rate:.0}")?)
        }
    }
}

async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let router = Router::new()
        .route("/customers/{id}", get(fixed))
        .route("/customers", post(echo));
    Ok(axum::serve(listener, router).await?)
}

async fn fixed() -> impl IntoResponse {
    static ANSWER: [u8; ANSWER_BYTES] = [b' '; ANSWER_BYTES];
    ([(CONTENT_TYPE, "application/json")], &ANSWER[..])
}

async fn echo(axum::Json(mut body): axum::Json<Map<String, Value>>) -> impl IntoResponse {
    body.insert("id".to_owned(), Uuid::now_v7().to_string().into());
    (StatusCode::CREATED, axum::Json(body))
}

/// The block is there before the first is counted, so that no sync has to write the file's length.
fn fdatasync(path: &Path, time: Duration) -> Result<f64> {
    let file = File::create(path)?;
    file.write_all_at(&BLOCK, 0)?;
    file.sync_all()?;
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < time {
        file.write_all_at(&BLOCK, 0)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}
