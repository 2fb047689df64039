//! An issuer's keys over time: read at the start, by and by, and when a token names a key that is not
//! there, as after a rotation.
//!
//! One task reads, whoever wants it, and not often, so that tokens with made-up keys cause no storm of
//! requests at the issuer. What was read serves until it is read again; if that fails for too long, no
//! token of the issuer is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::Rejection;
use super::keys::KeySet;
use super::source::{Error, Source};

/// Time between two readings at least.
const PAUSE: Duration = Duration::from_secs(10);
/// Until a reading that failed is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// As old may keys become while they cannot be read.
const STALE: Duration = Duration::from_hours(24);
/// How long a request waits for a reading that it wants: as long as reading may take, twice, as there
/// may be a description before the keys.
const WAIT: Duration = Duration::from_secs(11);

/// The keys of an issuer.
#[derive(Debug)]
pub struct Keys {
    held: watch::Sender<Held>,
    /// How often keys were changed; to be asked for with every request.
    generation: AtomicU64,
    wanted: Notify,
}

/// What was read last.
#[derive(Debug, Clone)]
struct Held {
    /// None before the first success, and once they are too old.
    keys: Option<Current>,
    read: Instant,
    tried: Instant,
    tries: u64,
    failed: bool,
}

/// Keys that are trusted now.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) set: Arc<KeySet>,
    /// They are trusted for as long as [`Keys::generation`] is this one.
    pub(super) generation: u64,
}

impl Keys {
    /// Keys that never change.
    pub fn fixed(set: KeySet) -> Arc<Self> {
        let keys = Self::empty();
        keys.take(Ok(set));
        Arc::new(keys)
    }

    /// Reads the keys, and keeps reading them from now on. Without them the issuer's tokens are not
    /// taken until they can be read.
    pub async fn start(source: Source) -> Arc<Self> {
        let keys = Self::empty();
        keys.take(source.read().await);
        let keys = Arc::new(keys);
        tokio::spawn(keep(Arc::clone(&keys), source));
        keys
    }

