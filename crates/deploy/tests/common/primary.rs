//! A store, a real named, and the deployment between them, with what a test of faults needs: traffic, and an eye on the serials.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use deploy::bind9::difference::compare;
use deploy::bind9::folder::FolderError;
use deploy::bind9::{Bind9, Bind9Settings, OpenError};
use deploy::{Deployment, Nameserver, Settings};
use dns::apex::{Apex, ApexNameserver};
use dns::change::{self, Edit, NewRecord, TtlChoice};
use dns::{Name, OwnerName, RecordData, RecordId, RecordType, Ttl, ZoneName};
use store::{Author, Clock, Head, NewAccount, Options, Source, Store, Zone};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::ask::{self, Asker};
use wire::transfer::{Limits, fetch};

use super::channel::{eventually, zone};
use super::dynamic::Dynamic;
use super::named::Setup;

/// Zones of one account, and a named to deploy them to.
pub(crate) struct Primary {
    pub(crate) dynamic: Dynamic,
    pub(crate) store: Store,
    pub(crate) author: Author,
    pub(crate) folder: tempfile::TempDir,
}

impl Primary {
    pub(crate) async fn open() -> Primary {
        Primary::open_with(Setup::new()).await
    }

    pub(crate) async fn open_with(setup: Setup) -> Primary {
        let dynamic = Dynamic::open_with(setup);
        let folder = tempfile::tempdir().unwrap();
        let store = open_store(&folder.path().join("store.db"));
        let account = NewAccount { email: "a@example.com".to_owned(), ..NewAccount::default() };
        let account = store.command_line().create_account(account).await.unwrap().id;
        let author = Author { account, name: "test".to_owned(), source: Source::Api, address: None };
        Primary { dynamic, store, author, folder }
    }

    pub(crate) fn zone_folder(&self) -> PathBuf {
        self.dynamic.channel.named.path("zones")
    }

    pub(crate) fn settings(&self) -> Bind9Settings {
        let channel = &self.dynamic.channel;
        Bind9Settings {
            name: "primary".to_owned(),
            control: channel.named.control(),
            control_key: channel.key.clone(),
            dns: channel.named.dns(),
            update_key: self.dynamic.key.clone(),
            zone_folder: self.zone_folder(),
            new_zones_folder: None,
            max_records_per_type: None,
            named: None,
            clock: Clock::system(),
        }
    }

    pub(crate) async fn deploy(&self) -> Running {
        self.deploy_with(self.settings()).await
    }

    pub(crate) async fn deploy_with(&self, settings: Bind9Settings) -> Running {
        // What an earlier deployment was just doing in the folder comes to an end first.
        let opened = std::sync::Mutex::new(None);
        eventually(async || match Bind9::open(settings.clone()).await {
            Ok(bind9) => {
                *opened.lock().unwrap() = Some(bind9);
                true
            }
            Err(OpenError::Folder(FolderError::Locked { .. })) => false,
            Err(error) => panic!("{error}"),
        })
        .await;
        let bind9 = Arc::new(opened.into_inner().unwrap().unwrap());
        let stop = CancellationToken::new();
        let nameserver: Arc<dyn Nameserver> = Arc::clone(&bind9) as _;
        let every = Settings { sweep_every: Duration::from_millis(500) };
        let (deployment, done) =
            Deployment::start(self.store.journal(), vec![nameserver], Vec::new(), every, stop.clone());
        Running { bind9, deployment, done, stop }
    }

    pub(crate) async fn zone(&self, name: &str) -> Zone {
        self.store.create_zone(&self.author, zone(name)).await.unwrap()
    }

    pub(crate) async fn zones(&self, count: u32) -> Vec<Zone> {
        let mut zones = Vec::new();
        for number in 0..count {
            zones.push(self.zone(&format!("zone{number}.example")).await);
        }
        zones
    }

    pub(crate) async fn add(&self, zone: &Zone, owner: &str, address: &str) -> RecordId {
        let id = self.store.new_record_id();
        self.change(zone, vec![a_record(id, zone, owner, address)]).await;
        id
    }

    pub(crate) async fn change(&self, zone: &Zone, edits: Vec<Edit>) -> Head {
        let committed = self.store.change(&self.author, zone.id, edits).await.unwrap();
        let Zone { id, name, version, serial, .. } = committed.zone;
        Head { id, name, version, serial }
    }

    pub(crate) async fn heads(&self) -> Vec<Head> {
        self.store.journal().heads(None, 100_000).await.unwrap()
    }

    /// Waits until every zone is served exactly as the store has it, record by record.
    pub(crate) async fn in_order(&self) {
        let heads = self.heads().await;
        eventually(async || {
            for head in &heads {
                if !self.is_in_order(&head.name).await {
                    return false;
                }
            }
            true
        })
        .await;
    }

