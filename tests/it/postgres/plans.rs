//! The plans of lists: what the document's notes call fast looks up little more than it answers, however
//! large the company. PostgreSQL itself tells the plan of every statement as the server sent it, in the
//! server's own session, and how many rows it read by it.

use std::iter;

use debitor_tests::postgres::cluster::Setting;
use debitor_tests::postgres::{Database, Host};
use debitor_tests::{TestServer, binaries};
use serde_json::{Value, json};
use tokio_postgres::Client;
use url::form_urlencoded::Serializer;

use super::copies::multiply;

/// Nothing here need outlive the test. There are statistics only once the test asks for them.
const SETTINGS: [Setting; 7] = [
    ("fsync", "off"),
    ("autovacuum", "off"),
    ("shared_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_analyze", "on"),
    ("auto_explain.log_timing", "off"),
    ("auto_explain.log_format", "json"),
];

/// How many rows of each kind the company and its tenant have.
const ROWS: usize = 10_000;
/// How many others have, with a few each: on the average a company is small.
const OTHERS: usize = 15_000;
/// Rows of a page.
const TOP: &str = "20";
/// Rows that may be read for it; a sort that goes on where an index ends takes some at a time.
const FEW: f64 = 100.0;

/// A list: its path, its table, and the column that says whose it is.
#[derive(Debug, Clone, Copy)]
struct List {
    path: &'static str,
    table: &'static str,
    owner: &'static str,
}

const CUSTOMERS: List = List {
    path: "/customers",
    table: "customer",
    owner: "company_id",
};
const SALES_INVOICES: List = List {
    path: "/salesInvoices",
    table: "sales_invoice",
    owner: "company_id",
};
const COMPANIES: List = List {
    path: "",
    table: "company",
    owner: "tenant_id",
};

/// The index of words that customers are found by.
const WORDS: List = List {
    path: "/customers",
    table: "customer_words",
    owner: "company_id",
};
/// A segment of the server's company and small ones of others, with a chunk for each word, which all are
/// of a customer that there is.
const SEGMENTS: &str = "INSERT INTO customer_words
      (company_id, segment, first, place, tenant_id, size, postings)
    SELECT s.company_id, md5('segment' || s.company_id)::uuid, word, place, s.tenant_id,
      CASE place WHEN 0 THEN 1000 END,
      int2send(length(word)::int2) || int2send(1::int2) || decode('00', 'hex') || word || uuid_send(c.id)
    FROM (SELECT company_id, tenant_id, id FROM customer WHERE number_fold = 'c00010') AS c,
      LATERAL (SELECT c.company_id, c.tenant_id, n AS place FROM generate_series(0, 9999) AS n
        UNION ALL SELECT md5('company' || n / 3)::uuid, md5('tenant' || n / 3)::uuid, n % 3
        FROM generate_series(0, 14999) AS n) AS s,
      LATERAL (SELECT convert_to('wort' || place, 'UTF8') AS word) AS w";

/// A server on a database that tells its plans.
struct Explained {
    server: TestServer,
    /// The superuser's connection.
    sql: Client,
    host: std::sync::Arc<Host>,
}

impl Explained {
    async fn new() -> Self {
        let host = Host::own(&SETTINGS).await;
        let database = Database::on(&host, &binaries::server()).await;
        let sql = database.superuser().await;
        let server = TestServer::start_in(database).await;
        let explained = Self { server, sql, host };
        explained.fill().await;
        explained
    }

    async fn fill(&self) {
        let create = self.server.request("POST", &self.path(CUSTOMERS));
        let create = create.json(&json!({"displayName": "Nordhafen"}));
        create.send().await.expect(201);
        for list in [CUSTOMERS, SALES_INVOICES, COMPANIES] {
            multiply(&self.sql, list.table, ROWS, "").await;
            multiply(&self.sql, list.table, OTHERS, OF_OTHERS).await;
        }
        self.sql.batch_execute(SEGMENTS).await.unwrap();
    }

    fn path(&self, list: List) -> String {
        match list.path {
            "" => "/v1.0/financials/companies".to_owned(),
            path => format!("{}{path}", self.server.company_path()),
        }
    }

