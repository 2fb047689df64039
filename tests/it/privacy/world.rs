//! A server that logs all that it can, its store, and what is sent to it.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use debitor_tests::certificate::Certificate;
use debitor_tests::document::Document;
use debitor_tests::postgres::{Database, Host};
use debitor_tests::{Answer, Engine, Place, Request, binaries};
use fastrand::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::Answered;
use super::canary::Canaries;
use super::commands::{complaint, customer};
use super::files::{self, Found};
use super::probes::{self, Credentials, Ids, Probe};
use crate::traces::collector::{Collector, Conduct, Span};

/// Customers of canaries, and others between them.
const CUSTOMERS: usize = 150;
/// Nobody reads files of this cluster after a power cut.
const SETTINGS: [(&str, &str); 3] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
];
/// Where an embedded store is, in the server's directory.
const STORE: &str = "store";
const TABLES: [&str; 3] = ["company", "customer", "sales_invoice"];

pub(super) struct World {
    process: Child,
    ready: Value,
    admin: String,
    tokens: [String; 2],
    client: reqwest::Client,
    /// The server's, beside what it is told by arguments.
    environment: Vec<(String, String)>,
    /// Of the server's traces.
    collector: Collector,
    /// Those that stay.
    others: Vec<String>,
    place: Place,
    host: Option<Arc<Host>>,
    data: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl World {
    pub(super) async fn start(engine: Engine) -> Self {
        Self::start_with(engine, None, &[]).await
    }

    /// With these variables; with a certificate it speaks TLS.
    pub(super) async fn start_with(
        engine: Engine,
        certificate: Option<&Certificate>,
        variables: &[(&str, &str)],
    ) -> Self {
        let data = TempDir::new().unwrap();
        let (place, host) = match engine {
            Engine::Sqlite => (Place::new(engine, &data.path().join(STORE)).await, None),
            Engine::Postgres => {
                let host = Host::own(&SETTINGS).await;
                let database = Database::on(&host, &binaries::server()).await;
                (database.into(), Some(host))
            }
        };
        let admin = free_address();
        let mut environment = owned(variables);
        let collector = Collector::start(Conduct::Take);
        let endpoint = collector.endpoint().to_owned();
        environment.push(("DEBITOR_TRACES_ENDPOINT".to_owned(), endpoint));
        if let Some(certificate) = certificate {
            let file = |path: &Path| path.to_str().unwrap().to_owned();
            environment.extend([
                (
                    "DEBITOR_TLS_CERT_FILE".to_owned(),
                    file(&certificate.cert_file),
                ),
                (
                    "DEBITOR_TLS_KEY_FILE".to_owned(),
                    file(&certificate.key_file),
                ),
            ]);
        }
        let client = certificate.map_or_else(reqwest::Client::new, Certificate::client);
        let (process, ready) = start(data.path(), place.url(), &admin, &environment);
        let token = |permission| token(data.path(), permission);
        let tokens = ["Financials.ReadWrite.All", "Nothing.At.All"].map(token);
        Self {
            process,
            ready,
            admin,
            tokens,
            client,
            environment,
            collector,
            others: Vec::new(),
            place,
            host,
            data,
        }
    }

    fn text(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap().to_owned()
    }

    fn company(&self) -> String {
        self.text("companyId")
    }

    /// The tokens' parts are canaries too, but for the header, which all tokens have.
    pub(super) fn look_for_tokens(&self, canaries: &mut Canaries) {
        let parts = self
            .tokens
            .iter()
            .flat_map(|token| token.split('.').skip(1));
        parts.for_each(|part| canaries.look_for(part));
    }

    /// Where the server listens.
    pub(super) fn address(&self) -> SocketAddr {
        let url: url::Url = self.text("baseUrl").parse().unwrap();
        url.socket_addrs(|| None).unwrap()[0]
    }

    /// Makes customers of canaries and others between them, changes them, and deletes some of canaries.
    pub(super) async fn fill(&mut self, canaries: &mut Canaries) {
        self.look_for_tokens(canaries);
        let mut own = Vec::new();
        for n in 0..CUSTOMERS {
            let name = json!({"displayName": canaries.word(), "number": canaries.word()});
            own.push(self.made("/customers", name.to_string()).await);
            self.add_other(n).await;
        }
        // Rows that grow and shrink push each other to other pages, of which copies stay in the gaps.
        let mut random = Rng::with_seed(7);
        for _ in 0..2 * CUSTOMERS {
            let (n, padding) = (random.usize(..CUSTOMERS), "p".repeat(random.usize(1..150)));
            let padding = json!({"address": {"street": padding}}).to_string();
            let path = format!("/customers/{}", self.others[n]);
            self.own("PATCH", &path, Some(padding)).await.expect(200);
            let path = format!("/customers/{}", own[random.usize(..CUSTOMERS)]);
            let body = probes::customer(canaries);
            self.own("PATCH", &path, Some(body)).await.expect(200);
        }
        for (n, id) in own.iter().enumerate() {
            let invoice = json!({"customerId": id}).to_string();
            match n % 3 {
                0 => drop(
                    self.own("DELETE", &format!("/customers/{id}"), None)
                        .await
                        .expect(204),
                ),
                1 => drop(self.made("/salesInvoices", invoice).await),
                _ => {}
            }
        }
    }

    /// Makes a customer that stays.
    pub(super) async fn add_other(&mut self, n: usize) {
        let (name, email) = (
            format!("Nordhafen gemeinsam {n}"),
            format!("n{n}@hafen.example"),
        );
        let other = json!({"displayName": name, "email": email}).to_string();
        self.others.push(self.made("/customers", other).await);
    }

    /// Sends every operation everything, and says what was answered.
    pub(super) async fn try_all(&self, canaries: &mut Canaries) -> Answered {
        let mut answered = Answered::new();
        for operation in Document::of_repository().operations() {
            let ids = self.target("Draft", canaries).await;
            let mut all = probes::bad(operation, &ids, canaries);
            // Customers that issued sales invoices name are not deleted, nor are those changed.
            let issued = self.target("Open", canaries).await;
            all.push(Probe::good(operation, &issued, canaries));
            all.push(Probe::good(operation, &ids, canaries));
            for probe in all {
                let answer = self.send(&probe).await;
                let status = answered.entry(operation.id.clone()).or_default();
                *status.entry(answer.status).or_default() += 1;
            }
        }
        answered
    }

    /// Sends every operation a good request while the store is broken, which is all of them but what the
    /// embedded store reads in a snapshot of before; those that write are answered 500.
    pub(super) async fn break_and_try(&self, canaries: &mut Canaries) {
        let ids = self.target("Draft", canaries).await;
        self.alter("", "_away").await;
        for operation in Document::of_repository().operations() {
            let probe = Probe::good(operation, &ids, canaries);
            let answer = self.send(&probe).await;
            let is_broken = match (&*operation.method, self.host.is_none()) {
                ("GET", true) => matches!(answer.status, 200 | 500),
                ("GET", false) => matches!(answer.status, 500 | 503),
                _ => answer.status == 500,
            };
            assert!(is_broken, "{}: {}", operation.id, answer.status);
        }
        self.alter("_away", "").await;
        if let Some(database) = self.place.database() {
            let sql = database.superuser().await;
            let refuse = "ALTER TABLE customer ADD CONSTRAINT unwanted
                CHECK (position('unwanted' IN body) = 0)";
            sql.batch_execute(refuse).await.unwrap();
            let body = json!({"displayName": format!("unwanted {}", canaries.word())});
            let answer = self.own("POST", "/customers", Some(body.to_string())).await;
            assert_eq!(answer.status, 500);
        }
    }

    /// Renames the tables.
    async fn alter(&self, from: &str, to: &str) {
        let statements =
            TABLES.map(|table| format!("ALTER TABLE {table}{from} RENAME TO {table}{to};"));
        let statements = statements.concat();
        if let Some(database) = self.place.database() {
            let sql = database.superuser().await;
            sql.batch_execute(&statements).await.unwrap();
        } else {
            let plain = "PRAGMA wal_autocheckpoint = 0; PRAGMA legacy_alter_table = ON;
                PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON;";
            let db = self.embedded();
            db.execute_batch(&format!("{plain}{statements}")).unwrap();
        }
    }

    fn embedded(&self) -> rusqlite::Connection {
        let file = self.data.path().join(STORE).join("debitor.db");
        rusqlite::Connection::open(file).unwrap()
    }

    /// A customer of canaries that a sales invoice of this status names, and what else is taken.
    pub(super) async fn target(&self, status: &str, canaries: &mut Canaries) -> Ids {
        let id = self.made("/customers", probes::customer(canaries)).await;
        let invoice = json!({"customerId": id, "status": status}).to_string();
        let invoice = self.made("/salesInvoices", invoice).await;
        let other = self
            .own("GET", &format!("/customers/{}", self.others[0]), None)
            .await;
        // A customer that no draft names can be deleted.
        let customer = if status == "Draft" {
            self.made("/customers", probes::customer(canaries)).await
        } else {
            id
        };
        Ids {
            company: self.company(),
            customer,
            invoice,
            taken: (
                other.json()["number"].as_str().unwrap().to_owned(),
                self.text("salesInvoiceId"),
            ),
        }
    }

    async fn made(&self, path: &str, body: String) -> String {
        let made = self.own("POST", path, Some(body)).await.expect(201);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    async fn own(&self, method: &str, path: &str, body: Option<String>) -> Answer {
        let mut headers = vec![("If-Match".to_owned(), "*".to_owned())];
        if body.is_some() {
            headers = vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("Idempotency-Key".to_owned(), Uuid::new_v4().to_string()),
                ("If-Match".to_owned(), "*".to_owned()),
            ];
        }
        self.send(&Probe {
            method: method.to_owned(),
            path: format!("/financials/companies/{}{path}", self.company()),
            credentials: Credentials::Owner,
            headers,
            body: body.map(String::into_bytes),
        })
        .await
    }

    pub(super) fn uri(&self, probe: &Probe) -> String {
        format!("{}{}", self.text("baseUrl"), probe.path)
    }

    /// All of a request's headers.
    pub(super) fn headers(&self, probe: &Probe) -> Vec<(String, String)> {
        let [owner, nobody] = &self.tokens;
        let credentials = match &probe.credentials {
            Credentials::Owner => Some(format!("Bearer {owner}")),
            Credentials::Nobody => Some(format!("Bearer {nobody}")),
            Credentials::Header(header) => header.clone(),
        };
        let credentials = credentials.map(|value| ("Authorization".to_owned(), value));
        credentials
            .into_iter()
            .chain(probe.headers.iter().cloned())
            .collect()
    }

    async fn send(&self, probe: &Probe) -> Answer {
        let mut request = Request::new(&probe.method, &self.uri(probe));
        for (name, value) in self.headers(probe) {
            request = request.header(&name, &value);
        }
        if let Some(body) = &probe.body {
            request = request.bytes(body.clone());
        }
        request.try_send_by(&self.client).await.unwrap()
    }

    /// Has a database say that its disk is full, and of what row, or no more; false of an embedded store.
    pub(super) async fn fill_disk(&self, full: bool) -> bool {
        let Some(database) = self.place.database() else {
            return false;
        };
        let sql = database.superuser().await;
        for table in ["customer", "sales_invoice"] {
            let statement = if full {
                format!(
                    "CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING
                    ERRCODE = '53100', DETAIL = coalesce(NEW, OLD)::text; END $$;
                    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE OR DELETE ON {table}
                    FOR EACH ROW EXECUTE FUNCTION full_disk()"
                )
            } else {
                format!("DROP TRIGGER full_disk ON {table}")
            };
            sql.batch_execute(&statement).await.unwrap();
        }
        true
    }

    pub(super) async fn metrics(&self) -> String {
        let metrics = Request::new("GET", &format!("http://{}/metrics", self.admin));
        String::from_utf8(metrics.send().await.expect(200).body.to_vec()).unwrap()
    }

    /// The spans that the server has sent, with some for each operation, and all that it sent them as. They
    /// come within a second, or some more where much else is done.
    pub(super) async fn traces(&self) -> (Vec<Span>, Vec<u8>) {
        let mut before = None;
        while before != Some(self.collector.bytes().len()) {
            before = Some(self.collector.bytes().len());
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        let spans = self.collector.spans();
        for operation in Document::of_repository().operations() {
            let is_told = |span: &Span| span.text("debitor.operation_id") == operation.id;
            assert!(spans.iter().any(is_told), "{}", operation.id);
        }
        (spans, self.collector.bytes())
    }

    /// All that the server has written to its outputs.
    pub(super) fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.data.path().join(name)).unwrap();
        // The line that it is asked for has a token.
        let output = read("output");
        let (_, more) = output.split_once('\n').unwrap();
        read("log") + more
    }

