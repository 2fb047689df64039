//! Who reaches what: every operation of the document, as every kind of caller, by every way in which a
//! request can name what is not the caller's.
//!
//! Whoever has no right to a company is answered to the letter as for one that does not exist, and
//! whatever is refused changes nothing. The ways come from the document: the path's variables, the query
//! options, the headers. An operation without a row here fails the test.

mod probes;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use debitor_tests::Answer;
use debitor_tests::document::{Document, Operation};
use serde_json::{Value, json};

use probes::{Carrier, Ids, Probe};
use world::{Kind, Target, World};

/// What each operation is sent, and what its owner is answered.
const ROWS: [(&str, &str, u16); 19] = [
    ("company_list", "", 200),
    ("company_count", "", 200),
    ("company_get", "", 200),
    ("customer_list", "", 200),
    ("customer_count", "", 200),
    ("customer_create", r#"{"displayName": "Made"}"#, 201),
    ("customer_get", "", 200),
    ("customer_update", r#"{"displayName": "Changed"}"#, 200),
    ("customer_delete", "", 204),
    ("sales_invoice_list", "", 200),
    ("sales_invoice_count", "", 200),
    ("sales_invoice_create", r#"{"customerId": "{named}"}"#, 201),
    ("sales_invoice_get", "", 200),
    (
        "sales_invoice_update",
        r#"{"customerId": "{customer}"}"#,
        200,
    ),
    ("sales_invoice_delete", "", 204),
    ("sales_invoice_customer_get", "", 200),
    (
        "sales_invoice_customer_create",
        r#"{"displayName": "Made"}"#,
        201,
    ),
    (
        "sales_invoice_customer_update",
        r#"{"displayName": "Changed"}"#,
        200,
    ),
    ("sales_invoice_customer_delete", "", 204),
];

/// An operation with its row.
struct Row {
    operation: &'static Operation,
    body: &'static str,
    success: u16,
}

impl Row {
    fn all() -> Vec<Self> {
        let operations = Document::of_repository().operations();
        let known: BTreeSet<&str> = ROWS.iter().map(|(id, ..)| *id).collect();
        let documented: BTreeSet<&str> = operations.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(documented, known, "each operation has a row");
        let row = |(id, body, success): &(&str, &'static str, u16)| Self {
            operation: operations.iter().find(|one| one.id == *id).unwrap(),
            body,
            success: *success,
        };
        ROWS.iter().map(row).collect()
    }

    fn writes(&self) -> bool {
        self.operation.method != "GET"
    }

    /// Whether it is about one company, which it names.
    fn is_in_company(&self) -> bool {
        self.operation.path.contains("{companyId}")
    }
}

/// Cells by operation and by kind of caller, and the ways that were tried.
#[derive(Default)]
struct Tally {
    cells: BTreeMap<(usize, usize), usize>,
    carriers: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn count(&mut self, row: usize, kind: Kind, carrier: Carrier) {
        *self.cells.entry((row, kind as usize)).or_default() += 1;
        *self.carriers.entry(carrier.name()).or_default() += 1;
    }

    /// Tells what was tried, whatever becomes of the test.
    fn print(&self, rows: &[Row]) {
        let mut lines = vec![format!(
            "| operation | {} |",
            Kind::ALL.map(Kind::name).join(" | ")
        )];
        for (n, row) in rows.iter().enumerate() {
            let cell = |kind: Kind| self.cells.get(&(n, kind as usize)).copied().unwrap_or(0);
            let cells = Kind::ALL.map(|kind| cell(kind).to_string()).join(" | ");
            lines.push(format!("| {} | {cells} |", row.operation.id));
        }
        let carriers = self.carriers.iter();
        lines.extend(carriers.map(|(carrier, count)| format!("{carrier}: {count}")));
        let all: usize = self.cells.values().sum();
        lines.push(format!("{all} cells in all\n"));
        std::io::stdout()
            .write_all(lines.join("\n").as_bytes())
            .unwrap();
    }
}

#[tokio::test]
async fn nobody_reaches_what_is_not_theirs() {
    let world = World::new().await;
    let (rows, mut tally) = (Row::all(), Tally::default());
    for (n, row) in rows.iter().enumerate() {
        let mut targets = Vec::new();
        for company in [Kind::Owner, Kind::OtherTenantOfOpen].map(Kind::company) {
            targets.push(world.target(row, company).await);
        }
        let seen = async || {
            let seen = targets.iter().map(|target| world.seen_by_owner(target));
            futures::future::join_all(seen).await
        };
        let mut before = seen().await;
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Owner) {
            let target = &targets[usize::from(kind == Kind::OtherTenantOfOpen)];
            for carrier in Carrier::ALL {
                if try_cell(&world, row, target, kind, carrier).await {
                    tally.count(n, kind, carrier);
                }
            }
            if row.writes() {
                let after = seen().await;
                assert_eq!(before, after, "{} as {}", row.operation.id, kind.name());
                before = after;
            }
        }
        // The same requests are good ones: their owner's are done.
        for carrier in Carrier::ALL {
            if try_owner(&world, row, carrier).await {
                tally.count(n, Kind::Owner, carrier);
            }
        }
    }
    tally.print(&rows);
    refused_changes_are_told(&world, &rows);
    for cell in rows
        .iter()
        .enumerate()
        .flat_map(|(n, _)| Kind::ALL.map(|kind| (n, kind as usize)))
    {
        assert!(tally.cells.contains_key(&cell), "{cell:?} was not tried");
    }
    for carrier in Carrier::ALL {
        assert!(
            tally.carriers.contains_key(carrier.name()),
            "{}",
            carrier.name()
        );
    }
}

/// Each operation that writes was refused to who may only read, and the log has a line that says so.
fn refused_changes_are_told(world: &World, rows: &[Row]) {
    let log = world.log();
    for row in rows.iter().filter(|row| row.writes()) {
        let of_operation = format!("operationId=\"{}\"", row.operation.id);
        let is_told =
            |line: &str| line.contains(&of_operation) && line.contains("refusal=\"change\"");
        assert!(log.lines().any(is_told), "{}", row.operation.id);
    }
}

/// Tries a way, as a caller whose company it is not; whether the operation has this way.
async fn try_cell(world: &World, row: &Row, target: &Target, kind: Kind, carrier: Carrier) -> bool {
    let home = kind.home();
    let (there, nowhere) = (target.named(home), target.nowhere(home));
    let Some(probe) = Probe::of(row, carrier, &there) else {
        return false;
    };
    let missing = Probe::of(row, carrier, &nowhere).unwrap();
    let told = format!(
        "{} as {} by {}",
        row.operation.id,
        kind.name(),
        carrier.name()
    );
    let answer = world.send(kind, &probe).await;
    match kind {
        Kind::ReadPermission | Kind::ReadGrant if !row.writes() => {
            may_read(row, carrier, &answer, &told);
        }
        Kind::ReadPermission => {
            assert_eq!(
                (answer.status, &*answer.code()),
                (403, "accessDenied"),
                "{told}"
            );
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains("insufficient_scope"), "{told}");
        }
        // Elsewhere it may write, and finds no such thing.
        Kind::ReadGrant if carrier != Carrier::Elsewhere => {
            assert_eq!(
                (answer.status, &*answer.code()),
                (403, "accessDenied"),
                "{told}"
            );
            // No other permission would help.
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Bearer realm=\"debitor\""),
                "{told}"
            );
        }
        _ => {
            let status = refusal(row, kind, carrier);
            let same = as_told(&answer, &there, &nowhere);
            let other = as_told(&world.send(kind, &missing).await, &there, &nowhere);
            if carrier == Carrier::NextLink && kind != Kind::Anonymous && row.is_in_company() {
                // A link is its tenant's and company's: of another it is none, as it is of no company.
                let path = Probe::of(row, Carrier::Path, &nowhere).unwrap();
                let path = as_told(&world.send(kind, &path).await, &there, &nowhere);
                let is_missing = same == path && path.status == 404;
                assert!(
                    is_missing || same == other && same.status == 400,
                    "{told}: {same:?}"
                );
            } else {
                assert_eq!(same.status, status, "{told}: {same:?}");
                assert_eq!(same, other, "{told}");
            }
            no_secret(&same, target, &told);
        }
    }
    true
}

