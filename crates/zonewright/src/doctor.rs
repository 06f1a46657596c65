//! `zonewright doctor`: checks everything that the server needs, and says how to fix each problem.

use std::fmt;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use deploy::bind9::config::reached_at;
use dns::ZoneName;
use store::{Clock, Displacement, Head, Reservation, Store, StoreError, ZoneOfAnyone};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cli::ServeFlags;
use crate::config::{Config, NameserverSetting, Password};
use crate::database::open_store;
use crate::disk::Room;
use crate::failure::{Failure, chain};
use crate::secrets::{self, KeyFinding};
use crate::{mailing, shell, tls};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a zone that has just changed may take to be served.
const SETTLING: Duration = Duration::from_secs(2);
/// The pause between two looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// From here on every change waits noticeably for the disk.
const SLOW_SYNC: Duration = Duration::from_millis(20);
/// How far the clock may be behind the newest serials: they are times.
const CLOCK_SLACK: u32 = 300;
/// How many tokens without an end, or zones that are to be displaced, are named.
const NAMED: usize = 10;
/// How many zones are compared with the nameserver.
const SAMPLE: u32 = 100;
/// How many zones that are to be displaced are counted.
const CLAIMS: u32 = 1000;
/// How many zones under reserved names are named.
const MISHELD: usize = 20;

enum Level {
    Good,
    Warning,
    Bad,
}

struct Finding {
    level: Level,
    what: String,
    fix: String,
}

impl Finding {
    fn good(what: impl Into<String>) -> Finding {
        Finding { level: Level::Good, what: what.into(), fix: String::new() }
    }

    fn warning(what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { level: Level::Warning, what: what.into(), fix: fix.into() }
    }

    fn bad(what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { level: Level::Bad, what: what.into(), fix: fix.into() }
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
        if self.fix.is_empty() { Ok(()) } else { write!(f, "\n      fix: {}", self.fix) }
    }
}

/// Exit code 0 where nothing is bad, 1 where something is, 2 where the configuration cannot be read.
pub(crate) async fn doctor(flags: &ServeFlags) -> Result<ExitCode, Failure> {
    let config = Config::load_beside(flags)?;
    let mut findings = vec![configuration(&config)];
    findings.extend(data_directory(&config.data));
    findings.extend(room(&config));
    findings.extend(database_and_nameserver(&config).await);
    findings.push(http(&config).await);
    findings.extend(https(&config));
    findings.extend(mail(&config).await);
    findings.push(nameserver_names(&config));

    let mut out = std::io::stdout().lock();
    for finding in &findings {
        let _ = writeln!(out, "{finding}");
    }
    let bad = findings.iter().any(|finding| matches!(finding.level, Level::Bad));
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn configuration(config: &Config) -> Finding {
    let file = config.file().map_or_else(|| "no file".to_owned(), |path| format!("read from {}", path.display()));
    let other = config.server().map_or_else(
        || "defaults for other settings".to_owned(),
        |server| {
            let which = if server.is_running { "running" } else { "last" };
            format!("other settings from the {which} server ({})", server.file.display())
        },
    );
    Finding::good(format!("configuration: {file}, {other}"))
}

/// Room on the disk. Where there is no data directory yet, there is nothing to measure.
fn room(config: &Config) -> Option<Finding> {
    let room = Room::at(&config.data).ok()?;
    let what = format!("disk: {room}");
    let fix = "free some space, or move the data directory to a larger disk: changes are refused when the disk is full";
    Some(if room.is_low(config.disk) { Finding::warning(what, fix) } else { Finding::good(what) })
}

async fn database_and_nameserver(config: &Config) -> Vec<Finding> {
    let mut findings = match config.database.file() {
        Some(file) => match database_file(file) {
            Ok(findings) => findings,
            Err(finding) => return vec![finding],
        },
        None => Vec::new(),
    };
    match open_store(config) {
        Ok(store) => {
            findings.extend(database(&store).await);
            findings.extend(reserved_names(&store).await);
            findings.push(claims(&store).await);
            findings.extend(key_file(&store).await);
            findings.extend(nameserver(config, &store).await);
            store.close().await;
        }
        Err(Failure::Key(problem)) => findings.push(Finding::bad(
            format!("secrets: {problem}"),
            "the server does not start without the correct key file",
        )),
        Err(failure) => findings.push(Finding::bad(
            format!("database: {failure}"),
            "check the file's owner; if the file is damaged, stop the server and restore a backup",
        )),
    }
    findings
}

/// What is to be said of the file; an error where nothing more can be found out.
fn database_file(file: &Path) -> Result<Vec<Finding>, Finding> {
    let shown = file.display();
    let metadata = fs::metadata(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Finding::warning("database: does not exist yet", "`zonewright serve` creates it")
        }
        _ => {
            Finding::bad(format!("database: {shown}: {error}"), "give this user access to it, or choose another --data")
        }
    })?;
    // SQLite takes an empty file for a new database, and would hide that something emptied it.
    if metadata.len() == 0 {
        let fix = "stop the server and restore a backup; if the database was never used, delete the file";
        return Err(Finding::bad(format!("database: {shown} is empty"), fix));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        let what = format!("database: {shown} is accessible to other users of this machine");
        return Ok(vec![Finding::warning(what, format!("chmod 600 {shown}*"))]);
    }
    Ok(Vec::new())
}

