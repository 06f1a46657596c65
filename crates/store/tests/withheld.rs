//! Zones that no nameserver is to serve: those of accounts that the operator took off the nameservers.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{Fixture, author, eventually, zone_name};
use dns::ZoneName;
use store::{Actor, CatalogChange, CreateZoneError, Suspension, Zone, catalog_of};

const DAY: i64 = 86_400;

/// Whether anything that nameservers follow knows of the zone.
async fn is_served(f: &Fixture, zone: &Zone) -> bool {
    let heads = f.store.journal().heads(None, 1000).await.unwrap();
    let in_heads = heads.iter().any(|head| head.id == zone.id);
    let catalog = f.store.journal().catalog(catalog_of(&zone.name)).await.unwrap();
    let in_catalog = catalog.members.iter().any(|member| member.id == zone.id);
    let has_head = f.store.journal().head(&zone.name).await.unwrap().is_some_and(|head| head.id == zone.id);
    let has_snapshot = f.store.journal().snapshot(zone.id).await.unwrap().is_some();
    let has_step = f.store.journal().step(zone.id, zone.serial).await.unwrap().is_some();
    assert_eq!([in_catalog, has_head, has_snapshot, has_step], [in_heads; 4], "{}", zone.name);
    in_heads
}

async fn is_gone(f: &Fixture, zone: &Zone) -> bool {
    // Between two steps of the housekeeper some reads may see the one state, and some the other.
    f.store.journal().head(&zone.name).await.unwrap().is_none() && !is_served(f, zone).await
}

async fn deleted_names(f: &Fixture) -> Vec<ZoneName> {
    f.store.journal().deleted_names(None, 1000).await.unwrap()
}

#[tokio::test]
async fn the_zones_of_an_account_go_off_the_nameservers_and_come_back_above() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let mut zones = Vec::new();
    for number in 0..50 {
        zones.push(f.zone(&me, &format!("zone{number}.example")).await);
    }
    let theirs = f.zone(&other, "theirs.example").await;
    let record = f.add(&me, &zones[0], "www", "192.0.2.1").await;
    let by = Actor::command_line();
    let position = *f.store.journal().position().borrow();
    f.store.operator(by).suspend_account(me.account, Suspension::SignIn).await.unwrap();
    assert!(is_served(&f, &zones[0]).await, "its zones are still served");
    f.store.operator(by).suspend_account(me.account, Suspension::Zones).await.unwrap();
    for zone in &zones {
        eventually("not served", async || is_gone(&f, zone).await).await;
    }
    assert!(is_served(&f, &theirs).await);
    let moved = f.store.journal().moves(position).await.unwrap();
    assert_eq!(moved.names.len(), 50, "those who follow the journal look at each");
    assert_eq!(deleted_names(&f).await.len(), 50, "and those who begin now remove each");
    // Its data are there, and its names are its own.
    let kept = f.store.record(me.account, record.record.id).await.unwrap().unwrap().0;
    assert!(kept.withheld.by_account() && !kept.withheld.is_served());
    assert_eq!(kept.record_count, 1);
    for name in ["zone0.example", "www.zone0.example"] {
        let refused = f.store.create_zone(&other, zone_name(name)).await;
        assert!(matches!(refused, Err(CreateZoneError::Exists | CreateZoneError::Related)), "{refused:?}");
    }

    f.store.operator(by).resume_account(me.account).await.unwrap();
    for zone in &zones {
        eventually("served again", async || f.store.journal().head(&zone.name).await.unwrap().is_some()).await;
        let head = f.store.journal().head(&zone.name).await.unwrap().unwrap();
        assert!(head.id == zone.id && head.serial.is_newer_than(zone.serial), "{} {}", zone.name, head.serial);
        assert!(is_served(&f, zone).await);
    }
    let first = f.store.journal().head(&zones[0].name).await.unwrap().unwrap();
    assert!(first.serial.is_newer_than(kept.serial));
    assert!(deleted_names(&f).await.is_empty());
    let catalog = catalog_of(&zones[0].name);
    let versions = f.store.journal().catalog_versions(catalog, dns::Serial(1), 1000).await.unwrap().unwrap();
    let of_zone: Vec<&str> = versions
        .iter()
        .filter_map(|version| match &version.change {
            CatalogChange::Joined { member, .. } if member.id == zones[0].id => Some("joined"),
            CatalogChange::Left(member) if member.id == zones[0].id => Some("left"),
            _ => None,
        })
        .collect();
    assert_eq!(of_zone, ["joined", "left", "joined"]);
}

#[tokio::test]
async fn a_zone_is_served_or_not_as_its_account_is_also_when_it_is_new_moved_or_brought_back() {
    let f = Fixture::new();
    let (off, on) = (f.account("off@example.com").await, f.account("on@example.com").await);
    let by = Actor::command_line();
    let deleted = f.zone(&off, "deleted.example").await;
    f.store.delete_zone(&off, deleted.id, Vec::new()).await.unwrap();
    f.store.operator(by).suspend_account(off.account, Suspension::Zones).await.unwrap();
    let new = f.zone(&off, "new.example").await;
    assert!(is_gone(&f, &new).await);
    f.operator().undelete_zone(deleted.id).await.unwrap();
    assert!(is_gone(&f, &deleted).await);
    // An account that is off may lose a zone, and the zone's serials do not come again.
    f.store.delete_zone(&off, deleted.id, Vec::new()).await.unwrap();
    f.operator().release_name(&deleted.name).await.unwrap();

    f.store.move_zone(&new.name, on.account).await.unwrap();
    let moved = f.store.journal().head(&new.name).await.unwrap().unwrap();
    assert!(moved.id == new.id && moved.serial.is_newer_than(new.serial));
    assert!(is_served(&f, &new).await);
    f.store.move_zone(&new.name, off.account).await.unwrap();
    assert!(is_gone(&f, &new).await);
    f.store.operator(by).resume_account(off.account).await.unwrap();
    eventually("served", async || f.store.journal().head(&new.name).await.unwrap().is_some()).await;
    let back = f.store.journal().head(&new.name).await.unwrap().unwrap();
    assert!(back.serial.is_newer_than(moved.serial));
}

#[tokio::test]
async fn a_closed_account_is_kept_for_thirty_days_and_then_gone_with_its_zones() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let by = Actor::command_line();
    f.store.operator(by).suspend_account(me.account, Suspension::Close).await.unwrap();
    eventually("not served", async || is_gone(&f, &zone).await).await;
    let account = f.operator().account(me.account).await.unwrap().unwrap();
    assert!(account.suspended_at.is_some() && account.zones_off_at.is_some() && account.closes_at.is_some());
    f.clock.advance(29 * DAY);
    f.store.operator(by).resume_account(me.account).await.unwrap();
    eventually("served again", async || f.store.journal().head(&zone.name).await.unwrap().is_some()).await;

    f.store.operator(by).suspend_account(me.account, Suspension::Close).await.unwrap();
    f.clock.advance(30 * DAY - 1);
    let another = f.account("another@example.com").await;
    assert!(f.store.zone(me.account, zone.id).await.unwrap().is_some());
    f.clock.advance(2);
    eventually("closed", async || f.operator().account(me.account).await.unwrap().is_none()).await;
    eventually("deleted", async || f.store.zone(me.account, zone.id).await.unwrap().is_none()).await;
    assert!(f.operator().account_by_email("me@example.com").await.unwrap().is_none());
    let refused = f.store.create_zone(&author(another.account), zone_name("example.com")).await;
    assert!(matches!(refused, Err(CreateZoneError::OnHold)), "{refused:?}");
}
