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
use std::path::PathBuf;
use std::time::Duration;

use common::channel::eventually;
use common::followers::Followers;
use deploy::ConfigText;
use deploy::bind9::control::{Command, Refusal, ZoneConfig};
use deploy::catalog::CatalogName;
use deploy::query;
use deploy::signing;
use dns::{Name, RecordType, Serial, Ttl};
use domain::base::Rtype;
use store::{Clock, Head, Zone};
use wire::WireRecord;
use wire::transfer::{self, TransferredZone};
use wire::update::{Outcome, UpdateBuilder, Updater};

const PATIENCE: Duration = Duration::from_secs(30);
/// For one answer of a nameserver.
const ANSWER: Duration = Duration::from_secs(2);

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
    let catalog = CatalogName::for_zone(&dns::ZoneName::parse("zone0.example").unwrap());
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
    let catalog = CatalogName::for_zone(&zones[0].name);
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
    followers.store.journal().raise_catalog_serial(catalog.0, serial).await.unwrap();
    let member = there.records.iter().find(|record| record.record_type == Rtype::PTR).unwrap().clone();
    change(&followers, catalog, &there, Some(member), Vec::new()).await;
    followers.catalogs.sweep().await.unwrap();
    followers.catalogs.audit().await.unwrap();
    assert!(is_right(&followers, &zones).await);

    // The catalog removed.
    let command = Command::DelZone(catalog.zone());
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

/// The records with which the owner of a catalog's name takes a zone from its account: what secondaries take for their orders.
async fn attacking(followers: &Followers, catalog: CatalogName) -> Zone {
    // A name of the same catalog as the catalog's name, so that it is the same member under both.
    let names = (0..).map(|number| dns::ZoneName::parse(&format!("attacker{number}.example")).unwrap());
    let name =
        names.into_iter().find(|name| CatalogName::for_zone(name) == CatalogName::for_zone(&catalog.zone())).unwrap();
    let zone = followers.create(&name.to_string()).await;
    followers.put(&zone, "version", RecordType::Txt, "2").await;
    followers.put(&zone, "primaries.ext", RecordType::A, "127.0.0.66").await;
    let zone = followers.put(&zone, "x.zones", RecordType::Ptr, "alice-shop.com").await;
    assert!(followers.is_served(&zone, PATIENCE).await);
    zone
}

/// Whether named has the catalog from its own file, with nothing of the attacker's in it.
async fn is_its_own(followers: &Followers, catalog: CatalogName) -> bool {
    let Ok(status) = followers.control.zone_status(&catalog.zone()).await else { return false };
    let own = followers.path("catalogs").join(catalog.file_name());
    let there = fetch(followers, catalog).await;
    let is_strange = |record: &WireRecord| record.record_type == Rtype::A;
    status.files == own.to_str().map(str::to_owned) && !there.records.iter().any(is_strange)
}

#[tokio::test]
async fn a_zone_of_a_catalogs_name_never_becomes_the_catalog() {
    let mut followers = Followers::start(1, 0).await;
    let victim = followers.create("alice-shop.com").await;
    assert!(followers.is_served(&victim, PATIENCE).await);
    let catalog = CatalogName::for_zone(&victim.name);
    let attacker = attacking(&followers, catalog).await;
    let name = attacker.name.to_string();
    let attacker = followers.rename(&attacker, catalog.zone());

    // named has lost all its zones, and gets the accounts' before the catalogs.
    followers.primary.kill();
    fs::remove_dir_all(followers.path("catalogs")).unwrap();
    for file in fs::read_dir(followers.path("")).unwrap() {
        let file = file.unwrap().path();
        if file.file_name().unwrap().to_str().unwrap().starts_with("_default.nz") {
            fs::remove_file(file).unwrap();
        }
    }
    followers.restart_primary();
    let attacker = followers.add(&attacker, "wake", "192.0.2.1").await;
    let victim = followers.add(&victim, "www", "192.0.2.1").await;
    let loaded = async || matches!(query::serial(followers.dns(), &victim.name, ANSWER).await, Ok(Some(_)));
    eventually(loaded).await;
    let head = followers.store.journal().head(&attacker.name).await.unwrap().unwrap();
    let refused = async || {
        let status = followers.deployment.status(&head).await;
        let refused = status[0].error.as_ref().is_some_and(|error| error.contains("reserved for the server's catalog"));
        !status[0].in_sync && status[0].serial.is_none() && refused
    };
    eventually(refused).await;

    followers.catalogs.sweep().await.unwrap();
    assert!(is_its_own(&followers, catalog).await);
    assert!(followers.is_served(&victim, PATIENCE).await, "the secondary follows the catalog, and not the attacker");
    let status = followers.deployment.status(&Head::from(victim.clone())).await;
    assert!(status.iter().all(|server| server.in_sync), "{status:?}");
    assert!(
        !followers.deployment.wait(&head, Duration::from_millis(300)).await,
        "of the attacker's, nothing is served"
    );

    // Deleted, it goes without a trace, and leaves the catalog where it is.
    followers.delete(&attacker).await;
    let gone = async || followers.store.journal().head(&attacker.name).await.unwrap().is_none();
    eventually(gone).await;
    // Renamed behind the store's back, the zone left no floor for its old name: until the clock has passed the serials that the
    // secondary has seen, a new zone would begin below them.
    eventually(async || followers.store.now().as_second() > i64::from(attacker.serial.0) + 1).await;
    let again = followers.create(&name).await;
    assert!(followers.is_served(&again, PATIENCE).await);
    assert!(is_its_own(&followers, catalog).await);
    followers.stop().await;
}

