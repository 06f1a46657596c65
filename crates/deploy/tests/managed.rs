//! The managed named: a real one, through starts, crashes, stops, and starts that cannot succeed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use common::channel::{add_zone, eventually, zone};
use common::named::{SMALL_ZONE, free_low_port as free_port};
use deploy::ConfigText;
use deploy::bind9::control::{Command, Control, ControlKey, ZoneConfig};
use deploy::bind9::managed::{Hint, Managed, Settings, StartError, User, is_root};
use deploy::query;
use dns::Serial;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Tells a copy of this test binary to run a named in this folder until it is killed.
const RUN_IN: &str = "ZONEWRIGHT_TEST_RUN_NAMED_IN";
/// How long a folder may stay locked after its server has ended.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn what_cannot_be_started_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("bind9"), free_port());
    let start = async |settings: &Settings| {
        let stop = CancellationToken::new();
        Managed::start(settings.clone(), stop).await.map(drop).unwrap_err()
    };

    let missing = Settings { program: PathBuf::from("named-that-is-not-there"), ..settings.clone() };
    let error = start(&missing).await.to_string();
    assert!(error.contains("not installed") && error.contains("apt install bind9"), "{error}");

    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = Settings { listen: vec![other.local_addr().unwrap()], ..settings.clone() };
    let error = start(&taken).await;
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    assert!(error.to_string().contains("another program answers there"), "{error}");

    let elsewhere = Settings { listen: vec!["192.0.2.1:5300".parse().unwrap()], ..settings.clone() };
    assert!(start(&elsewhere).await.to_string().contains("no such address"));

    let odd = Settings { folder: folder.path().join("a\"b"), ..settings.clone() };
    assert!(matches!(start(&odd).await, StartError::Folder { .. }));

    let program = script(folder.path(), "echo 'config: error: open: named.conf: permission denied' >&2; exit 1");
    let stop = CancellationToken::new();
    let managed = Managed::start(Settings { program, ..settings.clone() }, stop.clone()).await.unwrap();
    let error = managed.running().await.unwrap_err();
    let StartError::Ended { hint, .. } = &*error else { panic!("{error}") };
    assert_ne!(*hint, Hint::None);
    assert!(error.to_string().contains("permission denied"), "{error}");

    // It is tried again, and says what is wrong now.
    script(folder.path(), "exit 3");
    let has_changed =
        async || matches!(managed.running().await, Err(error) if error.to_string().contains("exit status: 3"));
    eventually(has_changed).await;
    stop.cancel();
    managed.ended().await;
}

#[tokio::test]
async fn it_serves_and_ends_with_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("bind9"), free_port());
    let stop = CancellationToken::new();
    let managed = start(settings.clone(), &stop).await;
    for file in ["named.conf", "rndc.conf", "keys/control.key", "keys/update.key", "keys/transfer.key"] {
        let mode = fs::metadata(settings.folder.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    add(&managed).await;
    assert_eq!(serial(&managed).await, Some(Serial(1)));
    let rndc = Process::new("rndc").arg("-c").arg(settings.folder.join("rndc.conf")).arg("status").output().unwrap();
    assert!(rndc.status.success(), "{rndc:?}");

    let second = Managed::start(Settings { listen: vec![free_port()], ..settings.clone() }, stop.clone()).await;
    assert!(matches!(second, Err(StartError::Locked { process: Some(id), .. }) if id == std::process::id()));
    assert_eq!(serial(&managed).await, Some(Serial(1)));

    let (process, keys) = (named_in(&settings.folder), managed.keys().clone());
    stop.cancel();
    managed.ended().await;
    assert!(!is_running(process));

    let stop = CancellationToken::new();
    let managed = start(settings, &stop).await;
    assert_eq!(*managed.keys(), keys);
    assert_eq!(serial(&managed).await, Some(Serial(1)), "named has kept the zone");
    stop.cancel();
    managed.ended().await;
}

#[tokio::test]
async fn it_is_started_again_when_it_dies() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("bind9"), free_port());
    let stop = CancellationToken::new();
    let managed = start(settings.clone(), &stop).await;
    add(&managed).await;
    for _ in 0..2 {
        let process = named_in(&settings.folder);
        kill(process);
        eventually(async || !is_running(process)).await;
        eventually(async || serial(&managed).await == Some(Serial(1))).await;
        eventually(async || control(&managed).send(&Command::Status).await.is_ok()).await;
    }
    stop.cancel();
    managed.ended().await;
}

