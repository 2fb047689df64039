//! The one place that compares generated text with files, and writes or complains.
//!
//! Generators are pure; what they made comes here as paths and texts. A file is stale if it is
//! missing, if it differs, or if it is left over: marked as generated, but no longer produced. A
//! file without the mark on its first line was written by hand and is never touched.

use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use debitor_codegen::GeneratedFile;
use similar::TextDiff;

/// Where generated files live and how they are known.
pub(crate) struct Target<'a> {
    /// The folder that paths are relative to.
    pub(crate) root: &'a Path,
    /// The folders, relative to the root, in which files can be left over.
    pub(crate) folders: Vec<String>,
    /// What the first line of each generated file contains.
    pub(crate) mark: &'a str,
    /// The command that writes the files.
    pub(crate) command: &'a str,
}

/// A file that is not as it should be.
struct Stale<'a> {
    path: String,
    old: Option<String>,
    /// The text that should be there; none for a file that is left over.
    new: Option<&'a str>,
}

impl Target<'_> {
    /// An error that lists the stale files with their differences and ends with the command to run.
    pub(crate) fn check(&self, files: &[GeneratedFile]) -> Result<()> {
        let stale = self.stale(files)?;
        if stale.is_empty() {
            return Ok(());
        }
        let mut message = format!("{} generated file(s) stale\n", stale.len());
        for file in &stale {
            let _ = write!(message, "\n{}", file.describe());
        }
        bail!("{message}\nto write them, run: {}", self.command);
    }

    /// Writes what is stale, removes what is left over and leaves the rest alone. Gives what was
    /// done, one line for each file.
    pub(crate) fn write(&self, files: &[GeneratedFile]) -> Result<Vec<String>> {
        let stale = self.stale(files)?;
        for file in &stale {
            let path = self.root.join(&file.path);
            let done = match file.new {
                Some(text) => replace(&path, text),
                None => fs::remove_file(&path).map_err(Into::into),
            };
            done.with_context(|| format!("cannot write {}", file.path))?;
        }
        Ok(stale.iter().map(Stale::headline).collect())
    }

    fn stale<'f>(&self, files: &'f [GeneratedFile]) -> Result<Vec<Stale<'f>>> {
        let mut stale = Vec::new();
        for file in files {
            let old = self.read(&file.path)?;
            if old.as_ref().is_some_and(|old| !self.is_marked(old)) {
                bail!(
                    "{} is not marked as generated: move it away, or delete it",
                    file.path
                );
            }
            if old.as_deref() != Some(&file.text) {
                stale.push(Stale {
                    path: file.path.clone(),
                    old,
                    new: Some(&file.text),
                });
            }
        }
        for path in self.existing()? {
            if !files.iter().any(|file| file.path == path) {
                let old = self.read(&path)?.filter(|old| self.is_marked(old));
                stale.extend(old.map(|old| Stale {
                    path,
                    old: Some(old),
                    new: None,
                }));
            }
        }
        Ok(stale)
    }

    fn is_marked(&self, text: &str) -> bool {
        text.lines()
            .next()
            .is_some_and(|line| line.contains(self.mark))
    }

    fn read(&self, path: &str) -> Result<Option<String>> {
        match fs::read_to_string(self.root.join(path)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
        }
    }

    /// Every file below the folders, in order.
    fn existing(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = self.folders.clone();
        while let Some(folder) = folders.pop() {
            for (path, is_folder) in self.list(&folder)? {
                let list = if is_folder { &mut folders } else { &mut found };
                list.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    fn list(&self, folder: &str) -> Result<Vec<(String, bool)>> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot list {folder}"))?,
        };
        let entries = entries.map(|entry| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((format!("{folder}/{name}"), entry.file_type()?.is_dir()))
        });
        entries.collect()
    }
}

impl Stale<'_> {
    fn headline(&self) -> String {
        let state = match (&self.old, self.new) {
            (None, _) => "missing",
            (Some(_), Some(_)) => "different",
            (Some(_), None) => "left over",
        };
        format!("{state}: {}", self.path)
    }

    fn describe(&self) -> String {
        const LONGEST: usize = 40;
        let mut text = format!("{}\n", self.headline());
        let (Some(old), Some(new)) = (&self.old, self.new) else {
            return text;
        };
        let diff = TextDiff::from_lines(old.as_str(), new);
        let diff = diff.unified_diff().context_radius(1).to_string();
        let mut lines = diff.lines();
        for line in lines.by_ref().take(LONGEST) {
            let _ = writeln!(text, "  {line}");
        }
        let more = lines.count();
        if more > 0 {
            let _ = writeln!(text, "  ({more} more lines)");
        }
        text
    }
}

