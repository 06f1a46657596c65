//! `cargo bench -p zonewright --bench bind9`: from the API's answer to the new DNS answer, on a BIND that the server runs and on a BIND
//! secondary that follows its catalogs; in zones of 10 to 100,000 records, for new zones, and under load.
//!
//! With `-- sizes`, `-- new` or `-- load` only those parts are measured.
//!
//! All on one machine and loopback, where server, nameservers and clients share the cores. The sizes are measured in turn, so that
//! what else the machine does meets all of them; the ratio to the smallest zone is what counts.

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
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{Server, run, wait_for, zonewright};
use kit::{Client, asking, create_zone, fill, ms, percentile, question, until_served};

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];
/// How many changes are measured in each zone, and how many new zones.
const LOOKS: usize = 200;
/// The load: this many clients, zones and seconds.
const CLIENTS: usize = 16;
const ZONES: usize = 1_000;
const SPAN: Duration = Duration::from_secs(10);

fn main() {
    // `cargo test` runs benchmarks too; only `cargo bench` passes this.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("benchmarks run with: cargo bench -p zonewright");
        return;
    }
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let address = free_address();
    let text = address.to_string();
    let server = Server::start(&["--nameserver", "bind9-managed", "--secondary", &text]);
    let token = server.token();
    let secondary = Secondary::start(&server, address);
    let places = [("primary", asking(server.dns())), ("secondary", asking(secondary.address))];
    if is_wanted("sizes") {
        sizes(&server, &token, &places);
    }
    if is_wanted("new") {
        new_zones(&server, &token, &places);
    }
    if is_wanted("load") {
        load(&server, &token, &places, Some(&secondary));
    }
    drop((secondary, server));
    if is_wanted("load") {
        let server = Server::start(&["--nameserver", "bind9-managed"]);
        load(&server, &server.token(), &[("primary", asking(server.dns()))], None);
    }
}

/// One change at a time, in zones of different sizes.
fn sizes(server: &Server, token: &str, places: &[(&str, UdpSocket); 2]) {
    let zones: Vec<(String, String)> = SIZES
        .iter()
        .map(|size| {
            let domain = format!("size-{size}.example");
            let zone = create_zone(server, token, &domain);
            fill(server, token, &zone, *size);
            (zone, domain)
        })
        .collect();
    for (zone, domain) in &zones {
        Client::new(server.http(), token).create(zone, "filled", 1);
        for (_, socket) in places {
            until_served(socket, &question(1, &format!("filled.{domain}")));
        }
    }

    println!("from the API's answer to the new answer, one change at a time");
    println!(
        "  {:>10}  {:>34}  {:>34}",
        "records", "primary: p50, p99, to 10 records", "secondary: p50, p99, to 10 records"
    );
    let mut times: Vec<[Vec<Duration>; 2]> = SIZES.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    let mut client = Client::new(server.http(), token);
    for number in 0..LOOKS {
        for ((zone, domain), times) in zones.iter().zip(&mut times) {
            let name = format!("live-{number}");
            let question = question(number as u16 + 2, &format!("{name}.{domain}"));
            client.create(zone, &name, number);
            let answered = Instant::now();
            for ((_, socket), times) in places.iter().zip(times) {
                until_served(socket, &question);
                times.push(answered.elapsed());
            }
        }
    }
    for times in times.iter_mut().flatten() {
        times.sort();
    }
    for (size, of_size) in SIZES.iter().zip(&times) {
        let columns: Vec<String> = of_size
            .iter()
            .zip(&times[0])
            .map(|(times, smallest)| {
                let median = percentile(times, 50);
                let ratio = median.as_secs_f64() / percentile(smallest, 50).as_secs_f64();
                format!("{} {} {ratio:>6.2}", ms(median), ms(percentile(times, 99)))
            })
            .collect();
        println!("  {size:>10}  {:>34}  {:>34}", columns[0], columns[1]);
    }
}

/// One new zone at a time.
fn new_zones(server: &Server, token: &str, places: &[(&str, UdpSocket); 2]) {
    println!("\na new zone, one at a time: from the API's answer to its SOA being served");
    let mut new_zones = [Vec::new(), Vec::new()];
    for number in 0..LOOKS {
        let domain = format!("new-{number}.example");
        create_zone(server, token, &domain);
        let answered = Instant::now();
        let question = soa_question(number as u16 + 2, &domain);
        for ((_, socket), times) in places.iter().zip(&mut new_zones) {
            until_served(socket, &question);
            times.push(answered.elapsed());
        }
    }
    for ((place, _), times) in places.iter().zip(&mut new_zones) {
        times.sort();
        println!("  {place:>10}: p50 {}   p99 {}", ms(percentile(times, 50)), ms(percentile(times, 99)));
    }
}

