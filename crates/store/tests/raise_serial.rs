//! A nameserver that is ahead of the store: the zone moves above it, and no serial goes back.

mod common;

use common::{Fixture, START};
use dns::{Serial, ZoneId};

#[tokio::test]
async fn a_zone_moves_above_a_nameserver() {
    let fixture = Fixture::new();
    let author = fixture.account("a@example.com").await;
    let zone = fixture.zone(&author, "example.com").await;
    fixture.add(&author, &zone, "www", "192.0.2.1").await;
    let before = fixture.store.journal().snapshot(zone.id).await.unwrap().unwrap();
    let position = *fixture.store.journal().position().borrow();

    let ahead = Serial(START as u32 + 1_000_000);
    let raised = fixture.store.journal().raise_serial(zone.id, ahead).await.unwrap();
    assert_eq!(raised, Some(Serial(ahead.0 + 1)));
    let after = fixture.store.journal().snapshot(zone.id).await.unwrap().unwrap();
    assert_eq!((after.serial(), &after.records), (Serial(ahead.0 + 1), &before.records));
    let delta = fixture.store.journal().delta(zone.id, before.serial()).await.unwrap().unwrap();
    assert_eq!((delta.removed, delta.added), (vec![], vec![]));
    assert_eq!(fixture.store.journal().moves(position).await.unwrap().names, vec![zone.name.clone()]);

    let position = *fixture.store.journal().position().borrow();
    assert_eq!(fixture.store.journal().raise_serial(zone.id, ahead).await.unwrap(), raised, "it is above already");
    assert_eq!(*fixture.store.journal().position().borrow(), position, "so there is no version");

    let equal = fixture.store.journal().raise_serial(zone.id, after.serial()).await.unwrap();
    assert_eq!(equal, Some(Serial(ahead.0 + 2)), "the same serial is not above");
    assert_eq!(fixture.store.journal().delta(zone.id, ahead).await.unwrap(), None, "there never was such a version");
}

#[tokio::test]
async fn a_zone_that_is_gone_is_not_raised() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store.journal().raise_serial(ZoneId(uuid::Uuid::nil()), Serial(1)).await.unwrap(), None);
}
