//! A primary with secondaries that follow it, all on their printed configurations, and a store whose zones they serve.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deploy::ConfigText;
use deploy::bind9::catalog::{self, CatalogZones};
use deploy::bind9::config::{PrimaryConfig, SecondaryConfig, primary, secondary};
use deploy::bind9::control::{Control, ControlKey};
use deploy::bind9::{Bind9, Bind9Settings};
use deploy::catalog::{CatalogName, Catalogs, Published};
use deploy::knot::{KnotConfig, knot_secondary};
use deploy::notify::Notifier;
use deploy::secondary::Secondary;
use deploy::{Deployment, Nameserver, Settings, Witness, query};
use dns::apex::{Apex, ApexNameserver};
use dns::change::{Edit, Limits, NewRecord, TtlChoice};
use dns::{Name, OwnerName, RecordData, RecordType, Ttl, ZoneName};
use store::{Author, Clock, Head, NewAccount, Options, Source, Store, Zone};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::secret::Algorithm;
use wire::tsig::TsigKey;

use super::channel::eventually;
use super::daemon::Daemon;
use super::named::free_low_port as free_port;

const PATIENCE: Duration = Duration::from_secs(2);

/// A BIND primary, secondaries, and the deployment to all of them.
pub(crate) struct Followers {
    pub(crate) control: Control,
    pub(crate) config: PrimaryConfig,
    pub(crate) primary: Daemon,
    /// Where the secondaries answer, BINDs first.
    pub(crate) secondaries: Vec<(SocketAddr, Daemon)>,
    pub(crate) store: Store,
    pub(crate) catalogs: Catalogs,
    pub(crate) deployment: Deployment,
    /// Cancelled, it ends the telling of secondaries.
    pub(crate) hush: CancellationToken,
    author: Author,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    folder: TempDir,
}

impl Followers {
    /// Starts all of them. The secondaries start when the catalogs are there.
    pub(crate) async fn start(binds: usize, knots: usize) -> Followers {
        let folder = tempfile::tempdir().unwrap();
        let addresses: Vec<SocketAddr> = (0..binds + knots).map(|_| free_port()).collect();
        let config = PrimaryConfig {
            directory: sub(&folder, "primary"),
            listen: vec![free_port()],
            control: free_port(),
            control_key: key("control"),
            update_key: key("update"),
            transfer_key: key("transfer"),
            secondaries: addresses.clone(),
            is_managed: false,
            rate_limit: Some(deploy::bind9::config::RateLimit::default()),
            identity: deploy::bind9::config::Identity::default(),
        };
        let primary = Daemon::named(&write(&folder, "primary.conf", &primary(&config)));
        let (store, author) = store(&folder).await;
        let stop = CancellationToken::new();
        let hush = stop.child_token();
        let catalogs = catalogs(&folder, &config, &store, &hush);
        catalogs.audit().await.unwrap();

        let start = |(number, address): (usize, SocketAddr)| {
            let directory = sub(&folder, &format!("secondary{number}"));
            let file = format!("secondary{number}.conf");
            let (listen, primaries, transfer_key) = (vec![address], config.listen.clone(), config.transfer_key.clone());
            let daemon = if number < binds {
                let config = SecondaryConfig {
                    directory,
                    listen,
                    primaries,
                    transfer_key,
                    max_records_per_type: None,
                    rate_limit: Some(deploy::bind9::config::RateLimit::default()),
                    identity: deploy::bind9::config::Identity::default(),
                };
                Daemon::named(&write(&folder, &file, &secondary(&config)))
            } else {
                let config = KnotConfig { directory, listen, primaries, transfer_key };
                Daemon::knotd(&write(&folder, &file, &knot_secondary(&config)))
            };
            (address, daemon)
        };
        let secondaries: Vec<_> = addresses.into_iter().enumerate().map(start).collect();
        // named gives a primary a rest of 10 minutes when it goes away while two transfers begin (its list of unreachable
        // primaries). So nothing is done to the primary before the catalogs are all there.
        for (address, _) in &secondaries[..binds] {
            for catalog in CatalogName::all() {
                let is_there = async || matches!(query::serial(*address, &catalog.zone(), PATIENCE).await, Ok(Some(_)));
                eventually(is_there).await;
            }
        }

        let bind9: Arc<dyn Nameserver> = Arc::new(Bind9::open(bind9(&folder, &config)).await.unwrap());
        let nameserver: Arc<dyn Nameserver> = Arc::new(Published::new(bind9, catalogs.clone()));
        let witnesses: Vec<Arc<dyn Witness>> =
            secondaries.iter().map(|(address, _)| Arc::new(Secondary::new(*address)) as Arc<dyn Witness>).collect();
        let (deployment, running) =
            Deployment::start(store.journal(), vec![nameserver], witnesses, Settings::default(), stop.clone());
        let sweeps = tokio::spawn({
            let (catalogs, deployment, stop) = (catalogs.clone(), deployment.clone(), stop.clone());
            async move {
                while !deployment.is_settled() && !stop.is_cancelled() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                catalogs.run(Duration::from_secs(60), stop).await;
            }
        });
        let control = Control::new(config.control, ControlKey::from(&config.control_key)).unwrap();
        let tasks = vec![running, sweeps];
        Followers {
            control,
            config,
            primary,
            secondaries,
            store,
            catalogs,
            deployment,
            hush,
            author,
            stop,
            tasks,
            folder,
        }
    }

