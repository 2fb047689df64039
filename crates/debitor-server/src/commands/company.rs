//! Companies, and who may do what with them, administered without HTTP.

use std::sync::Arc;

use anyhow::Context as _;
use debitor_server::auth::Administrator;
use debitor_server::clock::{Clock, SystemClock};
use debitor_server::config::{self, Config};
use debitor_server::domain::company::NewCompany;
use debitor_server::domain::right::{Granted, Grantee, Right};
use debitor_server::store::{self, Store};
use debitor_server::telemetry;
use serde_json::json;

use super::{open_store, print};
use crate::cli::company::{Change, Company, Create, Grant, List, Of, Revoke};

pub(super) async fn run(command: Company) -> anyhow::Result<()> {
    match command {
        Company::Create(arguments) => create(arguments).await,
        Company::List(List { of }) => print(&list(&of).await?),
        Company::Grant(arguments) => {
            let right = arguments.right();
            let Grant { change, .. } = arguments;
            set(change, right).await
        }
        Company::Revoke(Revoke { change }) => set(change, Right::None).await,
    }
}

async fn create(arguments: Create) -> anyhow::Result<()> {
    let Create {
        of,
        name,
        id,
        restricted,
    } = arguments;
    let everyone = if restricted {
        Right::None
    } else {
        Right::Write
    };
    let company = NewCompany { id, name, everyone };
    let by = Administrator::of(of.tenant);
    let created = on_store(&of, async |store| store.company_create(by, company).await).await?;
    if of.json {
        print(&format!("{}\n", json!({ "id": created })))
    } else {
        print(&format!("{created}\n"))
    }
}

async fn list(of: &Of) -> anyhow::Result<String> {
    let by = Administrator::of(of.tenant);
    let all = on_store(of, async |store| store.company_grants(by).await).await?;
    let lines = all.iter().map(if of.json { json_line } else { lines });
    Ok(lines.collect())
}

/// Changes what is granted, and prints the line that tells so.
async fn set(change: Change, right: Right) -> anyhow::Result<()> {
    let Change { of, company, whom } = change;
    let (by, to) = (Administrator::of(of.tenant), whom.grantee());
    let all = on_store(&of, async |store| {
        store.company_grant(by, company, to.clone(), right).await?;
        store.company_grants(by).await
    });
    let all = all.await?;
    let granted = all.iter().find(|one| one.company == company);
    let granted = granted.context("the company is gone")?;
    if granted.everyone == Right::Write && to != Grantee::Everyone {
        eprintln!(
            "the company is open to everyone of its tenant: `company revoke --everyone` restricts it"
        );
    }
    if of.json {
        print(&json_line(granted))
    } else {
        print(&line(granted, &to, right))
    }
}

/// Does the work on the store of the configuration, and closes it whatever comes of that.
async fn on_store<T>(
    of: &Of,
    work: impl AsyncFnOnce(&dyn Store) -> store::Result<T>,
) -> anyhow::Result<T> {
    let mut config = Config::load(&of.config, &config::environment())?;
    telemetry::start(&config.log)?;
    // The server's next start begins the archive anew, with what is changed here in it.
    config.store.archive = None;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store = open_store(&config, &clock).await?;
    let outcome = work(store.as_ref()).await;
    store.close().await;
    Ok(outcome?)
}

/// A line for everyone and each who is named.
fn lines(company: &Granted) -> String {
    let named = company
        .grants
        .iter()
        .map(|(to, right)| line(company, to, *right));
    let everyone = line(company, &Grantee::Everyone, company.everyone);
    std::iter::once(everyone).chain(named).collect()
}

fn line(company: &Granted, to: &Grantee, right: Right) -> String {
    let (id, to, name) = (
        company.company,
        plain(&to.to_string()),
        plain(&company.name),
    );
    format!("{id}\t{to}\t{right}\t{name}\n")
}

/// A text that stays in its column, whatever it has.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn json_line(company: &Granted) -> String {
    let grants = company.grants.iter().map(|(to, right)| match to {
        Grantee::Everyone => json!({ "right": right.to_string() }),
        Grantee::Subject(name) => json!({ "subject": name, "right": right.to_string() }),
        Grantee::App(name) => json!({ "app": name, "right": right.to_string() }),
    });
    let line = json!({
        "id": company.company,
        "name": company.name,
        "everyone": company.everyone.to_string(),
        "grants": grants.collect::<Vec<_>>(),
    });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted() -> Granted {
        Granted {
            company: uuid::Uuid::from_u128(7),
            name: "Nord\nhafen".to_owned(),
            everyone: Right::None,
            grants: vec![(Grantee::App("shop".to_owned()), Right::Read)],
        }
    }

    #[test]
    fn whatever_a_name_has_lines_are_lines() {
        let id = "00000000-0000-0000-0000-000000000007";
        let expected =
            format!("{id}\teveryone\tnone\tNord hafen\n{id}\tapp:shop\tread\tNord hafen\n");
        assert_eq!(lines(&granted()), expected);
        let line: serde_json::Value = serde_json::from_str(&json_line(&granted())).unwrap();
        assert_eq!(line["grants"], json!([{"app": "shop", "right": "read"}]));
        assert_eq!(json_line(&granted()).matches('\n').count(), 1);
    }
}