/// The status for somebody to whom nothing of it is there.
fn refusal(row: &Row, kind: Kind, carrier: Carrier) -> u16 {
    match (&*row.operation.id, kind, carrier) {
        (_, Kind::Anonymous, _) => 401,
        ("sales_invoice_create", _, Carrier::Elsewhere) => 400,
        // A link is its tenant's.
        ("company_list", kind, Carrier::NextLink) if kind.is_of_other_tenant() => 400,
        _ if row.is_in_company() => 404,
        // Of lists of companies it is missing.
        _ => 200,
    }
}

/// Who may read is answered as the owner is; of another company nothing is there.
fn may_read(row: &Row, carrier: Carrier, answer: &Answer, told: &str) {
    let status = match carrier {
        Carrier::Elsewhere => 404,
        Carrier::Version => 304,
        _ => row.success,
    };
    assert_eq!(answer.status, status, "{told}");
}

/// Sends the owner's own request on things made for it; whether the operation has this way.
async fn try_owner(world: &World, row: &Row, carrier: Carrier) -> bool {
    if carrier == Carrier::Elsewhere {
        return false;
    }
    let target = world.target(row, Kind::Owner.company()).await;
    let Some(probe) = Probe::of(row, carrier, &target.named(Kind::Owner.home())) else {
        return false;
    };
    let answer = world.send(Kind::Owner, &probe).await;
    let told = format!("{} by {}", row.operation.id, carrier.name());
    match carrier {
        Carrier::Version if !row.writes() => assert_eq!(answer.status, 304, "{told}"),
        _ => assert_eq!(answer.status, row.success, "{told}: {:?}", answer.body),
    }
    true
}

/// An answer as far as it may not differ.
#[derive(Debug, PartialEq)]
struct Told {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

/// What differs in each answer.
const OWN: [&str; 4] = ["request-id", "client-request-id", "date", "content-length"];

/// The answer without what each has of its own; what was not there goes by the name of what was.
fn as_told(answer: &Answer, there: &Ids, nowhere: &Ids) -> Told {
    let renamed = |text: &str| nowhere.renamed(text, there);
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !OWN.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), renamed(value.to_str().unwrap())));
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(mut body) => {
            if let Some(inner) = body.pointer_mut("/error/innerError") {
                *inner = json!(inner.as_object().unwrap().keys().collect::<Vec<_>>());
            }
            body.to_string()
        }
        Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    Told {
        status: answer.status,
        headers: headers.collect(),
        body: renamed(&body),
    }
}

/// Nothing that only the owner knows stands in the answer: ids that the request named itself apart.
fn no_secret(answer: &Told, target: &Target, told: &str) {
    let text = format!("{answer:?}");
    for secret in target.secrets() {
        assert!(!text.contains(&secret), "{told}: {secret} in {text}");
    }
}
