//! The service: its parts, each a module; the program `debitor-server` puts them together.

pub mod admin;
mod answer;
pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod dev;
pub mod docs;
pub mod domain;
pub mod error;
pub mod failpoint;
mod handlers;
pub mod health;
mod json;
pub mod layers;
pub mod links;
mod metadata;
pub mod metrics;
pub mod network;
pub mod odata;
mod per_thread;
pub mod router;
mod security;
pub mod serve;
pub mod store;
pub mod telemetry;
pub mod traces;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use app::App;
use auth::{Issuer, Verifier};
use clock::Clock;
use config::Config;
use health::Readiness;
use layers::admission::Admission;
use layers::forwarded::Proxies;
use layers::rates::Rates;
use layers::{Surrounded, Surroundings};
use serve::tls::Tls;
use serve::{Ending, Entrance, Limits};
use store::Store;
use store::watched::Watched;
use traces::Traces;

/// A server with all that it needs, ready to run.
pub struct Server {
    pub config: Config,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub issuers: Vec<Issuer>,
    /// Where metrics are told.
    pub admin: Option<TcpListener>,
}

impl Server {
    /// Serves until the process is told to stop, or until the store fails; `ready` is called once
    /// requests can come.
    pub async fn run(
        mut self,
        listener: TcpListener,
        ready: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let stop = serve::stop_signal().context("cannot listen for signals")?;
        let readiness = Readiness::new(Arc::clone(&self.store));
        let limits = self.config.limits.of_clients();
        let tls = self.tls()?;
        let store = Arc::clone(&self.store);
        let admission = Admission::new(self.config.limits.requests);
        let traces = Traces::start(&self.config.traces).context("traces cannot be sent")?;
        let app = self.app();
        tracing::info!(address = %listener.local_addr()?, "listening");
        if let Some(listener) = self.admin.take() {
            tracing::info!(address = %listener.local_addr()?, "listening for those who run it");
            let (router, limits) = (
                admin::router(&app, &admission),
                Limits::new(admin::CONNECTIONS),
            );
            // It answers to the end: metrics of a server that stops are of interest too.
            let ending = std::future::pending();
            let entrance = Entrance {
                listener,
                tls: None,
            };
            tokio::spawn(serve::serve(
                entrance,
                router,
                limits,
                readiness.clone(),
                ending,
            ));
        }
        let router = self.router(app, admission, readiness.clone(), traces.clone())?;
        ready()?;
        let ending = async {
            tokio::select! {
                () = stop => Ending::Told,
                () = store.failed() => Ending::Failed,
            }
        };
        let entrance = Entrance { listener, tls };
        let ending = serve::serve(entrance, router, limits, readiness, ending).await;
        traces.end().await;
        if ending == Ending::Failed {
            return Err(store::Failed.into());
        }
        store.close().await;
        tracing::info!("stopped");
        Ok(())
    }

    /// TLS of the main address, whose certificate is renewed from now on.
    fn tls(&self) -> anyhow::Result<Option<Arc<Tls>>> {
        let Some(files) = self.config.tls.as_ref() else {
            return Ok(None);
        };
        let tls = Arc::new(Tls::open(files.files()).context("the certificate")?);
        let renewals = Arc::clone(&tls).renewals();
        tokio::spawn(renewals.context("cannot listen for signals")?);
        Ok(Some(tls))
    }

    fn app(&mut self) -> App {
        let issuers = std::mem::take(&mut self.issuers);
        let limits = &self.config.limits;
        let rates = Rates::new(limits.rates());
        let verifier = Verifier::new(issuers, Arc::clone(&self.clock));
        let verifier = Arc::new(verifier.limited(Arc::clone(&rates)));
        let store = Arc::new(Watched(Arc::clone(&self.store)));
        App::new(store, verifier, rates, limits.body_bytes)
    }

    fn router(
        self,
        app: App,
        admission: Arc<Admission>,
        readiness: Readiness,
        traces: Traces,
    ) -> anyhow::Result<Surrounded> {
        let Self { config, clock, .. } = self;
        if !config.ignored_variables.is_empty() {
            tracing::info!(names = ?config.ignored_variables, "variables that are no settings");
        }
        let surroundings = Surroundings::new(clock, config.public_url, admission)
            .secure(config.tls.is_some())
            .traced(traces)
            .behind(Proxies::new(config.trusted_proxies))
            .patience(config.limits.of_clients().request);
        router::router(app, &config.docs, &config.cors, readiness, surroundings)
    }
}
