//! The archive: a copy of the database, and of its write-ahead log as it grows, from which the store
//! can be made anew as it was at any instant.
//!
//! ```text
//! ARCHIVE/lock                       held by the server that writes here
//! ARCHIVE/20261122T165027123Z/       a generation: begun at each start, and once a day
//!   generation.json                  when it was begun, and which one goes on until it has its base
//!   base/                            a backup; its manifest says which part of the log it needs
//!   00000001.wal  00000001.times     a life of the log: its frames, and which of them there were when
//! ```
//!
//! The log lives until SQLite begins it anew, which it does only after a checkpoint. The thread that
//! checkpoints has the rest of the log copied first (`before_checkpoint`), so no life is missed. If
//! that fails, or takes too long, the generation ends there and a new one is begun: the archive
//! never holds up the store for long.
//!
//! Applying a life from its start to a base that was taken in its middle is sound, as frames are
//! whole pages and the base is no newer than the last frame that is applied.

mod generation;
mod life;
mod point;
mod settling;
#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::checkpoint::Before;
use super::connection::OWNER_ONLY;
use crate::clock::Clock;
use generation::{Base, Generation};
pub(super) use point::{Point, is_archive};
use settling::PATIENCE;

/// How often what is new in the log is copied.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long a generation goes on before the next is begun, so that old ones can be deleted.
const GENERATION: Duration = Duration::from_hours(24);

/// How long it takes until a generation that could not be begun is tried again.
const RETRY: Duration = Duration::from_secs(10);

const LOCK: &str = "lock";

/// The archive of a store that this process writes.
pub(super) struct Archive {
    shared: Arc<Shared>,
    thread: Mutex<Option<Copier>>,
    /// Keeps a second server out.
    _lock: File,
}

/// The thread that copies, and what tells that it ends.
struct Copier {
    thread: thread::JoinHandle<()>,
    ended: mpsc::Receiver<()>,
}

struct Shared {
    directory: PathBuf,
    /// The directory of the store.
    store: PathBuf,
    clock: Arc<dyn Clock>,
    stopping: AtomicBool,
    /// How many checkpoints did not wait for the rest of the log.
    missed: Arc<AtomicU64>,
    /// Everything that was committed before this moment can be restored.
    covered: Mutex<Instant>,
    /// Held while files are written, for as long as that takes.
    state: Mutex<State>,
}

/// What is being written.
struct State {
    /// The newest is the last. One that has its base is followed by one that has none yet, at most.
    generations: Vec<Generation>,
    /// When the newest was begun, whether or not that succeeded.
    begun: Option<Instant>,
    /// Whether the last attempt failed, which is told once.
    failing: bool,
}

impl Archive {
    /// Takes the directory, making it if need be, for the store in `store`.
    pub(super) fn open(
        directory: PathBuf,
        store: &Path,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let lock = take(&directory)
            .with_context(|| format!("cannot use the archive {}", directory.display()))?;
        let state = State {
            generations: Vec::new(),
            begun: None,
            failing: false,
        };
        let shared = Shared {
            directory,
            store: store.to_owned(),
            clock,
            stopping: AtomicBool::new(false),
            missed: Arc::default(),
            covered: Mutex::new(Instant::now()),
            state: Mutex::new(state),
        };
        Ok(Self {
            shared: Arc::new(shared),
            thread: Mutex::default(),
            _lock: lock,
        })
    }

    /// What whoever checkpoints must call before.
    pub(super) fn before_checkpoint(&self) -> io::Result<Before> {
        settling::before(&self.shared, PATIENCE)
    }

    /// Begins to copy. The log must not begin anew from here on unless its rest was copied.
    pub(super) fn start(&self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let (end, ended) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("archive".into())
            .spawn(move || {
                shared.serve();
                drop(end);
            })?;
        *lock(&self.thread) = Some(Copier { thread, ended });
        Ok(())
    }

    /// How old the oldest commit can be that could not be restored.
    pub(super) fn lag(&self) -> Duration {
        lock(&self.shared.covered).elapsed()
    }