    /// An embedded store is left by its server; a database's goes on.
    pub(super) fn stop_if_embedded(&mut self) {
        if self.host.is_none() {
            let pid = self.process.id().to_string();
            let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
            assert!(sent.success());
            assert_eq!(self.process.wait().unwrap().code(), Some(0));
        }
    }

    /// Has a database take its samples of values, as it does by itself in time.
    pub(super) async fn settle(&self) {
        if let Some(database) = self.place.database() {
            let sql = database.superuser().await;
            sql.batch_execute("ANALYZE").await.unwrap();
        }
    }

    /// What the files of the store have: of a database all but its log.
    pub(super) async fn files(&self, canaries: &Canaries) -> Found {
        let Some((database, host)) = self.place.database().zip(self.host.as_ref()) else {
            return files::search(&self.data.path().join(STORE), canaries);
        };
        let sql = database.superuser().await;
        sql.batch_execute("CHECKPOINT").await.unwrap();
        let directory = host.cluster().directory().join("data");
        let mut found = files::search(&directory.join("base"), canaries);
        let global = files::search(&directory.join("global"), canaries);
        found.bytes += global.bytes;
        found.canaries.extend(global.canaries);
        found
    }

    /// Erases every customer that there ever was, but for the others; how many they are.
    pub(super) async fn erase_all(&self) -> usize {
        let ids = self.ever().await;
        let mut arguments = vec!["--issued"];
        for id in &ids {
            arguments.extend(["--customer", id]);
        }
        let store = match self.place.database() {
            Some(database) => database.owner_url(),
            None => self.place.url().to_owned(),
        };
        let output = customer("erase", &store, &self.company(), &arguments);
        assert!(output.status.success(), "{}", complaint(&output));
        let lines = String::from_utf8(output.stdout).unwrap();
        assert_eq!(lines.lines().count(), ids.len());
        ids.len()
    }

