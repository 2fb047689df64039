//! What the servers of a store have in common. Databases are copied by the tests with their secret.

use super::Fixture;

super::behaviours_on! { sqlite Sqlite: a_store_has_a_secret_of_its_own }

async fn a_store_has_a_secret_of_its_own(fixture: &Fixture) {
    let other = Fixture::new(fixture.engine).await;
    let secrets = [
        fixture.store.secret().await.unwrap(),
        other.store.secret().await.unwrap(),
    ];
    assert!(
        secrets.iter().all(|secret| secret.len() >= 32),
        "{secrets:?}"
    );
    assert_ne!(secrets[0], secrets[1]);
}
