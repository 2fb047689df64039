//! The results as text: Markdown that also reads well at a terminal.

use std::fmt::Write as _;

use clap::ValueEnum as _;

use crate::lists::KINDS;
use crate::open_loop::Latency;
use crate::operation::Operation;
use crate::results::{Results, Sample, Soak};
use crate::server::{BARE, LIMITS, OURS};
use crate::summary::{MANY, Spread, kept};
use crate::targets::{self, Bound, Target};

/// One sample as a line for whoever waits.
pub(crate) fn line(sample: &Sample) -> String {
    let Sample {
        cell,
        rate,
        cpu,
        database_cpu,
        memory_mib,
        p50,
        p99,
        ..
    } = sample;
    let database = database_cpu.map_or_else(String::new, |cpu| format!(" + {cpu:>6.1}"));
    format!(
        "{:<14} {:>9} {:<9} {:>4} clients {rate:>9.0}/s  cpu {cpu:>6.1}{database} us  p50 {:>7.2} ms  \
         p99 {:>7.2} ms  {memory_mib:>5.0} MiB",
        cell.server,
        cell.customers,
        cell.operation.name(),
        cell.clients,
        p50 / 1000.0,
        p99 / 1000.0,
    )
}

/// Everything.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = format!(
        "# Benchmark\n\n{}\n## Targets\n\n{}",
        head(results),
        aims(results)
    );
    let durable: Vec<&str> = names(results, true);
    let relaxed: Vec<&str> = names(results, false);
    section(
        &mut text,
        "Equal durability: an answered create is on the disk",
        results,
        &durable,
    );
    section(
        &mut text,
        "Relaxed durability: a power cut loses answered creates",
        results,
        &relaxed,
    );
    section(
        &mut text,
        "Limits: static GET of 777 bytes, echo POST",
        results,
        &[LIMITS],
    );
    let _ = write!(text, "\n## Growth\n\n{}", growth(results));
    if !results.lists.is_empty() {
        let _ = write!(text, "\n## Lists\n\n{}", lists(results));
    }
    if !results.bare.is_empty() {
        let _ = write!(
            text,
            "\n## What lists and authentication cost\n\n{}",
            bare(results)
        );
    }
    let _ = write!(
        text,
        "\n## Creates in an open loop\n\n{}",
        open_loop(results)
    );
    if let Some(storage) = &results.storage {
        let _ = write!(text, "\n## Storage\n\n{}", storage.markdown());
    }
    if let Some(soak) = &results.soak {
        let _ = write!(text, "\n## Soak\n\n{}", soaked(soak));
    }
    text
}

fn head(results: &Results) -> String {
    let machine = &results.machine;
    let settings = &results.settings;
    let (all, used) = (results.rounds.len(), kept(&results.rounds).len());
    let priority = if settings.real_time_priority {
        "with"
    } else {
        "without"
    };
    let syncs = Spread::of(results.rounds.iter().map(|round| round.fdatasync));
    let database = settings.database.as_ref().map(|database| {
        format!(
            "Data in {database}, otherwise as it comes, over TCP on the same machine: behind the \
             processor time of the server stands, after a +, that of the database.\n"
        )
    });
    format!(
        "{}, {} cores of {}, {} GiB, Linux {}, {}.\n\
         {all} rounds of {} s an operation, {} of them dropped as the limits were off by over 20 %; \
         {} customers at the beginning; wrk on one thread of the same machine; {priority} \
         real-time priority.\nOur server with authentication on, log filter `{}`; peers without \
         authentication.\n{}fdatasync of a rewritten 4 KiB block: {}/s.\n\
         A cell is requests a second: median (least-greatest), processor time of the server for \
         a request, memory.\n",
        machine.date,
        machine.cores,
        machine.cpu,
        machine.memory_gib,
        machine.kernel,
        machine.filesystem,
        settings.seconds,
        all - used,
        settings.sizes.first().copied().unwrap_or_default(),
        settings.log_filter,
        database.unwrap_or_default(),
        syncs.map_or_else(|| "-".to_owned(), |syncs| rates(&syncs)),
    )
}

/// The table of targets.
pub(crate) fn aims(results: &Results) -> String {
    let row = |target: &Target| {
        let bound = match target.bound {
            Bound::AtLeast(least) => format!("≥ {least:.2}"),
            Bound::AtMost(most) => format!("≤ {most:.2}"),
            Bound::Between(least, most) => format!("{least} to {most}"),
        };
        let measured = target
            .measured
            .map_or("not measured".to_owned(), |measured| {
                let Spread { median, min, max } = measured;
                format!("{median:.2} ({min:.2}-{max:.2})")
            });
        let met = target
            .is_met()
            .map_or("-", |met| if met { "yes" } else { "**no**" });
        vec![target.what.clone(), bound, measured, met.to_owned()]
    };
    let rows: Vec<_> = targets::all(results).iter().map(row).collect();
    table(&["figure", "target", "measured", "met"], &rows)
}

