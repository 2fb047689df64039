//! The peers of the benchmark: other people's servers, from the registries of their languages.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::install::install;
use crate::npm;
use crate::process::{command, need, run};

/// A peer's name, its files below `crates/debitor-bench/peers`, and how they are installed.
type Peer = (
    &'static str,
    &'static [&'static str],
    fn(&Path) -> Result<()>,
);

const PEERS: [Peer; 5] = [
    (
        "bun",
        &["start", "server.ts", "package.json", "package-lock.json"],
        npm::packages,
    ),
    (
        "fastify",
        &["start", "server.js", "package.json", "package-lock.json"],
        fastify,
    ),
    (
        "sqlx",
        &["start", "src/main.rs", "Cargo.toml", "Cargo.lock"],
        cargo,
    ),
    (
        "fastapi",
        &["start", "server.py", "requirements.txt"],
        python_packages,
    ),
    (
        "pocketbase",
        &["start", "pb_migrations/1_customers.js", "requirements.txt"],
        python_packages,
    ),
];

const ON_POSTGRES: Peer = (
    "sqlx-postgres",
    &["start", "src/main.rs", "Cargo.toml", "Cargo.lock"],
    cargo,
);

/// Installs every peer with files of its own below `target/bench`; their folders.
pub(crate) fn install_all(root: &Path) -> Result<Vec<PathBuf>> {
    PEERS.iter().map(|peer| install_one(root, peer)).collect()
}

/// Installs the peer whose data are in PostgreSQL; its folder.
pub(crate) fn install_on_postgres(root: &Path) -> Result<PathBuf> {
    install_one(root, &ON_POSTGRES)
}

fn install_one(root: &Path, (name, files, steps): &Peer) -> Result<PathBuf> {
    let source = root.join("crates/debitor-bench/peers").join(name);
    let folder = root.join("target/bench/peers").join(name);
    install(&source, &folder, files, || steps(&folder))?;
    Ok(folder)
}

/// The bindings to SQLite are compiled here, with the headers of the machine's Node.js if they are
/// there: ready-made ones are not in the registry.
fn fastify(folder: &Path) -> Result<()> {
    need(&["node", "--version"], &["nodejs"])?;
    need(&["make", "--version"], &["build-essential"])?;
    npm::packages(folder)?;
    let mut build = command(
        folder,
        "npm",
        &["rebuild", "--build-from-source", "better-sqlite3"],
    );
    if Path::new("/usr/include/node/node.h").exists() {
        build.env("npm_config_nodedir", "/usr");
    }
    run(&mut build)
}

fn python_packages(folder: &Path) -> Result<()> {
    need(
        &["python3", "-c", "import venv, ensurepip"],
        &["python3", "python3-venv"],
    )?;
    run(&mut command(
        folder,
        "python3",
        &["-m", "venv", "--clear", "venv"],
    ))?;
    let pip = folder.join("venv/bin/pip");
    let arguments = [
        "install",
        "--quiet",
        "--no-deps",
        "--requirement",
        "requirements.txt",
    ];
    run(command(folder, pip, &arguments).env("PIP_DISABLE_PIP_VERSION_CHECK", "1"))
}

fn cargo(folder: &Path) -> Result<()> {
    run(&mut command(
        folder,
        "cargo",
        &["build", "--release", "--locked"],
    ))
}
