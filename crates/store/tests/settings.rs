//! The settings of zones, where nameservers and the past see them.

mod common;

use common::Fixture;
use store::{Change, ChangeError, SettingsChange, Wish};

#[tokio::test]
async fn nameservers_get_the_timers_with_the_version_that_sets_them() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.add(&me, &zone, "www", "192.0.2.1").await;
    let before = f.store.journal().snapshot(zone.id).await.unwrap().unwrap();
    let wanted = SettingsChange { refresh: Some(Some(7200)), minimum: Some(Some(60)), ..SettingsChange::default() };
    let change = Change::of(Wish::Settings(wanted));
    let dry = Change { dry_run: true, ..change.clone() };
    assert!(f.store.change(&me, zone.id, dry).await.unwrap().changed);
    assert_eq!(f.store.journal().snapshot(zone.id).await.unwrap().unwrap(), before, "a dry run sets nothing");

    let made = f.store.change(&me, zone.id, change.clone()).await.unwrap();
    assert!(made.changed && made.removed.is_empty() && made.added.is_empty());
    let after = f.store.journal().snapshot(zone.id).await.unwrap().unwrap();
    assert_eq!((after.soa.refresh, after.soa.minimum, after.soa.retry), (7200, 60, before.soa.retry));
    assert_eq!(after.records, before.records);
    let delta = f.store.journal().delta(zone.id, before.serial()).await.unwrap().unwrap();
    assert_eq!((&delta.from, &delta.to), (&before.soa, &after.soa));
    assert!(delta.removed.is_empty() && delta.added.is_empty());

    // Later versions keep them, and earlier ones what they had.
    f.add(&me, &zone, "ftp", "192.0.2.1").await;
    let delta = f.store.journal().delta(zone.id, before.serial()).await.unwrap().unwrap();
    assert_eq!((delta.from.refresh, delta.to.refresh), (before.soa.refresh, 7200));
    assert!(!f.store.change(&me, zone.id, change).await.unwrap().changed);

    let broken = SettingsChange { retry: Some(Some(1)), ..SettingsChange::default() };
    let refused = f.store.change(&me, zone.id, Change::of(Wish::Settings(broken))).await;
    assert!(matches!(refused, Err(ChangeError::Faults(faults)) if faults[0].1.field == Some("retry")));
}

#[tokio::test]
async fn a_rollback_brings_back_the_settings_too() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let set = |refresh| Change::of(Wish::Settings(SettingsChange { refresh, ..SettingsChange::default() }));
    let refresh = async || f.store.journal().snapshot(zone.id).await.unwrap().unwrap().soa.refresh;
    let before = refresh().await;
    let then = f.store.change(&me, zone.id, set(Some(Some(7200)))).await.unwrap().zone.serial;
    f.store.change(&me, zone.id, set(Some(Some(1800)))).await.unwrap();

    let back = |serial| Change::of(Wish::Version(serial));
    let dry = Change { dry_run: true, ..back(then) };
    assert!(f.store.change(&me, zone.id, dry).await.unwrap().changed);
    assert_eq!(refresh().await, 1800, "a dry run sets nothing");
    let made = f.store.change(&me, zone.id, back(then)).await.unwrap();
    assert!(made.changed && made.zone.serial.is_newer_than(made.before.serial));
    assert_eq!(refresh().await, 7200);
    assert!(!f.store.change(&me, zone.id, back(then)).await.unwrap().changed);
    f.store.change(&me, zone.id, back(zone.serial)).await.unwrap();
    assert_eq!(refresh().await, before);
}
