//! Zones on a real named: made, changed, rebuilt and removed, and whose are left alone.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::fs;

use common::channel::{eventually, zone};
use common::named::Setup;
use common::primary::{Primary, a_record};
use deploy::bind9::folder::FolderError;
use deploy::bind9::{Bind9, OpenError};
use deploy::{DeployError, Nameserver, Witness};
use dns::change::Edit;

#[tokio::test]
async fn zones_come_change_and_go() {
    let primary = Primary::open().await;
    let running = primary.deploy().await;
    let zones = [primary.zone("example.com").await, primary.zone("0/25.2.0.192.in-addr.arpa").await];
    primary.in_order().await;
    let record = primary.add(&zones[0], "_sip._tcp", "192.0.2.1").await;
    primary.add(&zones[1], "7", "192.0.2.2").await;
    primary.in_order().await;
    primary.change(&zones[0], vec![Edit::Delete(record)]).await;
    primary.in_order().await;

    let [first, second] = &zones;
    primary.store.delete_zone(&primary.author, first.id, Vec::new()).await.unwrap();
    primary.is_gone(first).await;
    // The same name, another zone: nothing of the old one is served.
    primary.zone("example.com").await;
    primary.in_order().await;
    primary.store.delete_zone(&primary.author, second.id, Vec::new()).await.unwrap();
    primary.is_gone(second).await;
    running.stop().await;
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let primary = Primary::open().await;
    let zones = primary.zones(20).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    // named writes its files anew, without our header.
    primary.add(&zones[0], "www", "192.0.2.1").await;
    primary.in_order().await;
    primary.dynamic.channel.rndc(&format!("sync -clean {}", zones[0].name)).unwrap();
    running.stop().await;

    let log = primary.dynamic.channel.named.log();
    let running = primary.deploy().await;
    eventually(async || running.deployment.is_settled()).await;
    for zone in &zones {
        let served = running.bind9.served(&zone.name).await.unwrap().unwrap();
        assert_eq!(served.id, Some(zone.id), "{}", zone.name);
    }
    let since = primary.dynamic.channel.named.log().split_off(log.len());
    assert!(!since.contains("addzone") && !since.contains("updating zone"), "{since}");
    running.stop().await;
}

#[tokio::test]
async fn what_was_removed_while_nobody_was_here_goes() {
    let primary = Primary::open().await;
    let zones = primary.zones(3).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    primary.add(&zones[0], "www", "192.0.2.1").await;
    primary.in_order().await;
    running.stop().await;

    for zone in &zones[..2] {
        primary.store.delete_zone(&primary.author, zone.id, Vec::new()).await.unwrap();
    }
    // One of them is made again: it is another zone.
    primary.zone("zone1.example").await;
    let running = primary.deploy().await;
    for zone in &zones[..2] {
        eventually(async || primary.files().iter().all(|file| !file.contains(&zone.id.0.to_string()))).await;
    }
    primary.is_gone(&zones[0]).await;
    primary.in_order().await;
    running.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_a_message_is_rebuilt() {
    let primary = Primary::open().await;
    let zone = primary.zone("example.com").await;
    let watch = primary.watch(std::slice::from_ref(&zone));
    let running = primary.deploy().await;
    primary.in_order().await;
    for round in 0..2 {
        let many = (0..6_000).map(|number: u32| {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
            let owner = format!("some-longer-owner-name-{round}-{number}");
            a_record(primary.store.new_record_id(), &zone, &owner, &address.to_string())
        });
        primary.change(&zone, many.collect()).await;
        primary.in_order().await;
        // And it takes updates again.
        primary.add(&zone, &format!("after{round}"), "192.0.2.1").await;
        primary.in_order().await;
    }
    assert_eq!(primary.dynamic.channel.named.log().matches("freezing zone").count(), 2);
    assert!(primary.files().iter().all(|file| !file.ends_with(".old") && !file.ends_with(".new")));
    watch.end().await;
    running.stop().await;
}

#[tokio::test]
async fn a_zone_of_the_operator_s_is_left_alone() {
    let statement = "zone \"example.com\" { type primary; file \"small.db\"; };";
    let primary = Primary::open_with(Setup::new().statements(statement)).await;
    let ours = primary.zone("example.com").await;
    let other = primary.zone("example.org").await;
    let running = primary.deploy().await;
    eventually(async || primary.is_in_order(&other.name).await).await;
    let head = primary.store.journal().head(&ours.name).await.unwrap().unwrap();
    eventually(async || {
        let status = running.deployment.status(&head).await;
        status[0].error.as_ref().is_some_and(|error| error.contains("small.db"))
    })
    .await;
    primary.store.delete_zone(&primary.author, ours.id, Vec::new()).await.unwrap();
    running.bind9.remove(&ours.name).await.unwrap();
    let served = running.bind9.served(&ours.name).await.unwrap().unwrap();
    assert_eq!((served.id, served.serial.0), (None, 1));
    running.stop().await;
}

#[tokio::test]
async fn the_folder_belongs_to_one() {
    let primary = Primary::open().await;
    let first = Bind9::open(primary.settings()).await.unwrap();
    let refused = Bind9::open(primary.settings()).await.unwrap_err();
    let OpenError::Folder(FolderError::Locked { process, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(*process, Some(std::process::id()));
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");

    // Who empties the folder opens the way for another; the first then does nothing any more.
    fs::remove_file(primary.zone_folder().join(".lock")).unwrap();
    let second = Bind9::open(primary.settings()).await.unwrap();
    let zone = primary.zone("example.com").await;
    let snapshot = primary.store.journal().snapshot(zone.id).await.unwrap().unwrap();
    let refused = first.load(snapshot.clone()).await.unwrap_err();
    assert!(matches!(refused, DeployError::ZoneFolder(_)), "{refused:?}");
    second.load(snapshot).await.unwrap();
    drop((first, second));
    Bind9::open(primary.settings()).await.unwrap();
}

#[tokio::test]
async fn an_old_plan_loses() {
    let primary = Primary::open().await;
    let zone_made = primary.zone("example.com").await;
    let bind9 = Bind9::open(primary.settings()).await.unwrap();
    let snapshot = async || primary.store.journal().snapshot(zone_made.id).await.unwrap().unwrap();
    let first = snapshot().await;
    bind9.load(first.clone()).await.unwrap();
    primary.add(&zone_made, "a", "192.0.2.1").await;
    let late = primary.store.journal().delta(zone_made.id, first.serial()).await.unwrap().unwrap();
    primary.add(&zone_made, "b", "192.0.2.2").await;
    let newest = primary.store.journal().delta(zone_made.id, first.serial()).await.unwrap().unwrap();
    bind9.apply(newest).await.unwrap();
    let refused = bind9.apply(late).await.unwrap_err();
    assert!(matches!(refused, DeployError::Diverged(_)), "{refused:?}");
    primary.in_order().await;
    let refused = bind9.load(first).await.unwrap_err();
    assert!(matches!(refused, DeployError::Ahead { .. }), "{refused:?}");
    primary.in_order().await;
    assert!(primary.is_in_order(&zone("example.com")).await);
}