    /// Where the primary answers.
    pub(crate) fn dns(&self) -> SocketAddr {
        self.config.listen[0]
    }

    /// A file in the primary's folder.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("primary").join(file)
    }

    /// Starts the primary again after it was killed.
    pub(crate) fn restart_primary(&mut self) {
        self.primary.kill();
        self.primary = Daemon::named(&self.folder.path().join("primary.conf"));
    }

    /// Makes a zone.
    pub(crate) async fn create(&self, name: &str) -> Zone {
        self.store.create_zone(&self.author, ZoneName::parse(name).unwrap()).await.unwrap()
    }

    /// Deletes a zone.
    pub(crate) async fn delete(&self, zone: &Zone) {
        self.store.delete_zone(&self.author, zone.id, Vec::new()).await.unwrap();
    }

    /// Gives a zone another name behind the store's back: one that the store refuses, as an older release took it.
    pub(crate) fn rename(&self, zone: &Zone, name: ZoneName) -> Zone {
        let database = rusqlite::Connection::open(self.folder.path().join("store.sqlite")).unwrap();
        database.busy_timeout(PATIENCE).unwrap();
        let sql = "UPDATE zones SET name = ?1 WHERE uuid = ?2";
        assert_eq!(database.execute(sql, (name.name().key(), zone.id.0.as_bytes())).unwrap(), 1);
        Zone { name, ..zone.clone() }
    }

    /// Adds an address, and gives the zone after it.
    pub(crate) async fn add(&self, zone: &Zone, owner: &str, address: &str) -> Zone {
        self.put(zone, owner, RecordType::A, address).await
    }

    /// Adds a record, and gives the zone after it.
    pub(crate) async fn put(&self, zone: &Zone, owner: &str, record_type: RecordType, value: &str) -> Zone {
        let wanted = NewRecord {
            owner: OwnerName::parse(owner, &zone.name).unwrap(),
            data: RecordData::parse(record_type, value, None, &zone.name).unwrap(),
            ttl: TtlChoice::Join(Ttl::DEFAULT),
        };
        let edit = Edit::Create(self.store.new_record_id(), wanted);
        self.store.change(&self.author, zone.id, vec![edit]).await.unwrap().zone
    }

    /// Waits until all nameservers serve this version; false where they do not in time.
    pub(crate) async fn is_served(&self, zone: &Zone, patience: Duration) -> bool {
        let (id, name, version, serial) = (zone.id, zone.name.clone(), zone.version, zone.serial);
        self.deployment.wait(&Head { id, name, version, serial }, patience).await
    }

    /// Ends the deployment.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// A new key.
pub(crate) fn key(name: &str) -> TsigKey {
    TsigKey::generate(Name::parse(name).unwrap(), Algorithm::Sha256).unwrap()
}

async fn store(folder: &TempDir) -> (Store, Author) {
    let nameserver = ApexNameserver { name: Name::parse("ns1.zonewright.test").unwrap(), addresses: Vec::new() };
    let apex = Apex::new(vec![nameserver]).unwrap();
    let options = Options {
        clock: Clock::system(),
        limits: Limits::default(),
        apex,
        key_file: None,
        own_names: Vec::new(),
        policy: store::Policy::default(),
    };
    let store = Store::open(folder.path().join("store.sqlite"), options).unwrap();
    let account = NewAccount { email: "a@example.com".to_owned(), ..NewAccount::default() };
    let account = store.command_line().create_account(account).await.unwrap().id;
    (store, Author { account, name: "test".to_owned(), source: Source::Api, address: None })
}

fn catalogs(folder: &TempDir, config: &PrimaryConfig, store: &Store, hush: &CancellationToken) -> Catalogs {
    let host = catalog::Settings {
        control: config.control,
        control_key: ControlKey::from(&config.control_key),
        update_key: config.update_key.name().clone(),
        folder: folder.path().join("primary/catalogs"),
    };
    let settings = deploy::catalog::Settings {
        host: Arc::new(CatalogZones::new(host).unwrap()),
        dns: config.listen[0],
        update_key: config.update_key.clone(),
        notifier: Notifier::new(&config.secondaries, &config.transfer_key, &Clock::system(), hush),
        clock: Clock::system(),
    };
    Catalogs::new(store.journal(), settings)
}

fn bind9(folder: &TempDir, config: &PrimaryConfig) -> Bind9Settings {
    Bind9Settings {
        name: "primary".to_owned(),
        control: config.control,
        control_key: ControlKey::from(&config.control_key),
        dns: config.listen[0],
        update_key: config.update_key.clone(),
        zone_folder: folder.path().join("primary/zones"),
        new_zones_folder: None,
        max_records_per_type: None,
        named: None,
        clock: Clock::system(),
    }
}

fn sub(folder: &TempDir, name: &str) -> ConfigText {
    let path = folder.path().join(name);
    fs::create_dir(&path).unwrap();
    ConfigText::from_path(&path).unwrap()
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path: &Path = folder.path();
    let path = path.join(name);
    fs::write(&path, text).unwrap();
    path
}
