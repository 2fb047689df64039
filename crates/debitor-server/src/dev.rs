//! What makes a server a development server: its demo data, its tokens, what it says when it is
//! ready.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use chrono::{Days, TimeDelta};
use debitor_api::Field;
use debitor_api::types::SalesInvoiceCreate;
use serde::Serialize;
use uuid::{Uuid, uuid};

use crate::auth::Administrator;
use crate::auth::signing::Grant;
use crate::clock::Clock;
use crate::domain::company::NewCompany;
use crate::domain::right::Right;
use crate::store::{self, Conflict, Form, Scope, Store, Write};

/// The tenant of the demo company, and of tokens that name no other.
pub const TENANT: Uuid = uuid!("d3b17041-0000-4000-8000-000000000001");
/// Who tokens speak for if nothing is said.
pub const SUBJECT: Uuid = uuid!("d3b17041-0000-4000-8000-000000000002");
const COMPANY: Uuid = uuid!("d3b17041-0000-4000-8000-000000000003");
const SALES_INVOICE: Uuid = uuid!("d3b17041-0000-4000-8000-000000000004");

const COMPANY_NAME: &str = "Debitor Demo GmbH";
/// Where `/docs` leads to.
const DOCS: &str = "/docs/";

/// What program tokens name if nothing is said.
pub const APP: &str = "debitor-dev";
/// What a token may do if nothing is said.
pub const PERMISSION: &str = "Financials.ReadWrite.All";
/// How long a token is valid if nothing is said: a day's work.
pub const VALID_FOR: TimeDelta = TimeDelta::hours(24);

/// What a token says if nothing is said.
pub fn grant() -> Grant {
    Grant {
        tenant: TENANT,
        subject: SUBJECT,
        app: APP.to_owned(),
        companies: None,
        permissions: vec![PERMISSION.to_owned()],
        valid_for: VALID_FOR,
    }
}

/// The demo company and its draft sales invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demo {
    pub company: Uuid,
    pub sales_invoice: Uuid,
}

/// Makes the demo data unless it is there. Its ids are the same in every store, so that a server
/// that is started again answers with the same company and invoice, whatever was made since.
pub async fn demo(store: &dyn Store, clock: &dyn Clock) -> store::Result<Demo> {
    let administrator = Administrator::of(TENANT);
    let scope = administrator.scope(COMPANY);
    if is_missing(store.company_get(&scope).await)? {
        let name = COMPANY_NAME.to_owned();
        let company = NewCompany {
            id: Some(COMPANY),
            name,
            everyone: Right::Write,
        };
        made(store.company_create(administrator, company).await)?;
    }
    if is_missing(store.sales_invoice_get(&scope, SALES_INVOICE).await)? {
        let create = store.sales_invoice_create(write(scope, clock), draft(clock));
        made(create.await)?;
    }
    Ok(Demo {
        company: COMPANY,
        sales_invoice: SALES_INVOICE,
    })
}

fn write(scope: Scope, clock: &dyn Clock) -> Write {
    Write {
        scope,
        actor: "demo".to_owned(),
        request_id: clock.new_id(),
        form: Form {
            base_url: "".into(),
            minimal: false,
        },
        idempotency: None,
    }
}

