//! A mail server for tests: as much SMTP as a client of ours speaks (RFC 5321, 3207, 4954), on loopback, on a port the kernel chose.
//! It keeps what it was given, and can be told to be difficult.

#![expect(clippy::expect_used, reason = "a helper of tests")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// For `localhost`, made for tests and used nowhere else.
const CERTIFICATE: &[u8] = include_bytes!("../../../api/tests/api/certificate/localhost.cert.der");
const KEY: &[u8] = include_bytes!("../../../api/tests/api/certificate/localhost.key.der");
/// How long a test waits for a letter.
const DEADLINE: Duration = Duration::from_secs(30);

/// How the server behaves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Behaviour {
    /// So many recipients are refused for now first, as greylisting servers do.
    pub(crate) defer: usize,
    /// Every recipient is refused for good, in words that repeat it.
    pub(crate) refuse: bool,
    /// Nothing is taken from who has not signed in with this name and password.
    pub(crate) login: Option<(&'static str, &'static str)>,
    pub(crate) tls: Option<Tls>,
    /// Connections are taken, and nothing is ever said.
    pub(crate) silent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Implicit,
    Start,
}

/// A letter that the server took.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Head and body, lines ending in `\n`.
    pub(crate) text: String,
    pub(crate) over_tls: bool,
}

impl Taken {
    /// The body, decoded.
    pub(crate) fn body(&self) -> String {
        let (head, body) = self.text.split_once("\n\n").expect("a head and a body");
        let encoding = head.lines().find_map(|line| line.strip_prefix("Content-Transfer-Encoding: ")).unwrap_or("7bit");
        let octets = match encoding {
            "7bit" | "8bit" => body.as_bytes().to_vec(),
            "base64" => STANDARD.decode(body.replace('\n', "")).expect("base64"),
            "quoted-printable" => quoted_printable(body),
            other => panic!("{other} is no encoding of ours"),
        };
        String::from_utf8(octets).expect("UTF-8").replace("\r\n", "\n")
    }

    /// The line of the body that is a link.
    pub(crate) fn link(&self) -> String {
        let body = self.body();
        body.lines().find(|line| line.contains("/link/")).unwrap_or_else(|| panic!("no link in\n{body}")).to_owned()
    }
}

fn quoted_printable(body: &str) -> Vec<u8> {
    let joined = body.replace("=\n", "");
    let mut octets = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' {
            let code = std::str::from_utf8(&after[..2]).expect("two digits");
            octets.push(u8::from_str_radix(code, 16).expect("two digits"));
            rest = &after[2..];
        } else {
            octets.push(*first);
            rest = after;
        }
    }
    octets
}

/// A running mail server. Dropping it ends it.
pub(crate) struct MailServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Behaviour,
    tls: Arc<ServerConfig>,
    left_to_defer: AtomicUsize,
    connections: AtomicUsize,
    taken: Mutex<Vec<Taken>>,
    stop: AtomicBool,
}

