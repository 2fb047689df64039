//! What a server under test keeps its data in.

use std::path::Path;

use crate::environment;
use crate::postgres::Database;
use crate::postgres::wire::WireProxy;

/// The engines of the store. The same tests run on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// The engine that the suite runs on this time.
    pub fn of_run() -> Self {
        let name = environment::variable(environment::STORE);
        match name.as_deref() {
            None | Some("sqlite") => Self::Sqlite,
            Some("postgres") => Self::Postgres,
            Some(other) => panic!("there is no engine `{other}` for DEBITOR_TEST_STORE"),
        }
    }
}

/// A store's place; a database is dropped at the end.
pub struct Place {
    url: String,
    database: Option<Database>,
}

impl Place {
    /// A place of its own, in this directory if the engine keeps files.
    pub async fn new(engine: Engine, directory: &Path) -> Self {
        match engine {
            Engine::Sqlite => Self {
                url: format!("sqlite:{}", directory.display()),
                database: None,
            },
            Engine::Postgres => Database::new().await.into(),
        }
    }

    /// A database that is reached by way of the proxy.
    pub fn behind(proxy: &WireProxy, database: Database) -> Self {
        Self::at(proxy.before(&database.url()), database)
    }

    /// A database at an address of the test's own choice.
    pub fn at(url: String, database: Database) -> Self {
        let database = Some(database);
        Self { url, database }
    }

    /// The store's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database, if the place is one.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }
}

impl From<Database> for Place {
    fn from(database: Database) -> Self {
        Self::at(database.url(), database)
    }
}
