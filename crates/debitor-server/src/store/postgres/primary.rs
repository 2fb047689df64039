//! Which host is the primary, where the address names several: of those that take writes the one on
//! the highest timeline.
//!
//! PostgreSQL begins a new timeline with each promotion. A primary that was replaced and comes back
//! takes writes, but on the timeline that it had: nothing is written there once this process has seen
//! the newer one. Engines without timelines are not told apart.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::address::Address;
use super::session::Session;

/// The host that was chosen last is asked so much earlier than the others.
const HEAD_START: Duration = Duration::from_millis(50);
/// With a host to be had, the others are waited for so long.
const REST: Duration = Duration::from_secs(1);
/// How often a newer primary is looked for.
const LOOK: Duration = Duration::from_secs(2);

/// What a primary is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    /// The place of the host in the address.
    host: usize,
    /// What PostgreSQL calls the cluster, the same on all hosts.
    system: i64,
    timeline: u32,
    /// When the host was started: one that came back may have been replaced meanwhile.
    started: String,
}

/// The host that answers is not the primary that this process knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Replaced {
    #[error("a primary that was replaced takes writes: it is on an older timeline")]
    Older,
    #[error("a host has another database than the one found first: restart the server if it shall")]
    Foreign,
    #[error("a host does not tell its timeline, as the one before it did")]
    Untold,
}

/// A host that takes writes, by a connection to it.
struct Candidate {
    session: Session,
    standing: Option<Standing>,
}

#[derive(Default)]
struct Chosen {
    last: Option<Standing>,
    /// The connections to it.
    connections: Vec<AbortHandle>,
}

/// The hosts of an address, and which of them is the primary.
pub(super) struct Primary {
    hosts: Vec<Address>,
    chosen: Mutex<Chosen>,
}

impl Primary {
    pub(super) fn of(address: &Address) -> Arc<Self> {
        let primary = Arc::new(Self {
            hosts: address.hosts(),
            chosen: Mutex::default(),
        });
        if primary.hosts.len() > 1 {
            tokio::spawn(watch(Arc::downgrade(&primary)));
        }
        primary
    }

    /// Connects to the primary.
    pub(super) async fn open(&self, generation: u64) -> anyhow::Result<Session> {
        // Apart, as it is large and seldom there.
        let found = Box::pin(self.find(generation)).await?;
        self.choose(&found)?;
        Ok(found.session)
    }

    /// Asks all hosts at once: the primary of before is taken as soon as it answers, and any other when
    /// all have answered or had their time.
    async fn find(&self, generation: u64) -> anyhow::Result<Candidate> {
        let last = self.chosen().last.clone();
        let end = Instant::now() + REST;
        let asked = (0..self.hosts.len()).map(|host| self.ask(host, last.as_ref(), generation));
        let mut asked: FuturesUnordered<_> = asked.collect();
        let (mut best, mut error) = (None::<Candidate>, None);
        loop {
            let answer = match &best {
                Some(_) => timeout_at(end, asked.next()).await.ok().flatten(),
                None => asked.next().await,
            };
            match answer {
                None => break,
                Some(Err(why)) => error = Some(telling(error, why)),
                Some(Ok(one)) if one.standing.is_none() || one.standing == last => return Ok(one),
                Some(Ok(one)) => {
                    let so_far = best.as_ref().map(|best| best.standing.as_ref());
                    if so_far.map_or(Ok(true), |best| is_better(one.standing.as_ref(), best))? {
                        best = Some(one);
                    }
                }
            }
        }
        match best {
            Some(best) => Ok(best),
            None => Err(error.context("the store's address names no host")?),
        }
    }

    /// Connects to a host; one that cannot be the primary after `last` is refused.
    async fn ask(
        &self,
        host: usize,
        last: Option<&Standing>,
        generation: u64,
    ) -> anyhow::Result<Candidate> {
        if last.is_some_and(|last| last.host != host) {
            sleep(HEAD_START).await;
        }
        let session = Session::open(&self.hosts[host], generation).await?;
        let standing = standing(&session, host).await?;
        follows(standing.as_ref(), last)?;
        Ok(Candidate { session, standing })
    }

    /// Takes the host for the primary from now on, unless another one was seen meanwhile. Who waits for
    /// an answer of the one that it replaces waits for nothing.
    fn choose(&self, found: &Candidate) -> Result<(), Replaced> {
        let mut chosen = self.chosen();
        follows(found.standing.as_ref(), chosen.last.as_ref())?;
        if is_newer(found.standing.as_ref(), chosen.last.as_ref()) {
            tracing::warn!(primary = ?found.standing, "another host is the primary now");
            for connection in chosen.connections.drain(..) {
                connection.abort();
            }
        }
        chosen.connections.retain(|one| !one.is_finished());
        chosen.connections.push(found.session.cutter());
        chosen.last.clone_from(&found.standing);
        Ok(())
    }

