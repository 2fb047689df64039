//! Disks of the harness's own: an ext4 on a loop device that can lose its power, and a small tmpfs.
//! Both need root.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

const IMAGE_BYTES: u64 = 256 * 1024 * 1024;

/// A mounted file system; it is unmounted at the end, whatever happened.
pub(crate) struct Mount {
    pub(crate) folder: PathBuf,
}

/// An ext4 in an image file.
pub(crate) struct LoopDisk {
    image: PathBuf,
    /// The program that cuts the power.
    cut: PathBuf,
    pub(crate) mount: Mount,
}

/// Whether this process may mount.
pub(crate) async fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().await?;
    Ok(output.stdout.trim_ascii() == b"0")
}

impl Mount {
    /// A file system in memory with so many MiB.
    pub(crate) async fn tmpfs(folder: &Path, mebibytes: u32) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let size = format!("size={mebibytes}m");
        run(
            "mount",
            ["-t", "tmpfs", "-o", &size, "debitor-crash"],
            Some(folder),
        )
        .await?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    async fn image(image: &Path, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        run(
            "mount",
            [OsStr::new("-o"), OsStr::new("loop"), image.as_ref()],
            Some(folder),
        )
        .await?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    async fn unmount(&self) -> Result<()> {
        run("umount", [""; 0], Some(&self.folder)).await
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A server that was killed a moment ago can still hold it: lazily, it goes once that ended.
        let _ = std::process::Command::new("umount")
            .args(["--lazy", "--quiet"])
            .arg(&self.folder)
            .stderr(std::process::Stdio::null())
            .status();
    }
}

impl LoopDisk {
    /// Makes a file system in an image file, and mounts it.
    pub(crate) async fn new(folder: &Path) -> Result<Self> {
        let image = folder.join("disk.img");
        File::create(&image)?.set_len(IMAGE_BYTES)?;
        run("mkfs.ext4", ["-q", "-F"], Some(&image)).await?;
        let cut = compile(include_str!("power_cut.c"), &folder.join("power_cut"), &[]).await?;
        let mount = Mount::image(&image, &folder.join("disk")).await?;
        Ok(Self { image, cut, mount })
    }

    /// Cuts the power: from now on nothing reaches the disk.
    pub(crate) async fn cut(&self) -> Result<()> {
        run(&self.cut, [""; 0], Some(&self.mount.folder)).await
    }

    /// Switches the power on again: the file system recovers from what is on the disk.
    pub(crate) async fn mount_again(&self) -> Result<()> {
        self.mount.unmount().await?;
        std::mem::forget(Mount::image(&self.image, &self.mount.folder).await?);
        Ok(())
    }
}

/// Compiles a program or a library of C, whose text goes to a file beside it.
pub(crate) async fn compile(text: &str, to: &Path, options: &[&str]) -> Result<PathBuf> {
    let source = to.with_extension("c");
    std::io::Write::write_all(&mut File::create(&source)?, text.as_bytes())?;
    let mut command = Command::new("cc");
    command
        .args(["-O1", "-Wall", "-Werror"])
        .args(options)
        .arg("-o")
        .arg(to)
        .arg(&source);
    command.args(options.contains(&"-shared").then_some("-ldl"));
    let status = command.status().await.context(
        "a C compiler is needed: install one that is called `cc` (Debian: `apt-get install gcc`)",
    )?;
    ensure!(
        status.success(),
        "`cc` does not compile {}",
        source.display()
    );
    Ok(to.to_owned())
}

async fn run<I>(program: impl AsRef<OsStr>, arguments: I, last: Option<&Path>) -> Result<()>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let program = program.as_ref();
    let name = program.to_string_lossy();
    let output = Command::new(program)
        .args(arguments)
        .args(last)
        .output()
        .await
        .with_context(|| format!("`{name}` cannot be started"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{name}` failed: {}", told.trim());
    Ok(())
}
