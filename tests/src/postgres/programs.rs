//! PostgreSQL's programs on this machine, and the user who runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian keeps them, a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs; as root they are run as another user, since PostgreSQL refuses root.
#[derive(Debug)]
pub(crate) struct Programs {
    /// Their folder; empty if they are on the PATH.
    folder: PathBuf,
    /// The user that they are run as, if not as oneself.
    pub(crate) user: Option<u32>,
}

impl Programs {
    /// Finds them; a machine without them cannot run the tests.
    pub(crate) fn find() -> Self {
        let folders = std::iter::once(PathBuf::new()).chain(of_debian());
        let folder = folders.into_iter().find(|folder| runs(folder)).expect(
            "the tests need PostgreSQL's `initdb` and `postgres`: install it \
             (Debian: `apt-get install postgresql`), or name a server in DEBITOR_TEST_POSTGRES_URL",
        );
        let user = (id(&[]) == Some(0)).then(|| {
            id(&["postgres"]).expect("PostgreSQL refuses root, and there is no user `postgres`")
        });
        Self { folder, user }
    }

    /// A command that runs the program.
    pub(crate) fn command(&self, program: &str) -> Command {
        let path = self.folder.join(program);
        let Some(user) = self.user else {
            return Command::new(path);
        };
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={user}"))
            .args(["--regid=postgres", "--init-groups", "--"])
            .arg(path);
        command
    }
}

/// Debian's folders, the newest version first.
fn of_debian() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).collect();
    folders.sort_by_key(|path| std::cmp::Reverse(version(path)));
    folders.iter().map(|folder| folder.join("bin")).collect()
}

fn runs(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| {
        let mut command = Command::new(folder.join(program));
        let probe = command.arg("--version").stdout(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    })
}

/// The number of a user, or one's own.
fn id(user: &[&str]) -> Option<u32> {
    let output = Command::new("id").arg("-u").args(user).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