fn data_directory(path: &Path) -> Vec<Finding> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return vec![Finding::bad(format!("data directory: {shown} is a file"), "choose another --data")],
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Finding::warning(
                format!("data directory: {shown} does not exist yet"),
                "`zonewright serve` creates it",
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
    // Where named runs as a user of its own, that user may pass through, which shows nothing of what is there.
    if metadata.permissions().mode() & 0o066 == 0 {
        findings.push(Finding::good(format!("data directory: {shown} is not accessible to other users")));
    } else {
        findings.push(Finding::warning(
            format!("data directory: {shown} is readable by other users"),
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
            format!("data directory: cannot write to {shown}: {error}"),
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
    match store.command_line().check().await {
        Ok(complaints) if complaints.is_empty() => findings.push(Finding::good("database: no errors found")),
        Ok(complaints) => findings.push(Finding::bad(
            format!("database: damaged: {}", complaints.join("; ")),
            "stop the server and restore a backup",
        )),
        Err(error) => {
            findings.push(Finding::bad(format!("database: {}", chain(&error)), "check the disk, then restore a backup"))
        }
    }
    match store.command_line().accounts().await {
        Ok(accounts) if accounts.is_empty() => {
            findings.push(Finding::warning("accounts: none", "zonewright account create EMAIL"));
        }
        Ok(accounts) => findings.push(Finding::good(format!("accounts: {}", accounts.len()))),
        Err(error) => findings.push(Finding::bad(format!("accounts: {}", chain(&error)), "restore a backup")),
    }
    findings.extend(tokens(store).await);
    findings
}

/// Names the tokens that are valid for ever.
async fn tokens(store: &Store) -> Vec<Finding> {
    let found =
        async { Ok::<_, StoreError>((store.command_line().tokens().await?, store.command_line().accounts().await?)) };
    let (tokens, accounts) = match found.await {
        Ok(found) => found,
        Err(error) => return vec![Finding::bad(format!("tokens: {}", chain(&error)), "restore a backup")],
    };
    let endless: Vec<String> = tokens
        .iter()
        .filter(|token| token.expires_at.is_none())
        .map(|token| {
            let owner = accounts.iter().find(|account| account.id == token.account);
            let owner = owner.map_or("a closed account", |account| &account.email);
            format!("{} (\"{}\" of {owner})", token.id, token.name.escape_debug())
        })
        .collect();
    if endless.is_empty() {
        return vec![Finding::good("tokens: every token expires")];
    }
    vec![Finding::warning(
        format!("tokens: never expire: {}", listed(&endless)),
        "replace each with a token that expires (zonewright token create --expires 90d), then: zonewright token revoke NUMBER",
    )]
}

/// The first [`NAMED`], and how many more there are.
fn listed(all: &[String]) -> String {
    let named = all.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}, and {more} more"),
    }
}

async fn key_file(store: &Store) -> Vec<Finding> {
    let found = secrets::look_at_key(store).await;
    if found.is_empty() {
        return vec![Finding::good(format!(
            "secrets: confirmed that a copy of {} exists",
            store.command_line().key_file().display()
        ))];
    }
    let finding = |KeyFinding { is_bad, what, fix }| {
        if is_bad { Finding::bad(what, fix) } else { Finding::warning(what, fix) }
    };
    found.into_iter().map(finding).collect()
}

/// Zones with reserved names that belong to accounts which may not hold them.
async fn reserved_names(store: &Store) -> Vec<Finding> {
    let found = match store.command_line().misheld_zones(MISHELD + 1).await {
        Ok(found) => found,
        Err(error) => return vec![Finding::bad(format!("reserved names: {}", chain(&error)), "restore a backup")],
    };
    if found.is_empty() {
        return vec![Finding::good("reserved names: no user has a zone with a reserved name")];
    }
    let mut findings: Vec<Finding> = found.iter().take(MISHELD).map(misheld).collect();
    if found.len() > MISHELD {
        findings.push(Finding::bad("reserved names: there are more such zones", "fix these first"));
    }
    findings
}

fn misheld((zone, reason): &(ZoneOfAnyone, Reservation)) -> Finding {
    let (name, email) = (&zone.zone.name, &zone.email);
    let word = shell::word(name);
    match reason {
        Reservation::Catalogs => Finding::bad(
            format!("reserved names: {name} of {email} has a name that is reserved for catalog zones"),
            format!("BIND does not serve it; check its history, then: zonewright zone delete {word}"),
        ),
        Reservation::Suffix | Reservation::Local => {
            let what = if *reason == Reservation::Suffix {
                "a public suffix, under which other people register names"
            } else {
                "a name for local networks"
            };
            Finding::warning(
                format!("reserved names: {name} of {email} is {what}"),
                format!(
                    "zonewright zone move {word} --to OPERATOR, or zonewright zone delete {word}; to let {email} keep it: zonewright zone move {word} --to {}",
                    shell::word(email)
                ),
            )
        }
        Reservation::Server => Finding::bad(
            format!("reserved names: {name} of {email} contains a name that this server uses (ns, url or mail.from)"),
            format!("zonewright zone move {word} --to OPERATOR, or zonewright zone delete {word}"),
        ),
    }
}

/// Zones that are to be displaced, because other accounts proved that they control the names.
async fn claims(store: &Store) -> Finding {
    let found = match store.command_line().displacements(CLAIMS).await {
        Ok(found) => found,
        Err(error) => return Finding::bad(format!("claims: {}", chain(&error)), "restore a backup"),
    };
    if found.is_empty() {
        return Finding::good("claims: no zone will be displaced");
    }
    let line = |Displacement { name, email, by_email, due, .. }: &Displacement| {
        let when = due.map_or_else(|| "both accounts proved control".to_owned(), |due| format!("displaced {due:.0}"));
        format!("{name} of {email} by {by_email} ({when})")
    };
    let lines: Vec<String> = found.iter().map(line).collect();
    Finding::warning(
        format!("claims: {}", listed(&lines)),
        "zonewright zone claims lists them; zonewright zone move DOMAIN --to EMAIL decides which account gets a domain",
    )
}

async fn nameserver(config: &Config, store: &Store) -> Vec<Finding> {
    let heads = match store.journal().heads(None, SAMPLE).await {
        Ok(heads) => heads,
        Err(error) => return vec![Finding::bad(format!("zones: {}", chain(&error)), "restore a backup")],
    };
    let mut findings = vec![clock(&heads)];
    if config.nameserver == NameserverSetting::None {
        findings.push(Finding::good("nameserver: none is configured"));
        return findings;
    }
    let address = config.dns;
    match UdpSocket::bind(address) {
        Ok(_) => {
            findings.push(Finding::good(format!("nameserver: not running; {address} is free")));
            return findings;
        }
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            findings.push(cannot_listen("nameserver", address, &error, "--dns"));
            return findings;
        }
        Err(_) => {}
    }
    findings.push(match behind(reached_at(address), store, &heads).await {
        Ok(behind) if behind.is_empty() => {
            let number = heads.len();
            Finding::good(format!("nameserver: {address} serves the newest version of the {number} zones checked"))
        }
        Ok(behind) => Finding::bad(
            format!("nameserver: {address} does not serve the newest version of {}", behind.join(", ")),
            "check that the server runs on this data directory and uses that port; its log says why a deployment failed",
        ),
        Err(error) => Finding::bad(
            format!("nameserver: {address} is in use, but does not respond to DNS queries: {}", chain(&*error)),
            "another program may use the port; choose another --dns",
        ),
    });
    findings
}

