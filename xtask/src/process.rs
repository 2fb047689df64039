//! Running other programs, and installing those that are missing.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// A program, to be run in `folder`.
pub(crate) fn command(folder: &Path, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// Runs to the end, with the output passed on; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    println!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("`{shown}` cannot be started"))?;
    ensure!(status.success(), "`{shown}` failed ({status})");
    Ok(())
}

/// What a program prints, if it can be started and succeeds.
pub(crate) fn output(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Makes sure that a probe succeeds: a program and its arguments. If it does not, root installs the
/// Debian packages that hold it, and everybody else is told to.
pub(crate) fn need(probe: &[&str], packages: &[&str]) -> Result<()> {
    if succeeds(probe) {
        return Ok(());
    }
    let packages = packages.join(" ");
    let by_hand = format!("`{}` does not run; install {packages}", probe.join(" "));
    if output("id", &["-u"]).as_deref() != Some("0") || output("apt-get", &["--version"]).is_none()
    {
        bail!("{by_hand} (Debian: `apt-get install {packages}`)");
    }
    apt_get(&["update", "-q"])?;
    let install: Vec<&str> = ["install", "-y", "-q", "--no-install-recommends"]
        .into_iter()
        .chain(packages.split(' '))
        .collect();
    apt_get(&install)?;
    ensure!(succeeds(probe), by_hand);
    Ok(())
}

fn succeeds(probe: &[&str]) -> bool {
    probe
        .split_first()
        .is_some_and(|(program, arguments)| output(program, arguments).is_some())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = command(Path::new("/"), "apt-get", arguments);
    run(command.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