    pub(crate) async fn is_in_order(&self, name: &ZoneName) -> bool {
        let Some(head) = self.store.journal().head(name).await.unwrap() else { return false };
        let Some(wanted) = self.store.journal().snapshot(head.id).await.unwrap() else { return false };
        let (server, clock) = (self.dynamic.channel.named.dns(), &self.dynamic.clock);
        match fetch(server, name, Some(&self.dynamic.key), Limits::default(), clock).await {
            Ok(served) => served.serial().unwrap() == wanted.serial() && compare(&wanted, &served).is_empty(),
            Err(_) => false,
        }
    }

    /// Waits until a zone is not served, nor any file of it there.
    pub(crate) async fn is_gone(&self, zone: &Zone) {
        let asker = Asker::new(self.dynamic.channel.named.dns(), ask::Settings::default());
        eventually(async || matches!(asker.serial(&zone.name).await, Ok(None))).await;
        eventually(async || self.files().iter().all(|file| !file.contains(&zone.id.0.to_string()))).await;
    }

    /// The files in the zone folder, without their folders' names.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let Ok(shards) = fs::read_dir(self.zone_folder()) else { return files };
        for shard in shards.flatten().filter(|entry| entry.path().is_dir()) {
            let Ok(entries) = fs::read_dir(shard.path()) else { continue };
            files.extend(entries.flatten().map(|entry| entry.path().display().to_string()));
        }
        files.sort();
        files
    }

    /// Changes zones all the time, until it is stopped.
    pub(crate) fn traffic(&self, zones: &[Zone]) -> Traffic {
        let (store, author, zones) = (self.store.clone(), self.author.clone(), zones.to_vec());
        let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let task = tokio::spawn({
            let (stop, made) = (Arc::clone(&stop), Arc::clone(&made));
            async move {
                while !stop.load(Ordering::SeqCst) {
                    let number = made.fetch_add(1, Ordering::SeqCst);
                    let zone = &zones[number as usize % zones.len()];
                    let edit = a_record(store.new_record_id(), zone, &format!("t{number}"), "192.0.2.7");
                    store.change(&author, zone.id, vec![edit]).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        });
        Traffic { stop, made, task }
    }

    /// Asks for the serials of zones all the time, until it is stopped.
    pub(crate) fn watch(&self, zones: &[Zone]) -> Watch {
        let asker = Asker::new(self.dynamic.channel.named.dns(), ask::Settings::default());
        let names: Vec<ZoneName> = zones.iter().map(|zone| zone.name.clone()).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut newest = HashMap::new();
            while !stopped.load(Ordering::SeqCst) {
                for name in &names {
                    let Ok(Some(serial)) = asker.serial(name).await else { continue };
                    if let Some(before) = newest.insert(name.clone(), serial) {
                        assert!(
                            serial == before || serial.is_newer_than(before),
                            "{name} went from {before} to {serial}"
                        );
                    }
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        Watch { stop, task }
    }
}

/// A running deployment.
pub(crate) struct Running {
    pub(crate) bind9: Arc<Bind9>,
    pub(crate) deployment: Deployment,
    done: JoinHandle<()>,
    stop: CancellationToken,
}

impl Running {
    /// Ends it, and gives the zone folder back.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.done.await.unwrap();
    }
}

/// Changes that go on.
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    made: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Traffic {
    /// Waits until so many more changes were accepted.
    pub(crate) async fn more(&self, count: u32) {
        let until = self.made.load(Ordering::SeqCst) + count;
        eventually(async || {
            assert!(!self.task.is_finished(), "a change was refused");
            self.made.load(Ordering::SeqCst) >= until
        })
        .await;
    }

    pub(crate) async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
    }
}

/// An eye on serials.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Fails where a serial went back.
    pub(crate) async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
    }
}

/// The store in that file.
pub(crate) fn open_store(path: &std::path::Path) -> Store {
    let nameserver = ApexNameserver { name: Name::parse("ns1.zonewright.test").unwrap(), addresses: Vec::new() };
    let apex = Apex::new(vec![nameserver]).unwrap();
    Store::open(
        path,
        Options {
            clock: Clock::system(),
            limits: change::Limits::default(),
            apex,
            key_file: None,
            own_names: Vec::new(),
            policy: store::Policy::default(),
        },
    )
    .unwrap()
}

/// The wish for an A record.
pub(crate) fn a_record(id: RecordId, zone: &Zone, owner: &str, address: &str) -> Edit {
    let data = RecordData::parse(RecordType::A, address, None, &zone.name).unwrap();
    let owner = OwnerName::parse(owner, &zone.name).unwrap();
    Edit::Create(id, NewRecord { owner, data, ttl: TtlChoice::Join(Ttl::DEFAULT) })
}
