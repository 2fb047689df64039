//! The texts of statements, and that they are the same for all values.

use debitor_api::properties::{CompanyProperty, CustomerProperty, SalesInvoiceProperty};
use fastrand::Rng;
use uuid::Uuid;

use super::postgres::{Postgres, fold};
use super::seek::{Seek, Words};
use super::sql::{Bind, Dialect, Sql};
use super::sqlite::Sqlite;
use super::{Condition, Listed};
use crate::odata::evaluate::matches;
use crate::odata::order::{Order, Position};
use crate::odata::search::{self, words};
use crate::odata::tests::random;
use crate::odata::value::Value;
use crate::odata::{filter, orderby};

fn of_filter<P: Listed, D: Dialect>(text: &str) -> (String, Vec<Bind>) {
    let mut sql = Sql::<D>::new("");
    sql.and_filter(&filter::parse::<P>(text).unwrap());
    sql.into_parts()
}

/// Checks both dialects' text, without the `AND` before it.
#[track_caller]
fn check(filter: &str, sqlite: &str, postgres: &str) {
    let (text, _) = of_filter::<CustomerProperty, Sqlite>(filter);
    assert_eq!(text, format!(" AND {sqlite}"), "{filter}");
    let (text, _) = of_filter::<CustomerProperty, Postgres>(filter);
    assert_eq!(text, format!(" AND {postgres}"), "{filter}");
}

#[test]
fn filters_are_written_in_both_dialects() {
    check(
        "email ne 'x'",
        r#"("customer/email"(body) IS DISTINCT FROM ?1)"#,
        r#"((coalesce(fold->>'email', lower((json #>> '{email}') COLLATE "C")) COLLATE "C") IS DISTINCT FROM $1::text)"#,
    );
    check(
        "length(address/city) gt 3 and not taxLiable",
        r#"(coalesce("customer/address/city length"(body) > ?1, FALSE) AND (NOT "customer/taxLiable"(body)))"#,
        "(coalesce(char_length((json #>> '{address,city}'))::float8 > $1::float8, FALSE) \
         AND (NOT (json #>> '{taxLiable}')::boolean))",
    );
    check(
        "number in ('a','b') or null",
        "(coalesce(+number_fold IN (?1, ?2), FALSE) OR CAST(NULL AS boolean))",
        r#"(coalesce((number_fold COLLATE "C") IN ($1::text, $2::text), FALSE) OR CAST(NULL AS boolean))"#,
    );
    check(
        "endswith(email,'x') eq false",
        r#"(text_ends_with("customer/email"(body), ?1) IS FALSE)"#,
        r#"((right((coalesce(fold->>'email', lower((json #>> '{email}') COLLATE "C")) COLLATE "C"), char_length($1::text)) = $1::text) IS FALSE)"#,
    );
}

