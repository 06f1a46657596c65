//! Many zones at once on a named that has none, and what that costs.
//!
//! `ZONES=100000 cargo test --release -p deploy --test bind9_bulk -- --ignored --nocapture` measures.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::channel::{delete_zone, eventually, zone};
use common::named::Setup;
use common::primary::{Primary, Running};
use deploy::bind9::Bind9Settings;

/// Above the number from which it is worth it.
const ZONES: u32 = 2_100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_without_zones_is_given_all_at_once() {
    let mut primary = Primary::open_with(Setup::new().options("lmdb-mapsize 1G;")).await;
    make_zones(&primary, 0..ZONES).await;
    let running = primary.deploy_with(with_list(&primary)).await;
    settled(&running).await;
    let log = primary.dynamic.channel.named.log();
    assert_eq!(log.matches("received control channel command 'addzone").count(), 0);
    spot_check(&primary).await;
    let named = &primary.dynamic.channel.named;
    assert!(!named.path("_default.nzf").exists());

    // They are zones like others: they change, go, and come back after a restart of named.
    let first =
        primary.store.zones(primary.author.account, Some(zone("zone0.example")), None, 1).await.unwrap().remove(0);
    primary.add(&first, "www", "192.0.2.1").await;
    let second =
        primary.store.zones(primary.author.account, Some(zone("zone1.example")), None, 1).await.unwrap().remove(0);
    primary.store.delete_zone(&primary.author, second.id, Vec::new()).await.unwrap();
    primary.is_gone(&second).await;
    eventually(async || primary.is_in_order(&first.name).await).await;
    running.stop().await;
    primary.dynamic.channel.named.restart();
    primary.is_gone(&second).await;
    spot_check(&primary).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_named_does_not_take_is_added() {
    let primary = Primary::open_with(Setup::new().options("lmdb-mapsize 1G;")).await;
    make_zones(&primary, 0..ZONES).await;
    // A zone of the operator's is in the way of taking all at once.
    primary.dynamic.channel.add(&zone("operator.example")).await;
    let list = primary.dynamic.channel.named.path("_default.nzf");
    fs::write(&list, "left over").unwrap();
    let running = primary.deploy_with(with_list(&primary)).await;
    settled(&running).await;
    assert!(!list.exists());
    spot_check(&primary).await;
    running.stop().await;
    primary.dynamic.channel.ok(delete_zone(&zone("operator.example"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure() {
    let zones: u32 = std::env::var("ZONES").unwrap_or_else(|_| "1000".to_owned()).parse().unwrap();
    let mut primary = Primary::open_with(Setup::new().options("lmdb-mapsize 2G;")).await;
    make_zones(&primary, 0..zones).await;
    for (what, list) in [("one by one", false), ("all at once", true)] {
        if !list && zones > 20_000 {
            eprintln!("{zones} zones {what}: not measured, it takes very long");
            continue;
        }
        let settings = || if list { with_list(&primary) } else { primary.settings() };
        let start = Instant::now();
        let running = primary.deploy_with(settings()).await;
        settled(&running).await;
        eprintln!("{zones} zones {what}: {:?}", start.elapsed());
        spot_check(&primary).await;
        running.stop().await;

        let start = Instant::now();
        let running = primary.deploy_with(settings()).await;
        eprintln!("{zones} zones, the folder is read: {:?}", start.elapsed());
        settled(&running).await;
        let compared = start.elapsed();
        running.stop().await;
        let peer = asked_by_dnsperf(&primary, zones);
        eprintln!(
            "{zones} zones, compared at a start with nothing to do: {compared:?}; dnsperf asks once for each in {peer:?}: {:.2} times",
            compared.as_secs_f64() / peer.as_secs_f64()
        );
        primary.dynamic.channel.named.kill();
        fs::remove_dir_all(primary.zone_folder()).unwrap();
        fs::remove_file(primary.dynamic.channel.named.path("_default.nzd")).unwrap();
        primary.dynamic.channel.named.restart();
    }
}

/// How long dnsperf takes to ask for every zone's SOA once: what there is to compare with.
fn asked_by_dnsperf(primary: &Primary, zones: u32) -> Duration {
    let named = &primary.dynamic.channel.named;
    let questions = primary.folder.path().join("questions");
    let lines: String = (0..zones).map(|number| format!("zone{number}.example SOA\n")).collect();
    fs::write(&questions, lines).unwrap();
    let (address, port) = (named.dns().ip().to_string(), named.dns().port().to_string());
    let mut dnsperf = std::process::Command::new("dnsperf");
    let output = dnsperf.args(["-s", &address, "-p", &port, "-n", "1", "-d"]).arg(&questions).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let seconds =
        text.lines().find_map(|line| line.trim().strip_prefix("Run time (s):")).unwrap_or_else(|| panic!("{text}"));
    Duration::from_secs_f64(seconds.trim().parse().unwrap())
}

fn with_list(primary: &Primary) -> Bind9Settings {
    Bind9Settings { new_zones_folder: Some(primary.dynamic.channel.named.path("")), ..primary.settings() }
}

async fn make_zones(primary: &Primary, numbers: std::ops::Range<u32>) {
    let mut made = tokio::task::JoinSet::new();
    for number in numbers {
        let (store, author) = (primary.store.clone(), primary.author.clone());
        made.spawn(async move {
            store.create_zone(&author, zone(&format!("zone{number}.example"))).await.unwrap();
        });
        if made.len() >= 500 {
            made.join_next().await.unwrap().unwrap();
        }
    }
    made.join_all().await;
}

async fn settled(running: &Running) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while !running.deployment.is_settled() {
        assert!(Instant::now() < deadline, "not settled");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn spot_check(primary: &Primary) {
    let heads = primary.heads().await;
    for head in heads.iter().step_by((heads.len() / 20).max(1)) {
        eventually(async || primary.is_in_order(&head.name).await).await;
    }
}
