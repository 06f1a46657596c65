//! The catalogs of a real primary: filled, kept, and mended whatever happened to them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use common::channel::eventually;
use common::followers::Followers;
use deploy::bind9::WireRecord;
use deploy::bind9::catalog::CatalogName;
use deploy::bind9::control::Command;
use deploy::bind9::transfer::{self, TransferredZone};
use deploy::bind9::update::{Outcome, UpdateBuilder, Updater};
use dns::{Name, Serial, Ttl};
use domain::base::Rtype;
use store::{Clock, Zone};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn zones_come_and_go() {
    let followers = Followers::start(0, 0).await;
    let mut zones = Vec::new();
    for number in 0..40 {
        zones.push(followers.create(&format!("zone{number}.example")).await);
    }
    for zone in &zones {
        assert!(followers.is_served(zone, PATIENCE).await);
    }
    eventually(async || is_right(&followers, &zones).await).await;
    for zone in zones.drain(..20) {
        followers.delete(&zone).await;
    }
    eventually(async || is_right(&followers, &zones).await).await;
    followers.stop().await;
}

#[tokio::test]
async fn zones_of_one_catalog_are_published_together() {
    let followers = Followers::start(0, 0).await;
    let mut zones = Vec::new();
    let catalog = CatalogName::of(&dns::ZoneName::parse("zone0.example").unwrap());
    for number in (0..20_000).filter(|number| is_in(catalog, *number)) {
        zones.push(followers.create(&format!("zone{number}.example")).await);
    }
    let publishing = zones.iter().map(|zone| followers.catalogs.publish(&zone.name));
    futures_util::future::try_join_all(publishing).await.unwrap();
    eventually(async || is_right(&followers, &zones).await).await;
    followers.stop().await;
}

#[tokio::test]
async fn whatever_is_wrong_is_mended() {
    let mut followers = Followers::start(0, 0).await;
    let zone = followers.create("example.com").await;
    assert!(followers.is_served(&zone, PATIENCE).await);
    let zones = [zone];
    let catalog = CatalogName::of(&zones[0].name);
    eventually(async || is_right(&followers, &zones).await).await;

    // A stranger in the catalog, under a serial of its own.
    let there = fetch(&followers, catalog).await;
    let stranger = pointer(catalog, "stranger.example");
    change(&followers, catalog, &there, None, vec![stranger.clone()]).await;
    followers.catalogs.sweep().await.unwrap();
    assert!(is_right(&followers, &zones).await);

    // A member gone, under the right serial: only a comparison finds that.
    let there = fetch(&followers, catalog).await;
    let serial = there.serial().unwrap();
    followers.store.raise_catalog_serial(catalog.0, serial).await.unwrap();
    let member = there.records.iter().find(|record| record.record_type == Rtype::PTR).unwrap().clone();
    change(&followers, catalog, &there, Some(member), Vec::new()).await;
    followers.catalogs.sweep().await.unwrap();
    followers.catalogs.audit().await.unwrap();
    assert!(is_right(&followers, &zones).await);

    // The catalog removed.
    let command = Command::DelZone { zone: catalog.zone(), clean: true };
    followers.control.send(&command).await.unwrap();
    followers.catalogs.sweep().await.unwrap();
    assert!(is_right(&followers, &zones).await);

    // All files gone, and named with nothing in memory.
    followers.primary.kill();
    fs::remove_dir_all(followers.path("catalogs")).unwrap();
    followers.restart_primary();
    followers.catalogs.sweep().await.unwrap();
    assert!(is_right(&followers, &zones).await);
    followers.stop().await;
}

/// Whether every catalog holds the members it should, under the store's serial.
async fn is_right(followers: &Followers, zones: &[Zone]) -> bool {
    let mut expected: HashSet<Name> = zones.iter().map(|zone| CatalogName::of(&zone.name).member(zone.id)).collect();
    let catalogs: HashSet<CatalogName> = zones.iter().map(|zone| CatalogName::of(&zone.name)).collect();
    for catalog in catalogs {
        let there = fetch(followers, catalog).await;
        if there.serial().unwrap() != followers.store.catalog(catalog.0).await.unwrap().serial {
            return false;
        }
        for record in there.records.iter().filter(|record| record.record_type == Rtype::PTR) {
            if !expected.remove(&record.owner) {
                return false;
            }
        }
    }
    expected.is_empty()
}

async fn fetch(followers: &Followers, catalog: CatalogName) -> TransferredZone {
    let key = Some(&followers.config.update_key);
    let limits = transfer::Limits::default();
    transfer::fetch(followers.dns(), &catalog.zone(), key, limits, &Clock::system()).await.unwrap()
}

/// What somebody else's hands do to a catalog: the serial moves by one.
async fn change(
    followers: &Followers,
    catalog: CatalogName,
    there: &TransferredZone,
    removed: Option<WireRecord>,
    added: Vec<WireRecord>,
) {
    let Serial(serial) = there.serial().unwrap();
    let mut soa = there.soa.clone();
    let at = soa.data.len() - 20;
    soa.data[at..at + 4].copy_from_slice(&(serial + 1).to_be_bytes());
    let mut step = UpdateBuilder::new(catalog.zone(), there.soa.clone(), soa);
    if let Some(record) = removed {
        step.remove(record);
    }
    for record in added {
        step.add(record);
    }
    let updater = Updater::new(followers.dns(), &followers.config.update_key, Default::default(), Clock::system());
    assert_eq!(updater.send(step.build().unwrap()).await.unwrap(), Outcome::Applied);
}

fn pointer(catalog: CatalogName, name: &str) -> WireRecord {
    let owner = catalog.member(dns::ZoneId(uuid::Uuid::from_u128(7)));
    let data = Name::parse(name).unwrap().wire().into();
    WireRecord { owner, record_type: Rtype::PTR, ttl: Ttl::MIN, data }
}

fn is_in(catalog: CatalogName, number: u32) -> bool {
    CatalogName::of(&dns::ZoneName::parse(&format!("zone{number}.example")).unwrap()) == catalog
}
