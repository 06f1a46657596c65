//! What the store costs on this machine: `cargo run --release -p store --example store_bench [FOLDER | postgres://URL]`.
//!
//! Prints the disk's fsync, durable creates per second with one and with many callers, what a create costs in a small and in
//! a large zone, what reads cost, and how long changes wait while the log is copied back. The folder decides which disk is
//! measured; without one it is the system's folder for temporary files.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dns::apex::{Apex, ApexNameserver};
use dns::change::{Edit, Limits, NewRecord, TtlChoice};
use dns::rdata::A;
use dns::{Name, OwnerName, RecordData, Ttl, ZoneName};
use store::{
    Address, Author, Clock, Database, NewAccount, NewToken, Options, Permission, RecordFilter, RecordVisitor, Source,
    Store, StoredRecord, Zone,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let argument = std::env::args().nth(1);
    let address = argument.as_deref().filter(|argument| argument.starts_with("postgres://"));
    let address = address.map(Address::parse).transpose()?;
    let folder = match argument {
        Some(parent) if address.is_none() => tempfile::tempdir_in(parent)?,
        _ => tempfile::tempdir()?,
    };
    println!("folder {}", folder.path().display());
    fsync(folder.path())?;
    let nameserver = ApexNameserver { name: Name::parse("ns1.zonewright.test")?, addresses: Vec::new() };
    let apex = Apex::new(vec![nameserver]).ok_or("no apex")?;
    let path = folder.path().join("store.db");
    let database = address.map_or_else(|| Database::from(&path), Database::from);
    let is_file = database.file().is_some();
    let store = Store::open(
        database,
        Options {
            clock: Clock::system(),
            limits: Limits::default(),
            apex,
            key_file: Some(folder.path().join("secret.key")),
            own_names: Vec::new(),
            policy: store::Policy::default(),
        },
    )?;
    let new = NewAccount { email: "bench@example.com".to_owned(), ..NewAccount::default() };
    let account = store.command_line().create_account(new).await?.id;
    let author = Author { account, name: "bench".to_owned(), source: Source::Api, address: None };
    let bench = Bench { store, author };

    for callers in [1, 16, 64] {
        let zone = bench.zone(&format!("callers-{callers}.example.com")).await?;
        bench.creates(&zone, callers, Duration::from_secs(4)).await?;
    }
    let spread = bench.zone("spread.example.com").await?;
    bench.zone_size(&spread).await?;
    bench.reads(&spread).await?;
    // The log that is copied back is SQLite's.
    if is_file {
        bench.steady(&path).await?;
    }
    bench.store.close().await;
    Ok(())
}

