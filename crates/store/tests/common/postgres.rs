//! A PostgreSQL server of this test process, and a new database for each test.
//!
//! Tests use it where the environment variable `ZONEWRIGHT_TEST_DATABASE` is `postgres`. The server keeps nothing durable, which
//! these tests do not need; it ends with the process.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use store::{Address, Options, Store};

/// Whether tests are to use PostgreSQL.
pub(crate) fn is_wanted() -> bool {
    std::env::var("ZONEWRIGHT_TEST_DATABASE").is_ok_and(|wanted| wanted == "postgres")
}

/// The URL of a new database that is empty.
pub(crate) fn empty_database() -> String {
    create("template0")
}

/// The URL of a new database that has the schema, made once by the migrations.
pub(crate) fn migrated_database(options: &Options) -> String {
    static TEMPLATE: Mutex<Option<String>> = Mutex::new(None);
    let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    let template = template.get_or_insert_with(|| {
        let url = empty_database();
        let folder = tempfile::tempdir().unwrap();
        let options = Options { key_file: Some(folder.path().join("secret.key")), ..options.clone() };
        drop(Store::open(Address::parse(&url).unwrap(), options).unwrap());
        // The key file is another in each test.
        execute(&url, "DELETE FROM secret_keys");
        url
    });
    create(template.rsplit('/').next().unwrap())
}

/// A new store in a folder, on the database that tests are to use.
pub(crate) fn open(folder: &Path, options: Options) -> Store {
    if !is_wanted() {
        return Store::open(folder.join("store.sqlite"), options).unwrap();
    }
    // A folder keeps its database over a restart.
    let note = folder.join("database-url");
    let url = fs::read_to_string(&note).unwrap_or_else(|_| migrated_database(&options));
    fs::write(note, &url).unwrap();
    Store::open(Address::parse(&url).unwrap(), Options { key_file: Some(folder.join("secret.key")), ..options })
        .unwrap()
}

/// Runs statements on a database.
pub(crate) fn execute(url: &str, sql: &str) {
    with_client(url, |client, runtime| runtime.block_on(client.batch_execute(sql)).unwrap());
}

/// The number that a query gives.
pub(crate) fn number(url: &str, sql: &str) -> i64 {
    with_client(url, |client, runtime| {
        runtime.block_on(client.query_one(&format!("SELECT ({sql})::bigint"), &[])).unwrap().get(0)
    })
}

fn create(template: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    execute(&url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"));
    url(&name)
}

fn url(database: &str) -> String {
    format!("postgres://zonewright@{}/{database}", server().display().to_string().replace('/', "%2F"))
}

fn with_client<T: Send>(
    url: &str,
    run: impl FnOnce(&tokio_postgres::Client, &tokio::runtime::Runtime) -> T + Send,
) -> T {
    // A thread of its own: the caller may run async tasks, inside which nothing may block.
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let client = runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                client
            });
            run(&client, &runtime)
        });
        run.join().unwrap()
    })
}

/// The folder of the socket on which the server listens.
fn server() -> &'static Path {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER.get_or_init(|| {
        let (ready, is_ready) = mpsc::channel();
        // The server gets a signal when the thread that started it ends: this one ends with the process.
        std::thread::spawn(move || {
            let folder = std::env::temp_dir().join(format!("zonewright-postgres-{}", std::process::id()));
            initialise(&folder);
            let mut server = start(&folder);
            ready.send(folder.clone()).unwrap();
            loop {
                let ended = server.wait();
                assert!(RESTARTS.swap(false, Ordering::SeqCst), "PostgreSQL ended: {ended:?}");
                server = start(&folder);
            }
        });
        is_ready.recv().unwrap()
    })
}

static PROCESS: AtomicU32 = AtomicU32::new(0);
/// Whether the server is started again when it ends.
static RESTARTS: AtomicBool = AtomicBool::new(false);

/// Ends the server at once, as a crash would, and starts it again; what it had written stays.
pub(crate) fn crash() {
    RESTARTS.store(true, Ordering::SeqCst);
    let process = PROCESS.load(Ordering::SeqCst);
    assert!(Command::new("kill").args(["-QUIT", &process.to_string()]).status().unwrap().success());
    let deadline = Instant::now() + Duration::from_secs(30);
    while PROCESS.load(Ordering::SeqCst) == process {
        assert!(Instant::now() < deadline, "PostgreSQL does not start again");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends all connections to a database and lets nothing connect to it during `meanwhile`.
pub(crate) fn refuse_connections(url: &str, meanwhile: impl FnOnce()) {
    let (server, database) = url.rsplit_once('/').unwrap();
    let elsewhere = format!("{server}/postgres");
    let allow = |allowed: bool| execute(&elsewhere, &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS {allowed}"));
    allow(false);
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname =";
    execute(&elsewhere, &format!("{sql} '{database}'"));
    meanwhile();
    allow(true);
}

/// Makes the server write a commit of this database before it answers, as it does outside tests.
pub(crate) fn make_durable(url: &str) {
    let database = url.rsplit('/').next().unwrap();
    execute(url, &format!("ALTER DATABASE {database} SET synchronous_commit = on"));
}

fn initialise(folder: &Path) {
    remove_stale();
    fs::create_dir(folder).unwrap();
    let (user, group) = (id("-u"), id("-g"));
    if id_of(&["-u"]) == 0 {
        chown(folder, Some(user), Some(group)).unwrap();
    }
    let data = folder.join("data");
    let made = command(&program("initdb"), user, group)
        .args(["--no-sync", "--auth=trust", "--username=zonewright", "--encoding=UTF8", "--locale=C", "-D"])
        .arg(&data)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success(), "initdb: {made}");
}

fn start(folder: &Path) -> Child {
    let (user, group, data) = (id("-u"), id("-g"), folder.join("data"));
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let mut server = command(&program("postgres"), user, group)
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(folder)
        .args(["-h", "", "-c", "max_connections=1000", "-c", "shared_buffers=64MB"])
        .args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "autovacuum=off"])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let socket = folder.join(".s.PGSQL.5432");
    while std::os::unix::net::UnixStream::connect(&socket).is_err() || !answers(folder) {
        assert!(
            server.try_wait().unwrap().is_none() && Instant::now() < deadline,
            "PostgreSQL does not start: {folder:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    PROCESS.store(server.id(), Ordering::SeqCst);
    server
}

fn answers(folder: &Path) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("postgres:///postgres?user=zonewright&host={}", folder.display());
    runtime.block_on(tokio_postgres::connect(&url, tokio_postgres::NoTls)).is_ok()
}

/// PostgreSQL does not run as root. The signal ends the server with the thread that starts it.
fn command(program: &Path, user: u32, group: u32) -> Command {
    let mut command = Command::new("setpriv");
    if id_of(&["-u"]) == 0 {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    command.args(["--pdeathsig", "QUIT", "--"]).arg(program);
    command
}

/// Debian keeps the server's programs in a folder of their version.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|folders| folders.filter_map(|folder| Some(folder.ok()?.path().join("bin").join(name))).collect())
        .unwrap_or_default();
    versions.retain(|path| path.exists());
    versions.sort();
    versions.pop().unwrap_or_else(|| name.into())
}

/// The user or group that the server runs as.
fn id(which: &str) -> u32 {
    if id_of(&["-u"]) != 0 { id_of(&[which]) } else { id_of(&[which, "nobody"]) }
}

fn id_of(arguments: &[&str]) -> u32 {
    let output = Command::new("id").args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Removes the folders of processes that have ended.
fn remove_stale() {
    for entry in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix("zonewright-postgres-"));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
