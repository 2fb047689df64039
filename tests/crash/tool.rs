//! The server's commands on stores: backup, restore, verify.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Result, ensure};
use tokio::process::Command;

/// The server's program, run for one command; it can be made to abort at a failpoint.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    program: PathBuf,
    failpoint: Option<String>,
}

impl Tool {
    pub(crate) fn new(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            failpoint: None,
        }
    }

    /// The same, but for the place at which it aborts.
    pub(crate) fn at(&self, failpoint: &str) -> Self {
        Self {
            failpoint: Some(failpoint.to_owned()),
            ..self.clone()
        }
    }

    pub(crate) async fn backup(&self, store: &Path, to: &Path) -> Result<Output> {
        let to = to.as_os_str().to_owned();
        self.run([
            "backup".into(),
            "--store".into(),
            url(store),
            "--to".into(),
            to,
        ])
        .await
    }

    /// Restores a backup, or an archive as it was at an instant.
    pub(crate) async fn restore(&self, from: &Path, at: Option<&str>, to: &Path) -> Result<Output> {
        let (from, to) = (from.as_os_str().to_owned(), to.as_os_str().to_owned());
        let named = ["restore".into(), "--from".into(), from, "--to".into(), to];
        let at = at.map(|at| ["--at".into(), at.into()]);
        self.run(named.into_iter().chain(at.into_iter().flatten()))
            .await
    }

    pub(crate) async fn verify(&self, store: &Path) -> Result<Output> {
        self.run(["verify".into(), "--store".into(), url(store)])
            .await
    }

    pub(crate) async fn migrate(&self, store: &Path) -> Result<Output> {
        self.run(["migrate".into(), "--store".into(), url(store)])
            .await
    }

    async fn run(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .envs(self.failpoint.iter().map(|at| ("DEBITOR_FAILPOINT", at)));
        Ok(command.output().await?)
    }
}

/// Fails unless the command succeeded.
pub(crate) fn done(output: &Output) -> Result<()> {
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the command ended with {}: {}",
        output.status,
        told.trim()
    );
    Ok(())
}

/// Fails unless the command refused its work in an orderly way.
pub(crate) fn refused(output: &Output) -> Result<()> {
    let code = output.status.code();
    ensure!(
        code.is_some_and(|code| code != 0),
        "the command ended with {}",
        output.status
    );
    Ok(())
}

fn url(store: &Path) -> OsString {
    let mut url = OsString::from("sqlite:");
    url.push(store);
    url
}
