//! Two tenants with their companies and callers, and what stands in the company that is not for all.

use std::process::Command;

use debitor_server::auth::signing::SigningKey;
use debitor_server::dev;
use debitor_tests::server::{READ, READ_WRITE};
use debitor_tests::{Answer, Engine, Place, TestServer, binaries};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::Row;
use super::probes::{Carrier, Ids, Probe};
use crate::serve::configure;

/// Who asks for the restricted company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is granted to them.
    Owner,
    /// Another company is.
    OtherCompany,
    OtherTenant,
    /// The same, of a company that is open to all of its own tenant.
    OtherTenantOfOpen,
    /// No company is.
    NoGrant,
    /// The owner, with a token that is for another company.
    OtherToken,
    /// The owner, whose token lets them read.
    ReadPermission,
    /// It is granted to be read, to one whose token lets them write.
    ReadGrant,
    Anonymous,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Owner,
        Self::OtherCompany,
        Self::OtherTenant,
        Self::OtherTenantOfOpen,
        Self::NoGrant,
        Self::OtherToken,
        Self::ReadPermission,
        Self::ReadGrant,
        Self::Anonymous,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::OtherCompany => "other company",
            Self::OtherTenant => "other tenant",
            Self::OtherTenantOfOpen => "other tenant, open company",
            Self::NoGrant => "no grant",
            Self::OtherToken => "token for another company",
            Self::ReadPermission => "permission to read",
            Self::ReadGrant => "grant to read",
            Self::Anonymous => "anonymous",
        }
    }

    pub(super) fn is_of_other_tenant(self) -> bool {
        matches!(self, Self::OtherTenant | Self::OtherTenantOfOpen)
    }

    /// The company that it asks for.
    pub(super) fn company(self) -> Uuid {
        if self == Self::OtherTenantOfOpen {
            OPEN
        } else {
            RESTRICTED
        }
    }

    /// A company in which it may write.
    pub(super) fn home(self) -> Uuid {
        match self {
            Self::OtherCompany => OTHER,
            Self::OtherTenant | Self::OtherTenantOfOpen => FOREIGN,
            _ => OPEN,
        }
    }

    fn subject(self) -> Uuid {
        match self {
            Self::OtherToken | Self::ReadPermission => Self::Owner.subject(),
            kind => Uuid::from_u128(kind as u128 + 1),
        }
    }
}

const OTHER_TENANT: Uuid = Uuid::from_u128(0xf0);
/// The companies: the restricted one, another that is restricted, one of another tenant, one that is
/// open to all of the tenant.
const RESTRICTED: Uuid = Uuid::from_u128(0xc1);
const OTHER: Uuid = Uuid::from_u128(0xc2);
const FOREIGN: Uuid = Uuid::from_u128(0xc3);
const OPEN: Uuid = Uuid::from_u128(0xc4);
/// Stands in what nobody but the owner may hear of.
const SECRET: &str = "Canary";

/// A server with the companies.
pub(super) struct World {
    server: TestServer,
    client: reqwest::Client,
    tokens: Vec<Option<String>>,
    _directory: TempDir,
}

/// What the owner made in the restricted company.
pub(super) struct Target {
    named: Ids,
    secrets: Vec<String>,
}

impl World {
    pub(super) async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let place = Place::new(Engine::of_run(), &directory.path().join("store")).await;
        administer(directory.path(), place.url());
        let server = TestServer::start_in(place).await;
        let tokens = Kind::ALL.map(|kind| token(&server, kind)).to_vec();
        Self {
            server,
            client: reqwest::Client::new(),
            tokens,
            _directory: directory,
        }
    }

    pub(super) async fn send(&self, kind: Kind, probe: &Probe) -> Answer {
        let mut request = self.server.anonymous(&probe.method, &probe.path);
        if let Some(token) = &self.tokens[kind as usize] {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        for (name, value) in &probe.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &probe.body {
            request = request
                .header("Content-Type", "application/json")
                .bytes(body.clone());
        }
        request.try_send_by(&self.client).await.unwrap()
    }

    /// What the server has logged.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.server.data_dir().join("server.log")).unwrap()
    }

    async fn own(&self, company: Uuid, method: &str, path: &str, body: Option<Value>) -> Answer {
        let probe = Probe {
            method: method.to_owned(),
            path: format!("/v1.0/financials/companies/{company}{path}"),
            headers: Vec::new(),
            body: body.map(|body| body.to_string()),
        };
        self.send(Kind::Owner, &probe).await
    }

    async fn made(&self, company: Uuid, path: &str, body: Value) -> Uuid {
        let made = self
            .own(company, "POST", path, Some(body))
            .await
            .expect(201)
            .json();
        made["id"].as_str().unwrap().parse().unwrap()
    }

    /// Things for the operation, done once with a key if it takes one.
    pub(super) async fn target(&self, row: &Row, company: Uuid) -> Target {
        let customer = self
            .made(company, "/customers", json!({"displayName": SECRET}))
            .await;
        let named = self
            .made(company, "/customers", json!({"displayName": SECRET}))
            .await;
        let invoice = json!({"customerId": named});
        let invoice = self.made(company, "/salesInvoices", invoice).await;
        let mut target = Ids {
            company,
            customer,
            named,
            invoice,
            etag: "*".to_owned(),
            key: Uuid::new_v4().to_string(),
            next: self.next(row, company).await,
            home: OPEN,
        };
        if let Some(probe) = Probe::of(row, Carrier::Key, &target) {
            let done = self
                .send(Kind::Owner, &probe)
                .await
                .expect(row.success)
                .json();
            if row.operation.id == "sales_invoice_customer_create" {
                target.named = done["id"].as_str().unwrap().parse().unwrap();
            }
        }
        target.etag = self.etag(row, &target).await;
        Target::new(target)
    }

    /// The version of what the operation is about.
    async fn etag(&self, row: &Row, named: &Ids) -> String {
        let path = &row.operation.path;
        let path = match (path.contains("{customerId}"), path.ends_with("/customer")) {
            (true, _) => format!("/customers/{}", named.customer),
            (_, true) => format!("/customers/{}", named.named),
            _ => format!("/salesInvoices/{}", named.invoice),
        };
        self.own(named.company, "GET", &path, None)
            .await
            .expect(200)
            .etag()
    }

    /// The query of the next page of the operation's list, as its owner is told it.
    async fn next(&self, row: &Row, company: Uuid) -> Option<String> {
        let list = row.operation.id.strip_suffix("_list")?;
        let below = match list {
            "company" => return self.next_of("/v1.0/financials/companies").await,
            "customer" => "customers",
            _ => "salesInvoices",
        };
        self.made(company, "/salesInvoices", json!({})).await;
        self.next_of(&format!("/v1.0/financials/companies/{company}/{below}"))
            .await
    }

    async fn next_of(&self, path: &str) -> Option<String> {
        let probe = Probe {
            method: "GET".to_owned(),
            path: format!("{path}?$top=1"),
            headers: Vec::new(),
            body: None,
        };
        let page = self.send(Kind::Owner, &probe).await.expect(200).json();
        let next = page["@odata.nextLink"].as_str().unwrap();
        Some(format!("?{}", next.split_once('?').unwrap().1))
    }

    /// All that the owner is told of the company.
    pub(super) async fn seen_by_owner(&self, target: &Target) -> Vec<(u16, String)> {
        let Ids {
            company,
            customer,
            invoice,
            ..
        } = &target.named;
        let mut seen = Vec::new();
        for path in [
            String::new(),
            "/customers?$count=true&$top=1000".to_owned(),
            "/customers/$count".to_owned(),
            format!("/customers/{customer}"),
            "/salesInvoices?$count=true&$top=1000".to_owned(),
            format!("/salesInvoices/{invoice}"),
            format!("/salesInvoices/{invoice}/customer"),
        ] {
            let answer = self.own(*company, "GET", &path, None).await;
            let body = String::from_utf8(answer.body.to_vec()).unwrap();
            seen.push((answer.status, body));
        }
        seen
    }
}

