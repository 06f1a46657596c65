//! What a store is opened on: nothing yet, somebody else's file, a damaged one, a newer one.

mod common;

use std::os::unix::fs::PermissionsExt;

use common::{Fixture, Rows, TestClock, apex, options};
use store::{Store, StoreError};

fn open(path: &std::path::Path) -> Result<Store, StoreError> {
    Store::open(path, options(&TestClock::default(), apex(&[("ns1.zonewright.test", &[])])))
}

#[test]
fn a_folder_that_is_none_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for parent in [missing, file] {
        match open(&parent.join("store.db")) {
            Err(StoreError::File { path, .. }) => assert_eq!(path, parent),
            other => panic!("{other:?}"),
        }
    }
    match open(folder.path()) {
        Err(StoreError::File { path, .. }) => assert_eq!(path, folder.path()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database, but long enough to look like one: ".repeat(100)).unwrap();
    let before = std::fs::read(&text).unwrap();
    assert!(matches!(open(&text), Err(StoreError::Foreign { .. })));
    assert_eq!(std::fs::read(&text).unwrap(), before);

    let database = folder.path().join("other.db");
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 1")
        .unwrap();
    assert!(matches!(open(&database), Err(StoreError::Foreign { .. })));
    let tables = common::count(&database, Rows::Tables);
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    let f = Fixture::on_sqlite();
    f.store.close().await;
    rusqlite::Connection::open(f.path()).unwrap().execute_batch("PRAGMA user_version = 1000").unwrap();
    let error = open(&f.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 1000, .. }));
    assert!(error.to_string().contains("upgrade the program"), "{error}");
}

#[tokio::test]
async fn damage_is_reported_with_its_place() {
    let f = Fixture::on_sqlite();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let record = f.add(&me, &zone, "www", "192.0.2.1").await;
    let break_it = |sql| rusqlite::Connection::open(f.path()).unwrap().execute_batch(sql).unwrap();
    break_it("UPDATE records SET data = x'01'");
    match f.store.record(me.account, record.record.id).await {
        Err(StoreError::Damaged { table: "records", column: "data", row: 1 }) => {}
        other => panic!("{other:?}"),
    }
    break_it("PRAGMA foreign_keys = OFF; UPDATE records SET zone = 77");
    let complaints = f.operator().check().await.unwrap();
    assert_eq!(complaints, ["row 1 of records points at no row of zones"]);
    f.store.close().await;

    let mut octets = std::fs::read(f.path()).unwrap();
    let end = octets.len();
    octets[4096..end].fill(0xff);
    std::fs::write(f.path(), octets).unwrap();
    match open(&f.path()) {
        Err(StoreError::Database(_) | StoreError::Migration(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_owner_may_read_the_file() {
    let f = Fixture::on_sqlite();
    for name in ["store.db", "store.db-wal"] {
        let mode = std::fs::metadata(f.path().with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_copy_is_whole_and_overwrites_nothing() {
    let f = Fixture::on_sqlite();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let record = f.add(&me, &zone, "www", "192.0.2.1").await;
    let copy = f.path().with_file_name("copy.db");
    std::fs::write(&copy, "precious").unwrap();
    assert!(matches!(f.operator().back_up(&copy).await, Err(StoreError::File { .. })));
    assert_eq!(std::fs::read(&copy).unwrap(), b"precious");
    std::fs::remove_file(&copy).unwrap();
    assert!(matches!(f.operator().back_up(&copy.join("deeper")).await, Err(StoreError::File { .. })));

    f.operator().back_up(&copy).await.unwrap();
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    f.add(&me, &zone, "late", "192.0.2.2").await;
    let copied = open(&copy).unwrap();
    assert_eq!(copied.command_line().check().await.unwrap(), Vec::<String>::new());
    assert_eq!(copied.record(me.account, record.record.id).await.unwrap().unwrap().1, record);
    assert_eq!(copied.zone(me.account, zone.id).await.unwrap().unwrap().record_count, 1);
}

#[test]
fn stores_that_open_a_new_file_together_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || open(&path).map(drop))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    assert_eq!(common::count(&path, Rows::Apexes), 1);
    assert_eq!(common::count(&path, Rows::Identities), 1);
}