/// The zones that the nameserver does not serve in their newest version, each with what it serves instead.
async fn behind(
    server: SocketAddr,
    store: &Store,
    heads: &[Head],
) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    // Without a zone to query, any name shows whether a DNS server responds there.
    if heads.is_empty() {
        let nobodys = ZoneName::parse("zonewright.invalid")?;
        deploy::query::serial(server, &nobodys, PATIENCE).await?;
    }
    let mut behind = Vec::new();
    let settled = Instant::now() + SETTLING;
    for head in heads {
        loop {
            let served = deploy::query::serial(server, &head.name, PATIENCE).await?;
            let Some(newest) = store.journal().head(&head.name).await? else { break };
            // Read after the answer: what is served above it does not come from here.
            if served == Some(newest.serial) {
                break;
            }
            if Instant::now() > settled {
                let instead = match served {
                    None => "not served".to_owned(),
                    Some(serial) if serial.is_newer_than(newest.serial) => format!("ahead, at {serial}"),
                    Some(serial) => format!("at {serial}"),
                };
                behind.push(format!("{} ({instead} instead of {})", head.name, newest.serial));
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    Ok(behind)
}

/// Serials are times: zones far ahead of the clock show that it was, or is, wrong.
fn clock(heads: &[Head]) -> Finding {
    let now = dns::Serial::at_time(Clock::system().now().as_second());
    let limit = dns::Serial(now.0.wrapping_add(CLOCK_SLACK));
    match heads.iter().find(|head| head.serial.is_newer_than(limit)) {
        Some(head) => Finding::warning(
            format!(
                "clock: {} has serial {}, which is in the future by this machine's clock ({now})",
                head.name, head.serial
            ),
            "set the clock (chrony, systemd-timesyncd); serials continue from their present value",
        ),
        None => Finding::good("clock: not behind the newest changes"),
    }
}

async fn http(config: &Config) -> Finding {
    let address = config.http;
    match TcpListener::bind(address) {
        Ok(_) => return Finding::good(format!("http: not running; {address} is free")),
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            return cannot_listen("http", address, &error, "--http");
        }
        Err(_) => {}
    }
    if config.tls.is_some() {
        return Finding::good(format!(
            "http: {address} is in use; GET /readyz (HTTPS) shows whether it is this server"
        ));
    }
    match tokio::time::timeout(PATIENCE, ready(reached_at(address))).await {
        Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ready\n") => {
            Finding::good(format!("http: the server responds on {address} and is ready"))
        }
        Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 503 ") => Finding::warning(
            format!("http: the server responds on {address}, but is not ready"),
            "GET /readyz says what it waits for; if it does not become ready, its log says why",
        ),
        _ => Finding::bad(
            format!("http: {address} is in use by another program"),
            "stop that program, or choose another --http",
        ),
    }
}

