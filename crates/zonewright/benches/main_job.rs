//! `cargo bench -p zonewright`: what the main job costs, through the front door of the real binary.
//!
//! Prints durable record creates per second with 1 and 16 clients, the time from the API's answer to the new DNS answer, both in
//! a zone of 10 and of 100,000 records, and the query rate. Figures of one machine mean little: beside them stand the disk's own
//! sync time and `named` answering the same zone, measured in the same run, and the ratios to those.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on ends"
)]

#[path = "../tests/common/mod.rs"]
mod common;
mod kit;

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{Server, run, wait_for};
use kit::{Client, asking, create_zone, fill, ms, percentile, question, until_served};

/// How long each rate is measured.
const SPAN: Duration = Duration::from_secs(4);
/// How often each rate is measured; the median counts.
const ROUNDS: usize = 3;
/// How many times "answer to served" is measured in each zone.
const LOOKS: usize = 400;
/// How many changes one request may make.
const CHANGES: usize = 10_000;
/// How many records the large zone has.
const LARGE: usize = 100_000;

fn main() {
    // `cargo test` runs benchmarks too; only `cargo bench` passes this.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("benchmarks run with: cargo bench -p zonewright");
        return;
    }
    let server = Server::start_with(&common::TRANSFERS, &[]);
    let token = server.token();
    let sync = sync_time(server.data());
    println!("disk: a 4 KiB append is durable after {} (median)", ms(sync));

    let small = create_zone(&server, &token, "small.example");
    fill(&server, &token, &small, 10);
    let large = create_zone(&server, &token, "large.example");
    let start = Instant::now();
    fill(&server, &token, &large, LARGE);
    println!(
        "filled a zone with {LARGE} records, one request each, 16 clients: {:.1} s",
        start.elapsed().as_secs_f64()
    );

    println!("\ndurable creates (each acknowledged after its commit is synced)");
    let mut rates = Vec::new();
    for clients in [1, 16] {
        let zones: Vec<String> =
            (0..clients).map(|number| create_zone(&server, &token, &format!("c{clients}-{number}.example"))).collect();
        let (rate, times) = creates(&server, &token, &zones);
        println!(
            "  {clients:>2} clients: {rate:>7.0} creates/s   p50 {}   p99 {}",
            ms(times[times.len() / 2]),
            ms(times[times.len() * 99 / 100])
        );
        rates.push(rate);
    }
    println!(
        "  16 clients against one fsync per create ({:.0}/s): {:.1} times",
        1.0 / sync.as_secs_f64(),
        rates[1] * sync.as_secs_f64()
    );
    println!("  16 clients against 1: {:.1} times", rates[1] / rates[0]);

    println!("\nsize of the zone: 16 clients creating in one zone, the two in turn");
    let other = create_zone(&server, &token, "other.example");
    let [in_small, in_large] =
        in_turn([&other, &large], |zone| creates_once(&server, &token, &vec![zone.to_owned(); 16]).0);
    println!("  empty at first: {in_small:.0}/s; {LARGE} records: {in_large:.0}/s; ratio {:.2}", in_small / in_large);

    println!("\n{CHANGES} changes in one request (one version), the two zones in turn");
    let changed = create_zone(&server, &token, "changed.example");
    let times = in_turn([&changed, &large], |zone| changeset(&server, &token, zone).as_secs_f64());
    println!(
        "  empty at first: {:.0} ms; {LARGE} records: {:.0} ms; ratio {:.2}",
        times[0] * 1000.0,
        times[1] * 1000.0,
        times[1] / times[0]
    );

    println!("\nfrom the API's answer to the new answer on UDP, the two zones in turn");
    let zones = [(small.as_str(), "small.example"), (large.as_str(), "large.example")];
    let [in_small, in_large] = answer_to_served(&server, &token, zones);
    for (what, times) in [("10 records", &in_small), ("100,000 records", &in_large)] {
        println!("  {what:>15}: p50 {}   p99 {}", ms(percentile(times, 50)), ms(percentile(times, 99)));
    }
    println!(
        "  100,000 against 10: {:.2} times",
        in_large[LOOKS / 2].as_secs_f64() / in_small[LOOKS / 2].as_secs_f64()
    );

    println!("\nqueries (dnsperf over UDP, names that exist in a zone of {LARGE} records)");
    query_rates(&server);
}

/// The time of one request that makes as many records as one may.
fn changeset(server: &Server, token: &str, zone: &str) -> Duration {
    static ROUND: AtomicUsize = AtomicUsize::new(0);
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    let change = |number: usize| {
        format!(
            "{{\"action\": \"create\", \"record_type\": \"A\", \"name\": \"set-{round}-{number}\", \"value\": \"192.0.2.1\"}}"
        )
    };
    let body = format!("{{\"changes\": [{}]}}", (0..CHANGES).map(change).collect::<Vec<_>>().join(", "));
    let mut client = Client::new(server.http(), token);
    let start = Instant::now();
    client.post(&format!("/api/v1/dns-zones/{zone}/changes/"), &body);
    start.elapsed()
}