impl MailServer {
    pub(crate) fn start(behaviour: Behaviour) -> MailServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY));
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key)
            .expect("a certificate");
        let shared = Arc::new(Shared {
            behaviour,
            tls: Arc::new(tls),
            left_to_defer: AtomicUsize::new(behaviour.defer),
            connections: AtomicUsize::new(0),
            taken: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let server = MailServer { address, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&shared);
                // A client that breaks off is no failure of the test; what it did not hand over will be missed.
                std::thread::spawn(move || stream.and_then(|stream| serve(stream, &shared)));
            }
        });
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().expect("no session panicked").clone()
    }

    /// Waits until there are so many letters, and gives the last of them.
    #[track_caller]
    pub(crate) fn wait_for(&self, number: usize) -> Taken {
        let end = Instant::now() + DEADLINE;
        loop {
            let mut taken = self.taken();
            if taken.len() >= number {
                return taken.swap_remove(number - 1);
            }
            assert!(Instant::now() < end, "{} letters came instead of {number}", taken.len());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// [`MailServer::wait_for`] of the letters with a subject.
    #[track_caller]
    pub(crate) fn wait_for_subject(&self, subject: &str, number: usize) -> Taken {
        let end = Instant::now() + DEADLINE;
        let line = format!("Subject: {subject}\n");
        loop {
            let taken = self.taken();
            let mut found: Vec<Taken> = taken.iter().filter(|letter| letter.text.contains(&line)).cloned().collect();
            if found.len() >= number {
                return found.swap_remove(number - 1);
            }
            assert!(Instant::now() < end, "{} letters {subject:?} came instead of {number}: {taken:?}", found.len());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The server's certificate in PEM.
    pub(crate) fn certificate() -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(CERTIFICATE))
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Line {
    fn say(&mut self, text: &str) -> io::Result<()> {
        let octets = text.replace('\n', "\r\n");
        match self {
            Line::Plain(stream) => stream.write_all(octets.as_bytes()),
            Line::Tls(stream) => stream.write_all(octets.as_bytes()).and_then(|()| stream.flush()),
        }
    }

    /// The next line, without its end; an error where the client is gone.
    fn hear(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut octet = [0];
            match self {
                Line::Plain(stream) => stream.read_exact(&mut octet)?,
                Line::Tls(stream) => stream.read_exact(&mut octet)?,
            }
            line.push(octet[0]);
        }
        line.truncate(line.len() - 2);
        String::from_utf8(line).map_err(io::Error::other)
    }

    fn encrypt(self, config: &Arc<ServerConfig>) -> io::Result<Line> {
        let Line::Plain(stream) = self else { return Err(io::Error::other("it is encrypted already")) };
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        Ok(Line::Tls(Box::new(StreamOwned::new(connection, stream))))
    }

    fn is_tls(&self) -> bool {
        matches!(self, Line::Tls(_))
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let behaviour = shared.behaviour;
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut line = Line::Plain(stream);
    if behaviour.silent {
        return line.hear().map(drop);
    }
    if behaviour.tls == Some(Tls::Implicit) {
        line = line.encrypt(&shared.tls)?;
    }
    let (mut from, mut to, mut may_send) = (String::new(), Vec::new(), behaviour.login.is_none());
    line.say("220 mail.test ESMTP\n")?;
    loop {
        let command = line.hear()?;
        let (verb, rest) = command.split_once(' ').unwrap_or((&command, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                line.say("250-mail.test\n")?;
                if behaviour.tls == Some(Tls::Start) && !line.is_tls() {
                    line.say("250-STARTTLS\n")?;
                }
                if behaviour.login.is_some() {
                    line.say("250-AUTH PLAIN LOGIN\n")?;
                }
                line.say("250 8BITMIME\n")?;
            }
            "STARTTLS" => {
                line.say("220 go ahead\n")?;
                line = line.encrypt(&shared.tls)?;
            }
            "AUTH" => {
                let given = rest.strip_prefix("PLAIN ").and_then(|text| STANDARD.decode(text).ok());
                let wanted = behaviour.login.map(|(user, password)| format!("\0{user}\0{password}").into_bytes());
                may_send = given.is_some() && given == wanted;
                line.say(if may_send { "235 welcome\n" } else { "535 5.7.8 nobody knows dns-mailer\n" })?;
            }
            "MAIL" if !may_send => line.say("530 5.7.0 who are you\n")?,
            "MAIL" => {
                from = in_brackets(rest);
                line.say("250 yes\n")?;
            }
            "RCPT" => {
                let recipient = in_brackets(rest);
                let left = &shared.left_to_defer;
                if behaviour.refuse {
                    line.say(&format!("550 5.1.1 <{recipient}>: there is no {recipient} here\n"))?;
                } else if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    line.say(&format!("451 4.7.1 <{recipient}>: come back later\n"))?;
                } else {
                    to.push(recipient);
                    line.say("250 yes\n")?;
                }
            }
            "DATA" => {
                line.say("354 go ahead\n")?;
                let mut text = String::new();
                loop {
                    let next = line.hear()?;
                    if next == "." {
                        break;
                    }
                    text.push_str(next.strip_prefix('.').unwrap_or(&next));
                    text.push('\n');
                }
                let taken = Taken { from: from.clone(), to: std::mem::take(&mut to), text, over_tls: line.is_tls() };
                shared.taken.lock().expect("no session panicked").push(taken);
                line.say("250 taken\n")?;
            }
            "NOOP" => line.say("250 yes\n")?,
            "QUIT" => return line.say("221 goodbye\n"),
            _ => line.say("500 what\n")?,
        }
    }
}

/// The address of `FROM:<address>` and `TO:<address>`.
fn in_brackets(argument: &str) -> String {
    let inside = argument.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
