//! What every store must do, whatever the engine: one function a behaviour, one test an engine.

mod audit;
mod company;
mod customer;
pub(crate) mod fixture;
mod grants;
mod idempotency;
mod lists;
mod pages;
mod privacy;
mod references;
mod sales_invoice;
mod secret;
mod seeded;

use fixture::Fixture;

/// A test of each behaviour on each engine.
macro_rules! behaviours {
    ($($behaviour:ident)*) => {
        $crate::store::behaviours_on! { sqlite Sqlite: $($behaviour)* }
        $crate::store::behaviours_on! { postgres Postgres: $($behaviour)* }
    };
}
pub(crate) use behaviours;

macro_rules! behaviours_on {
    ($module:ident $engine:ident: $($behaviour:ident)*) => {
        mod $module {
            $(#[tokio::test]
            async fn $behaviour() {
                let engine = debitor_tests::Engine::$engine;
                super::$behaviour(&super::Fixture::new(engine).await).await;
            })*
        }
    };
}
pub(crate) use behaviours_on;
