//! What a great number of customers needs: disk, memory, processors and money, worked out from the
//! results of a run on PostgreSQL, and how evenly companies of very different sizes fill partitions.

use std::fmt::Write as _;
use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::operation::Operation::{self, Create, Get, List, Patch};
use crate::request::Random;
use crate::results::Results;
use crate::server::OURS;
use crate::storage::Storage;
use crate::summary::MANY;

const GIB: f64 = (1u64 << 30) as f64;
const HOURS_A_MONTH: f64 = 730.0;
const DAYS_A_YEAR: f64 = 365.0;
/// The operations, and of a hundred requests how many are of each.
const MIX: [(Operation, f64); 4] = [(Get, 85.0), (List, 10.0), (Create, 1.0), (Patch, 4.0)];
/// Companies are unequal: how steeply their sizes fall (Pareto), and what none exceeds.
const SHAPE: f64 = 1.1;
const GREATEST: f64 = 5_000_000.0;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where `latest.json` of a run with `--postgres` is.
    #[arg(default_value = "crates/debitor-bench/results/postgres")]
    folder: PathBuf,
    #[arg(long, default_value_t = 1e9)]
    customers: f64,
    #[arg(long, default_value_t = 1e6)]
    companies: f64,
    /// Requests a second at the busiest time.
    #[arg(long, default_value_t = 10_000.0)]
    requests: f64,
    /// The share of processors that may be busy then.
    #[arg(long, default_value_t = 0.5)]
    busy: f64,
    /// What one primary may hold, in GiB: what a new standby copies while it is missed.
    #[arg(long, default_value_t = 1024.0)]
    primary: f64,
    /// Partitions of each table, over all primaries.
    #[arg(long, default_value_t = 256)]
    partitions: usize,
    /// What a processor costs for an hour, and a GiB of disk for a month, in any currency.
    #[arg(long, default_value_t = 0.05)]
    processor: f64,
    #[arg(long, default_value_t = 0.10)]
    disk: f64,
}

/// Prints the calculation.
pub(crate) fn tell(options: &Options) -> Result<()> {
    let file = File::open(options.folder.join("latest.json")).context("latest.json")?;
    let results: Results = serde_json::from_reader(file)?;
    let storage = results.storage.as_ref();
    let storage = storage.context("these results were not measured on PostgreSQL")?;
    println!("{}", storage.markdown());
    println!("{}", requests(options, &results)?);
    println!("{}", whole(options, storage, &results)?);
    println!("{}", skew(options, storage));
    Ok(())
}

/// Microseconds of our server and of the database for an operation.
fn cost(results: &Results, operation: Operation) -> Result<(f64, f64)> {
    let cell = (OURS, operation, MANY);
    let server = results.spread(cell, |sample| sample.cpu);
    let database = results.spread(cell, |sample| sample.database_cpu.unwrap_or_default());
    let missing = || format!("{} with {MANY} clients was not measured", operation.name());
    Ok((
        server.with_context(missing)?.median,
        database.with_context(missing)?.median,
    ))
}

/// What a million requests cost.
fn requests(options: &Options, results: &Results) -> Result<String> {
    let mut text = "Processor time and cost of requests\n\n\
                    | operation | server, µs | database, µs | a million cost |\n\
                    | --- | --- | --- | --- |\n"
        .to_owned();
    for (operation, _) in MIX {
        let (server, database) = cost(results, operation)?;
        let _ = writeln!(
            text,
            "| {} | {server:.1} | {database:.1} | {:.4} |",
            operation.name(),
            // A million requests of so many microseconds are so many seconds.
            (server + database) / options.busy / 3600.0 * options.processor
        );
    }
    Ok(text)
}

