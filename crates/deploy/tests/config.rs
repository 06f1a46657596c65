//! The printed configurations, as they are, on real nameservers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::fs;
use std::process::Command as Process;
use std::time::Duration;

use common::channel::{eventually, zone};
use common::followers::Followers;
use common::named::SMALL_ZONE;
use deploy::ConfigText;
use deploy::bind9::config::primary;
use deploy::bind9::control::{Command, ZoneConfig};
use deploy::bind9::key::statement;
use deploy::query;
use dns::ZoneName;

const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn secondaries_of_both_makes_follow_the_primary() {
    let followers = Followers::start(1, 1).await;
    let zone = followers.create("example.com").await;
    for (address, _) in &followers.secondaries {
        eventually(async || query::serial(*address, &zone.name, PATIENCE).await.ok().flatten() == Some(zone.serial))
            .await;
    }
    assert_no_complaint(&followers.primary.log());
    for (_, daemon) in &followers.secondaries {
        assert_no_complaint(&daemon.log());
    }
}

#[tokio::test]
async fn who_has_no_key_is_told_nothing() {
    let followers = Followers::start(0, 0).await;
    let name = zone("example.com");
    add(&followers, &name, "zone.db", SMALL_ZONE).await;
    let key = statement(&followers.config.transfer_key);
    fs::write(followers.path("transfer.key"), key).unwrap();
    let dig = |with_key: bool| {
        let server = followers.dns();
        let mut dig = Process::new("dig");
        dig.args([&format!("@{}", server.ip()), "-p", &server.port().to_string(), "example.com", "AXFR", "+short"]);
        if with_key {
            dig.arg("-k").arg(followers.path("transfer.key"));
        }
        String::from_utf8(dig.output().unwrap().stdout).unwrap()
    };
    assert!(dig(true).contains("ns.invalid."));
    assert!(!dig(false).contains("ns.invalid."));
}

#[tokio::test]
async fn checkconf_has_nothing_to_say() {
    let followers = Followers::start(0, 0).await;
    let path = followers.path("again.conf");
    fs::write(&path, primary(&followers.config)).unwrap();
    let output = Process::new("named-checkconf").arg(&path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

async fn add(followers: &Followers, zone: &ZoneName, file: &str, text: &str) {
    let path = followers.path(file);
    fs::write(&path, text).unwrap();
    let config = ZoneConfig::primary(ConfigText::from_path(&path).unwrap());
    let command = Command::AddZone { zone: zone.clone(), config: Box::new(config) };
    followers.control.send(&command).await.unwrap();
}

/// What named says about a configuration that it takes only in part.
fn assert_no_complaint(log: &str) {
    for line in log.lines() {
        for word in ["obsolete", "deprecated", "not implemented", "permission denied", "could not"] {
            assert!(!line.contains(word), "{line}");
        }
    }
}
