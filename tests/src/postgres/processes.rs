//! The processes of a running PostgreSQL: a first one, and its children, each in a group of its own.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A signal that has no effect by then will have none any more.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often that is looked at.
const PAUSE: Duration = Duration::from_millis(1);

/// The first process.
#[derive(Debug)]
pub(super) struct Family {
    first: Pid,
}

impl Family {
    /// The processes of the cluster that wrote this file.
    pub(super) fn of(file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("PostgreSQL runs");
        let first = text.lines().next().and_then(|line| line.parse().ok());
        let first = first.and_then(Pid::from_raw).expect("a process");
        Self { first }
    }

    /// Stops all of them, and waits until each has stopped.
    pub(super) async fn freeze(&self) {
        self.stop(self.first).await;
        // Stopped, it starts no more children.
        for child in self.children() {
            self.stop(child).await;
        }
    }

    /// Has all of them go on.
    pub(super) fn thaw(&self) {
        for one in self.children().into_iter().chain([self.first]) {
            send(one, Signal::CONT);
        }
    }

    /// Ends all of them, and waits until each has ended.
    pub(super) async fn kill(&self) {
        self.stop(self.first).await;
        let mut all = self.children();
        all.push(self.first);
        for one in &all {
            send(*one, Signal::KILL);
        }
        for one in all {
            until(|| matches!(state(one), None | Some('Z'))).await;
        }
    }

    async fn stop(&self, one: Pid) {
        send(one, Signal::STOP);
        until(|| matches!(state(one), None | Some('T' | 'Z'))).await;
    }

    fn children(&self) -> Vec<Pid> {
        let entries = fs::read_dir("/proc").expect("a machine with /proc");
        let names = entries.flatten().map(|entry| entry.file_name());
        let pids = names.filter_map(|name| Pid::from_raw(name.to_str()?.parse().ok()?));
        let is_child = |pid: &Pid| {
            let stat = stat(*pid);
            let parent = stat.as_deref().and_then(|stat| stat.split(' ').nth(1));
            parent.and_then(|parent| parent.parse().ok()) == Some(self.first.as_raw_pid())
        };
        pids.filter(is_child).collect()
    }
}

/// A process that has ended needs no signal.
fn send(one: Pid, signal: Signal) {
    let _ = kill_process(one, signal);
}

async fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "a signal has no effect");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the process runs, is stopped or has ended.
fn state(one: Pid) -> Option<char> {
    stat(one)?.chars().next()
}

/// What the system says of a process, from its state on: the name before may hold anything.
fn stat(one: Pid) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", one.as_raw_pid())).ok()?;
    Some(stat.rsplit_once(") ")?.1.to_owned())
}