fn fsync(folder: &Path) -> Outcome {
    let mut file = std::fs::File::create(folder.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[0; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    println!("fsync of 4 KiB            {}", spread_of(&mut times));
    Ok(())
}

#[derive(Clone)]
struct Bench {
    store: Store,
    author: Author,
}

impl Bench {
    async fn zone(&self, name: &str) -> Outcome<Zone> {
        let name = ZoneName::parse(name).map_err(|fault| fault.to_string())?;
        Ok(self.store.create_zone(&self.author, name).await?)
    }

    fn wish(&self, zone: &Zone, number: u32) -> Outcome<Edit> {
        // Spread over the zone, as names are.
        let owner = OwnerName::parse(&format!("h{:08x}", number.wrapping_mul(0x9e37_79b1)), &zone.name)?;
        let data = RecordData::A(A(number.into()));
        let record = NewRecord { owner, data, ttl: TtlChoice::Join(Ttl::DEFAULT) };
        Ok(Edit::Create(self.store.new_record_id(), record))
    }

    async fn create(&self, zone: &Zone, number: u32) -> Outcome<Duration> {
        let edit = self.wish(zone, number)?;
        let started = Instant::now();
        self.store.change(&self.author, zone.id, vec![edit]).await?;
        Ok(started.elapsed())
    }

    /// Durable creates, one record each, from several callers at once.
    async fn creates(&self, zone: &Zone, callers: u32, time: Duration) -> Outcome {
        let over = Arc::new(AtomicBool::new(false));
        let (started, busy) = (Instant::now(), busy());
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let (bench, zone, over) = (self.clone(), zone.clone(), Arc::clone(&over));
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    let mut number = caller;
                    while !over.load(Ordering::Relaxed) {
                        times.push(bench.create(&zone, number).await?);
                        number += callers;
                    }
                    Outcome::Ok(times)
                })
            })
            .collect();
        tokio::time::sleep(time).await;
        over.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await??);
        }
        let rate = times.len() as f64 / started.elapsed().as_secs_f64();
        println!("creates, {callers:>3} callers      {rate:>7.0}/s   {}", spread_of(&mut times));
        report_busy(&busy, times.len());
        Ok(())
    }

    /// The same creates in zones of 10 records and in one of 100,000.
    async fn zone_size(&self, large: &Zone) -> Outcome {
        let started = Instant::now();
        for chunk in 0..10 {
            let edits = (chunk * 10_000..(chunk + 1) * 10_000).map(|number| self.wish(large, number));
            let edits = edits.collect::<Outcome<Vec<_>>>()?;
            self.store.change(&self.author, large.id, edits).await?;
        }
        println!("100,000 records, 10 changes of 10,000: {:.2?}", started.elapsed());
        let mut small = Vec::new();
        for number in 0..2_000 {
            let zone = self.zone(&format!("small-{number}.example.com")).await?;
            let edits = (0..10).map(|number| self.wish(&zone, number)).collect::<Outcome<Vec<_>>>()?;
            self.store.change(&self.author, zone.id, edits).await?;
            small.push(zone);
        }
        for (what, zones) in [("2,000 zones of 10", small), ("one zone of 100,000", vec![large.clone()])] {
            let (started, busy) = (Instant::now(), busy());
            let zones = Arc::new(zones);
            let tasks: Vec<_> = (0..16)
                .map(|caller| {
                    let (bench, zones) = (self.clone(), Arc::clone(&zones));
                    tokio::spawn(async move {
                        for number in (caller..8_000).step_by(16) {
                            bench.create(&zones[number % zones.len()], 1_000_000 + number as u32).await?;
                        }
                        Outcome::Ok(())
                    })
                })
                .collect();
            for task in tasks {
                task.await??;
            }
            println!("8,000 creates in {what}, 16 callers: {:.2?}", started.elapsed());
            report_busy(&busy, 8_000);
        }
        Ok(())
    }

    async fn reads(&self, zone: &Zone) -> Outcome {
        struct Sample(Vec<StoredRecord>, u64);
        impl RecordVisitor for Sample {
            fn zone(&mut self, _: &Zone) {}
            fn record(&mut self, record: &StoredRecord) -> ControlFlow<()> {
                self.1 += 1;
                if self.1.is_multiple_of(50) {
                    self.0.push(record.clone());
                }
                ControlFlow::Continue(())
            }
        }
        let account = self.author.account;
        let started = Instant::now();
        let visited =
            self.store.visit_records(account, zone.id, RecordFilter::default(), Sample(Vec::new(), 0)).await?;
        let Sample(sample, count) = visited.ok_or("no zone")?;
        println!("visiting {count} records    {:.2?}", started.elapsed());
        let mut times = Vec::new();
        for stored in &sample {
            let started = Instant::now();
            self.store.record(account, stored.record.id).await?;
            times.push(started.elapsed());
        }
        println!("one record                 {}", spread_of(&mut times));
        times.clear();
        for stored in sample.iter().step_by(10) {
            let started = Instant::now();
            let after = Some(stored.record.id);
            self.store.records(account, None, RecordFilter::default(), after, 100).await?;
            times.push(started.elapsed());
        }
        println!("page of 100 of the account {}", spread_of(&mut times));
        let started = Instant::now();
        self.store.journal().snapshot(zone.id).await?;
        println!("snapshot                   {:.2?}", started.elapsed());
        let from = self.store.zone(account, zone.id).await?.ok_or("no zone")?.serial;
        self.create(zone, 2_000_000).await?;
        times.clear();
        for _ in 0..1000 {
            let started = Instant::now();
            self.store.journal().delta(zone.id, from).await?;
            times.push(started.elapsed());
        }
        println!("delta of one record        {}", spread_of(&mut times));
        let permissions = [Permission::All].into_iter().collect();
        let token = NewToken::unlimited("bench", permissions);
        let token = self.store.command_line().person(account).create_token(token).await?;
        times.clear();
        for _ in 0..10_000 {
            let started = Instant::now();
            self.store.people().authenticate(token.plain.reveal(), None).await?;
            times.push(started.elapsed());
        }
        println!("authenticate, in memory    {}", spread_of(&mut times));
        Ok(())
    }

    /// Long enough that the log is copied back many times.
    async fn steady(&self, path: &Path) -> Outcome {
        let zone = self.zone("steady.example.com").await?;
        println!("for 20 seconds:");
        self.creates(&zone, 16, Duration::from_secs(20)).await?;
        let size = |name: &str| std::fs::metadata(path.with_file_name(name)).map_or(0, |found| found.len() >> 20);
        println!("file {} MiB, log {} MiB", size("store.db"), size("store.db-wal"));
        Ok(())
    }
}

/// The processor time of this process's threads by name, in nanoseconds; empty where Linux does not tell.
fn busy() -> BTreeMap<String, u64> {
    let mut times = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).ok();
        let (Some(name), Some(stat)) = (read("comm"), read("schedstat")) else { continue };
        let time: u64 = stat.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or_default();
        *times.entry(name.trim().to_owned()).or_default() += time;
    }
    times
}

fn report_busy(before: &BTreeMap<String, u64>, creates: usize) {
    for (thread, time) in busy() {
        let spent = time.saturating_sub(before.get(&thread).copied().unwrap_or_default());
        let each = spent as f64 / creates as f64 / 1000.0;
        if each >= 0.1 {
            println!("    {thread:<18} {each:>6.1} µs of processor time per create");
        }
    }
}

fn spread_of(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).or(times.last()).copied().unwrap_or_default();
    format!("p50 {:.1?}  p99 {:.1?}  p99.9 {:.1?}  max {:.1?}", at(0.5), at(0.99), at(0.999), at(1.0))
}
