//! Tests of the folder without a named.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use dns::apex::{Apex, ApexNameserver};
use dns::{Name, Serial, ZoneId, ZoneName, ZoneSnapshot};
use store::Clock;
use uuid::Uuid;

use super::{FolderError, ZoneFolder};

fn zone(name: &str, id: u128) -> ZoneSnapshot {
    let nameserver = ApexNameserver { name: Name::parse("ns1.zonewright.test").unwrap(), addresses: Vec::new() };
    let apex = Apex::new(vec![nameserver]).unwrap();
    let name = ZoneName::parse(name).unwrap();
    let records = apex.records(&name, None);
    ZoneSnapshot { id: ZoneId(Uuid::from_u128(id)), name, soa: apex.soa(Serial(7)), records }
}

fn open(path: &std::path::Path) -> Arc<ZoneFolder> {
    Arc::new(ZoneFolder::open(path, Clock::system()).unwrap())
}

#[test]
fn what_was_written_is_found_again() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("zones");
    let folder = open(&path);
    let zones = [zone("example.com", 1), zone("0/25.2.0.192.in-addr.arpa", 2), zone("example.com", 3)];
    for zone in &zones {
        folder.write(zone).unwrap();
    }
    fs::write(path.join("01").join(format!("{}.zone.jnl", Uuid::from_u128(1))), "").unwrap();
    let left_over = path.join("02").join(format!("{}.zone.new", Uuid::from_u128(2)));
    fs::write(&left_over, "half").unwrap();
    drop(folder);

    let folder = open(&path);
    assert!(!left_over.exists());
    let mut found = folder.zones();
    found.sort_by_key(|(_, id)| *id);
    assert_eq!(found, zones.iter().map(|zone| (zone.name.clone(), zone.id)).collect::<Vec<_>>());

    folder.remove(&zones[0].name, zones[0].id).unwrap();
    assert_eq!(folder.ids(&zones[0].name), vec![zones[2].id]);
    assert_eq!(fs::read_dir(path.join("01")).unwrap().count(), 0);
    fs::remove_dir_all(path.join("02")).unwrap();
    folder.scan().unwrap();
    assert_eq!(folder.ids(&zones[1].name), vec![]);
    folder.write(&zones[1]).unwrap();
}

#[test]
fn what_named_left_behind_is_removed_when_it_is_old() {
    let home = tempfile::tempdir().unwrap();
    let folder = open(home.path());
    folder.write(&zone("example.com", 1)).unwrap();
    let file = |name: &str, age: u64| {
        let path = home.path().join("01").join(name);
        fs::File::create(&path).unwrap().set_modified(folder_time(age)).unwrap();
        path
    };
    let (old, new) = (file("tmp-AbCdEfGhIj", 3700), file("tmp-AbCdEfGhIk", 60));
    let other = file("by-hand", 1_000_000);
    folder.scan().unwrap();
    assert!(!old.exists() && new.exists() && other.exists());
    assert_eq!(folder.zones().len(), 1);
}

fn folder_time(age: u64) -> std::time::SystemTime {
    std::time::SystemTime::from(Clock::system().now()) - std::time::Duration::from_secs(age)
}

#[test]
fn a_header_says_zone_serial_and_time() {
    let home = tempfile::tempdir().unwrap();
    let folder = open(home.path());
    let zone = zone("example.com", 1);
    folder.write(&zone).unwrap();
    let text = fs::read_to_string(home.path().join("01").join(format!("{}.zone", zone.id.0))).unwrap();
    let header = text.lines().next().unwrap();
    let start = format!("; zonewright zone=example.com. id={} serial=7 time=20", zone.id.0);
    assert!(header.starts_with(&start) && header.ends_with('Z'), "{header}");
}

#[test]
fn named_s_paths_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let folder = ZoneFolder::open(home.path(), Clock::system()).unwrap();
    let root = home.path().display();
    let id = ZoneId(Uuid::from_u128(1));
    let path = folder.config_text(id).unwrap().to_string();
    assert_eq!(path, format!("\"{root}/01/{}.zone\"", id.0));
    assert_eq!(folder.id_of(path.trim_matches('"')), Some(id));
    for other in [
        format!("{root}/02/{}.zone", id.0),
        format!("{root}/01/{}.zone.jnl", id.0),
        format!("{root}x/01/{}.zone", id.0),
        format!("{root}/01/example.com.zone"),
        String::new(),
    ] {
        assert_eq!(folder.id_of(&other), None, "{other}");
    }
}

#[test]
fn files_are_as_open_as_the_folder() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("zones");
    for mode in [0o2770, 0o755] {
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let folder = open(&path);
        let zone = zone("example.com", 1);
        folder.write(&zone).unwrap();
        let mode_of = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode_of(&path.join("01")), mode);
        assert_eq!(mode_of(&path.join("01").join(format!("{}.zone", zone.id.0))), mode & 0o666);
        drop(folder);
        fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn one_holds_the_folder() {
    let home = tempfile::tempdir().unwrap();
    let folder = open(home.path());
    let refused = ZoneFolder::open(home.path(), Clock::system()).unwrap_err();
    assert!(matches!(refused, FolderError::Locked { process: Some(id), .. } if id == std::process::id()), "{refused}");
    drop(folder);
    open(home.path());
}

#[test]
fn what_is_staged_and_dropped_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let folder = open(home.path());
    drop(folder.stage(&zone("example.com", 1)).unwrap());
    assert_eq!(fs::read_dir(home.path().join("01")).unwrap().count(), 0);
    assert!(folder.zones().is_empty());
}