    /// Every customer that there ever was, but for the others.
    async fn ever(&self) -> Vec<String> {
        let sql = "SELECT DISTINCT entity_id FROM audit WHERE entity = 'customer'";
        let ids: Vec<Uuid> = if let Some(database) = self.place.database() {
            let rows = database.superuser().await.query(sql, &[]).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        } else {
            let db = self.embedded();
            let mut rows = db.prepare(sql).unwrap();
            let ids = rows.query_map([], |row| Ok(Uuid::from_bytes(row.get(0)?)));
            ids.unwrap().map(Result::unwrap).collect()
        };
        let ids = ids.iter().map(Uuid::to_string);
        ids.filter(|id| !self.others.contains(id)).collect()
    }

    /// The customers that were not erased are as they were, and found by their words.
    pub(super) async fn others_are_there(&mut self) {
        if self.host.is_none() {
            (self.process, self.ready) = start(
                self.data.path(),
                self.place.url(),
                &self.admin,
                &self.environment,
            );
        }
        let answer = self
            .own("GET", "/customers?$top=1000&$search=gemeinsam", None)
            .await;
        let found = answer.expect(200).json()["value"].as_array().unwrap().len();
        let count = self.own("GET", "/customers/$count", None).await.expect(200);
        assert_eq!(
            (found, &count.body[..]),
            (CUSTOMERS, CUSTOMERS.to_string().as_bytes())
        );
        let one = self
            .own("GET", "/customers?$filter=startswith(email,'n42@')", None)
            .await;
        assert_eq!(
            one.expect(200).json()["value"][0]["id"],
            json!(self.others[42])
        );
        if self.host.is_none() {
            let verified = Command::new(binaries::server())
                .args(["verify", "--store", self.place.url()])
                .output()
                .unwrap();
            let told = String::from_utf8(verified.stdout).unwrap();
            assert!(told.ends_with("; 0 faults\n"), "{told}");
        }
    }
}

