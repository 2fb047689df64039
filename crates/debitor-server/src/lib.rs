//! The service: its parts, each a module; the program `debitor-server` puts them together.

pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod domain;
pub mod error;
mod handlers;
pub mod links;
pub mod odata;
pub mod store;