#[test]
fn searches_are_written_for_sqlite() {
    let mut sql = Sql::<Sqlite>::new("");
    sql.and_search::<CustomerProperty>(&search::parse("nord AND NOT kiel").unwrap());
    let (text, binds) = sql.into_parts();
    let word = |number| format!(r#"(("customer word"(body, ?{number})))"#);
    assert_eq!(text, format!(" AND ({} AND (NOT {}))", word(1), word(2)));
    assert_eq!(binds, ["nord", "kiel"].map(|one| Bind::Text(one.into())));
}

/// The text of an order, and of what is behind a position in it.
fn behind(orderby: &str, values: &[Option<&str>]) -> String {
    let order: Order<CustomerProperty> = orderby::parse(orderby).unwrap();
    let position = Position {
        values: values.iter().map(|value| value.map(Value::text)).collect(),
        id: Uuid::nil(),
    };
    let mut sql = Sql::<Sqlite>::new("");
    sql.and_after(&order, &position);
    sql.order_by(&order);
    sql.into_parts().0
}

#[test]
fn what_is_behind_a_position_can_be_looked_up() {
    assert_eq!(behind("id", &[None]), " AND id > ?1 ORDER BY id");
    assert_eq!(behind("id desc", &[None]), " AND id < ?1 ORDER BY id DESC");
    assert_eq!(
        behind("number desc", &[Some("x")]),
        " AND (number_fold <= ?1) AND (number_fold < ?1 OR (id > ?2)) ORDER BY number_fold DESC, id"
    );
    let email = r#""customer/email"(body)"#;
    assert_eq!(
        behind("email,number", &[None, Some("x")]),
        format!(
            " AND ({email} IS NOT NULL OR (number_fold >= ?1) AND (number_fold > ?1 OR (id > ?2))) \
             ORDER BY {email} ASC NULLS FIRST, number_fold, id"
        )
    );
    assert_eq!(
        behind("email desc", &[Some("x")]),
        format!(
            " AND ({email} IS NULL OR {email} <= ?1) AND ({email} IS NULL OR {email} < ?1 OR (id > ?2)) \
             ORDER BY {email} DESC NULLS LAST, id"
        )
    );
}

#[test]
fn postgres_orders_numbers_by_their_bytes() {
    let order: Order<CustomerProperty> = orderby::parse("number desc").unwrap();
    let position = Position {
        values: vec![Some(Value::text("x"))],
        id: Uuid::nil(),
    };
    let mut sql = Sql::<Postgres>::new("");
    sql.and_after(&order, &position);
    sql.order_by(&order);
    assert_eq!(
        sql.into_parts().0,
        " AND (number_fold ~<=~ $1::text) AND (number_fold ~<~ $1::text OR (id > $2::uuid)) \
         ORDER BY number_fold USING ~>~, id"
    );
}

/// Values that SQL reads as the evaluator does are not kept beside the body.
#[test]
fn only_what_is_not_plain_is_folded() {
    let fold = fold::<CustomerProperty>;
    assert_eq!(
        fold(r#"{"displayName":"NORD","email":"A@B","taxLiable":true}"#),
        None
    );
    assert_eq!(fold(r#"{"number":"Ä","displayName":"nörd"}"#), None);
    assert_eq!(
        fold(r#"{"displayName":"Nord","address":{"city":"ÖLS"}}"#).as_deref(),
        Some(r#"{"address/city":"öls"}"#)
    );
    for (instant, kept) in [
        ("2026-01-31T12:00:00.123Z", false),
        ("2026-01-31T12:00:00.123456789Z", false),
        ("2026-01-31T12:00:00Z", true),
        ("2026-01-31T12:00:00.1+02:00", true),
    ] {
        let entity = format!(r#"{{"lastModifiedDateTime":"{instant}"}}"#);
        assert_eq!(fold(&entity).is_some(), kept, "{instant}");
    }
}

/// Filters of one shape, with different literals.
fn is_one_text<P: Listed>(seed: u64) {
    let text =
        |literals| random::filter::<P>(&mut Rng::with_seed(seed), &mut Rng::with_seed(literals));
    let (one, other) = (text(seed), text(!seed));
    let (first, binds) = of_filter::<P, Sqlite>(&one);
    let (second, others) = of_filter::<P, Sqlite>(&other);
    assert_eq!(first, second, "{one}\n{other}");
    assert_eq!(binds.len(), others.len());
    let postgres = |text| of_filter::<P, Postgres>(text).0;
    assert_eq!(postgres(&one), postgres(&other), "{one}\n{other}");
}

#[test]
fn texts_depend_on_no_literal() {
    const CASES: u64 = 50_000;
    for seed in 0..CASES {
        match seed % 8 {
            0 => is_one_text::<CompanyProperty>(seed),
            1 | 2 => is_one_text::<SalesInvoiceProperty>(seed),
            _ => is_one_text::<CustomerProperty>(seed),
        }
    }
}

/// Whether a row with these words, in order, is among those that are looked up.
fn has(sought: &Words, words: &[String]) -> bool {
    match sought {
        Words::All(parts) => parts.iter().all(|part| has(part, words)),
        Words::Any(parts) => parts.iter().any(|part| has(part, words)),
        Words::Whole(word) => words.contains(word),
        Words::Start(start) => words.iter().any(|word| word.starts_with(start)),
    }
}

#[test]
fn what_is_looked_up_has_everything_that_is_found() {
    let mut random = Rng::with_seed(1);
    let entities: Vec<String> = (0..200)
        .map(|_| random::entity::<CustomerProperty>(&mut random).to_string())
        .collect();
    let words: Vec<_> = entities
        .iter()
        .map(|one| words::<CustomerProperty>(one.as_bytes()))
        .collect();
    let (mut sought, mut found) = (0, 0);
    for _ in 0..20_000 {
        let text = random::filter::<CustomerProperty>(&mut random.fork(), &mut random);
        let expr = filter::parse::<CustomerProperty>(&text).unwrap();
        let condition = Condition {
            filter: Some(expr.clone()),
            search: None,
        };
        let Some(Seek::Words(needed)) = Seek::of(&condition) else {
            continue;
        };
        sought += 1;
        for (entity, words) in entities.iter().zip(&words) {
            if matches(&expr, entity.as_bytes()) {
                found += 1;
                assert!(has(&needed, words), "{text}\n{entity}\n{needed:?}");
            }
        }
    }
    assert!(sought > 300 && found > 300, "{sought} {found}");
}
