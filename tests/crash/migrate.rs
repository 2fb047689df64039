//! `migrate`: a store of the first schema, killed at every place of its migration, is opened again
//! as if nothing had been; a store of a newer schema is refused.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;

use crate::Run;
use crate::arena::{Arena, list};
use crate::contents::{AUDITED, Contents};
use crate::failpoints::aborted;
use crate::figures::Figures;
use crate::tool::Tool;

/// A store as a server of the first schema left it: three customers, a draft that names one.
const SCHEMA_1: &str = include_str!("migrate/schema_1.sql");
const NEWER: u32 = 1000;
const CONFIGURATION: i32 = 78;

pub(crate) async fn run(run: &Run) -> Result<Figures> {
    let mut figures = Figures::default();
    let points = crate::failpoints::names(run).await?;
    for name in points.iter().filter(|name| name.starts_with("migrate.")) {
        let done = at_failpoint(&run.case(name), name).await;
        figures.merge(done.with_context(|| format!("failpoint {name}"))?);
    }
    ensure!(
        figures.count("kills") > 0,
        "the server has no failpoint in its migrations"
    );
    newer_is_refused(&run.case("newer")).await?;
    figures.add("newer schemas refused", 1);
    Ok(figures)
}

/// Kills the migration at each of the place's hits, until one migration has fewer.
pub(crate) async fn at_failpoint(run: &Run, name: &str) -> Result<Figures> {
    let mut figures = Figures::default();
    figures.add("reached", 1);
    for nth in 1.. {
        let mut arena = Arena::new(&run.server, &run.folder.join(nth.to_string()))?;
        let store = arena.launch.store.clone();
        let before = fixture(&store)?;
        let point = format!("{name}:{nth}");
        let output = Tool::new(&run.server).at(&point).migrate(&store).await?;
        if output.status.success() {
            ensure!(nth > 1, "not reached");
            return Ok(figures);
        }
        aborted(output.status)?;
        figures.add("kills", 1);
        let left = Contents::of_copy(&store, &arena.folder.join("copy"))?;
        ensure!(
            left.schema == before.schema || left.schema >= AUDITED,
            "half a migration"
        );
        same(&before, &left)?;
        let mut server = arena.launch.start().await?;
        let after = Contents::of_copy(&store, &arena.folder.join("copy"))?;
        ensure!(
            after.schema >= AUDITED,
            "the schema is {} still",
            after.schema
        );
        same(&before, &after)?;
        arena.shows(&server, &after).await?;
        server.kill().await?;
        arena.remove()?;
    }
    Ok(figures)
}

/// Makes a store of the first schema.
fn fixture(store: &Path) -> Result<Contents> {
    std::fs::create_dir_all(store)?;
    let path = store.join("debitor.db");
    Connection::open(&path)?.execute_batch(SCHEMA_1)?;
    let contents = Contents::of_copy(store, &store.with_file_name("copy"))?;
    ensure!(
        contents.schema == 1 && !contents.customers.is_empty(),
        "the fixture is no store"
    );
    Ok(contents)
}

/// Fails unless both hold the same entities, undamaged.
fn same(before: &Contents, after: &Contents) -> Result<()> {
    ensure!(after.damage.is_empty(), list(&after.damage));
    ensure!(
        (&before.customers, &before.invoices) == (&after.customers, &after.invoices),
        "the migration changed an entity"
    );
    Ok(())
}

async fn newer_is_refused(run: &Run) -> Result<()> {
    let arena = Arena::new(&run.server, &run.folder)?;
    fixture(&arena.launch.store)?;
    let path = arena.launch.store.join("debitor.db");
    Connection::open(path)?.pragma_update(None, "user_version", NEWER)?;
    match arena.launch.try_start().await? {
        Ok(_) => anyhow::bail!("a store of a newer schema was opened"),
        Err(status) => {
            ensure!(
                status.code() == Some(CONFIGURATION),
                "refused with {status}"
            );
            arena.remove()
        }
    }
}