/// What is answered to a GET of `/readyz`.
async fn ready(server: SocketAddr) -> std::io::Result<String> {
    const LONGEST: u64 = 4096;
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn https(config: &Config) -> Option<Finding> {
    config.tls.as_ref()?;
    Some(match tls::acceptor(config) {
        Ok(_) => Finding::good("https: the certificate and its key are valid"),
        Err(error) => {
            Finding::bad(format!("https: {error}"), "the server does not start without a valid certificate and key")
        }
    })
}

/// Whether the mail server accepts the sign-in; no e-mail is sent.
async fn mail(config: &Config) -> Option<Finding> {
    let mail = config.mail.as_ref()?;
    let server = format!("{}, port {}", mail.server, mail.port);
    let post = match mailing::post(config) {
        Ok(post) => post?,
        Err(error) => {
            return Some(Finding::bad(format!("mail: {error}"), "the server does not start until this is fixed"));
        }
    };
    Some(match post.check().await {
        Ok(()) if matches!(mail.login, Some((_, Password::OfServer))) => Finding::warning(
            format!(
                "mail: {server} responds; signing in was not tested, because only the running server has the password"
            ),
            "set mail.password_file instead of mail.password, or set ZONEWRIGHT_MAIL_PASSWORD for this command too",
        ),
        Ok(()) => Finding::good(format!("mail: {server} accepts mail from this server")),
        Err(error) => Finding::bad(
            format!("mail: {server}: {error}"),
            "compare mail.server, mail.port, mail.tls, mail.user and the password with your mail provider's settings",
        ),
    })
}

fn cannot_listen(what: &str, address: SocketAddr, error: &std::io::Error, flag: &str) -> Finding {
    let fix = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need the capability CAP_NET_BIND_SERVICE".to_owned(),
        _ => format!("set {flag} to an address of this machine"),
    };
    Finding::bad(format!("{what}: cannot listen on {address}: {error}"), fix)
}

fn nameserver_names(config: &Config) -> Finding {
    let names: Vec<String> = config.apex.nameservers.iter().map(|nameserver| nameserver.name.to_string()).collect();
    let names = names.join(", ");
    if names.contains(".zonewright.test") {
        return Finding::warning(
            format!("nameservers of every zone: {names}, which are placeholders for testing"),
            "set your own: --ns ns1.example.net=192.0.2.53 --ns ns2.example.net=198.51.100.53",
        );
    }
    Finding::good(format!("nameservers of every zone: {names}"))
}
