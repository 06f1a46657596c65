//! Secondaries of both makes behind a real primary, from the store's commit to their answers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::process::Command as Process;
use std::time::{Duration, Instant};

use common::channel::eventually;
use common::followers::Followers;
use deploy::notify::Notifier;
use deploy::signing;
use deploy::{Trouble, query};
use dns::{Serial, ZoneDelta};
use std::net::SocketAddr;
use store::{Clock, Head, Zone};
use tokio_util::sync::CancellationToken;
use wire::update::{self, Outcome, Updater};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn changes_reach_all_secondaries_again_and_again() {
    let followers = Followers::start(2, 1).await;
    let mut zone = followers.create("example.com").await;
    assert!(followers.is_served(&zone, PATIENCE).await);
    for number in 1..=20 {
        let before = Head::from(zone.clone());
        zone = followers.add(&zone, &format!("host{number}"), "192.0.2.1").await;
        assert!(followers.is_served(&zone, PATIENCE).await, "change {number}");
        // Who read the newest version before the change is not told that the nameservers are ahead.
        let status = followers.deployment.status(&before).await;
        assert!(status.iter().all(|server| server.in_sync && server.trouble.is_none()), "{status:?}");
    }
    for (address, _) in &followers.secondaries {
        assert_eq!(dig(*address, "host20.example.com"), "192.0.2.1\n");
    }
    followers.stop().await;
}

#[tokio::test]
async fn a_zone_made_again_shows_nothing_of_the_old_one() {
    let followers = Followers::start(2, 1).await;
    for round in 1..=5 {
        let zone = followers.create("example.com").await;
        let zone = followers.add(&zone, &format!("old{round}"), "192.0.2.1").await;
        assert!(followers.is_served(&zone, PATIENCE).await);
        followers.delete(&zone).await;
        let zone = followers.create("example.com").await;
        let zone = followers.add(&zone, "new", "192.0.2.2").await;
        for (address, _) in &followers.secondaries {
            // Whenever it answers for the new zone, nothing of the old one is there.
            eventually(async || serves(*address, &zone).await).await;
            assert_eq!(dig(*address, &format!("old{round}.example.com")), "", "round {round}");
            assert_eq!(dig(*address, "new.example.com"), "192.0.2.2\n");
        }
        followers.delete(&zone).await;
        for (address, _) in &followers.secondaries {
            let gone = async || matches!(query::serial(*address, &zone.name, PATIENCE).await, Ok(None));
            eventually(gone).await;
        }
    }
    followers.stop().await;
}

#[tokio::test]
async fn what_happened_while_the_primary_was_away_is_caught_up() {
    let mut followers = Followers::start(1, 1).await;
    let kept = followers.create("kept.example").await;
    let deleted = followers.create("deleted.example").await;
    assert!(followers.is_served(&kept, PATIENCE).await && followers.is_served(&deleted, PATIENCE).await);
    followers.primary.kill();
    let kept = followers.add(&kept, "www", "192.0.2.1").await;
    let made = followers.create("made.example").await;
    followers.delete(&deleted).await;
    assert!(!followers.is_served(&kept, Duration::from_millis(300)).await);
    followers.restart_primary();
    assert!(followers.is_served(&kept, PATIENCE).await && followers.is_served(&made, PATIENCE).await);
    for (address, _) in &followers.secondaries {
        let gone = async || matches!(query::serial(*address, &deleted.name, PATIENCE).await, Ok(None));
        eventually(gone).await;
    }
    followers.stop().await;
}

#[tokio::test]
async fn a_secondary_that_hears_nothing_for_a_while_is_told_again() {
    let followers = Followers::start(1, 1).await;
    let zone = followers.create("example.com").await;
    assert!(followers.is_served(&zone, PATIENCE).await);
    for (_, daemon) in &followers.secondaries {
        signal("STOP", daemon.id());
    }
    // Longer than the tries of a NOTIFY take together, and more of them than a stopped secondary's buffer holds back.
    let mut zone = zone;
    let begun = Instant::now();
    for number in 1.. {
        zone = followers.add(&zone, &format!("host{number}"), "192.0.2.1").await;
        assert!(!followers.is_served(&zone, Duration::from_millis(100)).await);
        if begun.elapsed() > Duration::from_secs(5) {
            break;
        }
    }
    for (_, daemon) in &followers.secondaries {
        signal("CONT", daemon.id());
    }
    assert!(followers.is_served(&zone, PATIENCE).await);
    followers.stop().await;
}

