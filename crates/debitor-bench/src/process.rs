//! Processes under measurement: started with real-time priority, and asked what they used.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};

/// Clock ticks a second in `/proc`, the same on every Linux that Rust's std supports.
const TICKS: f64 = 100.0;

/// A command that gets real-time priority if we may give it, and that ends when we do: a run that is
/// killed leaves no server behind.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = prioritised("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    command.arg(program).stdin(Stdio::null());
    command
}

/// A command that gets real-time priority if we may give it.
pub(crate) fn prioritised(program: impl AsRef<OsStr>) -> Command {
    if !real_time() {
        return Command::new(program);
    }
    let mut command = Command::new("chrt");
    command.args(["--rr", "1"]).arg(program);
    command
}

/// Whether processes can be given real-time priority, as root can in most places.
pub(crate) fn real_time() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let probe = Command::new("chrt").args(["--rr", "1", "true"]).output();
        probe.is_ok_and(|output| output.status.success())
    })
}

/// A process that ends with this value, and with it the processes that it started.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
        Ok(Self(child))
    }

    /// It and its descendants, itself first.
    pub(crate) fn ids(&self) -> Vec<u32> {
        tree(&table(), self.0.id())
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// What it and its descendants have used.
    pub(crate) fn usage(&self) -> Usage {
        let all = table();
        let mut usage = Usage::default();
        for pid in tree(&all, self.0.id()) {
            usage.cpu_seconds += all.get(&pid).map_or(0.0, |stat| stat.cpu_seconds);
            usage.memory_mib += memory_mib(pid);
        }
        usage
    }

    /// Asks the whole tree to stop, and waits.
    pub(crate) fn stop(&mut self) -> Result<()> {
        signal("-TERM", &self.ids());
        self.0.wait()?;
        Ok(())
    }

    /// Interrupts the process alone, which ends its descendants itself, and waits.
    pub(crate) fn interrupt(&mut self) -> Result<()> {
        signal("-INT", &[self.0.id()]);
        self.0.wait()?;
        Ok(())
    }
}

fn signal(signal: &str, pids: &[u32]) {
    let pids = pids.iter().map(ToString::to_string);
    // One that has ended already needs no signal.
    let _ = Command::new("kill")
        .arg(signal)
        .args(pids)
        .stderr(Stdio::null())
        .status();
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            signal("-KILL", &self.ids());
            let _ = self.0.wait();
        }
    }
}

/// What a tree of processes has used: processor time since its start, memory now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) memory_mib: f64,
}

struct Stat {
    parent: u32,
    cpu_seconds: f64,
}

fn table() -> HashMap<u32, Stat> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?))).collect()
}

/// The process and its descendants, itself first.
fn tree(all: &HashMap<u32, Stat>, root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        let children = all.iter().filter(|(_, stat)| stat.parent == parent);
        found.extend(children.map(|(pid, _)| *pid));
    }
    found
}

/// Reads `/proc/PID/stat`; the fields are counted from behind the name, which may hold anything.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        cpu_seconds: (11..15).filter_map(ticks).sum::<f64>() / TICKS,
    })
}

fn memory_mib(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_of_a_child_is_counted_and_ends() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 100 & wait"]);
        let mut process = Process::spawn(&mut command).unwrap();
        let pids = loop {
            let pids = tree(&table(), process.child().id());
            if pids.len() == 2 {
                break pids;
            }
            std::thread::yield_now();
        };
        assert!(process.usage().memory_mib > 0.0);
        process.stop().unwrap();
        assert!(
            pids.into_iter()
                .all(|pid| stat(pid).is_none_or(|stat| stat.parent == 1))
        );
    }
}
