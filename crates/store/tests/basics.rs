//! The paths that every request takes, on a real file.

mod common;

use common::*;
use dns::{RecordType, Serial};
use store::*;

#[tokio::test]
async fn a_record_is_made_changed_and_deleted_and_each_step_is_a_version() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    assert_eq!((zone.record_count, zone.version, zone.serial), (0, VersionNumber(1), Serial(START as u32)));
    let made = f.add(&me, &zone, "www", "192.0.2.1").await;
    assert_eq!(made.serial, Serial(START as u32 + 1), "the clock stands still, the serial does not");
    f.clock.advance(100);

    let edit = replace(&made, wish(&zone, "web", RecordType::A, "192.0.2.2"));
    let changed = f.store.change(&me, zone.id, vec![edit]).await.unwrap();
    let after = changed.records[0].clone().unwrap();
    assert_eq!((after.record.id, after.created_at), (made.record.id, made.created_at));
    assert_eq!((after.version, after.serial), (VersionNumber(3), Serial(START as u32 + 100)));
    assert_eq!((changed.zone.record_count, changed.zone.version, changed.changed), (1, VersionNumber(3), true));
    let (zone_now, found) = f.store.record(me.account, made.record.id).await.unwrap().unwrap();
    assert_eq!((&zone_now, &found), (&changed.zone, &after));

    let same = replace(&after, wish(&zone, "web", RecordType::A, "192.0.2.2"));
    let unchanged = f.store.change(&me, zone.id, vec![same]).await.unwrap();
    assert_eq!(
        (unchanged.changed, unchanged.zone, unchanged.records),
        (false, changed.zone, vec![Some(after.clone())])
    );

    let listed = f.store.visit_records(me.account, zone.id, RecordFilter::default(), Collect(vec![])).await.unwrap();
    assert_eq!(listed.unwrap().0, [after]);
    let gone = f.store.change(&me, zone.id, vec![delete(made.record.id)]).await.unwrap();
    assert_eq!((gone.zone.record_count, gone.records), (0, vec![None]));
    assert!(f.store.record(me.account, made.record.id).await.unwrap().is_none());
    assert_eq!(f.operator().check().await.unwrap(), Vec::<String>::new());
}
