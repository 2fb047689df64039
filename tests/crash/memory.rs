//! A limit of the kernel to a process's memory: a control group of its own, which only root can make.
//! A process that needs more is killed, so that one that lives has kept to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context as _, Result};

/// The kernel's groups, of their second version and of their first.
const KINDS: [Kind; 2] = [
    Kind {
        root: "/sys/fs/cgroup",
        name: "0::",
        limit: "memory.max",
    },
    Kind {
        root: "/sys/fs/cgroup/memory",
        name: ":memory:",
        limit: "memory.limit_in_bytes",
    },
];

struct Kind {
    root: &'static str,
    /// What stands before our own group's path in the kernel's list.
    name: &'static str,
    /// The file with the bytes that a group may have.
    limit: &'static str,
}

/// A group that holds those in it to so many bytes; it goes when they have gone.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    folder: PathBuf,
    /// Where this process was before.
    outside: PathBuf,
}

impl MemoryLimit {
    /// A group without anybody in it.
    pub(crate) fn of(bytes: u64) -> Result<Self> {
        let (kind, outside) = own_group().context("the kernel has no groups for memory here")?;
        let folder = Path::new(kind.root).join(format!("debitor-crash-{}", process::id()));
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        let limit = Self { folder, outside };
        set(&limit.folder.join(kind.limit), &bytes.to_string())?;
        Ok(limit)
    }

    /// What is started meanwhile is in the group from its first byte on, and stays there; what a process
    /// had before it came there would not count.
    pub(crate) async fn around<T>(&self, start: impl Future<Output = Result<T>>) -> Result<T> {
        enter(&self.folder)?;
        let started = start.await;
        enter(&self.outside)?;
        started
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // Left behind if somebody is still there: then it holds nothing but a name.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// The kind of groups that can limit memory, and the one that this process is in.
fn own_group() -> Option<(&'static Kind, PathBuf)> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    KINDS.iter().find_map(|kind| {
        let path = |line: &str| Some(line.split_once(kind.name)?.1.to_owned());
        let path = groups.lines().find_map(path)?;
        let outside = Path::new(kind.root).join(path.trim_start_matches('/'));
        let root = Path::new(kind.root);
        let is_kind = [outside.as_path(), root].map(|folder| folder.join(kind.limit).exists());
        is_kind.contains(&true).then_some((kind, outside))
    })
}

fn enter(group: &Path) -> Result<()> {
    set(&group.join("cgroup.procs"), &process::id().to_string())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the kernel's files are written at once or not at all"
)]
fn set(file: &Path, value: &str) -> Result<()> {
    fs::write(file, value).with_context(|| file.display().to_string())
}
