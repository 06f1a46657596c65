//! How long it takes from the store's commit until two BIND secondaries serve it: a new zone, a changed record, and one zone
//! that changes again and again. Starts its own named processes, on the printed configurations, on loopback.
//!
//!     cargo run --release -p deploy --example secondaries_bench -- [ZONES [ROUNDS]]
//!
//! ZONES (default 1000) are there before anything is measured; each figure is of ROUNDS (default 200) measurements.

#![expect(clippy::print_stdout, reason = "it prints figures")]

use std::error::Error;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deploy::ConfigText;
use deploy::bind9::catalog::{self, CatalogZones};
use deploy::bind9::config::{Keys, PrimaryConfig, SecondaryConfig, primary, secondary};
use deploy::bind9::control::ControlKey;
use deploy::bind9::{Bind9, Bind9Settings};
use deploy::catalog::{Catalogs, Published};
use deploy::notify::Notifier;
use deploy::{Deployment, Nameserver, Settings};
use dns::apex::{Apex, ApexNameserver};
use dns::change::{Edit, Limits, NewRecord, TtlChoice};
use dns::{Name, OwnerName, RecordData, RecordType, Ttl, ZoneName};
use futures_util::future::{join_all, try_join_all};
use store::{Author, Clock, NewAccount, Options, Source, Store, Zone};
use tokio_util::sync::CancellationToken;
use wire::ask::{self, Asker};

type Failure = Box<dyn Error + Send + Sync>;

/// How many secondaries have to serve what is measured.
const SECONDARIES: usize = 2;
/// Between two questions of the measurement: more often would slow down what is measured.
const LOOK: Duration = Duration::from_millis(1);
/// Each new secondary has just fetched every zone over a connection of its own. For a minute all those ports stay taken, and
/// named, which binds before it connects, keeps the kernel searching for a free one. Nothing is measured before so few are left,
const CLOSING: usize = 500;
/// or before this time is over.
const LONGEST_REST: Duration = Duration::from_secs(150);
/// How many zones are made at a time before the measurement.
const MADE_AT_ONCE: usize = 500;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let zones = arguments.next().transpose()?.unwrap_or(1000);
    let rounds = arguments.next().transpose()?.unwrap_or(200);
    let bench = Bench::start(zones).await?;

    let mut times = Vec::new();
    let mut made = Vec::new();
    for round in 0..rounds {
        let zone = bench.create(&format!("measured{round}.example")).await?;
        times.push(bench.served(&zone).await?);
        made.push(zone);
    }
    print("new zone", &mut times);

    for (round, zone) in made.iter().enumerate() {
        let zone = bench.add(zone, round).await?;
        times.push(bench.served(&zone).await?);
    }
    print("changed record", &mut times);

    if let Some(zone) = made.first() {
        for round in 0..rounds {
            let zone = bench.add(zone, rounds + round).await?;
            times.push(bench.served(&zone).await?);
        }
    }
    print("same zone again", &mut times);

    for zone in made.iter().take(rounds / 4) {
        bench.store.delete_zone(&bench.author, zone.id, Vec::new()).await?;
        let zone = bench.create(&zone.name.to_string()).await?;
        times.push(bench.served(&zone).await?);
    }
    print("made again", &mut times);
    bench.stop.cancel();
    Ok(())
}

fn print(what: &str, times: &mut Vec<Duration>) {
    times.sort();
    let at =
        |share: f64| times.get((times.len() as f64 * share) as usize).or(times.last()).copied().unwrap_or_default();
    let (p50, p90, p99) = (at(0.5), at(0.9), at(0.99));
    let worst = times.last().copied().unwrap_or_default();
    println!("{what:16} n={:5}  p50 {p50:9.2?}  p90 {p90:9.2?}  p99 {p99:9.2?}  max {worst:9.2?}", times.len());
    times.clear();
}

