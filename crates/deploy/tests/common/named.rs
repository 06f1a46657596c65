//! A real `named` for a test: in a folder of its own, on free ports of the loopback address, ended
//! when the value is dropped. When the test panics, its log is printed.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long `named` may take to come up.
const START: Duration = Duration::from_secs(30);

/// Between two looks at whether it has.
const POLL: Duration = Duration::from_millis(10);

/// A zone's content that any name can be the apex of.
pub(crate) const SMALL_ZONE: &str = "$TTL 300\n\
    @ IN SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 300\n\
    @ IN NS ns.invalid.\n";

/// A `named` to be started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    new_zones: bool,
    options: String,
    statements: String,
    control_keys: Vec<String>,
    files: Vec<(String, String)>,
}

impl Setup {
    /// An authoritative server without zones, that takes new ones.
    pub(crate) fn new() -> Self {
        Self {
            new_zones: true,
            options: String::new(),
            statements: String::new(),
            control_keys: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Whether `addzone` is allowed.
    pub(crate) fn new_zones(mut self, allowed: bool) -> Self {
        self.new_zones = allowed;
        self
    }

    /// Adds to the `options` block.
    pub(crate) fn options(mut self, options: &str) -> Self {
        self.options += options;
        self
    }

    /// Adds statements beside the `options`.
    pub(crate) fn statements(mut self, statements: &str) -> Self {
        self.statements += statements;
        self
    }

    /// Adds a key of the control channel: its name, and the statement that defines it.
    pub(crate) fn control_key(mut self, name: &str, statement: &str) -> Self {
        self.statements += statement;
        self.control_keys.push(name.to_owned());
        self
    }

    /// Adds a file in the server's folder.
    pub(crate) fn file(mut self, name: &str, content: &str) -> Self {
        self.files.push((name.to_owned(), content.to_owned()));
        self
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(&self) -> Named {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in &self.files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let mut named = Named { dns: free_port(), control: free_port(), folder, process: None };
        // A free port may be taken by somebody else before named has it.
        for _ in 0..5 {
            fs::write(named.path("named.conf"), self.configuration(&named)).unwrap();
            match named.try_start() {
                Ok(()) => return named,
                Err(Taken) => (named.dns, named.control) = (free_port(), free_port()),
            }
        }
        panic!("found no free ports");
    }

    fn configuration(&self, named: &Named) -> String {
        let folder = named.folder.path().display();
        let quoted = |name: &String| format!("{name:?}; ");
        let keys: String = self.control_keys.iter().map(quoted).collect();
        format!(
            "{statements}\n\
             controls {{ inet {control_ip} port {control_port} \
             allow {{ {control_ip}; }} keys {{ {keys}}}; }};\n\
             options {{ directory \"{folder}\"; pid-file none; session-keyfile none; \
             listen-on port {dns_port} {{ {dns_ip}; }}; listen-on-v6 {{ none; }}; \
             recursion no; dnssec-validation no; allow-new-zones {new_zones}; notify no; \
             {options} }};\n",
            statements = self.statements,
            options = self.options,
            new_zones = if self.new_zones { "yes" } else { "no" },
            control_ip = named.control.ip(),
            control_port = named.control.port(),
            dns_ip = named.dns.ip(),
            dns_port = named.dns.port(),
        )
    }
}

/// A running `named`.
#[derive(Debug)]
pub(crate) struct Named {
    dns: SocketAddr,
    control: SocketAddr,
    folder: TempDir,
    process: Option<Child>,
}

impl Named {
    /// Where it answers queries, UDP and TCP.
    pub(crate) fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// Where its control channel is.
    pub(crate) fn control(&self) -> SocketAddr {
        self.control
    }

    /// A file in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Kills it and starts it on the same ports, with the same folder.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.try_start().is_ok(), "the ports were taken meanwhile");
    }

    /// What it has logged since it was first started.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("named.log")).unwrap_or_default()
    }

    fn try_start(&mut self) -> Result<(), Taken> {
        let mut log = OpenOptions::new().create(true).append(true).open(self.path("named.log")).unwrap();
        let begin = log.seek(SeekFrom::End(0)).unwrap();
        let process = Command::new("named")
            .args(["-g", "-n", "1", "-c"])
            .arg(self.path("named.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("named is installed");
        self.process = Some(process);

        let deadline = Instant::now() + START;
        loop {
            let log = self.log_since(begin);
            if log.contains("address in use") {
                self.kill();
                return Err(Taken);
            }
            if log.lines().any(|line| line.ends_with(" running")) {
                return Ok(());
            }
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "named ended: {ended:?}");
            assert!(Instant::now() < deadline, "named did not come up");
            std::thread::sleep(POLL);
        }
    }

    fn log_since(&self, begin: u64) -> String {
        let mut file = File::open(self.path("named.log")).unwrap();
        file.seek(SeekFrom::Start(begin)).unwrap();
        let mut log = String::new();
        file.read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of named\n{}", self.log());
        }
    }
}

/// Somebody else has one of the ports.
struct Taken;

/// As [`free_port`], below the ports that the kernel and named give to what they send: nobody takes it while the server that
/// had it is down, and no message to it is sent from it.
pub(crate) fn free_low_port() -> SocketAddr {
    loop {
        let port = 10_000 + (uuid::Uuid::now_v7().as_u128() % 20_000) as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() && is_first_use(port) {
            return address;
        }
    }
}

/// A port that is free for both UDP and TCP.
pub(crate) fn free_port() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = tcp.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() && is_first_use(address.port()) {
            return address;
        }
    }
}

/// Whether nobody in this process was given that port before. It may well look free for a while: and named listens on a port
/// that another named, or its own control channel, has already.
fn is_first_use(port: u16) -> bool {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    GIVEN.lock().unwrap().insert(port)
}
