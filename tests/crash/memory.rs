//! A limit of the kernel to a process's memory: a control group of its own, which only root can make.
//! A process that needs more is killed, so that one that lives has kept to it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Where the kernel's groups are, of its second version and of its first, with the files that say how
/// much memory, and how much of the disk in its place, a group may have. Those of the first say that of
/// both together, which not every kernel counts.
const KINDS: [Kind; 2] = [
    Kind {
        root: "/sys/fs/cgroup",
        sign: "cgroup.controllers",
        limits: [("memory.max", false), ("memory.swap.max", true)],
    },
    Kind {
        root: "/sys/fs/cgroup/memory",
        sign: "memory.limit_in_bytes",
        limits: [
            ("memory.limit_in_bytes", false),
            ("memory.memsw.limit_in_bytes", false),
        ],
    },
];

struct Kind {
    root: &'static str,
    /// A file that says that this kind is there.
    sign: &'static str,
    /// Files, and whether nothing is the limit.
    limits: [(&'static str, bool); 2],
}

/// The group of a process; it goes when the process has gone.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    folder: PathBuf,
}

impl MemoryLimit {
    /// Holds the process to so many bytes, what it has already included.
    pub(crate) fn of(process: u32, bytes: u64) -> Result<Self> {
        let kind = KINDS
            .iter()
            .find(|kind| Path::new(kind.root).join(kind.sign).exists())
            .context("the kernel has no groups for memory here")?;
        let folder = Path::new(kind.root).join(format!("debitor-crash-{process}"));
        fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
        let limit = Self { folder };
        let [(memory, _), (swapped, is_none)] = kind.limits;
        limit.set(memory, &bytes.to_string())?;
        // Without a swap there is none to be limited.
        let _ = limit.set(swapped, &if is_none { 0 } else { bytes }.to_string());
        limit.set("cgroup.procs", &process.to_string())?;
        Ok(limit)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the kernel's files are written at once or not at all"
    )]
    fn set(&self, file: &str, value: &str) -> Result<()> {
        let file = self.folder.join(file);
        fs::write(&file, value).with_context(|| file.display().to_string())
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // Left behind if the process is still there: then it holds nothing but a name.
        let _ = fs::remove_dir(&self.folder);
    }
}
