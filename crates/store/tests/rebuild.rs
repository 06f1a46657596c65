//! The operator has a zone rebuilt: nameservers take that version whole, each once, whatever they served before.

mod common;

use common::{Fixture, START};
use dns::{Serial, ZoneId};
use store::Step;

#[tokio::test]
async fn a_nameserver_behind_the_rebuild_takes_the_zone_whole() {
    let fixture = Fixture::new();
    let author = fixture.account("a@example.com").await;
    let zone = fixture.zone(&author, "example.com").await;
    let before = fixture.store.journal().head(&zone.name).await.unwrap().unwrap().serial;
    let content = fixture.store.journal().snapshot(zone.id).await.unwrap().unwrap().records;
    let position = *fixture.store.journal().position().borrow();

    let ahead = Serial(START as u32 + 1_000_000);
    let rebuilt = fixture.store.journal().rebuild(zone.id, Some(ahead)).await.unwrap();
    assert_eq!(rebuilt, Some(Serial(ahead.0 + 1)), "above what somebody serves");
    assert_eq!(fixture.store.journal().snapshot(zone.id).await.unwrap().unwrap().records, content);
    assert_eq!(fixture.store.journal().moves(position).await.unwrap().names, std::slice::from_ref(&zone.name));
    assert_eq!(fixture.store.journal().step(zone.id, before).await.unwrap(), Some(Step::Rebuild));
    assert_eq!(
        fixture.store.journal().step(zone.id, Serial(before.0 - 1)).await.unwrap(),
        None,
        "there was no such version"
    );

    // Also where another change came since; and who has the rebuild takes steps again.
    fixture.add(&author, &zone, "www", "192.0.2.1").await;
    assert_eq!(fixture.store.journal().step(zone.id, before).await.unwrap(), Some(Step::Rebuild));
    let Some(Step::Delta(delta)) = fixture.store.journal().step(zone.id, Serial(ahead.0 + 1)).await.unwrap() else {
        panic!("no step from the rebuilt version");
    };
    assert_eq!((delta.removed.len(), delta.added.len()), (0, 1));
}

#[tokio::test]
async fn a_rebuild_is_always_a_version_and_never_goes_back() {
    let fixture = Fixture::new();
    let author = fixture.account("a@example.com").await;
    let zone = fixture.zone(&author, "example.com").await;
    let first = fixture.store.journal().rebuild(zone.id, None).await.unwrap().unwrap();
    assert!(first.is_newer_than(zone.serial));
    let second = fixture.store.journal().rebuild(zone.id, Some(zone.serial)).await.unwrap().unwrap();
    assert!(second.is_newer_than(first));
    assert_eq!(fixture.store.journal().step(zone.id, first).await.unwrap(), Some(Step::Rebuild));
    assert_eq!(fixture.store.journal().rebuild(ZoneId(uuid::Uuid::nil()), None).await.unwrap(), None);
}