    /// Copies no more but what a checkpoint asks for.
    pub(super) fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        let Some(Copier { thread, ended }) = lock(&self.thread).take() else {
            return;
        };
        thread.thread().unpark();
        // Nothing is ever sent: it ends with the thread, by whichever way. A panic was logged where it
        // happened, and one that hangs ends with the process.
        if ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::error!("the archive does not answer; it is left as it is");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the directory, and keeps other servers out of it.
fn take(directory: &Path) -> anyhow::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY)
        .create(directory)?;
    let lock = File::create(directory.join(LOCK))?;
    lock.try_lock()
        .map_err(|_| anyhow!("another server writes there"))?;
    Ok(lock)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn serve(&self) {
        while !self.is_stopping() {
            let done = self.tick();
            if !self.is_stopping() {
                self.tell(done);
                thread::park_timeout(INTERVAL);
            }
        }
    }

    /// Copies what is new, and begins a generation if it is time.
    fn tick(&self) -> anyhow::Result<()> {
        self.ship()?;
        if self.is_generation_due() {
            self.begin()
                .and_then(|path| self.make_base(&path))
                .inspect_err(|_| self.give_up())?;
        }
        Ok(())
    }

    fn is_generation_due(&self) -> bool {
        let state = self.state();
        let has_base = state.generations.last().is_some_and(Generation::has_base);
        let patience = if has_base { GENERATION } else { RETRY };
        state.begun.is_none_or(|begun| begun.elapsed() >= patience)
    }

    /// Copies what is new in the log to every generation that is being written.
    fn ship(&self) -> anyhow::Result<()> {
        let mut state = self.state();
        let started = Instant::now();
        state.ship(self, false)?;
        if state.generations.iter().any(Generation::has_base) {
            *lock(&self.covered) = started;
        }
        Ok(())
    }

    /// Copies the rest of the log, after which it may begin anew. A generation that cannot have it
    /// ends, and the next one begins as soon as the archive works again.
    fn settle(&self) {
        let mut state = self.state();
        let shipped = state.ship(self, true);
        state.generations.iter_mut().for_each(Generation::settle);
        drop(state);
        if shipped.is_err() {
            self.tell(shipped.context("a part of the log is lost to the archive"));
        }
    }

    /// Begins a generation, which has the log from its beginning.
    fn begin(&self) -> anyhow::Result<PathBuf> {
        let mut state = self.state();
        state.begun = Some(Instant::now());
        let during = state.generations.last();
        let next = Generation::begin(&self.directory, self.clock.now(), during, &self.missed)?;
        let path = next.path();
        state.generations.push(next);
        state.ship(self, false)?;
        Ok(path)
    }

    /// Makes the base of the generation that was just begun, while others go on writing; it then
    /// takes the place of the generation before.
    fn make_base(&self, path: &Path) -> anyhow::Result<()> {
        let mut shipped = Instant::now();
        let base = Base::copy(&self.store, path, &mut |_, _| {
            if shipped.elapsed() >= INTERVAL {
                // The generation before goes on; what fails shows at the end.
                self.tell(self.ship());
                shipped = Instant::now();
            }
            if self.is_stopping() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Ok(())
        })?;
        let mut state = self.state();
        let started = Instant::now();
        state.ship(self, false)?;
        let newest = state.generations.last_mut();
        newest
            .filter(|newest| newest.path() == path)
            .context("the generation ended before it had its base")?
            .finish(base, self.clock.now())?;
        let older = state.generations.len() - 1;
        state.generations.drain(..older);
        *lock(&self.covered) = started;
        Ok(())
    }

    /// Removes a generation that has no base: nothing can be restored from it.
    fn give_up(&self) {
        let mut state = self.state();
        for given_up in state.generations.extract_if(.., |one| !one.has_base()) {
            // Where the disk fails, what is left there is of no use and does no harm.
            let _ = std::fs::remove_dir_all(given_up.path());
        }
    }

    /// Says once that the archive fails, and once that something can be restored again.
    fn tell(&self, done: anyhow::Result<()>) {
        let mut state = self.state();
        match done {
            Err(error) if !state.failing => {
                state.failing = true;
                tracing::error!(
                    error = format!("{error:#}"),
                    "the archive cannot be written"
                );
            }
            Ok(()) if state.failing && state.generations.iter().any(Generation::has_base) => {
                state.failing = false;
                tracing::info!("the archive is written again");
            }
            _ => {}
        }
    }
}

impl State {
    /// Copies what is new to every generation. One whose files are gone, or which missed a part of
    /// the log, ends here; on the last chance, so does one that failed for another reason.
    fn ship(&mut self, shared: &Shared, is_last_chance: bool) -> anyhow::Result<()> {
        let log = shared.store.join(super::FILE.to_owned() + "-wal");
        let mut done = Ok(());
        self.generations.retain_mut(|generation| {
            let shipped = generation.ship(&log, shared.clock.as_ref());
            let goes_on = shipped
                .as_ref()
                .map_or_else(|error| !is_last_chance && !is_lost(error), |()| true);
            if let Err(error) = shipped {
                done = Err(error.into());
            }
            goes_on
        });
        done
    }
}

/// Whether an error ends the generation, rather than being one that can pass.
fn is_lost(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::InvalidData
    )
}
