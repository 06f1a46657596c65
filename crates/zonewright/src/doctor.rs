//! `zonewright doctor`: looks at everything the server needs and says, for what is wrong, how to mend it.

use std::fmt;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use store::{Clock, Store};

use crate::cli::ServeFlags;
use crate::config::{Config, NameserverKind};
use crate::{Failure, chain, open_store};

/// How long a nameserver may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// From here on every change waits noticeably for the disk.
const SLOW_SYNC: Duration = Duration::from_millis(20);
/// How far the clock may be behind the newest serials: they are times.
const CLOCK_SLACK: u32 = 300;
/// How many zones are compared with the nameserver.
const SAMPLE: u32 = 100;

enum Level {
    Good,
    Warning,
    Bad,
}

struct Finding {
    level: Level,
    what: String,
    mend: String,
}

impl Finding {
    fn good(what: impl Into<String>) -> Finding {
        Finding { level: Level::Good, what: what.into(), mend: String::new() }
    }

    fn warning(what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { level: Level::Warning, what: what.into(), mend: mend.into() }
    }

    fn bad(what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { level: Level::Bad, what: what.into(), mend: mend.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.level {
            Level::Good => "ok  ",
            Level::Warning => "warn",
            Level::Bad => "BAD ",
        };
        write!(f, "{word}  {}", self.what)?;
        if self.mend.is_empty() { Ok(()) } else { write!(f, "\n      mend: {}", self.mend) }
    }
}

/// Exit code 0 where nothing is bad, 1 where something is, 2 where the configuration cannot be read.
pub(crate) async fn doctor(flags: &ServeFlags) -> Result<ExitCode, Failure> {
    let config = Config::load(flags)?;
    let mut findings = vec![configuration(&config)];
    findings.extend(data_directory(&config.data));
    if config.database_file().exists() {
        match open_store(&config) {
            Ok(store) => {
                findings.extend(database(&store).await);
                findings.extend(nameserver(&config, &store).await);
                store.close().await;
            }
            Err(failure) => findings.push(Finding::bad(
                failure.to_string(),
                "check the file's owner; if it is damaged, bring back a backup",
            )),
        }
    } else {
        findings.push(Finding::warning("there is no database yet", "`zonewright serve` makes one"));
    }
    findings.push(http(&config));
    findings.push(nameserver_names(&config));

    let mut out = std::io::stdout().lock();
    for finding in &findings {
        let _ = writeln!(out, "{finding}");
    }
    let bad = findings.iter().any(|finding| matches!(finding.level, Level::Bad));
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn configuration(config: &Config) -> Finding {
    match &config.file {
        Some(path) => Finding::good(format!("configuration: {} is read", path.display())),
        None => Finding::good("configuration: no file, the defaults count"),
    }
}

fn data_directory(path: &Path) -> Vec<Finding> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return vec![Finding::bad(format!("data directory: {shown} is a file"), "choose another --data")],
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Finding::warning(
                format!("data directory: {shown} does not exist yet"),
                "`zonewright serve` makes it",
            )];
        }
        Err(error) => {
            return vec![Finding::bad(
                format!("data directory: {shown}: {error}"),
                "give this user access to it, or choose another --data",
            )];
        }
    };
    let mut findings = Vec::new();
    if metadata.permissions().mode() & 0o077 == 0 {
        findings.push(Finding::good(format!("data directory: {shown} is closed to other users")));
    } else {
        findings.push(Finding::warning(
            format!("data directory: {shown} can be looked into by other users"),
            format!("chmod 700 {shown}"),
        ));
    }
    findings.push(match sync_time(path) {
        Ok(time) if time < SLOW_SYNC => Finding::good(format!("disk: a write is durable after {time:.1?}")),
        Ok(time) => Finding::warning(
            format!("disk: a write is durable only after {time:.1?}"),
            "every change waits for this; put the data directory on a faster disk",
        ),
        Err(error) => Finding::bad(
            format!("data directory: {shown} cannot be written: {error}"),
            "check its owner and the free space",
        ),
    });
    findings
}

/// How long the disk takes to make a small write durable: the median of a few.
fn sync_time(folder: &Path) -> std::io::Result<Duration> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    let result = (|| {
        let mut file = fs::File::create(&path)?;
        let mut times = Vec::new();
        for _ in 0..9 {
            let start = Instant::now();
            file.write_all(&[0; 4096])?;
            file.sync_data()?;
            times.push(start.elapsed());
        }
        times.sort();
        Ok(times[times.len() / 2])
    })();
    let _ = fs::remove_file(&path);
    result
}