#[tokio::test]
async fn a_secondary_that_nobody_told_is_found_by_the_comparison() {
    let followers = Followers::start(1, 1).await;
    let zone = followers.create("example.com").await;
    assert!(followers.is_served(&zone, PATIENCE).await);
    followers.hush.cancel();
    let zone = followers.add(&zone, "www", "192.0.2.1").await;
    eventually(async || serves(followers.dns(), &zone).await).await;
    assert!(!followers.is_served(&zone, Duration::from_millis(500)).await);

    let (config, stop) = (&followers.config, CancellationToken::new());
    let notifier = Notifier::new(&config.secondaries, &config.transfer_key, &Clock::system(), &stop);
    let journal = followers.store.journal();
    let sweeps = tokio::spawn(async move { notifier.sweep_for_ever(journal, Duration::from_millis(100)).await });
    assert!(followers.is_served(&zone, PATIENCE).await);
    stop.cancel();
    sweeps.await.unwrap();
    followers.stop().await;
}

#[tokio::test]
async fn a_zone_continues_above_what_a_secondary_has() {
    let followers = Followers::start(1, 0).await;
    let zone = followers.create("example.com").await;
    assert!(followers.is_served(&zone, PATIENCE).await);
    // As after an old backup: the nameservers are further than the store.
    let now = followers.store.journal().snapshot(zone.id).await.unwrap().unwrap();
    let ahead = Serial(zone.serial.0.wrapping_add(1000));
    let (id, name, mut to) = (zone.id, zone.name.clone(), now.soa.clone());
    to.serial = ahead;
    let delta = ZoneDelta { id, name, from: now.soa, to, removed: Vec::new(), added: Vec::new() };
    let config = &followers.config;
    let updater = Updater::new(
        followers.dns(),
        &config.update_key,
        update::Settings::default(),
        signing::clock(&Clock::system()),
    );
    assert_eq!(updater.apply(&delta).await.unwrap(), Outcome::Applied);
    let notifier = followers.catalogs.notifier();
    notifier.tell(&zone.name, ahead);
    let (secondary, _) = followers.secondaries[0];
    eventually(async || query::serial(secondary, &zone.name, PATIENCE).await.unwrap() == Some(ahead)).await;

    // What is served does not come from here, and is not in sync, whichever version is asked about.
    let head = followers.store.journal().head(&zone.name).await.unwrap().unwrap();
    for server in followers.deployment.status(&head).await {
        assert_eq!((server.in_sync, server.serial, server.trouble), (false, Some(ahead), Some(Trouble::Ahead)));
        assert!(server.error.is_some_and(|error| error.contains(&ahead.to_string())));
    }
    let begun = Instant::now();
    assert!(!followers.is_served(&zone, Duration::from_millis(500)).await, "a wait ends without success");
    assert!(begun.elapsed() < PATIENCE / 3);

    let sweep = notifier.sweep_for_ever(followers.store.journal(), Duration::from_millis(100));
    let is_above = async || {
        let serial = query::serial(secondary, &zone.name, PATIENCE).await.unwrap();
        serial.is_some_and(|serial| serial.is_newer_than(ahead))
    };
    tokio::select! {
        () = sweep => unreachable!("it goes on for ever"),
        () = eventually(is_above) => {}
    }
    let head = followers.store.journal().head(&zone.name).await.unwrap().unwrap();
    assert!(head.serial.is_newer_than(ahead));
    assert!(followers.deployment.wait(&head, PATIENCE).await);
    followers.stop().await;
}

fn signal(name: &str, process: u32) {
    let sent = Process::new("kill").args(["-s", name, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

async fn serves(server: SocketAddr, zone: &Zone) -> bool {
    let serial = query::serial(server, &zone.name, PATIENCE).await.ok().flatten();
    serial.is_some_and(|serial| !zone.serial.is_newer_than(serial))
}

fn dig(server: SocketAddr, name: &str) -> String {
    let (ip, port) = (format!("@{}", server.ip()), server.port().to_string());
    let output = Process::new("dig").args([&ip, "-p", &port, name, "A", "+short", "+norec"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