/// The servers of one kind of durability, ours with both.
fn names(results: &Results, durable: bool) -> Vec<&str> {
    let admitted = results.admissions.iter();
    let admitted = admitted.filter(|admission| {
        admission.server.starts_with(OURS) || admission.is_durable() == durable
    });
    let names: Vec<&str> = admitted
        .map(|admission| admission.server.as_str())
        .collect();
    // Ours alone is no comparison; its figures are in the first table.
    if !durable && names.iter().all(|name| name.starts_with(OURS)) {
        return Vec::new();
    }
    names
}

fn section(text: &mut String, title: &str, results: &Results, servers: &[&str]) {
    if servers.is_empty() {
        return;
    }
    let mut headers = vec!["operation", "clients"];
    headers.extend(servers.iter().map(|server| results.title(server)));
    let row = |(operation, clients): (Operation, usize)| {
        let cells = servers.iter().map(|server| {
            let cell = (*server, operation, clients);
            let spread = |value: fn(&Sample) -> f64| results.spread(cell, value);
            let (rate, cpu) = (spread(|sample| sample.rate)?, spread(|sample| sample.cpu)?);
            let memory = spread(|sample| sample.memory_mib)?;
            let database = database_cpu(results, cell);
            Some(format!(
                "{}, {:.0}{database} µs, {:.0} MiB",
                rates(&rate),
                cpu.median,
                memory.median
            ))
        });
        let cells: Vec<Option<String>> = cells.collect();
        let measured = cells.iter().any(Option::is_some);
        let cells = cells
            .into_iter()
            .map(|cell| cell.unwrap_or_else(|| "-".to_owned()));
        let first = [operation.name().to_owned(), clients.to_string()];
        measured.then(|| first.into_iter().chain(cells).collect())
    };
    let rows: Vec<_> = results.cells().into_iter().filter_map(row).collect();
    let _ = write!(text, "\n## {title}\n\n{}", table(&headers, &rows));
    for admission in &results.admissions {
        if servers.contains(&admission.server.as_str()) {
            let (title, syncs) = (&admission.title, admission.syncs_per_create);
            let _ = write!(text, "\n{title}: {syncs:.2} fsyncs a create.");
        }
    }
    text.push('\n');
}

/// What the database adds to the processor time of a request, if there is one.
fn database_cpu(
    results: &Results,
    (server, operation, clients): (&str, Operation, usize),
) -> String {
    let rounds = kept(&results.rounds);
    let samples = rounds
        .iter()
        .filter_map(|round| round.find(server, operation, clients));
    let used = Spread::of(samples.filter_map(|sample| sample.database_cpu));
    used.map_or_else(String::new, |used| format!(" + {:.0}", used.median))
}

/// Our own server in companies of every size.
fn growth(results: &Results) -> String {
    let sizes = &results.settings.sizes;
    let shown = |rate: Option<Spread>| rate.map_or("-".to_owned(), |rate| rates(&rate));
    let row = |operation: &Operation| {
        let ratio = results.growth(*operation)?;
        let rates = sizes
            .iter()
            .map(|size| shown(results.at_size(*operation, *size)));
        let row = std::iter::once(operation.name().to_owned()).chain(rates);
        Some(row.chain([format!("{:.2}", ratio.median)]).collect())
    };
    let rows: Vec<_> = Operation::value_variants().iter().filter_map(row).collect();
    let sizes: Vec<String> = sizes
        .iter()
        .map(|size| format!("{size} customers"))
        .collect();
    let sizes = sizes.iter().map(String::as_str);
    let headers: Vec<&str> = ["operation"]
        .into_iter()
        .chain(sizes)
        .chain(["cost ratio"])
        .collect();
    table(&headers, &rows)
}

/// What lists are asked for, in the least and the greatest company.
fn lists(results: &Results) -> String {
    let all = results.lists.len();
    let mut text = format!(
        "{all} rounds, {} of them dropped. A page has 10 customers, but for the one of 100. At most \
         10000 customers are asked for, which lie spread over the company; each answer was looked at \
         before. Behind the time stands, in brackets, the processor time of the server{}.\n",
        all - kept(&results.lists).len(),
        results
            .settings
            .database
            .as_ref()
            .map_or("", |_| " and of the database"),
    );
    for (clients, what) in [
        (1, "One client: median time of an answer, µs"),
        (MANY, "64 clients: time of the machine for an answer, µs"),
    ] {
        let rows: Vec<_> = KINDS
            .into_iter()
            .filter_map(|operation| list_row(results, operation, clients))
            .collect();
        if !rows.is_empty() {
            let headers = list_headers(results);
            let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
            let _ = write!(text, "\n{what}\n\n{}", table(&headers, &rows));
        }
    }
    text
}

