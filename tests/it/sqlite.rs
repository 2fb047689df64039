//! What only the embedded store has: files, with their backups, their lock and their metrics.
//! These tests run on it whatever engine the suite runs on.

mod backup;
mod lock;
mod metrics;