/// The median time of a durable 4 KiB append.
fn sync_time(folder: &Path) -> Duration {
    let path = folder.join("bench-sync");
    let mut file = fs::File::create(&path).unwrap();
    let mut times: Vec<Duration> = (0..300)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[0; 4096]).unwrap();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect();
    fs::remove_file(path).unwrap();
    times.sort();
    times[times.len() / 2]
}

/// Creates per second, one client for each entry of `zones`: the median of the rounds. And all times, sorted.
fn creates(server: &Server, token: &str, zones: &[String]) -> (f64, Vec<Duration>) {
    let rounds: Vec<(f64, Vec<Duration>)> = (0..ROUNDS).map(|_| creates_once(server, token, zones)).collect();
    let rate = median(rounds.iter().map(|(rate, _)| *rate).collect());
    let mut times: Vec<Duration> = rounds.into_iter().flat_map(|(_, times)| times).collect();
    times.sort();
    (rate, times)
}

fn creates_once(server: &Server, token: &str, zones: &[String]) -> (f64, Vec<Duration>) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    let start = Instant::now();
    std::thread::scope(|scope| {
        for zone in zones {
            scope.spawn(|| {
                let mut http = Client::new(server.http(), token);
                let mut times = Vec::new();
                while start.elapsed() < SPAN {
                    let number = NEXT.fetch_add(1, Ordering::Relaxed);
                    let begun = Instant::now();
                    http.create(zone, &format!("new-{number}"), number);
                    times.push(begun.elapsed());
                }
                all.lock().unwrap().extend(times);
            });
        }
    });
    let times = all.into_inner().unwrap();
    (times.len() as f64 / start.elapsed().as_secs_f64(), times)
}

/// Measures two things in turn, so that what else the machine does meets both; the median of the rounds of each.
fn in_turn<T: Copy>(of: [T; 2], measure: impl Fn(T) -> f64) -> [f64; 2] {
    let rounds: Vec<[f64; 2]> = (0..ROUNDS).map(|_| of.map(&measure)).collect();
    [0, 1].map(|which| median(rounds.iter().map(|round| round[which]).collect()))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// From the last octet of the API's answer to the first DNS answer that has the record, for zones given by identity and name;
/// sorted.
fn answer_to_served(server: &Server, token: &str, zones: [(&str, &str); 2]) -> [Vec<Duration>; 2] {
    let mut http = Client::new(server.http(), token);
    let socket = asking(server.dns());
    let looks: Vec<[Duration; 2]> = (0..LOOKS)
        .map(|number| {
            let owner = format!("live-{number}");
            zones.map(|(zone, domain)| {
                let question = question(number as u16, &format!("{owner}.{domain}"));
                http.create(zone, &owner, number);
                until_served(&socket, &question)
            })
        })
        .collect();
    [0, 1].map(|which| {
        let mut times: Vec<Duration> = looks.iter().map(|look| look[which]).collect();
        times.sort();
        times
    })
}

/// Both nameservers answer the same questions from the same content, in turn.
fn query_rates(server: &Server) {
    let folder = tempfile::tempdir().unwrap();
    let zone_file = folder.path().join("large.zone");
    fs::write(&zone_file, server.dig(&["large.example", "AXFR"])).unwrap();
    let questions = folder.path().join("questions");
    let lines: String = (0..10_000).map(|number| format!("host-{}.large.example A\n", number * 7)).collect();
    fs::write(&questions, lines).unwrap();
    let named = Named::start(folder.path(), &zone_file);
    let [ours, theirs] = in_turn([server.dns(), named.address], |address| dnsperf(address, &questions));
    println!("  embedded {ours:.0}/s; named {theirs:.0}/s; ratio {:.2}", ours / theirs);
}

fn dnsperf(address: SocketAddr, questions: &Path) -> f64 {
    let port = address.port().to_string();
    let seconds = SPAN.as_secs().to_string();
    let arguments = ["-s", "127.0.0.1", "-p", &port, "-l", &seconds, "-c", "8", "-q", "200", "-d"];
    let output = run(Command::new("dnsperf").args(arguments).arg(questions));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.trim().strip_prefix("Queries per second:"));
    rate.unwrap_or_else(|| panic!("dnsperf said nothing of a rate: {text}")).trim().parse().unwrap()
}

/// A `named` with one zone, ended with the value.
struct Named {
    child: Child,
    address: SocketAddr,
}

impl Named {
    fn start(folder: &Path, zone_file: &Path) -> Named {
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = address.port();
        let (directory, zone) = (folder.display(), zone_file.display());
        let configuration = format!(
            "options {{ directory \"{directory}\"; pid-file none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
             recursion no; minimal-responses yes; notify no; }};\ncontrols {{ }};\n\
             zone \"large.example\" {{ type primary; file \"{zone}\"; }};\n"
        );
        let path = folder.join("named.conf");
        fs::write(&path, configuration).unwrap();
        let child =
            Command::new("named").arg("-g").arg("-c").arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let named = Named { child: child.expect("named is installed (Debian: bind9)"), address };
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        wait_for("named to answer", || {
            // Before it listens the kernel refuses, which is no answer either.
            socket.send(&question(1, "host-1.large.example")).ok()?;
            let mut answer = [0; 512];
            socket.recv(&mut answer).ok()?;
            (answer[7] > 0).then_some(())
        });
        named
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
