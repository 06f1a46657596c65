//! What the length of a zone's history costs: `cargo run --release -p store --example history_bench [FOLDER [VERSIONS]]`.
//!
//! Zones of 1,000 records with histories of 1,000 versions and more, up to a million, in one file: what a change costs in each, a
//! page of the history, one version, a difference, the whole content of an old version and the way back to a near one. Then the
//! longest history is forgotten down to its newest 1,000 versions in the background, while somebody goes on changing.
//!
//! The histories are written into the file directly, in the form in which changes leave them: each version changes one record.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::error::Error;
use std::time::{Duration, Instant};

use dns::apex::{Apex, ApexNameserver};
use dns::change::{Edit, Limits, NewRecord, TtlChoice};
use dns::rdata::A;
use dns::{Name, OwnerName, RecordData, Serial, Ttl, ZoneName};
use rusqlite::{Connection, params};
use store::{
    Author, Change, Clock, NewAccount, Options, RecordFilter, Retention, Source, Store, VersionNumber, Wish, Zone,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many records each zone has.
const RECORDS: u32 = 1000;
/// How often each thing is measured.
const ROUNDS: u32 = 200;

#[tokio::main]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let folder = match arguments.next() {
        Some(parent) => tempfile::tempdir_in(parent)?,
        None => tempfile::tempdir()?,
    };
    let longest = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let path = folder.path().join("store.db");
    let nameserver = ApexNameserver { name: Name::parse("ns1.zonewright.test")?, addresses: Vec::new() };
    let apex = Apex::new(vec![nameserver]).ok_or("no apex")?;
    let options = Options {
        clock: Clock::system(),
        limits: Limits::default(),
        apex,
        key_file: None,
        own_names: Vec::new(),
        policy: store::Policy::default(),
    };
    let store = Store::open(&path, options)?;
    let new = NewAccount { email: "bench@example.com".to_owned(), ..NewAccount::default() };
    let account = store.command_line().create_account(new).await?.id;
    let author = Author { account, name: "bench".to_owned(), source: Source::Api, address: None };
    let bench = Bench { store, author };

    let lengths: Vec<u64> =
        std::iter::successors(Some(1000), |length| Some(length * 10)).take_while(|length| *length < longest).collect();
    let mut zones = Vec::new();
    for length in lengths.into_iter().chain([longest]) {
        let zone = bench.zone(&format!("versions-{length}.example.com")).await?;
        let started = Instant::now();
        write_history(&path, &zone, length)?;
        println!("{length:>9} versions written in {:.1} s", started.elapsed().as_secs_f64());
        zones.push((length, zone));
    }
    println!(
        "\n{:>9}  {:>22} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12}",
        "versions", "change (99 %)", "page", "old page", "version", "10 apart", "back 10", "near", "in the middle"
    );
    for (length, zone) in &zones {
        bench.measure(*length, zone).await?;
    }
    if let Some((length, zone)) = zones.last() {
        bench.forget(*length, zone).await?;
    }
    bench.store.close().await;
    Ok(())
}

struct Bench {
    store: Store,
    author: Author,
}

/// The middle of some measurements.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn at(&mut self, share: f64) -> String {
        self.0.sort_unstable();
        let index = ((self.0.len() as f64 - 1.0) * share) as usize;
        let time = self.0.get(index).copied().unwrap_or_default();
        format!("{:.2} ms", time.as_secs_f64() * 1000.0)
    }

    fn middle(&mut self) -> String {
        self.at(0.5)
    }
}

/// How long a future takes.
async fn timed<T, E>(times: &mut Times, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let started = Instant::now();
    let outcome = work.await;
    times.0.push(started.elapsed());
    outcome
}

impl Bench {
    /// A zone with its records.
    async fn zone(&self, name: &str) -> Outcome<Zone> {
        let name = ZoneName::parse(name).map_err(|fault| fault.to_string())?;
        let zone = self.store.create_zone(&self.author, name).await?;
        let edits = (0..RECORDS).map(|number| {
            let owner = OwnerName::parse(&format!("h{number}"), &zone.name)?;
            Ok(Edit::Create(self.store.new_record_id(), wish(owner, number)))
        });
        let edits = edits.collect::<Outcome<Vec<_>>>()?;
        Ok(self.store.change(&self.author, zone.id, edits).await?.zone)
    }

