//! A real BIND, run as a child in a temporary folder.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dns::{ZoneSnapshot, zonefile};

use super::client::{Query, Transport, ask};

/// `named` with a set of zones, ended when this is dropped.
pub(crate) struct Named {
    pub(crate) address: SocketAddr,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Named {
    /// Starts `named` as primary of `zones` and waits until it answers for each of them.
    pub(crate) fn start(zones: &[ZoneSnapshot]) -> Named {
        Named::start_with(zones, "answer-cookie no;")
    }

    /// With statements for its `options`.
    pub(crate) fn start_with(zones: &[ZoneSnapshot], options: &str) -> Named {
        let mut last = String::new();
        // The port is free when it is chosen, and may be taken when `named` binds it.
        for _ in 0..5 {
            match Named::try_start(zones, options) {
                Ok(named) => return named,
                Err(log) => last = log,
            }
        }
        panic!("named does not start (Debian: apt install bind9):\n{last}");
    }

    fn try_start(zones: &[ZoneSnapshot], options: &str) -> Result<Named, String> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        write_configuration(folder.path(), port, zones, options);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new("named")
            .args(["-g", "-n", "1", "-c"])
            .arg(folder.path().join("named.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("named: {error}"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut named = Named { address, child, _folder: folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !zones.iter().all(|zone| named.serves(zone)) {
            let log = || std::fs::read_to_string(named._folder.path().join("log")).unwrap_or_default();
            if named.child.try_wait().unwrap().is_some() || Instant::now() > deadline {
                return Err(log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(named)
    }

    fn serves(&self, zone: &ZoneSnapshot) -> bool {
        let query = Query::new(zone.name.name(), 6);
        // Over TCP a server that is not there yet is an error at once.
        ask(self.address, &query, Transport::Tcp).is_ok_and(|answer| answer.rcode == 0 && answer.aa)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    loop {
        let tcp = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = tcp.local_addr().unwrap().port();
        // Two nameds would share one port without a word.
        static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
        if std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

/// `minimal-responses no-auth` is what our server does: additional addresses, no NS set beside a positive answer. Nor does it
/// treat the SOA in "there is no such SOA" otherwise than in other negative answers (`zero-no-soa-ttl no`).
/// With its cache for glue, BIND leaves the addresses of hosts elsewhere in the zone out of a referral; without, it adds them as
/// RFC 1034, section 4.3.2, has it (`glue-cache no`).
fn write_configuration(folder: &Path, port: u16, zones: &[ZoneSnapshot], options: &str) {
    let mut configuration = format!(
        "options {{
            directory \"{}\";
            listen-on port {port} {{ 127.0.0.1; }};
            listen-on-v6 {{ none; }};
            pid-file none;
            session-keyfile none;
            recursion no;
            notify no;
            minimal-responses no-auth;
            zero-no-soa-ttl no;
            glue-cache no;
            {options}
            dnssec-validation no;
            allow-transfer {{ 127.0.0.1; }};
            check-names primary ignore;
            check-integrity no;
            rrset-order {{ order none; }};
        }};
        controls {{ }};
        ",
        folder.display()
    );
    for (number, zone) in zones.iter().enumerate() {
        let file = format!("{number}.zone");
        std::fs::write(folder.join(&file), zonefile::render(zone)).unwrap();
        writeln!(configuration, "zone \"{}\" {{ type primary; file \"{file}\"; }};", zone.name).unwrap();
    }
    std::fs::write(folder.join("named.conf"), configuration).unwrap();
}
