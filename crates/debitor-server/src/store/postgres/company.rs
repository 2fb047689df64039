//! Statements on companies.

use async_trait::async_trait;
use debitor_api::properties::CompanyProperty;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::audit::{Action, Subject};
use super::super::query::postgres::fold;
use super::super::writing::Writing;
use super::super::{CompanyKey, Conflict, Error, Noun, Result};
use super::failure::Failure;
use super::transaction::Transaction;
use super::work::Work;
use super::{audit, upkeep};
use crate::domain::company::{self, NewCompany};

/// The company, of which a statement found the row.
pub(super) fn found(rows: &[Row]) -> Result<&Row> {
    rows.first().ok_or(Error::NotFound(Noun::Company))
}

/// Adds to what the transaction writes that the company has so many customers more, or fewer, and that
/// so many numbers of their series were given. The company is locked only now, and until the end.
pub(super) fn add_customers(
    transaction: &mut Transaction,
    scope: CompanyKey,
    customers: i64,
    numbers: i64,
) {
    if (customers, numbers) != (0, 0) {
        transaction.write(
            "UPDATE company SET customers = customers + $2,
               last_customer_number = last_customer_number + $3
             WHERE id = $1",
            vec![
                Box::new(scope.company),
                Box::new(customers),
                Box::new(numbers),
            ],
        );
    }
}

/// The making of a company, in a write whose scope has its id.
pub(super) struct Create(pub(super) NewCompany);

#[async_trait]
impl Work<Uuid> for Create {
    /// The id may be another tenant's, which nobody here can see: only the key tells.
    async fn run(&self, transaction: &mut Transaction, write: &Writing) -> Result<Uuid, Failure> {
        let scope = write.scope;
        let json = serde_json::to_string(&company::create(&self.0, scope.company))?;
        let fold = fold::<CompanyProperty>(&json);
        let everyone = i32::from(self.0.everyone.number());
        let made = transaction
            .query(
                "INSERT INTO company (id, tenant_id, body, fold, everyone_may)
                 VALUES ($1, $2, $3, $4::text::jsonb, $5)
                 ON CONFLICT DO NOTHING RETURNING id",
                &[&scope.company, &scope.tenant, &json, &fold, &everyone],
            )
            .await?;
        if made.is_empty() {
            return Err(Error::Conflict(Conflict::IdTaken(scope.company)).into());
        }
        let subject = Subject::company(scope.company, write.first_version());
        audit::record(transaction, write, Action::Create(&json), subject);
        transaction.write(upkeep::NOTE, vec![Box::new(scope.tenant)]);
        Ok(scope.company)
    }

    fn is_in_company(&self) -> bool {
        false
    }
}
