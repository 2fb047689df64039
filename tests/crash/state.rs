//! One slot of the store: a customer, and maybe the draft that names it; how requests change it,
//! and whether rows of a database are this state.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use crate::contents::Entity;
use crate::journal::{Action, Answer, Invoke};

#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    draft: Option<Draft>,
    customer: Option<Customer>,
    /// Idempotency records since the state was last settled.
    records: Vec<Record>,
    /// Customers deleted since then, with the version of the delete.
    gone: Vec<(Uuid, i64)>,
    /// Requests without an answer that this state takes for carried out.
    guessed: usize,
}

#[derive(Debug, Clone)]
struct Draft {
    id: Uuid,
    version: i64,
}

#[derive(Debug, Clone)]
struct Customer {
    id: Option<Uuid>,
    etag: Option<String>,
    version: i64,
    /// What the last write asked for.
    wanted: Value,
    /// What it was answered.
    body: Option<Value>,
}

/// The idempotency record that a write leaves; id and tag are missing while nobody was told them.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    id: Option<Uuid>,
    etag: Option<String>,
    of_draft: bool,
}

/// The rows of a slot.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    pub(crate) customers: Vec<(Uuid, &'a Entity)>,
    pub(crate) invoice: Option<(Uuid, &'a Entity)>,
}

impl State {
    pub(crate) fn draft(&self) -> Option<Uuid> {
        self.draft.as_ref().map(|draft| draft.id)
    }

    /// The customer's id and tag, if both are known.
    pub(crate) fn customer(&self) -> Option<(Uuid, String)> {
        let customer = self.customer.as_ref()?;
        Some((customer.id?, customer.etag.clone()?))
    }

    pub(crate) fn guessed(&self) -> usize {
        self.guessed
    }

    /// Whether the customers deleted since the state was last settled are among these.
    pub(crate) fn deletes(&self, ids: &HashSet<Uuid>) -> bool {
        self.gone.iter().all(|(id, _)| ids.contains(id))
    }

    /// The state after a request; why it cannot have been answered so in this state.
    pub(crate) fn after(&self, invoke: &Invoke, answer: Option<&Answer>) -> Result<Self, String> {
        let mut state = self.clone();
        state.guessed += usize::from(answer.is_none());
        match &invoke.action {
            Action::Draft { id } => state.make_draft(*id)?,
            Action::Create { invoice, body } => state.create(*invoice, body, answer)?,
            Action::Update { id, etag, body } => {
                state.named(*id, etag)?;
                state.update(*id, body, answer)?;
            }
            Action::Delete { id, etag, .. } => {
                state.named(*id, etag)?;
                state.delete(*id)?;
            }
            Action::Read { .. } => return Ok(state),
        }
        if invoke.key.is_some() {
            state.records.push(Record {
                id: answer.and_then(Answer::id),
                etag: answer.and_then(|answer| answer.etag.clone()),
                of_draft: matches!(invoke.action, Action::Draft { .. }),
            });
        }
        Ok(state)
    }

    fn make_draft(&mut self, id: Uuid) -> Result<(), String> {
        match self.draft.replace(Draft { id, version: 1 }) {
            None => Ok(()),
            Some(_) => Err(format!("draft {id} was made twice")),
        }
    }

    fn create(
        &mut self,
        invoice: Option<Uuid>,
        body: &Value,
        answer: Option<&Answer>,
    ) -> Result<(), String> {
        if invoice != self.draft() {
            return Err("a customer was made for a draft that is not there".into());
        }
        let asked = body["id"].as_str().and_then(|id| id.parse().ok());
        let customer = Customer {
            id: answer.map_or(asked, Answer::id),
            etag: answer.and_then(|answer| answer.etag.clone()),
            version: 1,
            wanted: body.clone(),
            body: answer.map(|answer| answer.body.clone()),
        };
        has_version(answer, 1)?;
        match self.customer.replace(customer) {
            None => self.touch_draft(),
            Some(_) => return Err("a customer was made where one was".into()),
        }
        Ok(())
    }

    /// Fails unless the customer is there in the version that the request names.
    fn named(&self, id: Uuid, etag: &str) -> Result<(), String> {
        let version = self
            .customer
            .as_ref()
            .map_or(0, |customer| customer.version);
        if has_number(etag, version) {
            return Ok(());
        }
        Err(format!(
            "{etag} of customer {id} was named in version {version}"
        ))
    }

    fn update(&mut self, id: Uuid, body: &Value, answer: Option<&Answer>) -> Result<(), String> {
        let customer = self
            .customer
            .as_mut()
            .filter(|customer| customer.id == Some(id));
        let customer = customer.ok_or(format!("customer {id} was changed and is not there"))?;
        customer.version += 1;
        has_version(answer, customer.version)?;
        customer.wanted = body.clone();
        customer.body = answer.map(|answer| answer.body.clone());
        customer.etag = answer.and_then(|answer| answer.etag.clone());
        self.touch_draft();
        Ok(())
    }