/// What all of it needs.
fn whole(options: &Options, storage: &Storage, results: &Results) -> Result<String> {
    let (mut server, mut database, mut changes) = (0.0, 0.0, 0.0);
    for (operation, share) in MIX {
        let costs = cost(results, operation)?;
        let rate = options.requests * share / 100.0;
        server += rate * costs.0 / 1e6 / options.busy;
        database += rate * costs.1 / 1e6 / options.busy;
        if matches!(operation, Create | Patch) {
            changes += rate;
        }
    }
    let data = storage.bytes() * options.customers / GIB;
    // Half of the busiest time's rate all year.
    let year = storage.table("audit") * changes / 2.0 * 86_400.0 * DAYS_A_YEAR / GIB;
    let primaries = (data / options.primary).ceil();
    let disk = 2.0 * data * options.disk;
    let processors = (server + 2.0 * database) * HOURS_A_MONTH * options.processor;
    Ok(format!(
        "{:.0e} customers in {:.0e} companies, {:.0} requests a second at the busiest time\n\n\
         | what | figure |\n| --- | --- |\n\
         | data, GiB | {data:.0} |\n\
         | of that indexes | {:.0} |\n\
         | record of changes for a year, GiB | {year:.0} |\n\
         | log at the busiest time, MiB a second | {:.1} |\n\
         | primaries with at most {:.0} GiB | {primaries:.0} |\n\
         | processors of servers | {server:.1} |\n\
         | processors of primaries | {database:.1} |\n\
         | a month, with a standby for each primary: disk + processors | {disk:.0} + {processors:.0} |\n",
        options.customers,
        options.companies,
        options.requests,
        storage.indexes() * options.customers / GIB,
        storage.log * changes / f64::from(1 << 20),
        options.primary,
    ))
}

/// How unequal partitions become when each company lies in one whole.
fn skew(options: &Options, storage: &Storage) -> String {
    let sizes = sizes(options);
    let mut partitions = vec![0.0; options.partitions.max(1)];
    let mut random = Random::new(2);
    for size in &sizes {
        let one = random.next() as usize % partitions.len();
        partitions[one] += size;
    }
    let gib = |customers: f64| customers * storage.bytes() / GIB;
    let greatest = partitions.iter().copied().fold(0.0, f64::max);
    let mean = options.customers / partitions.len() as f64;
    let company = sizes.iter().copied().fold(0.0, f64::max);
    format!(
        "Sizes of {} companies drawn at random (Pareto, {SHAPE}), each in one of {} partitions\n\n\
         | what | customers | GiB |\n| --- | --- | --- |\n\
         | mean partition | {mean:.0} | {:.1} |\n\
         | greatest partition | {greatest:.0} | {:.1} |\n\
         | greatest company | {company:.0} | {:.1} |\n\n\
         The greatest partition has {:.2} times the mean.",
        sizes.len(),
        partitions.len(),
        gib(mean),
        gib(greatest),
        gib(company),
        greatest / mean
    )
}

/// Companies' sizes, which add up to all customers.
fn sizes(options: &Options) -> Vec<f64> {
    let mut random = Random::new(1);
    let mut draw = || {
        // Above 0 and at most 1.
        let share = (random.next() as f64 + 1.0) / 2f64.powi(32);
        share.powf(-1.0 / SHAPE)
    };
    let mut sizes: Vec<f64> = (0..options.companies as usize).map(|_| draw()).collect();
    // Cutting the greatest off takes customers away, which the others are then given.
    for _ in 0..20 {
        let factor = options.customers / sizes.iter().sum::<f64>();
        for size in &mut sizes {
            *size = (*size * factor).min(GREATEST);
        }
    }
    sizes
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn all_customers_are_in_a_company() {
        let line = Line::parse_from(["scale", "--customers=1e6", "--companies=1e4"]);
        let sizes = sizes(&line.options);
        assert_eq!(sizes.len(), 10_000);
        assert!((sizes.iter().sum::<f64>() / 1e6 - 1.0).abs() < 0.01);
        assert!(sizes.iter().all(|size| (0.0..=GREATEST).contains(size)));
    }
}