/// Starts a server that logs all that it can.
fn start(
    data: &Path,
    store: &str,
    admin: &str,
    environment: &[(String, String)],
) -> (Child, Value) {
    let file = |name: &str| Stdio::from(File::create(data.join(name)).unwrap());
    let mut process = Command::new(binaries::server())
        .args(["dev", "--json", "--listen", "127.0.0.1:0", "--admin", admin])
        .args(["--store", store, "--data-dir"])
        .arg(data)
        .env("DEBITOR_LOG_FILTER", "trace")
        .envs(environment.iter().cloned())
        .stdout(file("output"))
        .stderr(file("log"))
        .spawn()
        .unwrap();
    loop {
        let printed = std::fs::read_to_string(data.join("output")).unwrap();
        if let Ok(ready) = serde_json::from_str(&printed) {
            return (process, ready);
        }
        let ended = process.try_wait().unwrap();
        assert_eq!(ended, None, "the server did not become ready");
        std::thread::yield_now();
    }
}

fn owned(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = variables.iter();
    owned
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn token(data: &Path, permission: &str) -> String {
    let output = Command::new(binaries::server())
        .args(["token", "--permission", permission, "--data-dir"])
        .arg(data)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn free_address() -> String {
    // The port is free again at the end, and nobody else looks for it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
