//! The real BIND as the judge of a zone file.
//!
//! Zones are loaded with the options that `named` is given for them: `check-names ignore; check-integrity no; check-mx ignore;
//! check-spf ignore`. The integrity checks are advice that depends on other records (a mail host without an address is a
//! zone under construction, not a broken one), and host-name checks would forbid names that DNS allows. What `named` refuses
//! all the same is what matters: CNAME and other data, an apex NS without address, over-full RRsets, malformed text.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use dns::{ZoneSnapshot, zonefile};

/// A failing case is made smaller with a process for each step: so many are enough to read it.
pub(crate) const MAX_SHRINK_ITERS: u32 = 300;

/// Owner and data in wire form, type, TTL.
pub(crate) type Rr = (Vec<u8>, u16, u32, Vec<u8>);

/// Loads the rendered zone with `named-compilezone` and gives every record that BIND has then.
pub(crate) fn compile(zone: &ZoneSnapshot) -> Result<Vec<Rr>, String> {
    let folder = tempfile::tempdir().unwrap();
    let (file, raw) = (folder.path().join("zone"), folder.path().join("raw"));
    fs::write(&file, zonefile::render(zone)).unwrap();
    let output = Command::new("named-compilezone")
        // check-names, check-integrity, check-mx, check-mx-cname, check-srv-cname, check-spf, check-wildcard.
        .args(["-k", "ignore", "-i", "none", "-m", "ignore", "-M", "ignore", "-S", "ignore", "-T", "ignore"])
        .args(["-W", "ignore"])
        // Stricter than named, which only warns: addresses as nameservers, records that differ in spelling only.
        .args(["-n", "fail", "-r", "fail"])
        // The raw format has names and data in wire form, so that no second parser of text is part of the test.
        .args(["-F", "raw", "-o"])
        .arg(&raw)
        .arg(zone.name.to_string())
        .arg(&file)
        .output()
        .expect("named-compilezone runs (Debian: bind9-utils)");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    // A warning is as bad as a refusal: something in the file was not taken as it stands.
    let calm = said
        .lines()
        .all(|line| line.contains("loaded serial") || line.starts_with("dump zone") || line == "OK" || is_advice(line));
    if !output.status.success() || !calm {
        return Err(said.into_owned());
    }
    Ok(read_raw(&fs::read(&raw).unwrap()))
}

/// BIND advises against old algorithms of DNSSEC, and loads their keys and digests all the same.
fn is_advice(line: &str) -> bool {
    line.is_empty() || line.contains("deprecated")
}

/// What BIND should have, in the same form.
pub(crate) fn expected(zone: &ZoneSnapshot) -> Vec<Rr> {
    let soa = (zone.name.name().wire().to_vec(), 6, zone.soa.ttl.seconds(), zone.soa.wire());
    let records = zone.records.iter().map(|record| {
        let owner = record.owner.in_zone(&zone.name).wire().to_vec();
        (owner, record.data.record_type().code(), record.ttl.seconds(), record.data.wire())
    });
    std::iter::once(soa).chain(records).collect()
}

/// Fails where BIND refuses the zone, or has other records than it was given.
pub(crate) fn assert_loads_unaltered(zone: &ZoneSnapshot) -> Result<(), String> {
    let has = compile(zone).map_err(|said| format!("BIND says: {said}\n{}", zonefile::render(zone)))?;
    let wanted = expected(zone);
    if has.len() != wanted.len() {
        return Err(format!("{} records became {}:\n{}", wanted.len(), has.len(), zonefile::render(zone)));
    }
    let (has, wanted): (BTreeSet<Rr>, BTreeSet<Rr>) = (has.into_iter().collect(), wanted.into_iter().collect());
    if has != wanted {
        let lost: Vec<_> = wanted.difference(&has).collect();
        let gained: Vec<_> = has.difference(&wanted).collect();
        return Err(format!("lost {lost:?}, gained {gained:?}:\n{}", zonefile::render(zone)));
    }
    Ok(())
}

