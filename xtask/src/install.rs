//! Installing other people's programs below `target`, once for each change of what pins them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Copies these files of `source` into `folder` and takes the steps there, unless that was done.
/// That it was done is noted at the end, so that an installation that was cut short is begun anew.
pub(crate) fn install(
    source: &Path,
    folder: &Path,
    files: &[&str],
    steps: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let pinned = |file: &str| fs::read(source.join(file)).context(file.to_owned());
    let done = folder.join("installed");
    let wanted = files
        .iter()
        .map(|file| pinned(file))
        .collect::<Result<Vec<_>>>()?;
    if fs::read(&done).is_ok_and(|found| found == wanted.concat()) {
        return Ok(());
    }
    for (file, text) in files.iter().zip(&wanted) {
        let copy = folder.join(file);
        fs::create_dir_all(copy.parent().unwrap_or(folder))?;
        replace(&copy, text)?;
    }
    steps()?;
    replace(&done, &wanted.concat())
}

/// Files below `target` may be lost at any time; no care is taken.
#[expect(clippy::disallowed_methods, reason = "not a file of the repository")]
pub(crate) fn replace(path: &Path, text: &[u8]) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
