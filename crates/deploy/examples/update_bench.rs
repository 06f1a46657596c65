//! Measures the clients of BIND against a real `named` on this machine, and prints a table:
//!
//! - the time from a change to its being served, by the size of the zone;
//! - updates in a second, with one and with sixteen in flight;
//! - reading the serials of many zones.
//!
//! `cargo run --release -p deploy --example update_bench [ZONES]`; `ZONES` (100,000) is for the last.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::dbg_macro,
    reason = "a measurement prints, stops where something fails, and uses a part of the tests' helpers"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::content::{NS, record, step, version};
use common::dynamic::Dynamic;
use common::named::{SMALL_ZONE, Setup};
use deploy::bind9::difference::compare;
use dns::{ZoneName, ZoneSnapshot};
use futures_util::StreamExt;
use futures_util::future::join_all;
use wire::ask::Asker;
use wire::update::{Outcome, Settings, Updater};

#[tokio::main]
async fn main() {
    let zones = std::env::args().nth(1).map_or(100_000, |zones| zones.parse().expect("a number of zones"));
    let named = Dynamic::open();
    for size in [10, 1_000, 100_000] {
        until_served(&named, size).await;
    }
    throughput(&named).await;
    drop(named);
    serials(zones).await;
}

async fn until_served(named: &Dynamic, size: u32) {
    let mut current = version(&format!("size{size}.test"), 1, &[NS]);
    for host in 0..size {
        let address = format!("10.{}.{}.{}", host >> 16, (host >> 8) & 255, host & 255);
        current.records.push(record(&current.name, (&format!("host{host}"), 300, "A", &address)));
    }
    named.load(&current).await;
    let updater = named.updater();
    let asker = Asker::new(named.channel.named.dns(), Default::default());
    let mut applied = Vec::new();
    let mut served = Vec::new();
    let mut head = Head::new(current.name.clone());
    for _ in 0..1_000 {
        let delta = head.next();
        let begin = Instant::now();
        assert_eq!(updater.apply(&delta).await.unwrap(), Outcome::Applied);
        applied.push(begin.elapsed());
        while asker.serial(&delta.name).await.unwrap() != Some(delta.to.serial) {}
        served.push(begin.elapsed());
    }
    println!("{size:>7} records: answered {}, served {}", spread(&mut applied), spread(&mut served));
    let begin = Instant::now();
    let transferred = named.transfer(&current.name).await;
    let fetched = begin.elapsed();
    let difference = compare(&current, &transferred);
    println!(
        "{size:>7} records: transferred in {fetched:.1?}, compared in {:.1?} ({} differences)",
        begin.elapsed() - fetched,
        difference.missing.len() + difference.extra.len()
    );
}

/// A zone whose one changing record goes from version to version.
struct Head {
    serial: u32,
    current: ZoneSnapshot,
}

impl Head {
    fn new(zone: ZoneName) -> Head {
        Head { serial: 1, current: version(&zone.to_string(), 1, &[NS]) }
    }

    fn next(&mut self) -> dns::ZoneDelta {
        self.serial += 1;
        let text = self.serial.to_string();
        let next = version(&self.current.name.to_string(), self.serial, &[NS, ("bench", 300, "TXT", &text)]);
        let delta = step(&self.current, &next);
        self.current = next;
        delta
    }
}

async fn throughput(named: &Dynamic) {
    let mut heads = Vec::new();
    for index in 0..1_000 {
        let zone = version(&format!("load{index}.test"), 1, &[NS]);
        named.load(&zone).await;
        heads.push(Head::new(zone.name));
    }
    for (connections, in_flight) in [(1, 1), (1, 16), (4, 4), (4, 16)] {
        let settings = Settings { connections, in_flight, ..Settings::default() };
        let updater = named.updater_with(settings);
        // Each task has zones of its own, and one update under way.
        let tasks = connections * in_flight;
        let mut shares: Vec<Vec<&mut Head>> = (0..tasks).map(|_| Vec::new()).collect();
        for (index, head) in heads.iter_mut().enumerate() {
            shares[index % tasks].push(head);
        }
        let begin = Instant::now();
        let all = join_all(shares.into_iter().map(|share| run(&updater, share, begin + Duration::from_secs(5)))).await;
        let took = begin.elapsed();
        let mut times = all.concat();
        let rate = times.len() as f64 / took.as_secs_f64();
        println!("{connections} connections, {tasks} in flight: {rate:.0} updates/s, {}", spread(&mut times));
    }
}

async fn run(updater: &Updater, mut share: Vec<&mut Head>, end: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    for index in 0.. {
        let count = share.len();
        let delta = share[index % count].next();
        let begin = Instant::now();
        if begin >= end {
            // The step was not made: the zone is still where it was.
            share[index % count].undo(delta);
            break;
        }
        assert_eq!(updater.apply(&delta).await.unwrap(), Outcome::Applied);
        times.push(begin.elapsed());
    }
    times
}

impl Head {
    fn undo(&mut self, delta: dns::ZoneDelta) {
        self.serial -= 1;
        self.current.soa = delta.from;
        self.current.records.retain(|record| !delta.added.contains(record));
        self.current.records.extend(delta.removed);
    }
}

async fn serials(count: u32) {
    let statements: String = (0..count)
        .map(|index| format!("zone \"zone{index}.test\" {{ type primary; file \"small.db\"; }};\n"))
        .collect();
    let named = Setup::new().file("small.db", SMALL_ZONE).statements(&statements).start();
    let asker = Asker::new(named.dns(), Default::default());
    let zones: Vec<_> = (0..count).map(|index| ZoneName::parse(&format!("zone{index}.test")).unwrap()).collect();
    for _ in 0..2 {
        let begin = Instant::now();
        let answers = futures_util::stream::iter(&zones).map(|zone| asker.serial(zone)).buffer_unordered(1024);
        let (served, failed) = answers
            .fold((0, 0), async |(served, failed), answer| match answer {
                Ok(Some(_)) => (served + 1, failed),
                _ => (served, failed + 1),
            })
            .await;
        let took = begin.elapsed();
        let rate = f64::from(count) / took.as_secs_f64();
        println!("{served} serials in {took:.2?} ({rate:.0}/s), {failed} failed");
    }
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 1000).min(times.len() - 1)];
    format!("p50 {:.2?} p99 {:.2?}", at(500), at(990))
}
