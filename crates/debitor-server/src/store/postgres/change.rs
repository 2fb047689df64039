//! Updates and deletions of customers, those of a company that wait in one transaction: what they name is
//! locked and looked at once for all, each is done to what those before it left, and what comes of all is
//! written once.
//!
//! What sales invoices have to do with is left to a transaction of its own: a customer that one names
//! and that is to be shown otherwise or deleted, and a customer that is found through one. So is a
//! number that changes, which another customer may have.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use async_trait::async_trait;
use futures::FutureExt as _;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::writing::Writing;
use super::super::{CompanyKey, CustomerKey, Error, Noun, Result, Written};
use super::customer::{self, Delete, Update, Versioned, shows_otherwise};
use super::failure::Failure;
use super::gather::{Asked, Gathered, Make, Way};
use super::session::Call;
use super::transaction::Transaction;
use super::work::{Once, Work};
use super::{audit, idempotency, words};

/// An update or a deletion of a customer, of which only an update makes something.
pub(super) enum Change {
    Update(Box<Once<Update>>),
    Delete(Delete),
}

impl Change {
    fn key(&self) -> CustomerKey {
        match self {
            Self::Update(update) => update.0.key,
            Self::Delete(delete) => delete.key,
        }
    }

    fn id(&self) -> Option<Uuid> {
        match self.key() {
            CustomerKey::Id(id) => Some(id),
            CustomerKey::OfSalesInvoice(_) => None,
        }
    }
}

#[async_trait]
impl Work<Option<Written>> for Change {
    async fn run(
        &self,
        transaction: &mut Transaction,
        write: &Writing,
    ) -> Result<Option<Written>, Failure> {
        match self {
            Self::Update(update) => update.run(transaction, write).await.map(Some),
            Self::Delete(delete) => delete.run(transaction, write).await.map(|()| None),
        }
    }
}

impl Gathered for Change {
    type Answer = Option<Written>;

    const WAYS: &'static [Way<Self>] = &[Way {
        fits: |change| change.id().is_some(),
        least: 1,
        make: Make::Steps(|transaction, asked| together(transaction, asked).boxed()),
    }];
}

/// What comes of each; nothing for one that is left to a transaction of its own.
type Outcomes = Vec<Option<Result<Option<Written>>>>;