    fn empty() -> Self {
        let now = Instant::now();
        let held = Held {
            keys: None,
            read: now,
            tried: now,
            tries: 0,
            failed: false,
        };
        Self {
            held: watch::Sender::new(held),
            generation: AtomicU64::new(0),
            wanted: Notify::new(),
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The keys for a token that names one of them, or none. If it names another, they are read anew
    /// first, unless they were just read.
    pub(super) async fn for_token(&self, id: Option<&str>) -> Result<Current, Rejection> {
        let mut seen = self.held.subscribe();
        let held = seen.borrow_and_update().clone();
        let has_it = held.keys.as_ref().is_some_and(|keys| keys.set.has(id));
        if has_it || held.tried.elapsed() < PAUSE {
            return held.keys.ok_or(Rejection::Unavailable);
        }
        self.wanted.notify_one();
        // Those that are there, if it takes too long.
        let _ = timeout(WAIT, seen.wait_for(|now| now.tries > held.tries)).await;
        let keys = self.held.borrow().keys.clone();
        keys.ok_or(Rejection::Unavailable)
    }

    /// When they are to be read again, if nobody wants them before.
    fn due(&self, source: &Source) -> Instant {
        let held = self.held.borrow();
        held.tried
            + if held.failed {
                RETRY
            } else {
                source.interval()
            }
    }

    fn take(&self, read: Result<KeySet, Error>) {
        let now = Instant::now();
        self.held.send_modify(|held| {
            held.tried = now;
            held.tries += 1;
            held.failed = read.is_err();
            match read {
                Ok(set) => {
                    held.read = now;
                    if held.keys.as_ref().is_none_or(|keys| *keys.set != set) {
                        held.keys = Some(self.changed(set));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the keys of an issuer cannot be read");
                    if held.keys.is_some() && now - held.read >= STALE {
                        tracing::error!("its tokens are refused: its keys are too old");
                        held.keys = None;
                        self.generation.fetch_add(1, Ordering::Release);
                    }
                }
            }
        });
    }

    fn changed(&self, set: KeySet) -> Current {
        tracing::info!(keys = ?set, "the keys of an issuer were read");
        Current {
            set: Arc::new(set),
            generation: self.generation.fetch_add(1, Ordering::Release) + 1,
        }
    }
}

/// Reads the keys for ever.
async fn keep(keys: Arc<Keys>, source: Source) {
    loop {
        tokio::select! {
            () = sleep_until(keys.due(&source)) => {}
            () = keys.wanted.notified() => {}
        }
        // It may have been wanted while it was read.
        let is_recent = keys.held.borrow().tried.elapsed() < PAUSE;
        if !is_recent {
            keys.take(source.read().await);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use tokio::time::advance;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[expect(
        clippy::disallowed_methods,
        reason = "half a file of a test that crashed harms nobody"
    )]
    fn write(path: &Path, ids: &[&str]) {
        let key = |id: &&str| json!({ "kty": "OKP", "kid": id, "crv": "Ed25519", "x": X });
        let keys: Vec<_> = ids.iter().map(key).collect();
        std::fs::write(path, json!({ "keys": keys }).to_string()).unwrap();
    }

    async fn has(keys: &Keys, id: &str) -> Result<bool, Rejection> {
        keys.for_token(Some(id))
            .await
            .map(|found| found.set.has(Some(id)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_key_is_read_when_a_token_names_it_but_not_often() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        write(&path, &["old"]);
        let keys = Keys::start(Source::File(path.clone())).await;
        let before = keys.generation();
        write(&path, &["old", "new"]);
        assert_eq!(has(&keys, "new").await, Ok(false), "it was just read");
        advance(PAUSE).await;
        assert_eq!(has(&keys, "old").await, Ok(true));
        assert_eq!(
            keys.generation(),
            before,
            "nothing was read for a key that is there"
        );
        assert_eq!(has(&keys, "new").await, Ok(true));
        assert_ne!(keys.generation(), before);
        write(&path, &["new", "newest"]);
        assert_eq!(has(&keys, "newest").await, Ok(false));
        assert_eq!(has(&keys, "old").await, Ok(true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_gone_is_noticed_by_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        write(&path, &["old"]);
        let source = Source::File(path.clone());
        let interval = source.interval();
        let keys = Keys::start(source).await;
        let mut seen = keys.held.subscribe();
        write(&path, &["new"]);
        let generation = keys.generation();
        let begin = Instant::now();
        seen.changed().await.unwrap();
        assert_eq!(begin.elapsed(), interval);
        assert_ne!(keys.generation(), generation);
        let generation = keys.generation();
        seen.changed().await.unwrap();
        assert_eq!(keys.generation(), generation, "the same keys are no change");
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_cannot_be_read_serve_for_a_day() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        write(&path, &["old"]);
        let keys = Keys::start(Source::File(path.clone())).await;
        let mut seen = keys.held.subscribe();
        std::fs::remove_file(&path).unwrap();
        let begin = Instant::now();
        let mut last = begin;
        while has(&keys, "old").await == Ok(true) {
            last = Instant::now();
            seen.changed().await.unwrap();
        }
        let served = last - begin;
        assert!(served <= STALE && STALE <= served + RETRY, "{served:?}");
        assert_eq!(has(&keys, "old").await, Err(Rejection::Unavailable));
        write(&path, &["old"]);
        advance(PAUSE).await;
        assert_eq!(has(&keys, "old").await, Ok(true));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_were_never_read_make_tokens_wait() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys");
        let keys = Keys::start(Source::File(path.clone())).await;
        assert_eq!(has(&keys, "one").await, Err(Rejection::Unavailable));
        write(&path, &["one"]);
        advance(PAUSE).await;
        assert_eq!(has(&keys, "one").await, Ok(true));
    }
}
