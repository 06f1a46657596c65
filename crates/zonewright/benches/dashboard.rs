//! `cargo bench -p zonewright --bench dashboard`: what the pages of zones cost with 100,000 zones in one account, and with a zone
//! of 10,000 records, over HTTP on a kept connection, with a session.
//!
//! `-- 2000` takes another number of zones. Each page is asked for many times, one after the other; the median counts. What a page
//! costs that reads nothing but the session is measured beside, and the list also while there are ten zones: the ratios count.
//! Parts of pages are asked for as a browser does while somebody types.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot go on ends")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "kit/http.rs"]
mod http;

use std::fmt::Write;
use std::time::{Duration, Instant};

use common::Server;
use http::{Answer, Client, Connection, create_zone, ms, percentile};

/// How many zones the account has at last.
const ZONES: usize = 100_000;
/// How many it has at first.
const FEW: usize = 10;
/// How many records the large zone has: as many as one request may make.
const RECORDS: usize = 10_000;
/// How often each page is asked for.
const LOOKS: usize = 100;
/// What is not served by then is not served.
const SERVED_WITHIN: Duration = Duration::from_secs(600);
/// How many clients make the zones.
const CLIENTS: usize = 16;

fn main() {
    // `cargo test` runs benchmarks too; only `cargo bench` passes this.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("benchmarks run with: cargo bench -p zonewright");
        return;
    }
    let zones = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ZONES).max(FEW);
    let server = Server::start(&[]);
    let token = server.token();
    let mut visitor = Visitor::sign_in(&server);

    make_zones(&server, &token, 0..FEW);
    let few = visitor.median("/zones/", "");
    let start = Instant::now();
    make_zones(&server, &token, FEW..zones);
    println!("made {zones} zones, one request each, {CLIENTS} clients: {:.1} s", start.elapsed().as_secs_f64());
    let small = create_zone(&server, &token, "small.example");
    fill(&server, &token, &small, FEW);
    let large = create_zone(&server, &token, "large.example");
    fill(&server, &token, &large, RECORDS);
    // An idle connection was closed meanwhile.
    visitor.connection = Connection::open(server.http());
    // What is still on its way to the nameserver would be measured too.
    let live = format!("/zones/{large}/live/");
    let start = Instant::now();
    while !visitor.get(&live, "").body.contains("dot good") {
        assert!(start.elapsed() < SERVED_WITHIN, "the last zone is not served within {SERVED_WITHIN:?}");
        std::thread::sleep(Duration::from_millis(100));
    }

    let base = visitor.show("a page that reads only the session", "/zones/new/", "", None);

    println!("\nthe list, {zones} zones");
    let list = visitor.show("first page", "/zones/", "", Some(base));
    println!("      {FEW} zones: p50 {}; {zones} against that: {:.2} times", ms(few), ratio(list, few));
    let middle = name(zones / 2);
    visitor.show("page in the middle", &format!("/zones/?after={middle}"), "", Some(base));
    visitor.show("search: a name in the middle", &format!("/zones/?q={middle}"), "zones", Some(base));
    visitor.show(
        "search: the end of a name",
        &format!("/zones/?q={}", &middle[middle.len() - 12..]),
        "zones",
        Some(base),
    );
    visitor.show("search: nothing has it", "/zones/?q=nowhere", "zones", Some(base));
    let typed = (1..=middle.len()).map(|end| visitor.median(&format!("/zones/?q={}", &middle[..end]), "zones"));
    println!("  {middle} typed, the slowest of {} keys: p50 {}", middle.len(), ms(typed.max().unwrap()));

    println!("\na zone of {RECORDS} records");
    let [small, large] = [small, large].map(|zone| format!("/zones/{zone}/"));
    let of_few = visitor.median(&small, "");
    let first = visitor.show("first page", &large, "", Some(base));
    println!("      {FEW} records: p50 {}; {RECORDS} against that: {:.2} times", ms(of_few), ratio(first, of_few));
    let owner = format!("host-{:05}", RECORDS / 2);
    visitor.show("page in the middle", &format!("{large}?after={owner}"), "", Some(base));
    visitor.show("filter: a name in the middle", &format!("{large}?q={owner}"), "table", Some(base));
    visitor.show("filter: an address", &format!("{large}?q=10.0.19.136"), "table", Some(base));
    visitor.show("filter: a type", &format!("{large}?q=txt"), "table", Some(base));
    visitor.show("filter: nothing has it", &format!("{large}?q=nowhere"), "table", Some(base));
    let typed = (1..=owner.len()).map(|end| visitor.median(&format!("{large}?q={}", &owner[..end]), "table"));
    println!("  {owner} typed, the slowest of {} keys: p50 {}", owner.len(), ms(typed.max().unwrap()));
}