/// The nameservers, and a store that is deployed to them.
struct Bench {
    store: Store,
    author: Author,
    askers: Vec<Asker>,
    stop: CancellationToken,
    /// Ended when they are dropped.
    _nameds: Vec<Named>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn start(zones: usize) -> Result<Bench, Failure> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        let keys = Keys::load_or_create(&path.join("keys"))?;
        let addresses = (0..SECONDARIES).map(|_| free_port()).collect::<Result<Vec<_>, _>>()?;
        let config = PrimaryConfig {
            directory: sub(path, "primary")?,
            listen: vec![free_port()?],
            control: free_port()?,
            control_key: keys.control.clone(),
            update_key: keys.update.clone(),
            transfer_key: keys.transfer.clone(),
            secondaries: addresses.clone(),
            is_managed: false,
            rate_limit: Some(deploy::bind9::config::RateLimit::default()),
            identity: deploy::bind9::config::Identity::default(),
        };
        let mut nameds = vec![Named::start(path, "primary", &primary(&config))?];
        let store = open_store(path)?;
        let account = NewAccount { email: "bench@example.com".to_owned(), ..NewAccount::default() };
        let account = store.command_line().create_account(account).await?.id;
        let author = Author { account, name: "bench".to_owned(), source: Source::Api, address: None };
        let askers = addresses.iter().map(|address| Asker::new(*address, ask::Settings::default())).collect();
        let stop = CancellationToken::new();

        let begun = Instant::now();
        let mut last = None;
        for first in (0..zones).step_by(MADE_AT_ONCE) {
            let names = (first..zones.min(first + MADE_AT_ONCE)).map(|number| format!("zone{number}.example"));
            let made = try_join_all(names.map(|name: String| create(&store, &author, name))).await?;
            last = made.into_iter().last().or(last);
        }
        println!("{zones} zones made in {:.1?}", begun.elapsed());

        let dns = config.listen[0];
        let nameserver = deployed(path, &config, dns, &store, &stop).await?;
        let catalogs = nameserver.1;
        let (deployment, _) =
            Deployment::start(store.journal(), vec![nameserver.0], Vec::new(), Settings::default(), stop.clone());
        let begun = Instant::now();
        while !deployment.is_settled() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        println!("deployed to the primary in {:.1?}", begun.elapsed());
        let running = (catalogs.clone(), stop.clone());
        tokio::spawn(async move { running.0.run(Duration::from_secs(300), running.1).await });
        catalogs.audit().await?;
        let begun = Instant::now();
        for (number, address) in addresses.into_iter().enumerate() {
            let name = format!("secondary{number}");
            let (directory, transfer_key) = (sub(path, &name)?, keys.transfer.clone());
            let config = SecondaryConfig {
                directory,
                listen: vec![address],
                primaries: vec![dns],
                transfer_key,
                max_records_per_type: None,
                rate_limit: Some(deploy::bind9::config::RateLimit::default()),
                identity: deploy::bind9::config::Identity::default(),
            };
            nameds.push(Named::start(path, &name, &secondary(&config))?);
        }
        let bench = Bench { store, author, askers, stop, _nameds: nameds, _folder: folder };
        if let Some(last) = last {
            bench.served(&last).await?;
        }
        bench.all_served().await?;
        println!("served by {SECONDARIES} new secondaries in {:.1?}", begun.elapsed());
        let begun = Instant::now();
        while closing()? > CLOSING && begun.elapsed() < LONGEST_REST {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        println!("rested for {:.1?}, until few closed connections were left", begun.elapsed());
        Ok(bench)
    }

    async fn create(&self, name: &str) -> Result<Zone, Failure> {
        create(&self.store, &self.author, name.to_owned()).await
    }

    async fn add(&self, zone: &Zone, number: usize) -> Result<Zone, Failure> {
        let address = Ipv4Addr::from(0x0a00_0000 + number as u32).to_string();
        let record = NewRecord {
            owner: OwnerName::parse(&format!("host{number}"), &zone.name).map_err(|fault| fault.to_string())?,
            data: RecordData::parse(RecordType::A, &address, None, &zone.name).map_err(|fault| fault.to_string())?,
            ttl: TtlChoice::Join(Ttl::DEFAULT),
        };
        let edit = Edit::Create(self.store.new_record_id(), record);
        Ok(self.store.change(&self.author, zone.id, vec![edit]).await?.zone)
    }

