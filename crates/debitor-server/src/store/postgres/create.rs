//! The making of customers, one or many of a company in one transaction: what each asks for is looked
//! at once for all, and all that can be made are written with one statement.

use std::collections::{HashSet, VecDeque};

use async_trait::async_trait;
use debitor_api::properties::CustomerProperty;
use debitor_api::types::{Customer, CustomerCreate};
use futures::FutureExt as _;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::query::postgres;
use super::super::writing::Writing;
use super::super::{CompanyKey, Conflict, Error, Noun, Result, Stored, Written};
use super::failure::Failure;
use super::gather::{Asked, Gathered, Make, Way};
use super::optimistic::{self, Unnumbered};
use super::session::{Call, Parameter};
use super::transaction::Transaction;
use super::work::{Once, Work};
use super::{audit, company, idempotency, sales_invoice, words};
use crate::domain::blank;
use crate::domain::customer::{self, fold_number, series_number};

/// The making of a customer and, with `sales_invoice`, its naming by that draft.
pub(super) struct Create {
    sales_invoice: Option<Uuid>,
    customer: CustomerCreate,
    unnumbered: Option<Unnumbered>,
}

impl Create {
    /// One that is made alone, with a draft to name it.
    pub(super) fn of_sales_invoice(sales_invoice: Uuid, customer: CustomerCreate) -> Self {
        Self {
            sales_invoice: Some(sales_invoice),
            customer,
            unnumbered: None,
        }
    }

    /// One that others may be made with. What needs no transaction is done here and now, by the request
    /// itself: transactions of a company come one after the other.
    pub(super) fn of_company(write: &Writing, customer: CustomerCreate) -> Result<Self> {
        Ok(Self {
            sales_invoice: None,
            unnumbered: Unnumbered::of(write, &customer)?,
            customer,
        })
    }

    /// The customer without its number, if nothing that it asks for can be another's.
    pub(super) fn unnumbered(&self) -> Option<&Unnumbered> {
        self.unnumbered.as_ref()
    }
}

#[async_trait]
impl Work<Stored> for Create {
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<Stored, Failure> {
        let mut rows = audit::Rows::default();
        let draft = match self.sales_invoice {
            Some(id) => Some(sales_invoice::require_draft(transaction, write.scope, id).await?),
            None => None,
        };
        let asked = [(write, &self.customer)];
        let made = all(transaction, &asked, &mut rows).await?;
        let made = made.into_iter().next();
        let made = made.ok_or_else(|| Error::Internal("nothing was made".to_owned()))??;
        if let Some(draft) = draft {
            let customer: Customer = serde_json::from_slice(&made.json)?;
            sales_invoice::name(transaction, write, draft, Some(&customer), &mut rows)?;
        }
        rows.write(transaction, write);
        Ok(made)
    }
}

impl Gathered for Once<Create> {
    type Answer = Written;

    const WAYS: &'static [Way<Self>] = &[
        Way {
            fits: |create| create.0.unnumbered.is_some(),
            least: 1,
            make: Make::Whole(|transaction, asked| optimistic::commit(transaction, asked).boxed()),
        },
        Way {
            fits: |_| true,
            least: 2,
            make: Make::Steps(|transaction, asked| together(transaction, asked).boxed()),
        },
    ];
}