fn ratio(time: Duration, to: Duration) -> f64 {
    time.as_secs_f64() / to.as_secs_f64()
}

/// The name of a zone, in the order of its number.
fn name(number: usize) -> String {
    format!("customer-{number:06}.example")
}

fn make_zones(server: &Server, token: &str, numbers: std::ops::Range<usize>) {
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let numbers = numbers.clone();
            scope.spawn(move || {
                let mut http = Client::new(server.http(), token);
                for number in numbers.skip(client).step_by(CLIENTS) {
                    http.post("/api/v1/dns-zones/", &format!("{{\"domain\": \"{}\"}}", name(number)));
                }
            });
        }
    });
}

/// Makes so many records in one change; every fourth is a text, the others are addresses.
fn fill(server: &Server, token: &str, zone: &str, count: usize) {
    let mut changes = String::new();
    for number in 0..count {
        let separator = if number == 0 { "" } else { ", " };
        let (record_type, value) = match number % 4 {
            3 => ("TXT", format!("v=spf1 ip4:192.0.2.{} -all", number % 256)),
            _ => ("A", format!("10.0.{}.{}", number / 256, number % 256)),
        };
        write!(
            changes,
            "{separator}{{\"action\": \"create\", \"record_type\": \"{record_type}\", \"name\": \"host-{number:05}\", \"value\": \"{value}\"}}"
        )
        .unwrap();
    }
    let mut client = Client::new(server.http(), token);
    client.post(&format!("/api/v1/dns-zones/{zone}/changes/"), &format!("{{\"changes\": [{changes}]}}"));
}

/// Somebody who is signed in, and looks at pages.
struct Visitor {
    connection: Connection,
    host: String,
    cookie: String,
}

impl Visitor {
    /// Signs in by a one-time link.
    fn sign_in(server: &Server) -> Visitor {
        let link = server.link();
        let path = &link[link.find("/link/").unwrap()..];
        let host = server.http().to_string();
        let mut connection = Connection::open(server.http());
        let kind = "application/x-www-form-urlencoded";
        let answer = connection.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: {kind}\r\nContent-Length: 0\r\n\r\n"
        ));
        assert!(answer.head.starts_with("HTTP/1.1 303"), "{}{}", answer.head, answer.body);
        let cookies = answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        Visitor { connection, host, cookie: cookies.collect::<Vec<_>>().join("; ") }
    }

    /// A page, or where `part` names one of its elements what a browser asks for to replace that.
    fn get(&mut self, path: &str, part: &str) -> Answer {
        let Visitor { host, cookie, .. } = self;
        let part = if part.is_empty() { String::new() } else { format!("HX-Request: true\r\nHX-Target: {part}\r\n") };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n{part}\r\n");
        let answer = self.connection.ask(&request);
        assert!(answer.head.starts_with("HTTP/1.1 200"), "{path}: {}{}", answer.head, answer.body);
        answer
    }

    fn times(&mut self, path: &str, part: &str) -> Vec<Duration> {
        let mut times: Vec<Duration> = (0..LOOKS)
            .map(|_| {
                let start = Instant::now();
                self.get(path, part);
                start.elapsed()
            })
            .collect();
        times.sort();
        times
    }

    fn median(&mut self, path: &str, part: &str) -> Duration {
        percentile(&self.times(path, part), 50)
    }

    /// Prints what a page costs; its median.
    fn show(&mut self, what: &str, path: &str, part: &str, base: Option<Duration>) -> Duration {
        let length = self.get(path, part).body.len();
        let times = self.times(path, part);
        let median = percentile(&times, 50);
        let against = base.map(|base| format!("   {:.1} times that page", ratio(median, base))).unwrap_or_default();
        println!(
            "  {what:>34}: p50 {}   p99 {}   {:>4} KiB{against}",
            ms(median),
            ms(percentile(&times, 99)),
            length.div_ceil(1024)
        );
        median
    }
}