    /// The address of the list with these options.
    fn address(&self, list: List, options: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("$top", TOP).extend_pairs(options);
        format!("{}?{}", self.path(list), query.finish())
    }

    /// The address of a page far behind the first.
    async fn behind(&self, list: List, order: &str) -> String {
        let half = (ROWS / 2).to_string();
        let first = self.address(list, &[("$orderby", order), ("$skip", &half)]);
        let answer = self.server.request("GET", &first).send().await.expect(200);
        answer.json()["@odata.nextLink"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The page, and the plans by which the table was read for it.
    async fn ask(&self, list: List, address: &str) -> (Value, Vec<Value>) {
        let before = self.log().len();
        let answer = self.server.request("GET", address).send().await.expect(200);
        let plans = plans(&self.log()[before..]);
        let of_table = plans
            .into_iter()
            .filter(|plan| !reads(plan, list).is_empty());
        (answer.json(), of_table.collect())
    }

    fn log(&self) -> String {
        let log = self.host.cluster().directory().join("log");
        std::fs::read_to_string(log).unwrap()
    }
}

/// How statements of lists begin.
const LISTS: [&str; 4] = [
    "SELECT id, body FROM",
    "SELECT count(*) FROM",
    "SELECT c.postings",
    "SELECT c.id, c.body",
];

/// Columns of rows that other tenants have, three a company.
const OF_OTHERS: &str =
    ", 'company_id', md5('company' || n / 3)::uuid, 'tenant_id', md5('tenant' || n / 3)::uuid";

/// The plans of lists in a piece of the log: each follows a line that ends with the word, in lines that
/// begin with a tab. What the server looks for by itself meanwhile, as for upkeep, is none.
fn plans(log: &str) -> Vec<Value> {
    let told = log.split("  plan:\n").skip(1).map(|rest| {
        let lines = rest.lines().take_while(|line| line.starts_with('\t'));
        let told: Value = serde_json::from_str(&lines.collect::<String>()).unwrap();
        told
    });
    let of_lists = told.filter(|told| {
        let text = told["Query Text"].as_str().unwrap();
        LISTS.iter().any(|start| text.starts_with(start))
    });
    of_lists.map(|told| told["Plan"].clone()).collect()
}

/// The node and all below it.
fn nodes(plan: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    let below = plan["Plans"].as_array().into_iter().flatten();
    Box::new(iter::once(plan).chain(below.flat_map(nodes)))
}

/// The nodes that read rows of the table.
fn reads(plan: &Value, list: List) -> Vec<&Value> {
    let of_table = |node: &&Value| node["Relation Name"] == list.table;
    nodes(plan).filter(of_table).collect()
}

/// How many rows a node looked at, whether or not they were wanted.
fn rows(node: &Value) -> f64 {
    let names = [
        "Actual Rows",
        "Rows Removed by Filter",
        "Rows Removed by Index Recheck",
    ];
    let rows: f64 = names.iter().filter_map(|name| node[*name].as_f64()).sum();
    rows * node["Actual Loops"].as_f64().unwrap()
}

/// Whether an index is asked for the column, by the node or by the bitmap that it reads.
fn looks_up(node: &Value, column: &str) -> bool {
    let mut conditions = nodes(node).filter_map(|node| node["Index Cond"].as_str());
    conditions.any(|condition| condition.contains(&format!("({column} ")))
}

/// What is slow about a plan of which an index should be asked for these columns.
fn faults(plan: &Value, list: List, columns: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for node in reads(plan, list) {
        let owner = iter::once(&list.owner);
        let missing = owner.chain(columns).filter(|one| !looks_up(node, one));
        faults.extend(missing.map(|column| format!("no index is asked for {column}")));
        if rows(node) > FEW {
            faults.push(format!("{} rows are read", rows(node)));
        }
    }
    faults
}

async fn is_fast(explained: &Explained, list: List, address: &str, columns: &[&str], found: usize) {
    let (page, plans) = explained.ask(list, address).await;
    assert_eq!(page["value"].as_array().unwrap().len(), found, "{address}");
    assert!(!plans.is_empty(), "{address}: no plan");
    for plan in &plans {
        let faults = faults(plan, list, columns);
        assert!(faults.is_empty(), "{address}: {faults:?}\n{plan:#}");
    }
}

async fn pages_are_fast(explained: &Explained, list: List, order: &str, column: &str) {
    for order in [order.to_owned(), format!("{order} desc")] {
        let first = explained.address(list, &[("$orderby", &order)]);
        is_fast(explained, list, &first, &[], 20).await;
        let behind = explained.behind(list, &order).await;
        is_fast(explained, list, &behind, &[column], 20).await;
    }
}

async fn filters_are_fast(explained: &Explained, list: List, filters: &[(&str, &str, usize)]) {
    for (filter, column, found) in filters {
        let page = explained.address(list, &[("$filter", filter)]);
        is_fast(explained, list, &page, &[column], *found).await;
        let counted = format!("{page}&$count=true");
        is_fast(explained, list, &counted, &[column], *found).await;
    }
}

/// Filters by the ids of two of the list's rows.
async fn ids_are_fast(explained: &Explained, list: List) {
    let (page, _) = explained.ask(list, &explained.address(list, &[])).await;
    let [one, other] = [3, 7].map(|n| page["value"][n]["id"].as_str().unwrap());
    let all = [
        (format!("id eq {one}"), 1),
        (format!("id in ({other},{one})"), 2),
        (format!("id ne {one} and id in ({one},{other})"), 1),
    ];
    let all = all
        .each_ref()
        .map(|(filter, found)| (&**filter, "id", *found));
    filters_are_fast(explained, list, &all).await;
}

async fn lists_are_fast(explained: &Explained) {
    for list in [CUSTOMERS, SALES_INVOICES, COMPANIES] {
        is_fast(explained, list, &explained.address(list, &[]), &[], 20).await;
        pages_are_fast(explained, list, "id", "id").await;
        ids_are_fast(explained, list).await;
    }
    pages_are_fast(explained, CUSTOMERS, "number", "number_fold").await;
    let numbers = [
        ("number eq 'N77'", "number_fold", 1),
        ("number in ('n5','N6','N0')", "number_fold", 2),
        (
            "number eq 'N77' and contains(displayName,'x')",
            "number_fold",
            0,
        ),
    ];
    filters_are_fast(explained, CUSTOMERS, &numbers).await;
    words_are_fast(explained).await;
}

/// A word is looked up in every segment, and then the customer that has it. That of these segments is not
/// in its name: what the index finds is looked at, and not found.
async fn words_are_fast(explained: &Explained) {
    for options in [
        ("$search", "wort777"),
        ("$filter", "displayName eq 'wort777'"),
        ("$filter", "startswith(displayName,'wort7777')"),
    ] {
        let page = explained.address(CUSTOMERS, &[options]);
        is_fast(explained, WORDS, &page, &[], 0).await;
        is_fast(explained, CUSTOMERS, &page, &["id"], 0).await;
    }
}

/// The checks can fail: these lists read everything.
async fn others_are_slow(explained: &Explained) {
    for options in [
        [("$orderby", "displayName"), ("$filter", "true")],
        [("$orderby", "id"), ("$filter", "contains(displayName,'x')")],
        [
            ("$orderby", "number"),
            ("$filter", "number gt 'N77' or taxLiable"),
        ],
    ] {
        let address = explained.address(CUSTOMERS, &options);
        let (_, plans) = explained.ask(CUSTOMERS, &address).await;
        let [plan] = &plans[..] else {
            panic!("{plans:?}");
        };
        assert!(
            !faults(plan, CUSTOMERS, &[]).is_empty(),
            "{options:?}: {plan:#}"
        );
    }
}

/// Before the database has looked at what is in the tables, and afterwards.
#[tokio::test]
async fn what_is_fast_looks_up_its_rows() {
    let explained = Explained::new().await;
    lists_are_fast(&explained).await;
    explained.sql.batch_execute("ANALYZE").await.unwrap();
    lists_are_fast(&explained).await;
    others_are_slow(&explained).await;
}
