//! What goes wrong between this server and a real named, and that it heals: changes are accepted all along, no serial goes
//! back, and in the end every zone is served record by record as it is stored.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::channel::{delete_zone, eventually};
use common::named::{Setup, free_port};
use common::primary::{Primary, a_record};
use deploy::Witness;
use deploy::bind9::audit::{AuditSettings, audit_for_ever};
use deploy::bind9::control::{Command, ControlKey};
use deploy::bind9::key::statement;
use dns::change::Edit;
use store::Zone;
use tokio_util::sync::CancellationToken;
use wire::secret::Algorithm;
use wire::tsig::TsigKey;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_is_killed_while_changes_flow() {
    let mut primary = Primary::open().await;
    let zones = primary.zones(10).await;
    let running = primary.deploy().await;
    let (watch, traffic) = (primary.watch(&zones), primary.traffic(&zones));
    for _ in 0..3 {
        traffic.more(50).await;
        primary.dynamic.channel.named.restart();
    }
    traffic.more(50).await;
    traffic.end().await;
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_is_away_for_a_while() {
    let mut primary = Primary::open().await;
    let mut zones = primary.zones(10).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let (watch, traffic) = (primary.watch(&zones), primary.traffic(&zones));
    primary.dynamic.channel.named.kill();
    traffic.more(100).await;
    primary.store.delete_zone(&primary.author, primary.zone("short-lived.example").await.id, Vec::new()).await.unwrap();
    zones.push(primary.zone("late.example").await);
    eventually(async || {
        let status = running.deployment.status(&primary.heads().await[0]).await;
        !status[0].in_sync && status[0].error.is_some()
    })
    .await;
    primary.dynamic.channel.named.restart();
    traffic.more(20).await;
    traffic.end().await;
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_folder_is_wiped() {
    let mut primary = Primary::open().await;
    let zones = primary.zones(10).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let (watch, traffic) = (primary.watch(&zones), primary.traffic(&zones));
    // Under a running named, which then cannot keep a journal ...
    traffic.more(20).await;
    wipe(&primary).await;
    traffic.more(50).await;
    // ... and then with all that named remembers.
    primary.dynamic.channel.named.kill();
    wipe(&primary).await;
    fs::remove_file(primary.dynamic.channel.named.path("_default.nzd")).unwrap();
    primary.dynamic.channel.named.restart();
    traffic.more(50).await;
    traffic.end().await;
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zones_deleted_while_nobody_looks_go_even_without_their_files() {
    let primary = Primary::open().await;
    let zones = primary.zones(5).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    running.stop().await;
    for zone in &zones[..2] {
        primary.store.delete_zone(&primary.author, zone.id, Vec::new()).await.unwrap();
    }
    // Nothing but named's memory knows of them now.
    fs::remove_dir_all(primary.zone_folder()).unwrap();
    let control = &primary.dynamic.channel.control;
    assert!(control.zone_status(&zones[0].name).await.is_ok());
    let running = primary.deploy().await;
    for zone in &zones[..2] {
        eventually(async || control.zone_status(&zone.name).await.is_err()).await;
    }
    primary.in_order().await;
    running.stop().await;
}

/// Removes the folder, into which others write.
async fn wipe(primary: &Primary) {
    let lock = primary.zone_folder().join(".lock");
    let before = fs::metadata(&lock).unwrap();
    eventually(async || {
        let _ = fs::remove_dir_all(primary.zone_folder());
        fs::metadata(&lock).map_or(true, |now| now.ino() != before.ino())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journals_are_corrupted() {
    let mut primary = Primary::open().await;
    let zones = primary.zones(5).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let (watch, traffic) = (primary.watch(&zones), primary.traffic(&zones));
    traffic.more(50).await;
    eventually(async || corrupt_journals(&primary) > 0).await;
    traffic.more(50).await;
    primary.dynamic.channel.named.kill();
    corrupt_journals(&primary);
    primary.dynamic.channel.named.restart();
    traffic.more(50).await;
    traffic.end().await;
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
}

fn corrupt_journals(primary: &Primary) -> usize {
    let journals: Vec<_> = primary.files().into_iter().filter(|file| file.ends_with(".jnl")).collect();
    for journal in &journals {
        fs::write(journal, b"this is no journal of anything").unwrap();
    }
    journals.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_changes_zones_by_hand() {
    let primary = Primary::open().await;
    let zones = primary.zones(5).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let watch = primary.watch(&zones);
    // A zone is removed, ...
    primary.dynamic.channel.ok(delete_zone(&zones[0].name)).await;
    primary.in_order().await;
    // ... records are changed, which takes the serial ahead of the store, ...
    nsupdate(&primary, &zones[1], "update add www 300 A 192.0.2.66");
    nsupdate(&primary, &zones[2], "update delete @ NS\nupdate add by-hand 300 TXT hello");
    primary.in_order().await;
    // ... and a zone is left frozen.
    primary.dynamic.channel.ok(Command::Freeze(zones[3].name.clone())).await;
    primary.add(&zones[3], "www", "192.0.2.1").await;
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
}

/// Runs a script with `@` and relative names for the zone.
fn nsupdate(primary: &Primary, zone: &Zone, script: &str) {
    let server = primary.dynamic.channel.named.dns();
    let name = zone.name.name().fqdn().to_string();
    let lines: String = script
        .lines()
        .map(|line| {
            let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            words[2] = if words[2] == "@" { name.clone() } else { format!("{}.{name}", words[2]) };
            words.join(" ") + "\n"
        })
        .collect();
    let key = primary.dynamic.channel.named.path("update.key");
    fs::write(&key, statement(&primary.dynamic.key)).unwrap();
    let mut process = Process::new("nsupdate").arg("-k").arg(key).stdin(Stdio::piped()).spawn().unwrap();
    let input = format!("server {} {}\nzone {name}\n{lines}send\n", server.ip(), server.port());
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(process.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_finds_what_no_serial_shows() {
    let primary = Primary::open().await;
    let zones = primary.zones(3).await;
    primary.add(&zones[0], "www", "192.0.2.1").await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let watch = primary.watch(&zones);
    // The file is edited, and its serial left as it is.
    let (control, zone) = (&primary.dynamic.channel, &zones[0]);
    control.ok(Command::Freeze(zone.name.clone())).await;
    let file = primary.files().into_iter().find(|file| file.ends_with(&format!("{}.zone", zone.id.0))).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("192.0.2.1"));
    fs::write(&file, text.replace("192.0.2.1", "192.0.2.66")).unwrap();
    control.ok(Command::Thaw(zone.name.clone())).await;
    eventually(async || !primary.is_in_order(&zone.name).await).await;

    let stop = CancellationToken::new();
    let fast = AuditSettings { between_zones: Duration::from_millis(1), between_rounds: Duration::from_millis(10) };
    let audit = tokio::spawn(audit_for_ever(primary.store.journal(), Arc::clone(&running.bind9), fast, stop.clone()));
    primary.in_order().await;
    let head = primary.store.journal().head(&zone.name).await.unwrap().unwrap();
    // Nothing more is found, so nothing more is repaired.
    let rounds = primary.dynamic.channel.named.log().matches("AXFR ended").count() + 50;
    eventually(async || primary.dynamic.channel.named.log().matches("AXFR ended").count() > rounds).await;
    assert_eq!(primary.store.journal().head(&zone.name).await.unwrap().unwrap(), head);
    assert_eq!(primary.store.journal().head(&zones[1].name).await.unwrap().unwrap().version.0, 1);
    stop.cancel();
    audit.await.unwrap();
    watch.end().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_moves_above_what_is_served() {
    let primary = Primary::open().await;
    let zones = primary.zones(3).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let watch = primary.watch(&zones);
    let backup = primary.folder.path().join("backup.db");
    primary.store.command_line().back_up(&backup).await.unwrap();
    primary.add(&zones[0], "lost", "192.0.2.1").await;
    primary.add(&zones[0], "lost-too", "192.0.2.1").await;
    primary.in_order().await;
    running.stop().await;

    let mut primary = primary;
    primary.store.close().await;
    primary.store = common::primary::open_store(&backup);
    let running = primary.deploy().await;
    primary.in_order().await;
    primary.add(&zones[0], "new", "192.0.2.2").await;
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_told_and_heals() {
    let primary = Primary::open().await;
    let zones = primary.zones(3).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    running.stop().await;

    let other = ControlKey::generate(Algorithm::Sha256).unwrap();
    let mut wrong_update = primary.settings();
    wrong_update.update_key = TsigKey::new(primary.dynamic.key.name().clone(), other.secret().clone()).unwrap();
    let mut wrong_control = primary.settings();
    wrong_control.control_key = other;
    for (number, settings) in [wrong_update, wrong_control].into_iter().enumerate() {
        let running = primary.deploy_with(settings).await;
        primary.add(&zones[0], &format!("www{number}"), "192.0.2.1").await;
        primary.zone(&format!("new{number}.example")).await;
        eventually(async || {
            let mut errors = Vec::new();
            for head in primary.heads().await {
                errors.extend(running.deployment.status(&head).await.remove(0).error);
            }
            errors.iter().any(|error| error.contains("key") || error.contains("sign"))
        })
        .await;
        running.stop().await;
    }
    let running = primary.deploy().await;
    primary.in_order().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_port_is_closed_and_opened() {
    let primary = Primary::open().await;
    let zones = primary.zones(5).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let (watch, traffic) = (primary.watch(&zones), primary.traffic(&zones));
    let named = &primary.dynamic.channel.named;
    let conf = fs::read_to_string(named.path("named.conf")).unwrap();
    let listen = format!("listen-on port {}", named.dns().port());
    assert!(conf.contains(&listen));
    fs::write(named.path("named.conf"), conf.replace(&listen, &format!("listen-on port {}", free_port().port())))
        .unwrap();
    primary.dynamic.channel.ok(Command::Reconfig).await;
    traffic.more(50).await;
    eventually(async || running.bind9.served(&zones[0].name).await.is_err()).await;
    fs::write(named.path("named.conf"), conf).unwrap();
    primary.dynamic.channel.ok(Command::Reconfig).await;
    traffic.more(20).await;
    traffic.end().await;
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_that_named_refuses_stops_no_other() {
    let primary = Primary::open_with(Setup::new().options("max-records-per-type 3;")).await;
    let zones = primary.zones(5).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let watch = primary.watch(&zones);
    let too_many = |zone: &Zone| -> Vec<Edit> {
        (0..4).map(|n| a_record(primary.store.new_record_id(), zone, "many", &format!("192.0.2.{n}"))).collect()
    };
    // One that is served already, and a new one.
    primary.change(&zones[0], too_many(&zones[0])).await;
    let refused = primary.store.create_zone(&primary.author, common::channel::zone("refused.example")).await.unwrap();
    primary.change(&refused, too_many(&refused)).await;
    for zone in &zones[1..] {
        primary.add(zone, "www", "192.0.2.1").await;
    }
    for zone in &zones[1..] {
        eventually(async || primary.is_in_order(&zone.name).await).await;
    }
    for name in [&zones[0].name, &refused.name] {
        let head = primary.store.journal().head(name).await.unwrap().unwrap();
        eventually(async || running.deployment.status(&head).await[0].error.is_some()).await;
    }
    // The zone that was served is served as it was, until it can be served again.
    assert!(running.bind9.served(&zones[0].name).await.unwrap().is_some());
    for zone in [&zones[0], &refused] {
        let head = primary.store.journal().snapshot(zone.id).await.unwrap().unwrap();
        let records = primary.store.records(primary.author.account, Some(zone.id), Default::default(), None, 10).await;
        let first = records.unwrap().unwrap().remove(0);
        assert!(head.records.len() > 3);
        primary.change(zone, vec![Edit::Delete(first.record.id)]).await;
    }
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_zones_hold_no_places_and_are_not_left_frozen() {
    let primary = Primary::open_with(Setup::new().options("max-records-per-type 3;")).await;
    // More than there are places for.
    let zones = primary.zones(40).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    for zone in &zones {
        let too_many =
            (0..4).map(|n| a_record(primary.store.new_record_id(), zone, "many", &format!("192.0.2.{n}"))).collect();
        primary.change(zone, too_many).await;
    }
    for zone in &zones {
        let head = primary.store.journal().head(&zone.name).await.unwrap().unwrap();
        eventually(async || running.deployment.status(&head).await[0].error.is_some()).await;
    }
    // All of them are tried again and again; a new zone does not wait for one that named does not load within ten seconds.
    let begun = Instant::now();
    let new = primary.zone("new.example").await;
    eventually(async || primary.is_in_order(&new.name).await).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());

    // Sooner or later each is seen to be refused, and takes updates again.
    let control = &primary.dynamic.channel.control;
    for zone in &zones[..3] {
        eventually(async || !control.zone_status(&zone.name).await.unwrap().frozen).await;
        assert!(running.bind9.served(&zone.name).await.unwrap().is_some());
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_is_full() {
    let primary = Primary::open().await;
    let disk = SmallDisk::mount(&primary.zone_folder());
    let zones = primary.zones(5).await;
    let running = primary.deploy().await;
    primary.in_order().await;
    let (watch, traffic) = (primary.watch(&zones), primary.traffic(&zones));
    let filler = primary.zone_folder().join("filler");
    disk.fill(&filler);
    let new = primary.zone("new.example").await;
    let head = primary.store.journal().head(&new.name).await.unwrap().unwrap();
    eventually(async || {
        let status = running.deployment.status(&head).await.remove(0);
        status.error.is_some_and(|error| error.contains("No space left"))
    })
    .await;
    traffic.more(50).await;
    assert!(primary.files().iter().all(|file| !file.contains(&new.id.0.to_string())), "half a file");
    fs::remove_file(filler).unwrap();
    traffic.more(20).await;
    traffic.end().await;
    primary.in_order().await;
    watch.end().await;
    running.stop().await;
    drop(primary);
    drop(disk);
}

/// A file system of one megabyte in memory.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: &Path) -> SmallDisk {
        fs::create_dir_all(path).unwrap();
        let mounted = Process::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(path).status().unwrap();
        assert!(mounted.success(), "run this test as root, or with `unshare --map-root-user --mount`");
        SmallDisk(path.to_owned())
    }

    fn fill(&self, file: &Path) {
        let mut file = fs::File::create(file).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: named may still have a file open there.
        let _ = Process::new("umount").arg("-l").arg(&self.0).status();
    }
}
