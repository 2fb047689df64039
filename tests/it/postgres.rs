//! What only a store on PostgreSQL has: a database that can be away, other servers beside one's own,
//! and a second wall between tenants. These tests run on it whatever engine the suite runs on.

mod again;
mod away;
mod cluster;
pub(crate) mod copies;
mod copy;
mod keys;
mod metrics;
mod migrate;
mod network;
mod plans;
mod privacy;
mod tenants;
mod tls;
mod together;
mod upkeep;
mod words;
