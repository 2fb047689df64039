//! What a backup says of itself, so that one that is truncated or edited is told apart.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Progress;

const NAME: &str = "manifest.json";
/// The form of backups, which readers must know.
const FORMAT: u32 = 1;

/// What is known of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    /// The schema of the database.
    pub schema: u32,
    /// Everything that was answered before this instant is in it.
    pub at: DateTime<Utc>,
    /// The size of the database.
    pub bytes: u64,
    /// The database's SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The version of the program that made it.
    pub server: String,
    /// For the base of an archive: the part of the log without which it is not whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Position>,
}

/// A place in the archived log, at the end of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Which life of the log, from 1.
    pub life: u64,
    /// The number of bytes before it in that life.
    pub end: u64,
}

impl Position {
    /// Before everything.
    pub(super) const START: Self = Self { life: 0, end: 0 };
}

impl Manifest {
    /// Describes the database in `file`.
    pub(super) fn describe(file: &Path, schema: u32, at: DateTime<Utc>) -> io::Result<Self> {
        let (bytes, sha256) =
            copy_hashed(&mut File::open(file)?, &mut io::sink(), &mut |_| Ok(()))?;
        Ok(Self {
            format: FORMAT,
            schema,
            at,
            bytes,
            sha256,
            server: env!("CARGO_PKG_VERSION").to_owned(),
            log: None,
        })
    }

    /// Whether the directory has one.
    pub(super) fn is_in(directory: &Path) -> bool {
        directory.join(NAME).exists()
    }

    pub(super) fn read(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(NAME);
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let manifest: Self = serde_json::from_reader(BufReader::new(file))
            .with_context(|| format!("{} is no manifest of a backup", path.display()))?;
        ensure!(
            manifest.format == FORMAT,
            "the backup has format {}, this program knows {FORMAT}",
            manifest.format
        );
        Ok(manifest)
    }

    /// Writes it into the directory, down to the disk.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let mut file = File::create(directory.join(NAME))?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    }

    /// Copies the database that it describes; a copy of anything else is refused.
    pub(super) fn copy(
        &self,
        from: &Path,
        to: &Path,
        progress: Progress<'_>,
    ) -> anyhow::Result<()> {
        let mut source =
            File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
        let bytes = source.metadata()?.len();
        ensure!(
            bytes == self.bytes,
            "{} has {bytes} bytes, not the {} of its manifest: it is truncated or not the same file",
            from.display(),
            self.bytes
        );
        let mut target = File::create_new(to)?;
        let (_, sha256) = copy_hashed(&mut source, &mut target, &mut |done| progress(done, bytes))?;
        ensure!(
            sha256 == self.sha256,
            "{} has not the checksum of its manifest: it is damaged or was edited",
            from.display()
        );
        target.sync_all()?;
        Ok(())
    }
}

/// Copies everything, and tells its size and SHA-256.
fn copy_hashed(
    source: &mut impl Read,
    target: &mut impl Write,
    progress: &mut dyn FnMut(u64) -> io::Result<()>,
) -> io::Result<(u64, String)> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        context.update(&buffer[..read]);
        target.write_all(&buffer[..read])?;
        bytes += read as u64;
        progress(bytes)?;
    }
    Ok((bytes, hex(context.finish().as_ref())))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_sha256sum_prints() {
        let (bytes, sha256) =
            copy_hashed(&mut &b"abc"[..], &mut io::sink(), &mut |_| Ok(())).unwrap();
        assert_eq!(bytes, 3);
        assert_eq!(
            sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
