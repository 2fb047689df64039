//! A PostgreSQL of the tests' own: a cluster in a temporary directory, made by the programs that
//! stand on the machine.
//!
//! A shell watches over it, at the other end of a pipe that only this process holds. However this
//! process ends, the pipe closes with it: then the shell ends PostgreSQL and removes the directory.

use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use url::Url;

use super::processes::Family;
use super::programs::Programs;

/// One that does not answer after so long will not answer any more.
const START: Duration = Duration::from_mins(1);
/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(5);
/// The file of a running cluster that names its process.
const PID_FILE: &str = "postmaster.pid";
/// The superuser.
const USER: &str = "postgres";

/// Starts the program in its arguments, sends it a signal, or takes note of its end: a line for each.
/// Interrupts from a terminal are for the tests; this must outlive them. One that was stopped is
/// continued, so that it can end.
const WATCH: &str = r#"
trap '' INT TERM HUP
directory=$1; shift
while read -r word; do
  case $word in
    start) "$@" >>"$directory/log" 2>&1 & ;;
    reap) wait $! ;;
    *) kill -"$word" $! ;;
  esac
done
kill -QUIT $!; kill -CONT $!; wait $!
rm -rf "$directory"
"#;

/// A file system in memory, where making and dropping a database takes a tenth of the time.
const MEMORY: &str = "/dev/shm";
/// The room that it must have.
const ROOM: u64 = 2 << 30;

/// A setting of PostgreSQL and its value.
pub type Setting = (&'static str, &'static str);

/// A cluster that lasts as long as this value, or as this process.
#[derive(Debug)]
pub struct Cluster {
    url: Url,
    programs: Programs,
    directory: PathBuf,
    watch: Child,
    /// The pipe to the watching shell; `None` at the end.
    pipe: Mutex<Option<ChildStdin>>,
}

/// How PostgreSQL ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its clients are cut off, and it shuts down in order.
    Fast,
    /// It ends at once, as in a crash.
    Crash,
}

impl Cluster {
    /// Makes a cluster with these settings, and starts it.
    pub async fn start(settings: &[Setting]) -> Self {
        let password = uuid::Uuid::now_v7().simple().to_string();
        let cluster = Self::empty(settings, &password);
        make(&cluster.programs, &cluster.directory, &password);
        cluster.start_again().await;
        cluster
    }

    /// Makes a cluster that follows another one as its standby, and starts it.
    pub async fn following(primary: &Self, settings: &[Setting]) -> Self {
        let cluster = Self::empty(settings, primary.url.password().unwrap_or_default());
        cluster.follow(primary).await;
        cluster
    }

    /// A place for a cluster, with the shell that watches over it.
    fn empty(settings: &[Setting], password: &str) -> Self {
        let programs = Programs::find();
        let directory = TempDir::with_prefix_in("debitor-postgres-", place());
        let directory = directory.expect("a temporary directory").keep();
        chown(&directory, programs.user, None).expect("the directory is ours");
        let port = free_port();
        let url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres");
        let mut watch = watch(&programs, &directory, port, settings);
        Self {
            url: url.parse().expect("an address"),
            pipe: Mutex::new(watch.stdin.take()),
            watch,
            programs,
            directory,
        }
    }

    /// Forgets the data, if there is any, and starts as a standby with a copy of the other's.
    pub async fn follow(&self, primary: &Self) {
        let data = self.data();
        let removed = std::fs::remove_dir_all(&data);
        assert!(removed.is_ok() || !data.exists(), "{removed:?}");
        let mut copy = self.programs.command("pg_basebackup");
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
            .arg("--pgdata")
            .arg(data)
            .args(["--dbname", primary.url.as_str()]);
        run(copy).await;
        self.start_again().await;
    }

    /// Has a standby become a primary, and waits until it is one.
    pub async fn promote(&self) {
        let mut promote = self.programs.command("pg_ctl");
        promote.args(["promote", "--wait", "--silent", "--pgdata"]);
        promote.arg(self.data());
        run(promote).await;
    }

    /// The address of the superuser's own database.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where it keeps its data and its log.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The files of the database.
    pub(super) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn processes(&self) -> Family {
        Family::of(&self.data().join(PID_FILE))
    }