    fn delete(&mut self, id: Uuid) -> Result<(), String> {
        let customer = self
            .customer
            .take()
            .filter(|customer| customer.id == Some(id));
        let customer = customer.ok_or(format!("customer {id} was deleted and is not there"))?;
        self.gone.push((id, customer.version + 1));
        self.touch_draft();
        Ok(())
    }

    /// The draft shows its customer's name, which every write changes.
    fn touch_draft(&mut self) {
        if let Some(draft) = &mut self.draft {
            draft.version += 1;
        }
    }

    /// How the rows differ from this state.
    pub(crate) fn differences(&self, found: &Found<'_>) -> Vec<String> {
        let mut differences = Vec::new();
        match (&self.customer, found.customers.as_slice()) {
            (None, []) => {}
            (Some(customer), [(id, row)]) => differences.extend(customer.differences(*id, row)),
            (customer, rows) => differences.push(format!(
                "{} customers instead of {}: {}",
                rows.len(),
                usize::from(customer.is_some()),
                customer
                    .as_ref()
                    .map(|customer| customer.wanted.to_string())
                    .unwrap_or_default()
            )),
        }
        match (&self.draft, found.invoice) {
            (None, None) => {}
            (Some(draft), Some((id, row))) => {
                let customer = found.customers.first().map(|(id, _)| *id);
                if (draft.id, draft.version, customer) != (id, row.version, row.customer) {
                    differences.push(format!(
                        "draft {id} has version {} and customer {:?} instead of {} and {customer:?}",
                        row.version, row.customer, draft.version
                    ));
                }
            }
            (draft, row) => differences.push(format!(
                "draft {:?} instead of {:?}",
                row.map(|(id, _)| id),
                draft.as_ref().map(|draft| draft.id)
            )),
        }
        differences
    }

    /// The state as it was found to be, and what it leaves behind.
    pub(crate) fn settled(&self, found: &Found<'_>) -> (Self, Vec<Record>, Vec<(Uuid, i64)>) {
        let mut state = self.clone();
        let mut records = std::mem::take(&mut state.records);
        let gone = std::mem::take(&mut state.gone);
        state.guessed = 0;
        let row = found.customers.first();
        for record in &mut records {
            let row = if record.of_draft {
                found.invoice.as_ref()
            } else {
                row
            };
            if let (None, Some((id, row))) = (&record.etag, row) {
                (record.id, record.etag) = (Some(*id), Some(row.etag()));
            }
        }
        if let (Some(customer), Some((id, row))) = (&mut state.customer, row) {
            customer.id = Some(*id);
            customer.etag = Some(row.etag());
            customer.body = Some(row.body.clone());
        }
        (state, records, gone)
    }
}

impl Customer {
    fn differences(&self, id: Uuid, row: &Entity) -> Vec<String> {
        let mut differences = Vec::new();
        let mut must = |holds: bool, what: String| {
            if !holds {
                differences.push(format!("customer {id} {what}"));
            }
        };
        must(
            self.id.is_none_or(|known| known == id),
            format!("has another id than {:?}", self.id),
        );
        must(
            row.version == self.version,
            format!("has version {} instead of {}", row.version, self.version),
        );
        let tag = row.etag();
        must(
            self.etag.as_ref().is_none_or(|known| *known == tag),
            format!("has the tag {tag}"),
        );
        must(
            row.body["@odata.etag"] == tag.as_str(),
            "shows another tag than its columns".into(),
        );
        let same = match &self.body {
            Some(body) => *body == row.body,
            None => has_all(&row.body, &self.wanted),
        };
        must(same, format!("has other content: {}", row.body));
        differences
    }
}

impl Record {
    /// The id and the tag, if there is both.
    pub(crate) fn resolved(self) -> Option<(Uuid, String)> {
        Some((self.id?, self.etag?))
    }
}

/// Whether an entity has every property of a request.
fn has_all(entity: &Value, wanted: &Value) -> bool {
    let Some(wanted) = wanted.as_object() else {
        return false;
    };
    wanted.iter().all(|(name, value)| entity[name] == *value)
}

fn has_version(answer: Option<&Answer>, version: i64) -> Result<(), String> {
    let Some(answer) = answer else { return Ok(()) };
    let etag = answer.etag.as_deref().unwrap_or_default();
    if has_number(etag, version) {
        Ok(())
    } else {
        Err(format!(
            "answered with {etag} where version {version} was due"
        ))
    }
}

fn has_number(etag: &str, version: i64) -> bool {
    etag.starts_with(&format!("W/\"{version}-"))
}