fn is_missing<T>(found: store::Result<T>) -> store::Result<bool> {
    match found {
        Ok(_) => Ok(false),
        Err(store::Error::NotFound(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Another server on the same store may have made it just now.
fn made<T>(outcome: store::Result<T>) -> store::Result<()> {
    match outcome {
        Ok(_) | Err(store::Error::Conflict(Conflict::IdTaken(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

fn draft(clock: &dyn Clock) -> SalesInvoiceCreate {
    let today = clock.now().date_naive();
    SalesInvoiceCreate {
        id: Field::Value(SALES_INVOICE),
        invoice_date: Field::Value(today),
        due_date: today
            .checked_add_days(Days::new(30))
            .map_or(Field::Absent, Field::Value),
        currency_code: Field::Value("EUR".to_owned()),
        ..SalesInvoiceCreate::default()
    }
}

/// What the server says when it is ready; as one line of JSON its keys stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Announcement {
    pub base_url: String,
    pub beta_url: String,
    pub docs_url: String,
    pub token: String,
    pub company_id: Uuid,
    pub sales_invoice_id: Uuid,
    pub data_dir: PathBuf,
}

impl Announcement {
    /// What a server with this origin, such as `http://127.0.0.1:8080`, has to say.
    pub fn new(origin: &str, token: String, demo: Demo, data_dir: PathBuf) -> Self {
        let [base_url, beta_url] = crate::layers::BASES.map(|base| format!("{origin}{base}"));
        Self {
            base_url,
            beta_url,
            docs_url: format!("{origin}{DOCS}"),
            token,
            company_id: demo.company,
            sales_invoice_id: demo.sales_invoice,
            data_dir,
        }
    }
}

/// Where a browser on this machine finds a server that listens on `address`.
pub fn origin(scheme: &str, mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("{scheme}://{address}")
}

/// A customer as people would enter it; its text has no quote, so that the shell leaves it whole.
const CUSTOMER: &str = r##"{
    "@odata.type": "#microsoft.graph.customer",
    "displayName": "Nordhafen Maschinenbau GmbH",
    "type": "Company",
    "email": "einkauf@nordhafen.example",
    "phoneNumber": "+49 40 5550 1234",
    "website": "https://nordhafen.example",
    "currencyCode": "EUR",
    "taxLiable": true,
    "address": {
      "street": "Am Speicher 7",
      "city": "Hamburg",
      "countryLetterCode": "DE",
      "postalCode": "20457"
    }
  }"##;

impl fmt::Display for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            base_url,
            docs_url,
            token,
            company_id,
            sales_invoice_id,
            ..
        } = self;
        let hours = VALID_FOR.num_hours();
        let data_dir = self.data_dir.display();
        write!(
            f,
            "Debitor is ready; Ctrl-C stops it.

  Swagger UI  {docs_url}
  Service     {base_url}
  Data        {data_dir}

A token for the demo company, valid for {hours} hours (`debitor-server token` prints others):

{token}

Create the customer of the demo company's draft sales invoice:

curl -i '{base_url}/financials/companies/{company_id}/salesInvoices/{sales_invoice_id}/customer' \\
  -H 'Authorization: Bearer {token}' \\
  -H 'Content-Type: application/json' \\
  -d '{CUSTOMER}'
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement() -> Announcement {
        let demo = Demo {
            company: COMPANY,
            sales_invoice: SALES_INVOICE,
        };
        Announcement::new(
            "http://127.0.0.1:8080",
            "TOKEN".to_owned(),
            demo,
            "data".into(),
        )
    }

    #[test]
    fn its_json_is_one_line_with_these_keys() {
        let json = serde_json::to_string(&announcement()).unwrap();
        let expected = concat!(
            r#"{"baseUrl":"http://127.0.0.1:8080/v1.0","betaUrl":"http://127.0.0.1:8080/beta","#,
            r#""docsUrl":"http://127.0.0.1:8080/docs/","token":"TOKEN","#,
            r#""companyId":"d3b17041-0000-4000-8000-000000000003","#,
            r#""salesInvoiceId":"d3b17041-0000-4000-8000-000000000004","dataDir":"data"}"#,
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn the_shell_takes_the_command_whole() {
        let text = announcement().to_string();
        let command = &text[text.find("curl").unwrap()..];
        assert_eq!(command.matches('\'').count(), 8, "{command}");
        serde_json::from_str::<serde_json::Value>(CUSTOMER).unwrap();
    }

    #[test]
    fn an_origin_can_be_opened() {
        let check = |address: &str, expected| {
            assert_eq!(origin("http", address.parse().unwrap()), expected);
        };
        check("127.0.0.1:8080", "http://127.0.0.1:8080");
        check("0.0.0.0:80", "http://127.0.0.1:80");
        check("[::]:80", "http://[::1]:80");
        check("192.0.2.1:80", "http://192.0.2.1:80");
    }
}