impl Target {
    fn new(named: Ids) -> Self {
        let secrets = vec![SECRET.to_owned(), named.etag.clone()];
        Self { named, secrets }
    }

    /// What a request names, of a caller with this company.
    pub(super) fn named(&self, home: Uuid) -> Ids {
        Ids {
            home,
            ..self.named.clone()
        }
    }

    /// The same of a company that does not exist. The rest is as it is, for it proves nothing.
    pub(super) fn nowhere(&self, home: Uuid) -> Ids {
        Ids {
            company: Uuid::from_u128(0xdead_0001),
            customer: Uuid::from_u128(0xdead_0002),
            named: Uuid::from_u128(0xdead_0003),
            invoice: Uuid::from_u128(0xdead_0004),
            ..self.named(home)
        }
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        self.secrets.clone()
    }
}

/// Makes the companies and says whose they are, by the program's own commands.
fn administer(directory: &std::path::Path, store: &str) {
    let key = SigningKey::open_or_create(directory).unwrap();
    let configuration = configure(directory, &key, 0, store);
    let tenant = dev::TENANT.to_string();
    let other_tenant = OTHER_TENANT.to_string();
    let run = |command: &str, tenant: &str, more: &[&str]| {
        let mut program = Command::new(binaries::server());
        program.args([
            "company",
            command,
            "--config",
            &configuration,
            "--tenant",
            tenant,
        ]);
        let output = program.args(more).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    for (company, tenant, restricted) in [
        (RESTRICTED, &tenant, true),
        (OTHER, &tenant, true),
        (FOREIGN, &other_tenant, false),
        (OPEN, &tenant, false),
    ] {
        let (id, name) = (company.to_string(), format!("{SECRET} {company}"));
        let name = if company == RESTRICTED {
            &name
        } else {
            "Nordhafen"
        };
        let restricted: &[&str] = if restricted { &["--restricted"] } else { &[] };
        run(
            "create",
            tenant,
            &[&["--id", &id, "--name", name], restricted].concat(),
        );
    }
    for (company, kind, read_only) in [
        (RESTRICTED, Kind::Owner, false),
        (RESTRICTED, Kind::ReadGrant, true),
        (OTHER, Kind::OtherCompany, false),
    ] {
        let (company, subject) = (company.to_string(), kind.subject().to_string());
        let read_only: &[&str] = if read_only { &["--read-only"] } else { &[] };
        let whom = ["--company", &company, "--subject", &subject];
        run("grant", &tenant, &[&whom, read_only].concat());
    }
}

fn token(server: &TestServer, kind: Kind) -> Option<String> {
    let (subject, open) = (kind.subject().to_string(), OPEN.to_string());
    let tenant = if kind.is_of_other_tenant() {
        OTHER_TENANT
    } else {
        dev::TENANT
    };
    let permission = if kind == Kind::ReadPermission {
        READ
    } else {
        READ_WRITE
    };
    let tenant = tenant.to_string();
    let mut arguments = vec![
        "--tenant",
        &tenant,
        "--subject",
        &subject,
        "--permission",
        permission,
    ];
    if kind == Kind::OtherToken {
        arguments.extend(["--company", &open]);
    }
    (kind != Kind::Anonymous).then(|| server.token_with(&arguments))
}