async fn together(
    mut transaction: Transaction,
    asked: &[Asked<'_, Change>],
) -> Result<Outcomes, Failure> {
    let outcomes = outcomes(&mut transaction, asked).await;
    transaction.end(outcomes).await
}

async fn outcomes(
    transaction: &mut Transaction,
    asked: &[Asked<'_, Change>],
) -> Result<Outcomes, Failure> {
    let Some((first, _)) = asked.first() else {
        return Ok(Vec::new());
    };
    let writes = asked.iter().map(|(write, _)| *write);
    let mut repeated = idempotency::repeated(transaction, writes).await?;
    // In the order in which everybody locks them.
    let ids: BTreeSet<Uuid> = asked.iter().filter_map(|(_, change)| change.id()).collect();
    let ids = Vec::from_iter(ids);
    let mut customers = Customers::lock(transaction, first.scope, &ids).await?;
    let mut outcomes = Vec::with_capacity(asked.len());
    let (mut rows, mut kept) = (audit::Rows::default(), Vec::new());
    for (write, change) in asked {
        let first = write.idempotency.and_then(|one| repeated.remove(&one.key));
        if let Some(first) = first {
            // What was granted then may be no more.
            let first = transaction.admits(write).and(first);
            outcomes.push(Some(first.map(Some)));
            continue;
        }
        let admitted = transaction.admits(write);
        let outcome = match admitted.and_then(|()| customers.apply(write, change, &mut rows)) {
            Ok(Applied::Updated(after)) => Ok(Some(write.written(after.stored()))),
            Ok(Applied::Deleted) => Ok(None),
            Ok(Applied::Left) => {
                outcomes.push(None);
                continue;
            }
            Err(refusal) => Err(refusal),
        };
        if let Ok(Some(written)) = &outcome {
            kept.push((*write, written.clone()));
        }
        outcomes.push(Some(outcome));
    }
    customers.write(transaction, first.scope);
    rows.write(transaction, first);
    idempotency::remember(transaction, &kept)?;
    Ok(outcomes)
}

/// What a change makes of a customer.
enum Applied {
    Updated(Box<Versioned>),
    Deleted,
    /// Nothing: it is left to a transaction of its own.
    Left,
}

fn applied(
    before: &Versioned,
    is_named: bool,
    write: &Writing,
    change: &Change,
) -> Result<Applied> {
    Ok(match change {
        Change::Update(update) => {
            before.require(&update.0.precondition)?;
            let after = before.updated(&update.0.change, write)?;
            let has_number = after.customer.number == before.customer.number;
            let is_shown = is_named && shows_otherwise(&before.customer, &after.customer);
            if has_number && !is_shown {
                Applied::Updated(Box::new(after))
            } else {
                Applied::Left
            }
        }
        Change::Delete(delete) => {
            before.require(&delete.precondition)?;
            if is_named {
                Applied::Left
            } else {
                Applied::Deleted
            }
        }
    })
}

/// The customers that are to be changed, locked, with what became of each so far.
struct Customers {
    all: BTreeMap<Uuid, Changed>,
    /// Those that a sales invoice names.
    named: HashSet<Uuid>,
}

/// A customer as it was, and as it is to be, if it is to be.
struct Changed {
    before: Versioned,
    after: Option<Versioned>,
}

impl Customers {
    /// Which customers are named is read once all are locked: whoever names one locks it.
    async fn lock(
        transaction: &mut Transaction,
        scope: CompanyKey,
        ids: &[Uuid],
    ) -> Result<Self, Failure> {
        let [found, naming] = transaction
            .queries([
                Call::new(
                    "SELECT c.* FROM unnest($2::uuid[]) AS sought (one) CROSS JOIN LATERAL
                       (SELECT version, incarnation, body FROM customer
                        WHERE company_id = $1 AND id = one OFFSET 0 FOR UPDATE) AS c",
                    &[&scope.company, &ids],
                ),
                Call::new(
                    "SELECT c.id FROM unnest($2::uuid[]) AS c (id) WHERE EXISTS
                       (SELECT 1 FROM sales_invoice WHERE company_id = $1 AND customer_id = c.id)",
                    &[&scope.company, &ids],
                ),
            ])
            .await?;
        let mut all = BTreeMap::new();
        for row in &found {
            let before = Versioned::read(row)?;
            let after = Some(before.clone());
            all.insert(before.customer.id, Changed { before, after });
        }
        let named = naming.iter().map(|row| row.try_get(0));
        let named = named.collect::<Result<_, _>>()?;
        Ok(Self { all, named })
    }

    /// Does the change to what is left of its customer, unless that is left to another transaction.
    fn apply(
        &mut self,
        write: &Writing,
        change: &Change,
        rows: &mut audit::Rows,
    ) -> Result<Applied> {
        let missing = || Error::NotFound(Noun::Customer);
        let id = change.id().ok_or_else(missing)?;
        let is_named = self.named.contains(&id);
        let changed = self.all.get_mut(&id).ok_or_else(missing)?;
        let before = changed.after.as_ref().ok_or_else(missing)?;
        let applied = applied(before, is_named, write, change)?;
        match &applied {
            Applied::Updated(after) => {
                let action = Action::Update(&before.json, &after.json);
                rows.push(write, action, after.subject());
                changed.after = Some(Versioned::clone(after));
            }
            Applied::Deleted => {
                let subject = Subject::customer(id, before.version.next());
                rows.push(write, Action::Delete, subject);
                changed.after = None;
            }
            Applied::Left => {}
        }
        Ok(applied)
    }

    /// Adds what became of them to what the transaction writes.
    fn write(self, transaction: &mut Transaction, scope: CompanyKey) {
        let mut words = words::Changes::default();
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for (id, Changed { before, after }) in &self.all {
            match after {
                Some(after) if after.version == before.version => continue,
                Some(after) => changed.push(after),
                None => gone.push(*id),
            }
            let after = after.as_ref().map(|after| &after.json[..]);
            words.change(*id, &before.json, after);
        }
        if !changed.is_empty() {
            customer::replace(transaction, scope, &changed);
        }
        if !gone.is_empty() {
            customer::remove(transaction, scope, gone);
        }
        words.write(transaction, scope);
    }
}