/// BIND's raw master-file format, version 1: a header of six 32-bit numbers, then RRsets.
pub(crate) fn read_raw(raw: &[u8]) -> Vec<Rr> {
    let mut rest = &raw[24..];
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (total, set) = rest.split_first_chunk::<4>().unwrap();
        let (set, next) = set.split_at(u32::from_be_bytes(*total) as usize - 4);
        rest = next;
        // Class, type, covered type, TTL, number of records, length of the owner.
        let (head, set) = set.split_first_chunk::<16>().unwrap();
        let number = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let ttl = u32::from_be_bytes([head[6], head[7], head[8], head[9]]);
        assert_eq!(number(0), 1, "class IN");
        let (owner, mut data) = set.split_at(number(14).into());
        while !data.is_empty() {
            let (length, tail) = data.split_first_chunk::<2>().unwrap();
            let (rdata, tail) = tail.split_at(u16::from_be_bytes(*length).into());
            records.push((owner.to_vec(), number(2), ttl, rdata.to_vec()));
            data = tail;
        }
    }
    records
}

/// Has `named` itself load the zones, and gives what it says of those that it does not load.
pub(crate) fn serve(zones: &[ZoneSnapshot]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut conf = format!(
        "options {{ directory {at:?}; listen-on {{ none; }}; listen-on-v6 {{ none; }}; recursion no; pid-file none; \
         session-keyfile none; dnssec-validation no; notify no; \
         check-names primary ignore; check-integrity no; check-mx ignore; check-spf ignore; }};\ncontrols {{ }};\n"
    );
    for (index, zone) in zones.iter().enumerate() {
        let file = at.join(index.to_string());
        fs::write(&file, zonefile::render(zone)).unwrap();
        // A zone of its own view each: the same names come again and again.
        writeln!(conf, "view v{index} {{ zone \"{}\" {{ type primary; file \"{index}\"; }}; }};", zone.name).unwrap();
    }
    fs::write(at.join("named.conf"), conf).unwrap();
    let mut named = Named::start(at);
    let (send, lines) = mpsc::channel();
    let log = BufReader::new(named.0.stderr.take().unwrap());
    std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut loaded = 0;
    let mut complaints = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).unwrap_or_else(|_| panic!("named is loading; so far {complaints:?}"));
        let of_our_zones = line.contains("/IN/v") || line.contains("dns_master");
        if line.contains("all zones loaded") {
            break;
        } else if line.contains("loaded serial 1700000000") {
            loaded += 1;
        } else if of_our_zones && !line.contains("automatic empty zone") && !is_advice(&line) {
            complaints.push(line);
        }
    }
    if loaded != zones.len() {
        complaints.push(format!("{loaded} of {} zones were loaded", zones.len()));
    }
    complaints
}

/// Whether `named` hands the whole zone to a secondary that signs with HMAC-SHA256 and a key of this name.
pub(crate) fn transfers(zone: &ZoneSnapshot, key: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE=";
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    fs::write(at.join("zone"), zonefile::render(zone)).unwrap();
    let conf = format!(
        "options {{ directory {at:?}; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
         pid-file none; session-keyfile none; dnssec-validation no; notify no; }};\ncontrols {{ }};\n\
         key \"{key}\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};\n\
         zone \"{}\" {{ type primary; file \"zone\"; check-names ignore; allow-transfer {{ key \"{key}\"; }}; }};\n",
        zone.name
    );
    fs::write(at.join("named.conf"), conf).unwrap();
    let _named = Named::start(at);
    let dig = |of: &str, more: &[&str]| {
        let output = Command::new("dig")
            .args(["@127.0.0.1", "-p", &port, "+time=2", "+tries=1", "-q", &zone.name.to_string(), "-t", of])
            .args(more)
            .output()
            .expect("dig runs (Debian: bind9-dnsutils)");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let deadline = Instant::now() + Duration::from_secs(120);
    while !dig("SOA", &["+short"]).contains("1700000000") {
        assert!(Instant::now() < deadline, "named answers");
    }
    dig("AXFR", &["-y", &format!("hmac-sha256:{key}:{secret}")]).contains("XFR size")
}

/// A child process, killed with the test that started it.
struct Named(Child);

impl Named {
    fn start(folder: &Path) -> Named {
        let child = Command::new("named")
            .args(["-g", "-n", "1", "-c"])
            .arg(folder.join("named.conf"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("named runs (Debian: bind9)");
        Named(child)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