    async fn measure(&self, length: u64, zone: &Zone) -> Outcome {
        let (store, account) = (&self.store, self.author.account);
        let records = store.records(account, Some(zone.id), RecordFilter::default(), None, RECORDS).await?;
        let records = records.unwrap_or_default();
        let [mut change, mut page, mut old_page, mut version, mut apart, mut back, mut near, mut middle] =
            std::array::from_fn(|_| Times::default());
        for round in 0..ROUNDS {
            let record = &records[round as usize % records.len()].record;
            let edit = Edit::Replace(record.id, wish(record.owner.clone(), 0x0a00_0000 + round));
            timed(&mut change, store.change(&self.author, zone.id, vec![edit])).await?;
        }
        let newest = store.history(account, zone.id, None, 100).await?.ok_or("no zone")?;
        let serial = |back: usize| newest.versions.get(back).map_or(Serial(0), |version| version.serial);
        for round in 0..ROUNDS {
            timed(&mut page, store.history(account, zone.id, None, 100)).await?;
            let before = VersionNumber(2 + length * u64::from(round + 1) / u64::from(ROUNDS));
            timed(&mut old_page, store.history(account, zone.id, Some(before), 100)).await?;
            timed(&mut version, store.version(account, zone.id, serial(round as usize % 100))).await?;
            timed(&mut apart, store.difference(account, zone.id, serial(20), Some(serial(10)))).await?;
        }
        for _ in 0..20 {
            timed(&mut near, store.snapshot_at(account, zone.id, serial(10))).await?;
        }
        let half = store.history(account, zone.id, Some(VersionNumber(2 + length / 2)), 1).await?;
        let half = half.and_then(|half| half.versions.first().map(|version| version.serial)).ok_or("no version")?;
        for _ in 0..3 {
            timed(&mut middle, store.snapshot_at(account, zone.id, half)).await?;
        }
        for _ in 0..ROUNDS {
            let newest = store.history(account, zone.id, None, 11).await?.ok_or("no zone")?;
            let ten_back = newest.versions.last().map(|version| version.serial).ok_or("no version")?;
            let change = Change::of(Wish::Version(ten_back));
            timed(&mut back, store.change(&self.author, zone.id, change)).await?;
        }
        let both = format!("{} ({})", change.middle(), change.at(0.99));
        println!(
            "{length:>9}  {both:>22} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12}",
            page.middle(),
            old_page.middle(),
            version.middle(),
            apart.middle(),
            back.middle(),
            near.middle(),
            middle.middle(),
        );
        Ok(())
    }

    /// Changes while the background forgets, and after it.
    async fn forget(&self, length: u64, zone: &Zone) -> Outcome {
        let store = &self.store;
        let records = store.records(self.author.account, Some(zone.id), RecordFilter::default(), None, RECORDS).await?;
        let records = records.unwrap_or_default();
        let oldest_kept = length.saturating_sub(1000);
        store.command_line().retain(Retention { versions: 1000, age: Duration::from_secs(1), ..Retention::default() });
        let (started, mut times) = (Instant::now(), Times::default());
        let mut number = 0;
        loop {
            let record = &records[number as usize % records.len()].record;
            let edit = Edit::Replace(record.id, wish(record.owner.clone(), 0x0b00_0000 + number));
            timed(&mut times, store.change(&self.author, zone.id, vec![edit])).await?;
            number += 1;
            let left = store.history(self.author.account, zone.id, Some(VersionNumber(oldest_kept)), 1).await?;
            if left.is_none_or(|left| left.versions.is_empty()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        println!(
            "\n{length} versions forgotten in {:.0} s beside {number} changes: {}, 99 % {}, longest {}",
            started.elapsed().as_secs_f64(),
            times.middle(),
            times.at(0.99),
            times.at(1.0)
        );
        Ok(())
    }
}

fn wish(owner: OwnerName, number: u32) -> NewRecord {
    NewRecord { owner, data: RecordData::A(A(number.into())), ttl: TtlChoice::Join(Ttl::DEFAULT) }
}

/// Gives a zone that many versions more, a year ago and later, each of which changes one record.
fn write_history(path: &std::path::Path, zone: &Zone, length: u64) -> Outcome {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(60))?;
    let (id, length) = (zone.id.0, length as i64);
    let row: i64 = connection.query_row("SELECT id FROM zones WHERE uuid = ?1", [id.as_bytes()], |row| row.get(0))?;
    connection.execute_batch("BEGIN IMMEDIATE; DROP TABLE IF EXISTS temp.base;")?;
    connection.execute(
        "CREATE TEMP TABLE base AS SELECT row_number() OVER (ORDER BY id) - 1 AS number, * FROM records
         WHERE zone = ?1 AND to_version IS NULL",
        [row],
    )?;
    connection.execute_batch("CREATE UNIQUE INDEX temp.base_by_number ON base (number)")?;
    let numbers = "WITH RECURSIVE step (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM step WHERE i < ?2)";
    connection.execute(
        &format!(
            "{numbers} INSERT INTO versions
                 (zone, version, serial, time, kind, apex, source, account, author, removed, added, changed)
             SELECT z.id, z.version + i, z.serial + i, z.created - 30000000000 + i, 1, z.apex, 1, z.account, 'bench', 1, 1, 1
             FROM step CROSS JOIN zones z ON z.id = ?1"
        ),
        params![row, length],
    )?;
    connection.execute(
        "UPDATE records SET to_version = 2 + (SELECT CASE number WHEN 0 THEN 1000 ELSE number END FROM base WHERE base.id = records.id)
         WHERE zone = ?1 AND to_version IS NULL AND (SELECT number FROM base WHERE base.id = records.id) <= ?2",
        params![row, length],
    )?;
    connection.execute(
        &format!(
            "{numbers} INSERT INTO records
                 (zone, account, record, owner, type, data, quoted, ttl, created, from_version, from_serial, to_version)
             SELECT z.id, z.account, b.record, b.owner, b.type, CAST(printf('%04d', i % 10000) AS BLOB), 0, b.ttl, b.created,
                    z.version + i, z.serial + i, CASE WHEN i + 1000 <= ?2 THEN z.version + i + 1000 END
             FROM step CROSS JOIN zones z ON z.id = ?1 CROSS JOIN base b ON b.number = i % 1000"
        ),
        params![row, length],
    )?;
    connection
        .execute("UPDATE zones SET version = version + ?2, serial = serial + ?2 WHERE id = ?1", params![row, length])?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}
