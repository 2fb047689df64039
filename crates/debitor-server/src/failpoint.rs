//! Places where a test ends the process, as a power cut would: only with the feature `failpoints`.
//!
//! `DEBITOR_FAILPOINT=NAME` aborts at the first hit of the place, `NAME:N` at the Nth. Without the
//! feature nothing of this is in the program.

/// Every place, in the order of a write's life.
#[cfg(feature = "failpoints")]
pub const NAMES: &[&str] = &[
    "writer.begin",
    "writer.job.before",
    "customer.number",
    "customer.row",
    "customer.sales_invoice",
    "audit.row",
    "idempotency.row",
    "writer.job.after",
    "writer.commit.before",
    "writer.commit.after",
    "writer.answer",
    "writer.inline.commit.before",
    "writer.inline.commit.after",
    "checkpoint.before",
    "checkpoint.after",
    "idempotency.prune",
    "close.before",
    "migrate.statement",
    "migrate.before_commit",
    "migrate.after_commit",
    "backup.copied",
    "backup.before_rename",
    "backup.done",
    "restore.copied",
    "restore.before_rename",
    "restore.done",
    "archive.append",
    "archive.before_sync",
    "archive.base",
];

/// Reads which place is armed. Called once, at the start.
pub fn arm(environment: &crate::config::Environment) {
    armed::arm(environment);
}

/// Says that the process is at this place.
#[inline]
pub fn hit(name: &'static str) {
    armed::hit(name);
}

/// How commits are synced. Only tests that must see a loss ask for less than `FULL`.
pub fn synchronous() -> &'static str {
    armed::synchronous()
}

#[cfg(not(feature = "failpoints"))]
mod armed {
    pub(super) fn arm(_: &crate::config::Environment) {}

    #[inline]
    pub(super) fn hit(_: &'static str) {}

    pub(super) fn synchronous() -> &'static str {
        "FULL"
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static POINT: OnceLock<(String, u64)> = OnceLock::new();
    static UNSAFE: OnceLock<()> = OnceLock::new();
    static HITS: AtomicU64 = AtomicU64::new(0);

    pub(super) fn arm(environment: &crate::config::Environment) {
        if let Some(point) = environment.get("DEBITOR_FAILPOINT") {
            let (name, nth) = point.split_once(':').unwrap_or((point, "1"));
            let armed = (name.to_owned(), nth.parse().unwrap_or(1));
            assert!(super::NAMES.contains(&name), "no failpoint `{name}`");
            POINT.get_or_init(|| armed);
        }
        if environment
            .get("DEBITOR_UNSAFE_SYNCHRONOUS")
            .map(String::as_str)
            == Some("NORMAL")
        {
            UNSAFE.get_or_init(|| ());
        }
    }

    pub(super) fn hit(name: &'static str) {
        debug_assert!(super::NAMES.contains(&name), "no failpoint `{name}`");
        let Some((armed, nth)) = POINT.get() else {
            return;
        };
        if armed == name && HITS.fetch_add(1, Ordering::SeqCst) + 1 == *nth {
            eprintln!("failpoint {name}");
            std::process::abort();
        }
    }

    pub(super) fn synchronous() -> &'static str {
        if UNSAFE.get().is_some() {
            "NORMAL"
        } else {
            "FULL"
        }
    }
}
