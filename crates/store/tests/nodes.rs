//! Several stores on one PostgreSQL, as several nodes have it, and what happens when its connections end.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::*;
use store::*;

fn node(url: &str, key_file: &std::path::Path) -> Result<Store, StoreError> {
    let options = options(&TestClock::default(), apex(&[("ns1.zonewright.test", &[])]));
    Store::open(Address::parse(url).unwrap(), Options { key_file: Some(key_file.to_owned()), ..options })
}

/// Ends the server's connections of everything but this call.
fn end_connections(url: &str) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    postgres::execute(url, sql);
}

#[tokio::test]
async fn a_database_that_is_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("secret.key");
    let url = postgres::empty_database();
    postgres::execute(&url, "CREATE TABLE others (id BIGINT)");
    assert!(matches!(node(&url, &key_file), Err(StoreError::Foreign { .. })));
    assert!(!key_file.exists(), "nothing was made");

    let url = postgres::empty_database();
    drop(node(&url, &key_file).unwrap());
    postgres::execute(&url, "UPDATE schema_version SET number = 1000");
    assert!(matches!(node(&url, &key_file), Err(StoreError::Newer { found: 1000, .. })));

    postgres::execute(&url, "UPDATE schema_version SET number = (SELECT 0)");
    assert!(matches!(node(&url, &folder.path().join("other.key")), Err(StoreError::Key(KeyError::Missing { .. }))));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_make_one_schema() {
    let folder = tempfile::tempdir().unwrap();
    let (url, key_file) = (postgres::empty_database(), folder.path().join("secret.key"));
    let starts = (0..4).map(|_| {
        let (url, key_file) = (url.clone(), key_file.clone());
        tokio::task::spawn_blocking(move || node(&url, &key_file).map(drop))
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    assert_eq!(postgres::number(&url, "SELECT count(*) FROM schema_version"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_does_the_others_know_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (url, key_file) = (postgres::empty_database(), folder.path().join("secret.key"));
    let (one, two) = (node(&url, &key_file).unwrap(), node(&url, &key_file).unwrap());
    let new = NewAccount { email: "me@example.com".to_owned(), ..NewAccount::default() };
    let me = author(one.command_line().create_account(new).await.unwrap().id);

    let mut position = two.journal().position();
    position.mark_unchanged();
    let zone = one.create_zone(&me, zone_name("example.com")).await.unwrap();
    let started = Instant::now();
    tokio::time::timeout(Duration::from_secs(10), position.changed()).await.unwrap().unwrap();
    println!("the other node hears of a change after {:?}", started.elapsed());
    assert_eq!(two.zone(me.account, zone.id).await.unwrap().unwrap(), zone);
    assert_eq!(two.journal().moves(0).await.unwrap().names, [zone_name("example.com")]);

    let person = one.person(me.account, Actor::command_line());
    let new = NewToken::unlimited("t", [Permission::All].into_iter().collect());
    let token = person.create_token(new).await.unwrap();
    let presented = token.plain.reveal().to_owned();
    assert!(two.people().authenticate(&presented, None).await.unwrap().is_some());
    assert!(person.revoke_token(token.token.id).await.unwrap());
    let started = Instant::now();
    eventually("the other node refuses the token", async || {
        two.people().authenticate(&presented, None).await.unwrap().is_none()
    })
    .await;
    println!("a revoked token is refused by the other node after {:?}", started.elapsed());
}

/// An outage that is longer than the pauses of the background work: housekeeping and reads go on after it.
#[tokio::test(flavor = "multi_thread")]
async fn the_background_work_goes_on_after_an_outage() {
    let folder = tempfile::tempdir().unwrap();
    let (url, key_file) = (postgres::empty_database(), folder.path().join("secret.key"));
    let store = node(&url, &key_file).unwrap();
    let new = NewAccount { email: "me@example.com".to_owned(), ..NewAccount::default() };
    let me = author(store.command_line().create_account(new).await.unwrap().id);
    let zone = store.create_zone(&me, zone_name("example.com")).await.unwrap();
    let edit = dns::change::Edit::Create(store.new_record_id(), wish(&zone, "www", dns::RecordType::A, "192.0.2.1"));
    store.change(&me, zone.id, vec![edit]).await.unwrap();

    let outage = Duration::from_secs(6);
    tokio::task::spawn_blocking({
        let url = url.clone();
        move || postgres::refuse_connections(&url, || std::thread::sleep(outage))
    })
    .await
    .unwrap();
    eventually("the store to be reached again", async || store.health() == Health::Good).await;
    store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    let live = "SELECT count(*) FROM records WHERE to_version IS NULL";
    eventually("the records of the deleted zone to end", async || postgres::number(&url, live) == 0).await;
}

/// Writers on three nodes, whose connections are ended again and again: what was acknowledged is there, once, in one order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_end_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (url, key_file) = (postgres::empty_database(), folder.path().join("secret.key"));
    let nodes: Vec<Store> = (0..3).map(|_| node(&url, &key_file).unwrap()).collect();
    let new = NewAccount { email: "me@example.com".to_owned(), ..NewAccount::default() };
    let me = author(nodes[0].command_line().create_account(new).await.unwrap().id);
    let zone = nodes[0].create_zone(&me, zone_name("example.com")).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));

    let mut writers = Vec::new();
    for number in 0..9_usize {
        let (store, me, zone, over) = (nodes[number % 3].clone(), me.clone(), zone.clone(), Arc::clone(&over));
        writers.push(tokio::spawn(async move {
            let (mut acknowledged, mut refused) = (Vec::new(), Vec::new());
            for change in 0_u32.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let owner = format!("w{number}-{change}");
                let edit = dns::change::Edit::Create(
                    store.new_record_id(),
                    wish(&zone, &owner, dns::RecordType::A, "192.0.2.1"),
                );
                match store.change(&me, zone.id, vec![edit]).await {
                    Ok(committed) => acknowledged.push((committed.zone.version, owner)),
                    Err(ChangeError::Store(_)) => refused.push(owner),
                    Err(other) => panic!("{other:?}"),
                }
            }
            (acknowledged, refused)
        }));
    }
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(6) {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let url = url.clone();
        tokio::task::spawn_blocking(move || end_connections(&url)).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let (mut acknowledged, mut refused) = (Vec::new(), Vec::new());
    for writer in writers {
        let (done, failed) = writer.await.unwrap();
        acknowledged.extend(done);
        refused.extend(failed);
    }
    println!("{} acknowledged, {} refused", acknowledged.len(), refused.len());
    assert!(acknowledged.len() > 50, "the nodes write between the failures");

    acknowledged.sort();
    let versions: Vec<u64> = acknowledged.iter().map(|(version, _)| version.0).collect();
    assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "no version was given twice");
    let stored = eventually_records(&nodes[1], &me, zone.id).await;
    for (_, owner) in &acknowledged {
        assert_eq!(stored.iter().filter(|found| *found == owner).count(), 1, "{owner} was acknowledged");
    }
    for owner in &refused {
        assert_eq!(stored.iter().filter(|found| *found == owner).count(), 0, "{owner} was refused");
    }
    let gaps = "SELECT count(*) FROM versions v WHERE seq > 1 AND NOT EXISTS (SELECT 1 FROM versions p WHERE p.seq = v.seq - 1)";
    assert_eq!(postgres::number(&url, gaps), 0, "positions have no gap");
    let head = nodes[2].zone(me.account, zone.id).await.unwrap().unwrap();
    assert_eq!(postgres::number(&url, "SELECT count(*) FROM versions"), head.version.0 as i64);
    assert_eq!(head.record_count, stored.len() as u64);
}

async fn eventually_records(store: &Store, me: &Author, zone: dns::ZoneId) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match store.records(me.account, Some(zone), RecordFilter::default(), None, 1_000_000).await {
            Ok(Some(records)) => return records.into_iter().map(|stored| stored.record.owner.to_string()).collect(),
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
