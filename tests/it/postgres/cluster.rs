//! The tests' own PostgreSQL can be ended and started again, and leaves nothing behind.

use debitor_tests::postgres::cluster::{Cluster, End, connect};

#[tokio::test]
async fn a_cluster_comes_back_with_its_data_and_leaves_nothing() {
    let cluster = Cluster::start(&[]).await;
    let client = connect(cluster.url()).await.unwrap();
    client.batch_execute("CREATE TABLE kept ()").await.unwrap();
    for end in [End::Fast, End::Crash] {
        cluster.end(end).await;
        assert!(connect(cluster.url()).await.is_err(), "{end:?}");
        cluster.start_again().await;
        let client = connect(cluster.url()).await.unwrap();
        client.batch_execute("SELECT FROM kept").await.unwrap();
    }
    let (url, directory) = (cluster.url().clone(), cluster.directory().to_owned());
    drop(cluster);
    assert!(connect(&url).await.is_err() && !directory.exists());
}
