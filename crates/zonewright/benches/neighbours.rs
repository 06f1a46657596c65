//! `cargo bench -p zonewright --bench neighbours`: what one account's large changes cost the others.
//!
//! While one account rehearses, imports, replaces and rolls back a zone of 400,000 records, another creates records one by one.
//! Prints how long each large change took, how long the single creates waited, and what memory the server had before, at most,
//! and afterwards. `-- 50000` does it with fewer records.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on ends"
)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "kit/http.rs"]
mod kit;

use std::fmt::Write;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Server, run, zonewright};
use kit::{Client, create_zone, ms, percentile};

const RECORDS: usize = 400_000;
/// How long memory may take to come back.
const REST: Duration = Duration::from_secs(15);

fn main() {
    // `cargo test` runs benchmarks too; only `cargo bench` passes this.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("benchmarks run with: cargo bench -p zonewright");
        return;
    }
    let records = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(RECORDS);
    let server = Server::start(&[]);
    let token = server.token();
    let other = other_account(&server);
    let large = create_zone(&server, &token, "large.example");
    let single = create_zone(&server, &other, "single.example");
    let path = format!("/api/v1/dns-zones/{large}/zonefile/");
    let [first, second] = [file(records, 300), file(records, 600)];
    println!("{records} records, {:.1} MB as a zone file", first.len() as f64 / 1e6);
    measure(&server, &other, &single, "nothing else", || std::thread::sleep(Duration::from_secs(5)));

    let put = |query: &str, text: &str| {
        drop(Client::new(server.http(), &token).ask("PUT", &format!("{path}{query}"), "text/dns", text))
    };
    measure(&server, &other, &single, "dry run", || put("?dry_run=true", &first));
    measure(&server, &other, &single, "import", || put("", &first));
    measure(&server, &other, &single, "dry run of nothing new", || put("?dry_run=true", &first));
    measure(&server, &other, &single, "other TTLs for all", || put("", &second));
    let serial = serial_before_last(&server, &token, &large);
    measure(&server, &other, &single, "rollback", || {
        let body = format!("{{\"serial\": {serial}}}");
        Client::new(server.http(), &token).post(&format!("/api/v1/dns-zones/{large}/rollback/"), &body);
    });
    measure(&server, &other, &single, "removal of all", || put("", "$TTL 300\nonly A 192.0.2.1\n"));
}

fn file(records: usize, ttl: u32) -> String {
    let mut text = format!("$TTL {ttl}\n");
    for number in 0..records {
        // Writing to a String does not fail.
        let _ = writeln!(text, "h{number} A 10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
    }
    text
}

fn other_account(server: &Server) -> String {
    let made = run(&mut zonewright(server.data(), &["account", "create", "other@example.com"]));
    assert!(made.status.success(), "{}", common::describe(&made));
    let arguments = ["token", "create", "--account", "other@example.com", "--name", "bench", "--permission", "dns:*"];
    let made = run(&mut zonewright(server.data(), &arguments));
    assert!(made.status.success(), "{}", common::describe(&made));
    let text = String::from_utf8(made.stdout).unwrap();
    let start = text.find("vps_").expect("a token");
    text[start..].split_whitespace().next().unwrap().to_owned()
}

fn serial_before_last(server: &Server, token: &str, zone: &str) -> u64 {
    let history =
        Client::new(server.http(), token).ask("GET", &format!("/api/v1/dns-zones/{zone}/history/"), "text/plain", "");
    let history: serde_json::Value = serde_json::from_str(&history).unwrap();
    history[1]["serial"].as_u64().unwrap()
}

/// Does something large while the other account creates records, and prints what that cost.
fn measure(server: &Server, other: &str, zone: &str, what: &str, large: impl FnOnce()) {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    let before = memory(server);
    let (mut times, took, most) = std::thread::scope(|scope| {
        let single = scope.spawn(|| {
            let mut client = Client::new(server.http(), other);
            let mut times = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let start = Instant::now();
                let body = format!("{{\"record_type\": \"A\", \"name\": \"s{number}\", \"value\": \"192.0.2.1\"}}");
                client.post(&format!("/api/v1/dns-zones/{zone}/records/"), &body);
                times.push(start.elapsed());
                // As somebody who clicks, not as a load.
                std::thread::sleep(Duration::from_millis(5));
            }
            times
        });
        let watching = scope.spawn(|| {
            let mut most = before;
            while !over.load(Ordering::Relaxed) {
                most = most.max(memory(server));
                std::thread::sleep(Duration::from_millis(20));
            }
            most
        });
        let start = Instant::now();
        large();
        let took = start.elapsed();
        over.store(true, Ordering::Relaxed);
        (single.join().unwrap(), took, watching.join().unwrap())
    });
    times.sort();
    let rest = Instant::now();
    while memory(server) > before + 20 && rest.elapsed() < REST {
        std::thread::sleep(Duration::from_millis(100));
    }
    println!(
        "{what:>24}: {:>6.2} s; {:>5} single creates: p50 {}, p99 {}, longest {}; memory {before} MB, at most {most} MB, then {} MB",
        took.as_secs_f64(),
        times.len(),
        ms(percentile(&times, 50)),
        ms(percentile(&times, 99)),
        ms(times[times.len() - 1]),
        memory(server),
    );
}

/// What the server has in memory, in MB.
fn memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1000
}