async fn database(store: &Store) -> Vec<Finding> {
    let mut findings = Vec::new();
    match store.check().await {
        Ok(complaints) if complaints.is_empty() => findings.push(Finding::good("database: sound")),
        Ok(complaints) => findings.push(Finding::bad(
            format!("database: damaged: {}", complaints.join("; ")),
            "stop the server and bring back a backup",
        )),
        Err(error) => findings
            .push(Finding::bad(format!("database: {}", chain(&error)), "check the disk, then bring back a backup")),
    }
    match store.accounts().await {
        Ok(accounts) if accounts.is_empty() => {
            findings.push(Finding::warning("accounts: none", "zonewright account create EMAIL"));
        }
        Ok(accounts) => findings.push(Finding::good(format!("accounts: {}", accounts.len()))),
        Err(error) => findings.push(Finding::bad(format!("accounts: {}", chain(&error)), "bring back a backup")),
    }
    findings
}

async fn nameserver(config: &Config, store: &Store) -> Vec<Finding> {
    let heads = match store.heads(None, SAMPLE).await {
        Ok(heads) => heads,
        Err(error) => return vec![Finding::bad(format!("zones: {}", chain(&error)), "bring back a backup")],
    };
    let mut findings = vec![clock(&heads)];
    if config.nameserver == NameserverKind::None {
        findings.push(Finding::good("nameserver: none is configured"));
        return findings;
    }
    let address = config.dns;
    if is_free(address) {
        findings.push(Finding::good(format!("nameserver: not running; {address} is free for it")));
        return findings;
    }
    let mut behind = Vec::new();
    for head in &heads {
        match deploy::query::serial(address, &head.name, PATIENCE).await {
            Ok(Some(serial)) if !head.serial.is_newer_than(serial) => {}
            Ok(Some(serial)) => behind.push(format!("{} at {serial} instead of {}", head.name, head.serial)),
            Ok(None) => behind.push(format!("{} not at all", head.name)),
            Err(error) => {
                findings.push(Finding::bad(
                    format!("nameserver: {address} is taken, but what is there does not answer: {}", chain(&error)),
                    "is that port another program's? choose another --dns",
                ));
                return findings;
            }
        }
    }
    findings.push(if behind.is_empty() {
        Finding::good(format!("nameserver: {address} serves the newest version of the {} zones looked at", heads.len()))
    } else {
        Finding::bad(
            format!(
                "nameserver: {address} does not serve the newest version of {}: {}",
                behind.len(),
                behind.join(", ")
            ),
            "is the server running on this data directory? its log says why a deployment failed",
        )
    });
    findings
}

/// Serials are times: zones far ahead of the clock tell that it was, or is, wrong.
fn clock(heads: &[store::Head]) -> Finding {
    let now = dns::Serial::at_time(Clock::system().now().as_second());
    let limit = dns::Serial(now.0.wrapping_add(CLOCK_SLACK));
    match heads.iter().find(|head| head.serial.is_newer_than(limit)) {
        Some(head) => Finding::warning(
            format!(
                "clock: {} has serial {}, which lies in the future of this machine's clock ({now})",
                head.name, head.serial
            ),
            "set the clock (chrony, systemd-timesyncd); serials go on counting from where they are",
        ),
        None => Finding::good("clock: not behind the newest changes"),
    }
}

fn http(config: &Config) -> Finding {
    let address = config.http;
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(format!("http: not running; {address} is free for it")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Finding::good(format!(
            "http: something listens on {address}; GET /readyz there says whether it is this server"
        )),
        Err(error) => Finding::bad(format!("http: cannot listen on {address}: {error}"), "choose another --http"),
    }
}

fn is_free(address: std::net::SocketAddr) -> bool {
    UdpSocket::bind(address).is_ok()
}

fn nameserver_names(config: &Config) -> Finding {
    let names: Vec<String> = config.apex.nameservers.iter().map(|nameserver| nameserver.name.to_string()).collect();
    let names = names.join(", ");
    if names.contains(".zonewright.test") {
        return Finding::warning(
            format!("nameservers of every zone: {names}, which only exist for trying things out"),
            "name your own: --ns ns1.example.net=192.0.2.53 --ns ns2.example.net=198.51.100.53",
        );
    }
    Finding::good(format!("nameservers of every zone: {names}"))
}
