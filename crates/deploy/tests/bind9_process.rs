//! This server as a process of its own beside a real named: killed between every two steps and started again, stopped and
//! continued, and started twice.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::channel::{eventually, key_name, statement};
use common::primary::{Primary, a_record, open_store};
use deploy::bind9::control::ControlKey;
use deploy::bind9::folder::FolderError;
use deploy::bind9::{Bind9, Bind9Settings, OpenError};
use deploy::{Deployment, Nameserver, Settings};
use dns::ZoneId;
use store::{Clock, Store, Zone};
use tokio_util::sync::CancellationToken;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wire::tsig::TsigKey;

/// What `abort` ends a process with.
const SIGABRT: i32 = 6;
/// More steps than any operation has.
const STEPS: u32 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_steps_of_a_new_zone() {
    let primary = Primary::open().await;
    let killed = at_every_step(&primary, async |number| {
        let zone = primary.zone(&format!("new{number}.example")).await;
        primary.add(&zone, "www", "192.0.2.1").await;
    })
    .await;
    assert_eq!(killed, 3, "write, addzone, added");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_an_update() {
    let primary = Primary::open().await;
    let zone = primary.zone("example.com").await;
    run_until_in_order(&primary).await;
    let killed = at_every_step(&primary, async |number| {
        primary.add(&zone, &format!("www{number}"), "192.0.2.1").await;
    })
    .await;
    assert_eq!(killed, 1, "update");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_steps_of_a_rebuild() {
    let primary = Primary::open().await;
    let zone = primary.zone("example.com").await;
    let watch = primary.watch(std::slice::from_ref(&zone));
    run_until_in_order(&primary).await;
    let killed = at_every_step(&primary, async |number| {
        let many = (0..3_000).map(|record| {
            let owner = format!("an-owner-with-a-long-name-{number}-{record}");
            a_record(primary.store.new_record_id(), &zone, &owner, "192.0.2.1")
        });
        primary.change(&zone, many.collect()).await;
    })
    .await;
    assert_eq!(killed, 6, "update (too large), stage, freeze, replace, thaw, confirm");
    watch.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_steps_of_a_removal() {
    let primary = Primary::open().await;
    let zones = primary.zones(STEPS).await;
    run_until_in_order(&primary).await;
    let killed = at_every_step(&primary, async |number| {
        primary.store.delete_zone(&primary.author, zones[number as usize].id, Vec::new()).await.unwrap();
    })
    .await;
    assert_eq!(killed, 2, "delzone, unlink");
    let gone: Vec<&Zone> = zones[..=killed as usize].iter().collect();
    for zone in gone {
        primary.is_gone(zone).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_steps_of_another_zone_of_the_same_name() {
    let primary = Primary::open().await;
    let mut zone = primary.zone("example.com").await;
    run_until_in_order(&primary).await;
    let zone = &mut zone;
    let mut killed = 0;
    for number in 1..STEPS {
        primary.add(zone, "old", "192.0.2.1").await;
        run_until_in_order(&primary).await;
        let old = zone.clone();
        primary.store.delete_zone(&primary.author, zone.id, Vec::new()).await.unwrap();
        *zone = primary.zone("example.com").await;
        let ended = kill_at(&primary, number).await;
        run_until_in_order(&primary).await;
        assert!(primary.files().iter().all(|file| !file.contains(&old.id.0.to_string())), "step {number}");
        if !ended {
            break;
        }
        killed = number;
    }
    assert_eq!(killed, 5, "delzone, unlink, write, addzone, added");
}

/// Makes a change, has a process killed at its first step, and another one finish the work; then at the second step, and so
/// on, until there are no more. Gives the number of steps.
async fn at_every_step(primary: &Primary, change: impl AsyncFn(u32)) -> u32 {
    for number in 1..STEPS {
        change(number - 1).await;
        let killed = kill_at(primary, number).await;
        run_until_in_order(primary).await;
        if !killed {
            return number - 1;
        }
    }
    panic!("it has more than {STEPS} steps");
}

/// Runs a process that kills itself before that step; false where it finished its work without coming there.
async fn kill_at(primary: &Primary, number: u32) -> bool {
    let server = Mutex::new(Server::start(primary, Some(number)));
    eventually(async || server.lock().unwrap().process.try_wait().unwrap().is_some()).await;
    let status = server.lock().unwrap().process.wait().unwrap();
    assert!(status.success() || status.signal() == Some(SIGABRT), "{status}");
    !status.success()
}

async fn run_until_in_order(primary: &Primary) {
    let server = Server::start(primary, None);
    eventually(async || all_in_order(primary).await).await;
    drop(server);
}

/// Every zone of the store is served as it is stored, and there are no files of others.
async fn all_in_order(primary: &Primary) -> bool {
    let heads = primary.heads().await;
    let ids: Vec<String> = heads.iter().map(|head| head.id.0.to_string()).collect();
    if primary.files().iter().any(|file| !ids.iter().any(|id| file.contains(id))) {
        return false;
    }
    for head in &heads {
        if !primary.is_in_order(&head.name).await {
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_and_continued_it_still_has_the_folder() {
    let primary = Primary::open().await;
    let zones = primary.zones(3).await;
    let server = Server::start(&primary, None);
    eventually(async || all_in_order(&primary).await).await;
    server.signal("STOP");
    let refused = Bind9::open(primary.settings()).await.unwrap_err();
    let OpenError::Folder(FolderError::Locked { process, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(process, Some(server.process.id()));
    let traffic = primary.traffic(&zones);
    traffic.more(50).await;
    server.signal("CONT");
    traffic.more(20).await;
    traffic.end().await;
    eventually(async || all_in_order(&primary).await).await;
    drop(server);
    // Killed, it has given it back.
    Bind9::open(primary.settings()).await.unwrap();
}

/// This server as another process, killed when it is dropped.
struct Server {
    process: Child,
}

impl Server {
    fn start(primary: &Primary, abort_at: Option<u32>) -> Server {
        let channel = &primary.dynamic.channel;
        let mut process = Process::new(std::env::current_exe().unwrap());
        process
            .args(["the_other_process", "--exact", "--ignored", "--nocapture"])
            .env("STORE", primary.folder.path().join("store.db"))
            .env("ZONES", primary.zone_folder())
            .env("CONTROL", channel.named.control().to_string())
            .env("DNS", channel.named.dns().to_string())
            .env("KEY", statement("zonewright", &channel.key))
            .env("ABORT_AT", abort_at.unwrap_or(u32::MAX).to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Server { process: process.spawn().unwrap() }
    }

    fn signal(&self, signal: &str) {
        let sent = Process::new("kill").arg(format!("-{signal}")).arg(self.process.id().to_string()).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "what the other tests run as a process of its own"]
async fn the_other_process() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let abort_at: u32 = variable("ABORT_AT").parse().unwrap();
    tracing::subscriber::set_global_default(KillAt { number: AtomicU32::new(0), abort_at }).unwrap();
    let key = ControlKey::from_key_file(&variable("KEY")).unwrap();
    let opened = Bind9::open(Bind9Settings {
        name: "primary".to_owned(),
        control: variable("CONTROL").parse().unwrap(),
        control_key: key.clone(),
        dns: variable("DNS").parse().unwrap(),
        update_key: TsigKey::new(key_name("update"), key.secret().clone()).unwrap(),
        zone_folder: PathBuf::from(variable("ZONES")),
        new_zones_folder: None,
        max_records_per_type: None,
        named: None,
        clock: Clock::system(),
    })
    .await;
    let bind9 = Arc::new(opened.unwrap());
    let store = open_store(&PathBuf::from(variable("STORE")));
    let every = Settings { sweep_every: Duration::from_millis(500) };
    let (deployment, done) =
        Deployment::start(store.journal(), vec![bind9.clone()], Vec::new(), every, CancellationToken::new());
    if abort_at != u32::MAX {
        // A try that failed is settled too, and made again: only what is served says that every step was made.
        eventually(async || deployment.is_settled() && is_done(&store, &deployment, &*bind9).await).await;
        std::process::exit(0);
    }
    done.await.unwrap();
}

/// Whether named serves the newest version of every zone, and has no other zone.
async fn is_done(store: &Store, deployment: &Deployment, bind9: &dyn Nameserver) -> bool {
    let heads = store.journal().heads(None, 1000).await.unwrap();
    for head in &heads {
        if !deployment.status(head).await.iter().all(|status| status.in_sync) {
            return false;
        }
    }
    let wanted: HashSet<ZoneId> = heads.iter().map(|head| head.id).collect();
    bind9.zones().await.is_ok_and(|zones| zones.iter().all(|(_, id)| wanted.contains(id)))
}

/// Ends the process without a word before the step with that number.
struct KillAt {
    number: AtomicU32,
    abort_at: u32,
}

impl Subscriber for KillAt {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "deploy::bind9::step"
    }

    fn event(&self, _: &Event<'_>) {
        if self.number.fetch_add(1, Ordering::SeqCst) + 1 == self.abort_at {
            std::process::abort();
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
