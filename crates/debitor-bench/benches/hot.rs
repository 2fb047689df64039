//! The functions that every request passes through, one by one.
#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on has nothing to say"
)]
#![allow(missing_docs, reason = "made by criterion's macros")]

mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use debitor_api::Faults;
use debitor_api::properties::CustomerProperty;
use debitor_api::support::decode;
use debitor_api::support::json::Json;
use debitor_api::types::CustomerCreate;
use debitor_server::auth::Administrator;
use debitor_server::dev::TENANT;
use debitor_server::domain::version::Precondition;
use debitor_server::odata::list;
use debitor_server::odata::select::Select;
use debitor_server::store::{CustomerKey, ListQuery, Scope};
use futures::FutureExt as _;
use support::Service;
use tokio::runtime::Runtime;

criterion_group!(benches, requests, answers, stores);
criterion_main!(benches);

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

fn requests(criterion: &mut Criterion) {
    criterion.bench_function("decode and validate a create", |bencher| {
        bencher.iter(|| {
            let mut faults = Faults::default();
            let json = Json::parse(black_box(support::CUSTOMER.as_bytes())).ok();
            decode::body::<CustomerCreate>(json.unwrap(), &mut faults).unwrap()
        });
    });
    criterion.bench_function("parse If-Match", |bencher| {
        bencher.iter(|| Precondition::parse(black_box(r#"W/"1-8c90aa01""#)));
    });
    let service = runtime().block_on(Service::start()).unwrap();
    criterion.bench_function("verify a token", |bencher| {
        let verify = || service.verifier.verify(black_box(&service.headers), None);
        bencher.iter(|| verify().now_or_never().unwrap().unwrap());
    });
}

fn answers(criterion: &mut Criterion) {
    let runtime = runtime();
    let service = runtime.block_on(filled());
    let page = runtime
        .block_on(
            service
                .store
                .customer_list(&scope(&service), ListQuery::first(20)),
        )
        .unwrap();
    let names = ["no $select", "$select of two"]
        .into_iter()
        .zip([None, Some("number,email")]);
    for (name, select) in names {
        let select = select.map(|text| Select::parse::<CustomerProperty>(text).unwrap());
        criterion.bench_function(&format!("render a page of 20, {name}"), |bencher| {
            let (context, link) = ("http://h/$metadata#c", Some("http://h/c"));
            bencher.iter(|| list::page(black_box(&page), select.as_ref(), context, link));
        });
    }
}

fn stores(criterion: &mut Criterion) {
    let runtime = runtime();
    let service = runtime.block_on(filled());
    let id = runtime.block_on(service.create()).unwrap();
    let scope = scope(&service);
    criterion.bench_function("store: get", |bencher| {
        let get = || service.store.customer_get(&scope, CustomerKey::Id(id));
        bencher.iter(|| runtime.block_on(get()).unwrap());
    });
    criterion.bench_function("store: list of 20", |bencher| {
        let list = || service.store.customer_list(&scope, ListQuery::first(20));
        bencher.iter(|| runtime.block_on(list()).unwrap());
    });
    criterion.bench_function("service: create", |bencher| {
        bencher.iter(|| runtime.block_on(service.create()).unwrap());
    });
}

async fn filled() -> Service {
    let service = Service::start().await.unwrap();
    for _ in 0..50 {
        service.create().await.unwrap();
    }
    service
}

fn scope(service: &Service) -> Scope {
    Administrator::of(TENANT).scope(service.company)
}