/// Clients write to many zones as fast as they can; some of the changes are followed until they are served.
///
/// With a secondary on the same cores, and without: where it belongs it has cores of its own.
fn load(server: &Server, token: &str, places: &[(&str, UdpSocket)], secondary: Option<&Secondary>) {
    let zones: Vec<(String, String)> = (0..ZONES)
        .map(|number| {
            let domain = format!("load-{number}.example");
            (create_zone(server, token, &domain), domain)
        })
        .collect();
    // With its first change a zone gets its journal, on every nameserver.
    let mut client = Client::new(server.http(), token);
    zones.iter().for_each(|(zone, _)| client.create(zone, "first", 1));
    for (_, domain) in &zones {
        for (_, socket) in places {
            until_served(socket, &question(1, &format!("first.{domain}")));
        }
    }
    let named = fs::read_to_string(server.data().join("bind9/named.pid")).expect("named's process number");
    let mut processes = vec![
        ("the clients", std::process::id()),
        ("the server", server.pid()),
        ("the primary", named.trim().parse().expect("a number")),
    ];
    processes.extend(secondary.map(|secondary| ("the secondary", secondary.child.id())));
    let with = if secondary.is_some() { "with" } else { "without" };
    println!(
        "\n{CLIENTS} clients writing to {ZONES} zones for {} s, {with} a secondary on the same cores",
        SPAN.as_secs()
    );
    let deployed_before = deployments(server);
    let cpu_before: Vec<f64> = processes.iter().map(|(_, process)| cpu(*process)).collect();
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); places.len()];
    let mut last: Vec<usize> = Vec::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::new(server.http(), token);
                    let mut last = 0;
                    while start.elapsed() < SPAN {
                        last = next.fetch_add(1, Ordering::Relaxed);
                        client.create(&zones[last % ZONES].0, &format!("n-{last}"), last);
                    }
                    last
                })
            })
            .collect();
        let mut client = Client::new(server.http(), token);
        for number in 0.. {
            if start.elapsed() >= SPAN {
                break;
            }
            let (zone, domain) = &zones[number % ZONES];
            let question = question((number % 60_000) as u16, &format!("seen-{number}.{domain}"));
            client.create(zone, &format!("seen-{number}"), number);
            let answered = Instant::now();
            for ((_, socket), times) in places.iter().zip(&mut times) {
                until_served(socket, &question);
                times.push(answered.elapsed());
            }
        }
        last = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    });
    let ended = Instant::now();
    let changes = next.load(Ordering::Relaxed);
    let deployed = deployments(server) - deployed_before;
    println!(
        "  {:.0} changes/s acknowledged; {:.0} updates/s, of {:.1} changes each",
        changes as f64 / SPAN.as_secs_f64(),
        deployed as f64 / SPAN.as_secs_f64(),
        changes as f64 / deployed as f64
    );
    let used: Vec<String> = processes
        .iter()
        .zip(cpu_before)
        .map(|((what, process), before)| format!("{what} {:.2}", (cpu(*process) - before) / SPAN.as_secs_f64()))
        .collect();
    println!("  cores in use: {}", used.join(", "));
    for ((place, socket), times) in places.iter().zip(&mut times) {
        for number in &last {
            let domain = &zones[number % ZONES].1;
            until_served(socket, &question(60_001, &format!("n-{number}.{domain}")));
        }
        times.sort();
        println!(
            "  {place:>10}: change to served p50 {}   p99 {}; the clients' last changes were served {} after the end",
            ms(percentile(times, 50)),
            ms(percentile(times, 99)),
            ms(ended.elapsed())
        );
    }
}

fn soa_question(id: u16, domain: &str) -> Vec<u8> {
    let mut question = question(id, domain);
    let end = question.len();
    question[end - 3] = 6;
    question
}

/// How many deployments the server has made.
fn deployments(server: &Server) -> u64 {
    let text = server.metrics();
    let counts = text.lines().filter(|line| line.starts_with("zonewright_deploy_seconds_count"));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// The processor time that a process has used, in seconds.
fn cpu(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process that runs");
    let after_name = stat.rsplit_once(')').expect("a name in parentheses").1;
    // utime and stime, in hundredths of a second (USER_HZ).
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// A `named` that runs on the printed configuration, ended with the value.
struct Secondary {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Secondary {
    fn start(server: &Server, address: SocketAddr) -> Secondary {
        common::named::wait_for_catalogs(server);
        let folder = tempfile::tempdir().unwrap();
        let (dns, listen) = (server.dns().to_string(), address.to_string());
        let directory = folder.path().join("named");
        let arguments = ["bind9", "config", "secondary", "--dns", &dns, "--listen", &listen];
        let printed = run(zonewright(server.data(), &arguments).arg("--directory").arg(&directory));
        assert!(printed.status.success(), "{}", common::describe(&printed));
        let path = folder.path().join("named.conf");
        fs::write(&path, printed.stdout).unwrap();
        let child =
            Command::new("named").arg("-g").arg("-c").arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let secondary =
            Secondary { child: child.expect("named is installed (Debian: bind9)"), address, _folder: folder };
        wait_for("the secondary to listen", || std::net::TcpStream::connect(address).ok());
        secondary
    }
}

impl Drop for Secondary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    wait_for("a port that is free for UDP and TCP", || {
        let tcp = TcpListener::bind("127.0.0.1:0").ok()?;
        let address = tcp.local_addr().ok()?;
        UdpSocket::bind(address).ok().map(|_| address)
    })
}