    /// Looks whether one of the other hosts has become the primary.
    async fn look(&self) {
        let Some(last) = self.chosen().last.clone() else {
            return;
        };
        let others = (0..self.hosts.len()).filter(|host| *host != last.host);
        let asked = others.map(|host| timeout(REST, self.ask(host, Some(&last), 0)));
        let mut asked: FuturesUnordered<_> = asked.collect();
        while let Some(answer) = asked.next().await {
            if let Ok(Ok(one)) = answer
                && is_newer(one.standing.as_ref(), Some(&last))
            {
                // Another connection may have found it first.
                let _ = self.choose(&one);
            }
        }
    }

    fn chosen(&self) -> MutexGuard<'_, Chosen> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for a newer primary for as long as there are connections to be made: the one that it replaces
/// may hang, or wait for ever for its standby, and tells nobody.
async fn watch(primary: Weak<Primary>) {
    loop {
        sleep(LOOK).await;
        let Some(primary) = primary.upgrade() else {
            return;
        };
        Box::pin(primary.look()).await;
    }
}

/// What the host says of itself; nothing if its engine has no timelines.
async fn standing(session: &Session, host: usize) -> anyhow::Result<Option<Standing>> {
    // The control file shows the timeline of the last checkpoint, which a promotion does not wait for.
    let sql = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
               (SELECT system_identifier FROM pg_control_system()),
               extract(epoch FROM pg_postmaster_start_time())::text";
    let rows = match session.ask(sql).await {
        Err(error) if error.as_db_error().is_some() && !session.is_closed() => {
            tracing::debug!(%error, "the database does not tell its timeline");
            return Ok(None);
        }
        rows => rows?,
    };
    let row = rows
        .first()
        .context("the database says nothing of itself")?;
    Ok(Some(Standing {
        host,
        timeline: u32::from_str_radix(row.try_get(0)?, 16).context("a timeline")?,
        system: row.try_get(1)?,
        started: row.try_get(2)?,
    }))
}

/// Whether a host can be the primary after the last one.
fn follows(found: Option<&Standing>, last: Option<&Standing>) -> Result<(), Replaced> {
    match (found, last) {
        (None, Some(_)) => Err(Replaced::Untold),
        (Some(found), Some(last)) if found.system != last.system => Err(Replaced::Foreign),
        (Some(found), Some(last)) if found.timeline < last.timeline => Err(Replaced::Older),
        (_, None) | (Some(_), Some(_)) => Ok(()),
    }
}

fn is_newer(found: Option<&Standing>, last: Option<&Standing>) -> bool {
    let timelines = found
        .zip(last)
        .map(|(found, last)| (found.timeline, last.timeline));
    timelines.is_some_and(|(found, last)| found > last)
}

/// Whether a host is rather the primary than the best so far. With the same timeline, which two
/// standbys can give themselves, it is the first in the address.
fn is_better(one: Option<&Standing>, best: Option<&Standing>) -> anyhow::Result<bool> {
    let system = |one: Option<&Standing>| one.map(|one| one.system);
    ensure!(
        system(one) == system(best),
        "the hosts of the store's address have different databases"
    );
    let rank = |one: Option<&Standing>| one.map(|one| (one.timeline, Reverse(one.host)));
    Ok(rank(one) > rank(best))
}

/// The one of two errors that says more: what a database answers, rather than that none did.
fn telling(error: Option<anyhow::Error>, other: anyhow::Error) -> anyhow::Error {
    let says = |error: &anyhow::Error| {
        let error = error.downcast_ref::<tokio_postgres::Error>();
        error.is_none_or(|error| error.as_db_error().is_some())
    };
    match error {
        Some(error) if says(&error) || !says(&other) => error,
        _ => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: usize, timeline: u32) -> Standing {
        Standing {
            host,
            system: 7,
            timeline,
            started: "1".to_owned(),
        }
    }

    fn foreign() -> Standing {
        Standing {
            system: 8,
            ..at(0, 9)
        }
    }

    #[test]
    fn nothing_but_the_same_database_on_no_older_timeline_follows() {
        let last = at(0, 2);
        let after = |found: Option<&Standing>| follows(found, Some(&last));
        for found in [at(0, 2), at(1, 2), at(1, 3)] {
            assert_eq!(after(Some(&found)), Ok(()), "{found:?}");
        }
        assert_eq!(after(Some(&at(1, 1))), Err(Replaced::Older));
        assert_eq!(after(Some(&foreign())), Err(Replaced::Foreign));
        assert_eq!(after(None), Err(Replaced::Untold));
        for found in [None, Some(&last)] {
            assert_eq!(follows(found, None), Ok(()));
        }
    }

    #[test]
    fn the_highest_timeline_is_the_best_and_then_the_first_host() {
        let is_better = |one, best| is_better(Some(&one), Some(&best)).ok();
        assert_eq!(is_better(at(1, 3), at(0, 2)), Some(true));
        assert_eq!(is_better(at(0, 2), at(1, 3)), Some(false));
        assert_eq!(is_better(at(0, 2), at(1, 2)), Some(true));
        assert_eq!(is_better(at(1, 2), at(0, 2)), Some(false));
        assert_eq!(is_better(foreign(), at(0, 2)), None);
    }
}
