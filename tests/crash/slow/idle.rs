//! Connections that do nothing after a request, as those of browsers and proxies do.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::honest::Honest;
use super::table::Row;
use super::target::Target;

/// Files that are open beside the connections.
const OTHERS: u64 = 1000;
/// Connections that are made at once.
const AT_ONCE: usize = 100;
const GET: &[u8] = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Lets this process and the servers that it starts have so many connections.
pub(super) fn raise_files(connections: usize) -> Result<()> {
    let needed = connections as u64 + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    ensure!(
        maximum.is_none_or(|maximum| maximum >= needed),
        "{connections} connections need {needed} open files: raise `ulimit -Hn`, or ask for fewer \
         with `--idle` and `--sockets`"
    );
    let current = Some(needed);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).context("the limit of open files")
}

/// As many as that, while an honest client goes on; and the server's memory with them.
pub(super) async fn crowd(target: &Target, connections: usize) -> Result<(Row, u64)> {
    let before = Honest::start(target).for_a_while().await?;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut opening = JoinSet::new();
    for _ in 0..connections {
        let (target, room) = (target.clone(), Arc::clone(&room));
        opening.spawn(async move {
            let _turn = room.acquire().await?;
            idle(&target).await
        });
    }
    let mut open = Vec::new();
    while let Some(stream) = opening.join_next().await {
        open.push(stream??);
    }
    let with = Honest::start(target).for_a_while().await?;
    let memory = target.memory()?;
    Ok((Row::idle(open.len(), before, with, memory), memory))
}

/// A connection after its first answer.
async fn idle(target: &Target) -> Result<Box<dyn Stream>> {
    let stream = target.connect().await?;
    match target.connector(&[]) {
        None => answered(stream).await,
        Some(connector) => answered(connector.connect(target.name(), stream).await?).await,
    }
}

async fn answered(mut stream: impl Stream + 'static) -> Result<Box<dyn Stream>> {
    stream.write_all(GET).await?;
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).await?;
    ensure!(
        answer.starts_with(b"HTTP/1.1 200"),
        "an answer of {read} bytes"
    );
    Ok(Box::new(stream))
}
