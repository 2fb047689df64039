//! A lint of every statement: what engines that speak PostgreSQL's protocol lack is not used, and the
//! company comes first.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proc_macro2::{TokenStream, TokenTree};
use regex::Regex;

/// What at least one of the engines lacks, or bears badly.
const EXCLUDED: [&str; 16] = [
    r"serial\b",
    r"\bsequence\b",
    r"\bnextval\b",
    r"\bas identity\b",
    r"advisory",
    r"\b(xmin|xmax|ctid)\b",
    r"\b(un)?listen\b",
    r"\bnotify\b|pg_notify",
    r"\btrigger\b",
    r"\bforeign key\b",
    r"\breferences\b",
    r"\bsavepoint\b",
    r"\btruncate\b",
    r"\bextension\b",
    r"\block table\b",
    r"\bprepare transaction\b",
];

/// Where the order of texts is a matter of each statement, and not of the schema.
const SCHEMA: [&str; 1] = [r"^\s*(create|alter)\b.*\bcollate\b"];

/// The tables whose rows belong to a company; the company itself is looked for by its id.
const OF_COMPANIES: [&str; 6] = [
    "company_grant",
    "customer",
    "customer_words",
    "sales_invoice",
    "audit",
    "idempotency",
];

fn pattern(text: &str) -> Regex {
    Regex::new(&format!("(?is){text}")).unwrap()
}

static ROWS: LazyLock<Regex> = LazyLock::new(|| {
    let tables = OF_COMPANIES.join("|");
    pattern(&format!(r"\b(from|join|into|update)\s+({tables})\b"))
});
static KEYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\bcreate table\s+(\w+)[^;]*?primary key\s*\((\w+)|\bindex\s+\w+\s+on\s+(\w+)\s*\((\w+)",
    )
});
static WORDS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    EXCLUDED
        .iter()
        .chain(&SCHEMA)
        .map(|one| pattern(one))
        .collect()
});

/// What is wrong with a statement.
fn faults(sql: &str) -> Vec<String> {
    let excluded = WORDS.iter().filter(|one| one.is_match(sql));
    let mut faults: Vec<String> = excluded.map(|one| format!("uses {one}")).collect();
    if ROWS.is_match(sql) && !sql.contains("company_id") {
        faults.push("names no company".to_owned());
    }
    for key in KEYS.captures_iter(sql) {
        let of = |a, b| key.get(a).or(key.get(b)).unwrap().as_str();
        if of(1, 3) != "company" && of(2, 4) != "company_id" {
            faults.push(format!(
                "a key of {} does not begin with the company",
                of(1, 3)
            ));
        }
    }
    faults
}

/// Every text of the code but its comments.
fn texts(tokens: TokenStream, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            // An attribute, as which comments on items are seen.
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next_if(|next| matches!(next, TokenTree::Group(_)));
            }
            TokenTree::Group(group) => texts(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                found.extend(text.map(|text| text.value()));
            }
            _ => {}
        }
    }
}

/// The statements among the texts of a file of code.
fn statements_of_code(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    texts(code.parse().unwrap(), &mut found);
    let sql = pattern(
        r"^\s*(with|select|insert|update|delete|create|alter|drop|grant|truncate|lock|listen|notify|savepoint)\b",
    );
    found.retain(|text| sql.is_match(text));
    found
}

/// The statements of a migration.
fn statements_of_migration(sql: &str) -> Vec<String> {
    let code = Regex::new("--[^\n]*").unwrap().replace_all(sql, "");
    code.split(';').map(str::to_owned).collect()
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|one| one == extension))
        .filter(|path| !path.ends_with("portable.rs"))
        .collect()
}

fn migrations() -> Vec<String> {
    let files = files("migrations/postgres", "sql").into_iter();
    files
        .flat_map(|file| statements_of_migration(&fs::read_to_string(file).unwrap()))
        .collect()
}

#[test]
fn every_statement_is_portable() {
    let mut statements = migrations();
    for file in files("src/store/postgres", "rs") {
        statements.extend(statements_of_code(&fs::read_to_string(file).unwrap()));
    }
    assert!(statements.len() > 60, "{} are too few", statements.len());
    for sql in statements {
        assert_eq!(faults(&sql), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn every_table_has_its_wall() {
    let all = migrations().join(";");
    let tables = pattern(r"\bcreate table\s+(\w+)");
    let tables: Vec<_> = tables
        .captures_iter(&all)
        .map(|one| one[1].to_owned())
        .collect();
    assert!(tables.len() >= 5, "{tables:?}");
    // What signs links is no tenant's.
    for table in tables.iter().filter(|table| *table != "secret") {
        for wall in [
            format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"),
            format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY"),
            format!("CREATE POLICY tenant ON {table}\n"),
        ] {
            assert!(all.contains(&wall), "{wall} is missing");
        }
    }
}

#[test]
fn what_is_not_portable_is_found() {
    for sql in [
        "CREATE TABLE a (id bigserial)",
        "CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY)",
        "SELECT nextval('numbers')",
        "CREATE SEQUENCE numbers",
        "SELECT pg_try_advisory_xact_lock(1)",
        "SELECT xmin FROM company",
        "LISTEN changes",
        "SELECT pg_notify('changes', '')",
        "CREATE TRIGGER t BEFORE UPDATE ON company EXECUTE FUNCTION f()",
        "ALTER TABLE customer ADD FOREIGN KEY (company_id) REFERENCES company (id)",
        "SAVEPOINT one",
        "TRUNCATE company",
        "CREATE TABLE a (n text COLLATE \"C\")",
        "CREATE INDEX i ON company (body COLLATE \"C\")",
        "CREATE EXTENSION pg_trgm",
        "LOCK TABLE company",
        "PREPARE TRANSACTION 'one'",
        "SELECT body FROM customer WHERE id = $1",
        "UPDATE sales_invoice SET body = $1",
        "CREATE INDEX i ON customer (number_fold, company_id)",
        "CREATE TABLE a (id uuid, company_id uuid, PRIMARY KEY (id, company_id))",
    ] {
        assert!(!faults(sql).is_empty(), "{sql}");
    }
    let code =
        "/// LISTEN\nfn f() { query(\"SELECT 1\", format!(r#\"TRUNCATE {}\"#), \"no SQL\") }";
    assert_eq!(statements_of_code(code), ["SELECT 1", "TRUNCATE {}"]);
    let code = "fn f() { g(h(\"SELECT body\\n FROM customer\")) }";
    assert_eq!(faults(&statements_of_code(code)[0]), ["names no company"]);
}
