//! Looking for canaries in files.

use std::collections::BTreeSet;
use std::path::Path;

use super::canary::Canaries;

/// What was found in the files of a directory.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) bytes: usize,
    /// Each with the file that it stands in.
    pub(super) canaries: BTreeSet<String>,
}

/// Looks through a directory and those in it.
pub(super) fn search(directory: &Path, canaries: &Canaries) -> Found {
    let mut found = Found::default();
    add(directory, canaries, &mut found);
    found
}

fn add(directory: &Path, canaries: &Canaries, found: &mut Found) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(&path, canaries, found);
            continue;
        }
        // A file that is gone since has nothing.
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        found.bytes += bytes.len();
        let name = path.file_name().unwrap().to_string_lossy();
        let new = canaries.found_in(&bytes);
        let new = new.iter().map(|canary| format!("{canary} in {name}"));
        found.canaries.extend(new);
    }
}
