//! A write in the queue.

use tokio::sync::oneshot;

use super::super::super::Result;
use super::super::committer::{Job, Outcome, Refusal, guarded};
use super::super::edit::Edit;
use super::stopped;

/// A write that waits for the thread.
pub(super) struct Queued<T, F> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T, F> Queued<T, F> {
    /// The write, and where its outcome will come.
    pub(super) fn new(work: F) -> (Self, oneshot::Receiver<Result<T>>) {
        let (answer, outcome) = oneshot::channel();
        let queued = Self {
            work: Some(work),
            outcome: None,
            answer,
        };
        (queued, outcome)
    }
}

impl<T: Send, F: FnOnce(&Edit<'_>) -> Result<T> + Send> Job for Queued<T, F> {
    fn run(&mut self, edit: &Edit<'_>) -> Outcome {
        let Some(work) = self.work.take() else {
            return Outcome::Undo;
        };
        let result = guarded(work, edit);
        let outcome = Outcome::of(&result);
        self.outcome = Some(result);
        outcome
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), Refusal>) {
        let outcome = match (committed, self.outcome) {
            // What the work itself was refused for holds whether or not its neighbours are kept.
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Err(refusal), _) => Err(refusal.into()),
            (Ok(()), None) => Err(stopped()),
        };
        // Whoever asked may have gone away; the write stands.
        let _ = self.answer.send(outcome);
    }
}