/// Writes beside the file and renames, so that a crash leaves the old file or the new one.
fn replace(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = beside(path);
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "@generated by 'make it'";

    fn file(path: &str, body: &str) -> GeneratedFile {
        GeneratedFile {
            path: path.into(),
            text: format!("// {MARK} from x.\n{body}\n"),
        }
    }

    fn target(root: &Path) -> Target<'_> {
        Target {
            root,
            folders: vec!["a/generated".into()],
            mark: MARK,
            command: "make it",
        }
    }

    fn files() -> Vec<GeneratedFile> {
        vec![
            file("a/generated/one.rs", "1"),
            file("a/generated/deep/two.rs", "2"),
        ]
    }

    /// A folder in which everything is up to date.
    fn fresh() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let done = target(folder.path()).write(&files()).unwrap();
        assert_eq!(done.len(), 2);
        folder
    }

    fn put(folder: &Path, path: &str, text: &str) {
        replace(&folder.join(path), text).unwrap();
    }

    fn complaint(folder: &Path, files: &[GeneratedFile]) -> String {
        target(folder).check(files).unwrap_err().to_string()
    }

    #[test]
    fn what_was_written_is_up_to_date_and_not_written_again() {
        let folder = fresh();
        let written = || {
            fs::metadata(folder.path().join("a/generated/one.rs"))
                .unwrap()
                .modified()
        };
        let before = written().unwrap();
        target(folder.path()).check(&files()).unwrap();
        assert_eq!(
            target(folder.path()).write(&files()).unwrap(),
            Vec::<String>::new()
        );
        assert_eq!(written().unwrap(), before);
    }

    #[test]
    fn a_missing_file_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let message = complaint(folder.path(), &files());
        assert!(message.contains("missing: a/generated/one.rs"), "{message}");
        assert!(message.ends_with("run: make it"), "{message}");
    }

    #[test]
    fn changed_output_is_stale_until_it_is_written() {
        let folder = fresh();
        let changed = [file("a/generated/one.rs", "1 changed"), files().remove(1)];
        let message = complaint(folder.path(), &changed);
        assert!(
            message.contains("different: a/generated/one.rs"),
            "{message}"
        );
        assert!(
            message.contains("  -1\n") && message.contains("  +1 changed\n"),
            "{message}"
        );
        assert_eq!(target(folder.path()).write(&changed).unwrap().len(), 1);
        target(folder.path()).check(&changed).unwrap();
    }

    #[test]
    fn a_file_changed_by_hand_is_stale() {
        let folder = fresh();
        put(
            folder.path(),
            "a/generated/one.rs",
            &format!("// {MARK} from x.\nmine\n"),
        );
        assert!(complaint(folder.path(), &files()).contains("  -mine\n"));
    }

    #[test]
    fn a_marked_file_that_is_no_longer_produced_is_left_over_and_removed() {
        let folder = fresh();
        let message = complaint(folder.path(), &files()[..1]);
        assert!(
            message.contains("left over: a/generated/deep/two.rs"),
            "{message}"
        );
        target(folder.path()).write(&files()[..1]).unwrap();
        assert!(!folder.path().join("a/generated/deep/two.rs").exists());
    }

    #[test]
    fn a_file_written_by_hand_is_neither_left_over_nor_overwritten() {
        let folder = fresh();
        put(folder.path(), "a/generated/mine.rs", "// mine\n");
        target(folder.path()).check(&files()).unwrap();

        put(folder.path(), "a/generated/one.rs", "// mine\n");
        put(folder.path(), "a/generated/deep/two.rs", "// mine, too\n");
        let error = target(folder.path())
            .write(&files())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a/generated/one.rs is not marked"),
            "{error}"
        );
        assert!(complaint(folder.path(), &files()).contains("is not marked"));
        let kept = fs::read_to_string(folder.path().join("a/generated/one.rs")).unwrap();
        assert_eq!(kept, "// mine\n");
    }
}