/// Makes the customers with a look at what is there, so that each has an outcome of its own.
async fn together(
    mut transaction: Transaction,
    asked: &[Asked<'_, Once<Create>>],
) -> Result<Vec<Option<Result<Written>>>, Failure> {
    let outcomes = outcomes(&mut transaction, asked).await;
    let outcomes = transaction.end(outcomes).await?;
    Ok(outcomes.into_iter().map(Some).collect())
}

/// What comes of each, once the transaction is committed.
async fn outcomes(
    transaction: &mut Transaction,
    asked: &[Asked<'_, Once<Create>>],
) -> Result<Vec<Result<Written>>, Failure> {
    let Some((first, _)) = asked.first() else {
        return Ok(Vec::new());
    };
    let writes = asked.iter().map(|(write, _)| *write);
    let mut repeated = idempotency::repeated(transaction, writes).await?;
    let is_new = |write: &Writing| {
        let request = write.idempotency;
        request.is_none_or(|request| !repeated.contains_key(&request.key))
    };
    let new = asked.iter().filter(|(write, _)| is_new(write));
    let new: Vec<_> = new
        .map(|(write, work)| (*write, &work.0.customer))
        .collect();
    let mut rows = audit::Rows::default();
    let mut made = all(transaction, &new, &mut rows).await?.into_iter();
    rows.write(transaction, first);
    let mut outcomes = Vec::with_capacity(asked.len());
    let mut kept = Vec::new();
    for (write, _) in asked {
        if let Some(first) = write.idempotency.and_then(|one| repeated.remove(&one.key)) {
            // What was granted then may be no more.
            outcomes.push(transaction.admits(write).and(first));
            continue;
        }
        let made = made.next();
        let made = made.ok_or_else(|| Error::Internal("too few were made".to_owned()))?;
        let made = made.map(|stored| write.written(stored));
        if let Ok(written) = &made {
            kept.push((*write, written.clone()));
        }
        outcomes.push(made);
    }
    idempotency::remember(transaction, &kept)?;
    Ok(outcomes)
}

/// Makes the customers that can be made, all of the scope of the first; a refusal concerns only its
/// own. The rows of the record of changes are added to `rows`.
pub(super) async fn all(
    transaction: &mut Transaction,
    asked: &[(&Writing, &CustomerCreate)],
    rows: &mut audit::Rows,
) -> Result<Vec<Result<Stored>>, Failure> {
    let Some(((first, _), scope)) = asked.first().map(|one| (one, one.0.scope)) else {
        return Ok(Vec::new());
    };
    let wishes: Vec<Wish> = asked.iter().map(|(_, create)| Wish::of(create)).collect();
    let Some((last, mut taken)) = look(transaction, scope, &wishes).await? else {
        let missing = |_| Err(Error::NotFound(Noun::Company));
        return Ok(asked.iter().map(missing).collect());
    };
    let unnumbered = wishes.iter().filter(|wish| wish.number.is_none()).count();
    let mut series = Series {
        last,
        free: VecDeque::new(),
    };
    if unnumbered > 0 {
        series.find(transaction, scope, wishes.len()).await?;
    }
    let (mut made, mut columns) = (Vec::with_capacity(asked.len()), Columns::default());
    for ((write, create), wish) in asked.iter().zip(wishes) {
        let admitted = transaction.admits(write);
        let number = admitted.and_then(|()| taken.number(wish, &mut series));
        let one = number.and_then(|number| columns.push(write, create, number, rows));
        made.push(one);
    }
    columns.write(transaction, first.scope);
    let count = i64::try_from(made.iter().flatten().count()).unwrap_or(i64::MAX);
    company::add_customers(transaction, scope, count, series.last - last);
    Ok(made)
}

/// What a create asks for that another customer may have.
struct Wish {
    id: Option<Uuid>,
    number: Option<String>,
}

impl Wish {
    fn of(create: &CustomerCreate) -> Self {
        Self {
            id: blank::guid(create.id).into_option(),
            number: blank::text(create.number.clone()).into_option(),
        }
    }
}

/// The last number of the company's series, and what of the wishes is taken; nothing if there is no
/// such company. If numbers are to be given, the company is locked until the end.
async fn look(
    transaction: &mut Transaction,
    scope: CompanyKey,
    wishes: &[Wish],
) -> Result<Option<(i64, Taken)>, Failure> {
    let ids: Vec<Uuid> = wishes.iter().filter_map(|wish| wish.id).collect();
    let numbers = wishes.iter().filter_map(|wish| wish.number.as_deref());
    let numbers: Vec<String> = numbers.map(fold_number).collect();
    let sql = if numbers.len() < wishes.len() {
        "SELECT last_customer_number FROM company WHERE id = $1 AND tenant_id = $2
         FOR NO KEY UPDATE"
    } else {
        "SELECT last_customer_number FROM company WHERE id = $1 AND tenant_id = $2"
    };
    let company: [Parameter<'_>; 2] = [&scope.company, &scope.tenant];
    let mut taken = Taken::default();
    let found = if ids.is_empty() && numbers.is_empty() {
        transaction.query(sql, &company).await?
    } else {
        let [found, by_id, by_number] = transaction
            .queries([
                Call::new(sql, &company),
                Call::new(
                    "SELECT id FROM customer WHERE company_id = $1 AND id = ANY ($2)",
                    &[&scope.company, &ids],
                ),
                Call::new(TAKEN_NUMBERS, &[&scope.company, &numbers]),
            ])
            .await?;
        for row in by_id {
            taken.ids.insert(row.try_get(0)?);
        }
        for row in by_number {
            taken.numbers.insert(row.try_get(0)?);
        }
        found
    };
    match company::found(&found) {
        Ok(row) => Ok(Some((row.try_get(0)?, taken))),
        Err(_) => Ok(None),
    }
}

const TAKEN_NUMBERS: &str =
    "SELECT number_fold FROM customer WHERE company_id = $1 AND number_fold = ANY ($2)";

/// How many numbers are looked at with one statement at most.
const LOOK: i64 = 1024;

/// Numbers of the company's series that no customer has yet: those that a customer was given by hand
/// are passed over.
struct Series {
    last: i64,
    free: VecDeque<(i64, String)>,
}

impl Series {
    /// Finds so many. The more are taken, the further each look goes.
    async fn find(
        &mut self,
        transaction: &mut Transaction,
        scope: CompanyKey,
        wanted: usize,
    ) -> Result<(), Failure> {
        let mut from = self.last + 1;
        let mut ahead = i64::try_from(wanted).unwrap_or(LOOK);
        while self.free.len() < wanted {
            let numbers: Vec<String> = (from..from + ahead).map(series_number).collect();
            let folds: Vec<String> = numbers.iter().map(|one| fold_number(one)).collect();
            let rows = transaction
                .query(TAKEN_NUMBERS, &[&scope.company, &folds])
                .await?;
            let used: HashSet<&str> = rows
                .iter()
                .map(|row| row.try_get(0))
                .collect::<Result<_, _>>()?;
            let all = (from..).zip(numbers).zip(&folds);
            let free = all.filter(|(_, fold)| !used.contains(fold.as_str()));
            self.free.extend(free.map(|(one, _)| one));
            from += ahead;
            ahead = (2 * ahead).min(LOOK);
        }
        Ok(())
    }
}

/// The ids and numbers that customers have, or were just given.
#[derive(Default)]
struct Taken {
    ids: HashSet<Uuid>,
    numbers: HashSet<String>,
}

impl Taken {
    /// The number of the customer to make, unless what it asks for is taken. A refusal uses up none.
    fn number(&mut self, wish: Wish, series: &mut Series) -> Result<String> {
        if let Some(id) = wish.id
            && !self.ids.insert(id)
        {
            return Err(Error::Conflict(Conflict::IdTaken(id)));
        }
        if let Some(number) = wish.number {
            return if self.numbers.insert(fold_number(&number)) {
                Ok(number)
            } else {
                Err(Error::Conflict(Conflict::NumberTaken(number)))
            };
        }
        loop {
            let (n, number) = series
                .free
                .pop_front()
                .ok_or_else(|| Error::Internal("too few numbers were found".to_owned()))?;
            series.last = n;
            if self.numbers.insert(fold_number(&number)) {
                return Ok(number);
            }
        }
    }
}

/// The rows of new customers, a list for each column.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    versions: Vec<i64>,
    incarnations: Vec<i64>,
    numbers: Vec<String>,
    bodies: Vec<String>,
    folds: Vec<Option<String>>,
    words: words::Changes<'static>,
}

impl Columns {
    /// Adds the row of a customer, and that of its making.
    fn push(
        &mut self,
        write: &Writing,
        create: &CustomerCreate,
        number: String,
        rows: &mut audit::Rows,
    ) -> Result<Stored> {
        let fold = fold_number(&number);
        let identity = write.identity(create.id, number);
        let (id, version) = (identity.id, identity.version);
        let customer = customer::create(create.clone(), identity);
        let json = serde_json::to_string(&customer)?;
        self.ids.push(id);
        self.versions.push(version.number);
        self.incarnations.push(version.incarnation.into());
        self.numbers.push(fold);
        self.folds.push(postgres::fold::<CustomerProperty>(&json));
        self.words.create(id, words::of(&json));
        self.bodies.push(json.clone());
        rows.push(write, Action::Create(&json), Subject::customer(id, version));
        Ok(Stored::new(id, version, json))
    }

    /// Adds the rows to what the transaction writes.
    fn write(self, transaction: &mut Transaction, scope: CompanyKey) {
        if self.ids.is_empty() {
            return;
        }
        transaction.write(
            "INSERT INTO customer
               (company_id, tenant_id, id, version, incarnation, number_fold, body, fold)
             SELECT $1, $2, r.id, r.version, r.incarnation, r.number, r.body, r.fold::jsonb
             FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[])
               AS r (id, version, incarnation, number, body, fold)",
            vec![
                Box::new(scope.company),
                Box::new(scope.tenant),
                Box::new(self.ids),
                Box::new(self.versions),
                Box::new(self.incarnations),
                Box::new(self.numbers),
                Box::new(self.bodies),
                Box::new(self.folds),
            ],
        );
        self.words.write(transaction, scope);
    }
}