#[tokio::test]
async fn a_zone_in_a_catalogs_place_is_removed() {
    let followers = Followers::start(0, 0).await;
    let victim = followers.create("alice-shop.com").await;
    assert!(followers.is_served(&victim, PATIENCE).await);
    let catalog = CatalogName::for_zone(&victim.name);
    eventually(async || is_its_own(&followers, catalog).await).await;
    let attacker = attacking(&followers, catalog).await;
    let file = zone_file(&followers, &attacker);
    let text = fs::read_to_string(&file).unwrap().replace(&attacker.name.to_string(), &catalog.zone().to_string())
        + "version 60 IN TXT \"2\"\nprimaries.ext 60 IN A 127.0.0.66\nx.zones 60 IN PTR alice-shop.com.\n";
    // As an older release left it: named has the account's zone, from its file, in the place of the catalog.
    let take_the_place = async || {
        followers.control.send(&Command::DelZone(catalog.zone())).await.unwrap();
        // The journal is that of the zone's own name.
        let _ = fs::remove_file(file.with_extension("zone.jnl"));
        fs::write(&file, &text).unwrap();
        let mut config = ZoneConfig::primary(ConfigText::from_path(&file).unwrap());
        config.update_keys = vec![followers.config.update_key.name().clone()];
        let add = Command::AddZone { zone: catalog.zone(), config: Box::new(config) };
        followers.control.send(&add).await.unwrap();
    };
    followers.control.send(&Command::DelZone(attacker.name.clone())).await.unwrap();

    take_the_place().await;
    followers.catalogs.audit().await.unwrap();
    assert!(is_its_own(&followers, catalog).await, "the catalogs take their place back");

    take_the_place().await;
    let attacker = followers.rename(&attacker, catalog.zone());
    followers.add(&attacker, "wake", "192.0.2.1").await;
    eventually(async || !file.exists()).await;
    let without = async || match followers.control.zone_status(&catalog.zone()).await {
        Ok(status) => status.files.is_some_and(|files| files.ends_with(&catalog.file_name())),
        Err(error) => error.refusal() == Some(Refusal::NotFound),
    };
    eventually(without).await;
    followers.catalogs.audit().await.unwrap();
    assert!(is_its_own(&followers, catalog).await);
    followers.stop().await;
}

/// The file of a zone in the folder of the accounts' zones.
fn zone_file(followers: &Followers, zone: &Zone) -> PathBuf {
    let name = format!("{}.zone", zone.id.0);
    let folders = fs::read_dir(followers.path("zones")).unwrap().map(|folder| folder.unwrap().path());
    let found = folders.map(|folder| folder.join(&name)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("{name} is in the folder"))
}

/// Whether every catalog holds the members it should, under the store's serial.
async fn is_right(followers: &Followers, zones: &[Zone]) -> bool {
    let mut expected: HashSet<Name> =
        zones.iter().map(|zone| CatalogName::for_zone(&zone.name).member(zone.id)).collect();
    let catalogs: HashSet<CatalogName> = zones.iter().map(|zone| CatalogName::for_zone(&zone.name)).collect();
    for catalog in catalogs {
        let there = fetch(followers, catalog).await;
        if there.serial().unwrap() != followers.store.journal().catalog(catalog.0).await.unwrap().serial {
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
    transfer::fetch(followers.dns(), &catalog.zone(), key, limits, &signing::clock(&Clock::system())).await.unwrap()
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
    let updater = Updater::new(
        followers.dns(),
        &followers.config.update_key,
        Default::default(),
        signing::clock(&Clock::system()),
    );
    assert_eq!(updater.send(step.build().unwrap()).await.unwrap(), Outcome::Applied);
}

fn pointer(catalog: CatalogName, name: &str) -> WireRecord {
    let owner = catalog.member(dns::ZoneId(uuid::Uuid::from_u128(7)));
    let data = Name::parse(name).unwrap().wire().into();
    WireRecord { owner, record_type: Rtype::PTR, ttl: Ttl::MIN, data }
}

fn is_in(catalog: CatalogName, number: u32) -> bool {
    CatalogName::for_zone(&dns::ZoneName::parse(&format!("zone{number}.example")).unwrap()) == catalog
}
