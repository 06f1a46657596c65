//! Serves zones that it makes up, to be measured with `dnsperf` or looked at with `dig`, and says what they cost.
//!
//!     cargo run --release -p nameserver --example serve -- [zones] [records per zone] [port] [limited]
//!
//! With 1 for `limited`, clients on this machine are counted by rate limiting too, at a rate that they do not reach: what
//! it costs.
//!
//! Zone number N is `zN.example`, with `rM` below it for each record. Runs until it is interrupted.
#![expect(clippy::print_stdout, reason = "this is a program whose output is read by a person")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use dns::rdata::Soa;
use dns::{Name, OwnerName, RecordData, RecordType, ResourceRecord, Serial, Ttl};
use dns::{ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};
use nameserver::{RateLimit, Server, Settings, Zones};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>());
    let mut argument = |otherwise: u32| arguments.next().unwrap_or(Ok(otherwise));
    let (count, records, port, limited) = (argument(1000)?, argument(10)?, argument(5300)?, argument(0)?);

    let zones = Zones::new();
    let soa = soa(1)?;
    let before = resident_bytes()?;
    let mut elapsed = Duration::ZERO;
    for number in 0..count {
        let snapshot = snapshot(number, records, &soa)?;
        let start = Instant::now();
        zones.load(snapshot);
        elapsed += start.elapsed();
    }
    let memory = resident_bytes()?.saturating_sub(before);
    println!(
        "{count} zones of {records} records: {} bytes each, loaded in {:.1} µs each",
        memory / u64::from(count.max(1)),
        elapsed.as_secs_f64() * 1e6 / f64::from(count.max(1))
    );
    println!("a change of one record: {:.1} µs", change_cost(&zones, &soa)?);

    let mut settings = Settings { cookie_secrets: vec![[7; 16]], ..Settings::default() };
    if limited == 1 {
        let all = RateLimit { responses_per_second: u16::MAX, exempt: Vec::new(), ..RateLimit::default() };
        settings.rate_limit = Some(all);
    }
    let server = Server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port)?)), zones, settings)?;
    println!("answering at {}", server.local_addr());
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    running.await?;
    Ok(())
}

fn soa(serial: u32) -> Result<Soa, Box<dyn Error>> {
    Ok(Soa {
        mname: Name::parse("ns1.nic.example")?,
        rname: Name::parse("hostmaster.nic.example")?,
        serial: Serial(serial),
        refresh: 3600,
        retry: 600,
        expire: 1_209_600,
        minimum: 300,
        ttl: Ttl::DEFAULT,
    })
}

/// An NS set of two, and of every ten records five addresses at names of their own, two addresses and a text at the apex, an
/// MX and an alias: what a small zone tends to have.
fn snapshot(number: u32, records: u32, soa: &Soa) -> Result<ZoneSnapshot, Box<dyn Error>> {
    let name = ZoneName::parse(&format!("z{number}.example"))?;
    let mut content = Vec::new();
    for index in 0..records {
        let own = format!("r{index}");
        let (owner, record_type, value, priority) = match index {
            0 => ("@", RecordType::Ns, "ns1.nic.example".to_owned(), None),
            1 => ("@", RecordType::Ns, "ns2.nic.example".to_owned(), None),
            _ => match index % 10 {
                2 => ("@", RecordType::A, format!("192.0.2.{}", index % 256), None),
                3 => ("@", RecordType::Mx, format!("r4.{name}"), Some(10)),
                5 => ("@", RecordType::Txt, format!("v=spf1 a:{index}.{name} -all"), None),
                6 => (own.as_str(), RecordType::Cname, name.to_string(), None),
                _ => (own.as_str(), RecordType::A, format!("192.0.2.{}", index % 256), None),
            },
        };
        let owner = if index >= 10 { own.as_str() } else { owner };
        content.push(ResourceRecord {
            owner: OwnerName::parse(owner, &name)?,
            ttl: Ttl::DEFAULT,
            data: RecordData::parse(record_type, &value, priority, &name)?,
        });
    }
    let id = ZoneId(uuid::Uuid::from_u128(number.into()));
    Ok(ZoneSnapshot { id, name, soa: soa.clone(), records: content })
}

/// Microseconds for adding a record to the first zone, or removing it, on average.
fn change_cost(zones: &Zones, soa: &Soa) -> Result<f64, Box<dyn Error>> {
    const CHANGES: u32 = 20_000;
    let name = ZoneName::parse("z0.example")?;
    let mut deltas = Vec::new();
    for number in 0..CHANGES {
        let record = ResourceRecord {
            owner: OwnerName::parse(&format!("added{}", number / 2 * 7919 % 100_000), &name)?,
            ttl: Ttl::DEFAULT,
            data: RecordData::parse(RecordType::A, "192.0.2.200", None, &name)?,
        };
        let (removed, added) = if number % 2 == 0 { (vec![], vec![record]) } else { (vec![record], vec![]) };
        let at = |serial| Soa { serial: Serial(serial), ..soa.clone() };
        let (from, to) = (at(1 + number), at(2 + number));
        deltas.push(ZoneDelta { id: ZoneId(uuid::Uuid::from_u128(0)), name: name.clone(), from, to, removed, added });
    }
    let start = Instant::now();
    for delta in &deltas {
        zones.apply(delta)?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(CHANGES))
}

fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