#[tokio::test]
async fn a_named_that_was_left_behind_is_stopped_first() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("bind9"), free_port());
    let stop = CancellationToken::new();
    let managed = start(settings.clone(), &stop).await;
    stop.cancel();
    managed.ended().await;

    let mut left = Process::new("named")
        .arg("-f")
        .arg("-c")
        .arg(settings.folder.join("named.conf"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually(async || fs::read_to_string(settings.folder.join("named.pid")).is_ok_and(|id| !id.is_empty())).await;
    let stop = CancellationToken::new();
    let started = Managed::start(settings.clone(), stop.clone()).await;
    let running = match &started {
        Ok(managed) => managed.running().await.is_ok(),
        Err(_) => false,
    };
    let ended = left.try_wait().unwrap();
    // Before anything can fail: this test started it.
    let _ = left.kill();
    let _ = left.wait();
    let managed = started.unwrap();
    assert!(ended.is_some() && running);
    stop.cancel();
    managed.ended().await;
}

#[tokio::test]
async fn no_named_outlives_a_killed_server_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("bind9"), free_port());
    let mut server = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "run_until_killed"])
        .env(RUN_IN, &settings.folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let is_up = || fs::read_to_string(settings.folder.join("named.pid")).is_ok_and(|id| !id.is_empty());
    eventually(async || is_up()).await;
    let process = named_in(&settings.folder);
    server.kill().unwrap();
    server.wait().unwrap();

    let stop = CancellationToken::new();
    let managed = start(settings.clone(), &stop).await;
    assert!(!is_running(process) || named_in(&settings.folder) == process);
    assert_ne!(named_in(&settings.folder), process);
    stop.cancel();
    managed.ended().await;
}

#[tokio::test]
async fn a_named_runs_as_the_user_that_it_is_given() {
    if !is_root() {
        // Who is not root has no choice.
        assert!(User::find("root").is_ok());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    let user = User::find("bind").expect("Debian: the package bind9 makes the user bind");
    let settings = Settings {
        user: Some(user),
        data: Some(data.clone()),
        // A port that only root may take, and who is given that right.
        listen: vec![free_port_of_root()],
        ..Settings::new(data.join("bind9"), free_port())
    };
    // A link that a named would have put there leads nowhere.
    fs::create_dir(data.join("bind9")).unwrap();
    let target = folder.path().join("target");
    fs::write(&target, "untouched").unwrap();
    std::os::unix::fs::symlink(&target, data.join("bind9/lock")).unwrap();
    let refused = Managed::start(settings.clone(), CancellationToken::new()).await.unwrap_err();
    assert!(matches!(refused, StartError::File { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
    fs::remove_file(data.join("bind9/lock")).unwrap();

    let stop = CancellationToken::new();
    let managed = start(settings.clone(), &stop).await;
    let process = named_in(&settings.folder);
    let owner = |path: &Path| std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).unwrap());
    assert_eq!(owner(Path::new(&format!("/proc/{process}"))), owner(&settings.folder));
    assert_ne!(owner(&settings.folder), 0);
    add(&managed).await;
    assert_eq!(serial(&managed).await, Some(Serial(1)));
    stop.cancel();
    managed.ended().await;
}

/// A port below 1024, which nothing chooses by itself.
fn free_port_of_root() -> SocketAddr {
    let first = 600 + (std::process::id() % 300) as u16;
    let mut ports = (first..1000).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    ports.find(|port| UdpSocket::bind(port).is_ok() && TcpListener::bind(port).is_ok()).expect("a free port")
}

/// Starts a named and waits until it answers.
async fn start(settings: Settings, stop: &CancellationToken) -> Managed {
    let begun = Instant::now();
    let managed = loop {
        match Managed::start(settings.clone(), stop.clone()).await {
            // A process that another test has just forked holds the lock's descriptor until it becomes its program.
            Err(StartError::Locked { .. }) if begun.elapsed() < PATIENCE => sleep(Duration::from_millis(20)).await,
            outcome => break outcome.unwrap(),
        }
    };
    managed.running().await.unwrap();
    managed
}

/// Not a test of its own: the server that the test above kills.
#[tokio::test]
async fn run_until_killed() {
    if let Some(folder) = std::env::var_os(RUN_IN) {
        let settings = Settings::new(PathBuf::from(folder), free_port());
        let _managed = start(settings, &CancellationToken::new()).await;
        std::future::pending::<()>().await;
    }
}

async fn add(managed: &Managed) {
    let path = managed.zone_folder().join("example.db");
    fs::write(&path, SMALL_ZONE).unwrap();
    let config = ZoneConfig::primary(ConfigText::from_path(&path).unwrap());
    control(managed).send(&add_zone(&zone("example.com"), config)).await.unwrap();
}

async fn serial(managed: &Managed) -> Option<Serial> {
    query::serial(managed.dns(), &zone("example.com"), Duration::from_millis(500)).await.ok().flatten()
}

fn control(managed: &Managed) -> Control {
    Control::new(managed.control(), ControlKey::from(&managed.keys().control)).unwrap()
}

fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("named");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn named_in(folder: &Path) -> u32 {
    fs::read_to_string(folder.join("named.pid")).unwrap().trim().parse().unwrap()
}

/// A zombie counts as ended: it has no command line.
fn is_running(process: u32) -> bool {
    fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn kill(process: u32) {
    assert!(Process::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
}