fn list_headers(results: &Results) -> Vec<String> {
    let sizes = results.ends().into_iter().flatten();
    let sizes = sizes.flat_map(|size| [format!("{size} customers"), "by get".to_owned()]);
    let first = std::iter::once("asked for".to_owned());
    first.chain(sizes).chain(["growth".to_owned()]).collect()
}

fn list_row(results: &Results, operation: Operation, clients: usize) -> Option<Vec<String>> {
    let mut row = vec![operation.name().to_owned()];
    for size in results.ends()? {
        let asked = (operation, clients, size);
        let of = |value: fn(&Sample) -> f64| results.of_lists(asked, value);
        let by = |value: fn(&Sample) -> f64| results.to_get(asked, value);
        let (cost, cpu) = (of(Sample::cost)?, of(Sample::all_cpu)?);
        row.push(format!("{} [{:.0}]", rates(&cost), cpu.median));
        let (cost, cpu) = (by(Sample::cost)?, by(Sample::all_cpu)?);
        row.push(format!("{:.2} [{:.2}]", cost.median, cpu.median));
    }
    let growth = results.growth_of_lists(operation, clients)?;
    row.push(format!("{:.2}", growth.median));
    Some(row)
}

fn bare(results: &Results) -> String {
    let all = results.bare.len();
    let text = format!(
        "{all} rounds, {} of them dropped. Creates a second of our server, and of the same without the \
         index of words and the columns that only lists need.\n\n",
        all - kept(&results.bare).len()
    );
    let row = |clients: usize| {
        let [with, without] = [OURS, BARE].map(|server| results.creates_of(server, clients));
        let Spread { median, min, max } = results.creates_to_bare(clients)?;
        Some(vec![
            clients.to_string(),
            rates(&with?),
            rates(&without?),
            format!("{median:.2} ({min:.2}-{max:.2})"),
        ])
    };
    let rows: Vec<_> = [1, MANY].into_iter().filter_map(row).collect();
    let creates = text + &table(&["clients", "with", "without", "ratio"], &rows);
    let Some(Spread { median, min, max }) = results.gets_to_bare() else {
        return creates;
    };
    format!(
        "{creates}\nA get by {MANY} clients with tokens that are remembered takes {median:.2} \
         ({min:.2}-{max:.2}) of the processor time of one without authentication.\n"
    )
}

fn open_loop(results: &Results) -> String {
    let row = |latency: &Latency| {
        let quantiles = [
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.max,
        ];
        let first = [
            results.title(&latency.server).to_owned(),
            format!("{:.0}", latency.rate),
        ];
        first
            .into_iter()
            .chain(quantiles.map(milliseconds))
            .collect()
    };
    let headers = [
        "server",
        "creates a second",
        "p50, ms",
        "p90",
        "p99",
        "p99.9",
        "max",
    ];
    table(
        &headers,
        &results.latency.iter().map(row).collect::<Vec<_>>(),
    )
}

fn soaked(soak: &Soak) -> String {
    let Soak { rate, memory_mib } = soak;
    let most = memory_mib.iter().copied().fold(0.0, f64::max);
    format!(
        "{} s of gets and creates (80/20) by 64 clients, {rate:.0}/s: at most {most:.1} MiB, in \
         the second half {:+.2} MiB a minute.\n",
        memory_mib.len(),
        soak.mib_per_minute(),
    )
}

impl Results {
    /// Operations and clients in the order in which they were measured.
    pub(crate) fn cells(&self) -> Vec<(Operation, usize)> {
        let mut cells = Vec::new();
        for sample in self.rounds.iter().flat_map(|round| &round.samples) {
            let cell = (sample.cell.operation, sample.cell.clients);
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        cells
    }

    pub(crate) fn title<'a>(&'a self, server: &'a str) -> &'a str {
        let found = self
            .admissions
            .iter()
            .find(|admission| admission.server == server);
        found.map_or(server, |admission| &admission.title)
    }
}

fn rates(spread: &Spread) -> String {
    let [median, min, max] = [spread.median, spread.min, spread.max].map(|rate| match rate {
        rate if rate >= 10_000.0 => format!("{:.1}k", rate / 1000.0),
        rate => format!("{rate:.0}"),
    });
    format!("{median} ({min}-{max})")
}

fn milliseconds(microseconds: u64) -> String {
    format!("{:.2}", microseconds as f64 / 1000.0)
}

/// A table whose columns are as wide as their widest cell.
fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
    let wide = |column: usize| {
        let cells = rows
            .iter()
            .chain([&headers])
            .filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headers.len()).map(wide).collect();
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = String::new();
    for row in [headers.clone(), rule].iter().chain(rows) {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
    }
    text
}
