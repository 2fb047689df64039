//! `slow`: clients that take their time, in crowds: with what they send, with what they are sent, or
//! with everything. Each is let go when its time is over and not before, an honest client hardly
//! notices them, and ten thousand that are merely idle cost little memory.

mod honest;
mod idle;
mod kind;
mod table;
mod target;

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::Run;
use crate::figures::Figures;
use honest::Honest;
use kind::Kind;
use table::{Row, Table};
use target::{Patience, Target};

/// Between two sockets of a crowd: a client's handshakes and lists are work as anybody's, and how
/// much of that is done at once is not the question here.
const PACE: Duration = Duration::from_millis(10);
/// How much later than its limit a connection may be closed, on a busy machine.
const GRACE: Duration = Duration::from_secs(3);
/// How many times its time without them an honest client's slowest request in a hundred may take.
const SLOWER: f64 = 3.0;
/// Times below this are the machine's rather than the server's.
const LEAST: Duration = Duration::from_millis(2);
/// Somebody else's noise does not come every time.
const ATTEMPTS: usize = 3;
/// What the server may use with ten thousand idle connections, in bytes.
const MEMORY: u64 = 200 * 1024 * 1024;

/// What is tried.
pub(crate) struct Plan {
    /// Of each kind.
    pub(crate) sockets: usize,
    pub(crate) idle: usize,
    /// Whether the server has the limits that it has by itself.
    pub(crate) usual: bool,
}

pub(crate) async fn run(run: &Run, plan: &Plan) -> Result<Figures> {
    idle::raise_files(plan.idle.max(plan.sockets))?;
    let patience = Patience::new(plan.usual);
    let mut table = Table::default();
    for secure in [false, true] {
        let name = if secure { "tls" } else { "plain" };
        let target = Target::start(&run.case(name), patience, secure).await?;
        for kind in Kind::ALL
            .into_iter()
            .filter(|kind| kind.is_secure() == secure)
        {
            table.add(crowd(&target, kind, plan.sockets).await?);
        }
        let (idle, memory) = idle::crowd(&target, plan.idle).await?;
        table.add(idle);
        ensure!(
            secure || memory <= MEMORY,
            "{} idle connections take {} MiB",
            plan.idle,
            memory >> 20
        );
        target.stop().await?;
    }
    println!("{table}");
    Ok(table.figures())
}

/// A crowd of one kind, until all of it was let go; an honest client that suffers does so again.
async fn crowd(target: &Target, kind: Kind, sockets: usize) -> Result<Row> {
    let mut row = attempt(target, kind, sockets).await?;
    for _ in 1..ATTEMPTS {
        if row.is_fair() {
            break;
        }
        row = attempt(target, kind, sockets).await?;
    }
    ensure!(row.is_fair(), "an honest client suffers:\n{row}");
    Ok(row)
}

async fn attempt(target: &Target, kind: Kind, sockets: usize) -> Result<Row> {
    let before = Honest::start(target).for_a_while().await?;
    let honest = Honest::start(target);
    let mut crowd = JoinSet::new();
    let mut pace = interval(PACE);
    for _ in 0..sockets {
        pace.tick().await;
        crowd.spawn(kind.attack(target.clone()));
    }
    let mut closed = Vec::new();
    while let Some(after) = crowd.join_next().await {
        closed.push(after??);
    }
    let limit = kind.limit(&target.patience);
    let row = Row::new(
        kind.name(),
        limit,
        closed,
        before,
        honest.end().await?,
        target,
    )?;
    ensure!(
        row.last <= limit + GRACE,
        "a connection was held for too long:\n{row}"
    );
    ensure!(
        row.first >= limit.mul_f64(0.9),
        "a connection was closed before its time:\n{row}"
    );
    Ok(row)
}