    /// How long it takes from now until all secondaries serve this version.
    async fn served(&self, zone: &Zone) -> Result<Duration, Failure> {
        let begun = Instant::now();
        join_all(self.askers.iter().map(|asker| async move {
            loop {
                // Until it knows the zone, a secondary refuses or fails.
                let serial = asker.serial(&zone.name).await.ok().flatten();
                if serial.is_some_and(|serial| !zone.serial.is_newer_than(serial)) {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        }))
        .await;
        Ok(begun.elapsed())
    }

    async fn all_served(&self) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let heads = self.store.journal().heads(after, 500).await?;
            let Some(last) = heads.last() else { return Ok(()) };
            after = Some(last.id);
            for head in &heads {
                for asker in &self.askers {
                    while asker.serial(&head.name).await.ok().flatten().is_none() {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            }
        }
    }
}

/// How many connections of this host were closed in the last minute (TIME-WAIT).
fn closing() -> Result<usize, Failure> {
    let text = fs::read_to_string("/proc/net/sockstat")?;
    let mut words = text.lines().filter(|line| line.starts_with("TCP:")).flat_map(str::split_whitespace);
    let count = words.find(|word| *word == "tw").and_then(|_| words.next());
    Ok(count.ok_or("no count of closed connections in /proc/net/sockstat")?.parse()?)
}

async fn create(store: &Store, author: &Author, name: String) -> Result<Zone, Failure> {
    let name = ZoneName::parse(&name).map_err(|fault| fault.to_string())?;
    Ok(store.create_zone(author, name).await?)
}

fn open_store(path: &Path) -> Result<Store, Failure> {
    let nameserver = ApexNameserver { name: Name::parse("ns1.zonewright.test")?, addresses: Vec::new() };
    let apex = Apex::new(vec![nameserver]).ok_or("no nameserver")?;
    let options = Options {
        clock: Clock::system(),
        limits: Limits::default(),
        apex,
        key_file: None,
        own_names: Vec::new(),
        policy: store::Policy::default(),
    };
    Ok(Store::open(path.join("store.sqlite"), options)?)
}

async fn deployed(
    path: &Path,
    config: &PrimaryConfig,
    dns: SocketAddr,
    store: &Store,
    stop: &CancellationToken,
) -> Result<(Arc<dyn Nameserver>, Catalogs), Failure> {
    let (control, control_key) = (config.control, ControlKey::from(&config.control_key));
    let bind9 = Bind9::open(Bind9Settings {
        name: "primary".to_owned(),
        control,
        control_key: control_key.clone(),
        dns,
        update_key: config.update_key.clone(),
        zone_folder: path.join("primary/zones"),
        new_zones_folder: Some(path.join("primary")),
        max_records_per_type: None,
        named: None,
        clock: Clock::system(),
    });
    let host = CatalogZones::new(catalog::Settings {
        control,
        control_key,
        update_key: config.update_key.name().clone(),
        folder: path.join("primary/catalogs"),
    });
    let catalogs = Catalogs::new(
        store.journal(),
        deploy::catalog::Settings {
            host: Arc::new(host.map_err(|error| error.to_string())?),
            dns,
            update_key: config.update_key.clone(),
            notifier: Notifier::new(&config.secondaries, &config.transfer_key, &Clock::system(), stop),
            clock: Clock::system(),
        },
    );
    Ok((Arc::new(Published::new(Arc::new(bind9.await?), catalogs.clone())), catalogs))
}

/// A named, killed when it is dropped.
struct Named(Child);

impl Named {
    fn start(path: &Path, name: &str, config: &str) -> Result<Named, Failure> {
        let file = path.join(format!("{name}.conf"));
        fs::write(&file, config)?;
        let log = path.join(format!("{name}.log"));
        let mut command = Command::new("named");
        command.args(["-g", "-c"]).arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let mut named = Named(command.spawn()?);
        while !fs::read_to_string(&log)?.contains(" running\n") {
            if named.0.try_wait()?.is_some() {
                return Err(fs::read_to_string(&log)?.into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(named)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sub(path: &Path, name: &str) -> Result<ConfigText, Failure> {
    let folder = path.join(name);
    fs::create_dir(&folder)?;
    Ok(ConfigText::from_path(&folder)?)
}

/// Below the ports that named sends from: on one host, a message to its own port would come back to its sender.
fn free_port() -> Result<SocketAddr, std::io::Error> {
    loop {
        let port = 10_000 + (uuid::Uuid::now_v7().as_u128() % 20_000) as u16;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener.local_addr();
        }
    }
}