    /// Stops every process.
    pub async fn freeze(&self) {
        self.processes().freeze().await;
    }

    /// Has every process go on.
    pub fn thaw(&self) {
        self.processes().thaw();
    }

    /// Ends every process at once with SIGKILL, and waits until none is left.
    pub async fn kill(&self) {
        let file = self.data().join(PID_FILE);
        let text = std::fs::read_to_string(&file).expect("PostgreSQL runs");
        self.processes().kill().await;
        self.tell("reap");
        // Nobody is left to do that; the file's seventh line ends with the number of shared memory.
        std::fs::remove_file(file).expect("the file is ours");
        let memory = text
            .lines()
            .nth(6)
            .and_then(|line| line.split(' ').next_back());
        let mut remove = Command::new("ipcrm");
        remove.arg("--shmem-id").args(memory);
        run(remove).await;
    }

    /// Ends PostgreSQL, and waits until it has ended.
    pub async fn end(&self, end: End) {
        self.tell(match end {
            End::Fast => "INT",
            End::Crash => "QUIT",
        });
        let pid = self.data().join(PID_FILE);
        let begun = Instant::now();
        while pid.exists() {
            assert!(begun.elapsed() < START, "PostgreSQL does not end");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Starts PostgreSQL on the same data at the same port.
    pub async fn start_again(&self) {
        self.tell("start");
        let begun = Instant::now();
        while let Err(error) = connect(&self.url).await {
            let log = self.directory.join("log");
            assert!(
                begun.elapsed() < START,
                "PostgreSQL does not answer: {error}\n{}",
                std::fs::read_to_string(log).unwrap_or_default()
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Says a word to the watching shell.
    fn tell(&self, word: &str) {
        let mut pipe = self.pipe.lock().expect("no holder panics");
        let pipe = pipe.as_mut().expect("the input is piped");
        writeln!(pipe, "{word}").expect("the watching shell lives");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.pipe.get_mut().map(Option::take));
        // What it could not do is told by the directory that is left.
        let _ = self.watch.wait();
    }
}

/// A connection to the database; it ends with the client.
pub async fn connect(url: &Url) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Where clusters stand: in memory, if there is room.
fn place() -> PathBuf {
    let room = rustix::fs::statvfs(MEMORY).map_or(0, |disk| disk.f_bavail * disk.f_frsize);
    match room {
        0..ROOM => std::env::temp_dir(),
        _ => PathBuf::from(MEMORY),
    }
}

/// Makes the cluster's files. Nothing is forced to the disk: no test outlives the machine.
fn make(programs: &Programs, directory: &Path, password: &str) {
    let file = directory.join("password");
    let mut secret = std::fs::File::create_new(&file).expect("the directory is ours");
    writeln!(secret, "{password}").expect("the disk has room");
    chown(&file, programs.user, None).expect("the file is ours");
    let output = programs
        .command("initdb")
        .args(["--no-sync", "--no-instructions", "--encoding=UTF8"])
        .args(["--locale=C", "--auth=password", "--username", USER])
        .arg("--pwfile")
        .arg(&file)
        .arg("--pgdata")
        .arg(directory.join("data"))
        .output()
        .expect("initdb runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "initdb: {error}");
}

/// Runs one of PostgreSQL's programs to its end.
async fn run(command: Command) {
    let program = format!("{command:?}");
    let output = tokio::process::Command::from(command).output().await;
    let output = output.expect("PostgreSQL's programs run");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {error}");
}

fn watch(programs: &Programs, directory: &Path, port: u16, settings: &[Setting]) -> Child {
    let mut postgres = programs.command("postgres");
    postgres.arg("-D").arg(directory.join("data"));
    let port = port.to_string();
    let own = [
        ("port", port.as_str()),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
    ];
    for (name, value) in own.iter().chain(settings) {
        postgres.arg("-c").arg(format!("{name}={value}"));
    }
    Command::new("sh")
        .args(["-c", WATCH, "watch"])
        .arg(directory)
        .arg(postgres.get_program())
        .args(postgres.get_args())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell runs")
}

/// A port that is free now, and that the machine gives to nobody who asks for any: PostgreSQL
/// comes back to it after it was away.
fn free_port() -> u16 {
    std::iter::repeat_with(|| fastrand::u16(20_000..32_000))
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
}
