//! The writer thread: commits what waits as one group, and moves the log when it is due.

use std::iter;
use std::sync::mpsc;
use std::time::Instant;

use super::super::committer::{Committer, Group, Job, Refusal};
use super::shared::Shared;
use crate::failpoint;

/// Writes in one commit.
const GROUP: usize = 256;

pub(super) enum Message {
    Write(Box<dyn Job>),
    /// The log is due to be moved into the database.
    Checkpoint,
}

impl Shared {
    /// Commits groups until the queue is closed or the storage fails.
    pub(super) fn serve(&self, messages: &mpsc::Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            let mut committer = self.lock();
            let Some(open) = committer.as_mut() else {
                return;
            };
            let started = Instant::now();
            let served = serve_group(open, message, messages);
            self.note(started.elapsed());
            if let Err(why) = served {
                self.fail(&mut committer, &why);
                continue;
            }
            if open.is_checkpoint_due()
                && let Err(why) = checkpoint(open)
            {
                self.fail(&mut committer, &why);
            }
        }
        if let Some(committer) = self.lock().take() {
            committer.close();
        }
    }
}

/// Commits what waits and answers; what is fatal is returned.
fn serve_group(
    committer: &mut Committer,
    first: Message,
    messages: &mpsc::Receiver<Message>,
) -> std::result::Result<(), String> {
    let waiting = iter::once(first).chain(iter::from_fn(|| messages.try_recv().ok()));
    let mut jobs = waiting
        .filter_map(|message| match message {
            Message::Write(job) => Some(job),
            Message::Checkpoint => None,
        })
        .take(GROUP)
        .peekable();
    if jobs.peek().is_some() {
        let Group { jobs, committed } = committer.group(jobs);
        let fatal = fatal(&committed);
        for job in jobs {
            failpoint::hit("writer.answer");
            job.answer(committed.clone());
        }
        fatal?;
    }
    Ok(())
}

/// Moves the log into the database; what is fatal is returned.
fn checkpoint(committer: &mut Committer) -> std::result::Result<(), String> {
    let moved = committer.checkpoint();
    fatal(&moved)?;
    if let Err(refusal) = moved {
        tracing::warn!(?refusal, "the log cannot be moved into the database");
    }
    Ok(())
}

fn fatal(outcome: &std::result::Result<(), Refusal>) -> std::result::Result<(), String> {
    match outcome {
        Err(refusal) if refusal.is_fatal() => Err(format!("{refusal:?}")),
        _ => Ok(()),
    }
}
