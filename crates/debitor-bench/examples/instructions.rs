//! The service does one operation a number of times, for whoever counts its instructions:
//! `instructions get|list|create|verify COUNT`. Without a network, so that the kernel's part is left out.

#[path = "../benches/support/mod.rs"]
#[allow(dead_code, reason = "the benches use more of it")]
mod support;

use anyhow::{Context as _, Result, bail};
use support::Service;

/// Customers in the company before the first operation.
const CUSTOMERS: usize = 50;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let operation = arguments.next().context("an operation")?;
    let count: usize = arguments.next().context("a count")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(repeat(&operation, count))
}

async fn repeat(operation: &str, count: usize) -> Result<()> {
    let service = Service::start().await?;
    let mut last = None;
    for _ in 0..CUSTOMERS {
        last = Some(service.create().await?);
    }
    let one = format!("/{}", last.context("a customer")?);
    let (method, rest, body) = match operation {
        "get" => ("GET", one.as_str(), ""),
        "list" => ("GET", "?$top=20", ""),
        "create" => ("POST", "", support::CUSTOMER.as_str()),
        "verify" => return verify(&service, count).await,
        other => bail!("unknown operation {other}"),
    };
    for _ in 0..count {
        service.send(method, rest, body).await?;
    }
    service.store.close().await;
    Ok(())
}

/// Only finds out who calls, whose token is remembered.
async fn verify(service: &Service, count: usize) -> Result<()> {
    for _ in 0..count {
        let (verifier, headers) = (&service.verifier, &service.headers);
        std::hint::black_box(verifier.verify(headers, None).await?);
    }
    service.store.close().await;
    Ok(())
}
