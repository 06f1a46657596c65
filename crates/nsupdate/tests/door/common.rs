//! A store, the door on a free port, and the programs that knock.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use dns::apex::{Apex, ApexNameserver};
use dns::change::{Edit, Limits, NewRecord, TtlChoice};
use dns::{Name, OwnerName, RecordData, RecordType, Ttl, ZoneName};
use nameserver::{Server, Settings, Zones};
use nsupdate::{Takes, Updates};
use store::*;
use tokio_util::sync::CancellationToken;
use wire::secret::Algorithm;

pub(crate) const ZONE: &str = "example.test";

/// A door with one account and its zone.
pub(crate) struct Door {
    pub(crate) store: Store,
    pub(crate) author: Author,
    pub(crate) zone: Zone,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

/// A key, as programs take it.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: UpdateKeyId,
    /// `algorithm:name:secret`.
    pub(crate) text: String,
    pub(crate) name: Name,
    pub(crate) algorithm: Algorithm,
    pub(crate) secret: Vec<u8>,
    /// The letters in which the algorithm is sent, where they are others.
    pub(crate) spelled: Option<String>,
}

impl Door {
    /// With the zone `example.test` of nothing but the server's own records.
    pub(crate) async fn open() -> Door {
        let folder = tempfile::tempdir().unwrap();
        let nameserver = |name| ApexNameserver { name: Name::parse(name).unwrap(), addresses: Vec::new() };
        let options = Options {
            clock: Clock::system(),
            limits: Limits::default(),
            apex: Apex::new(["ns1.example.net", "ns2.example.net"].map(nameserver).into()).unwrap(),
            key_file: None,
            own_names: Vec::new(),
            policy: Policy::default(),
        };
        let store = Store::open(folder.path().join("store.db"), options).unwrap();
        let author = account(&store, "me@example.com").await;
        let zone = store.create_zone(&author, ZoneName::parse(ZONE).unwrap()).await.unwrap();
        let updates = Updates::new(store.doors(), store.journal(), Takes::Everything);
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), Zones::new(), Settings::default()).unwrap();
        let (address, stop) = (server.local_addr(), CancellationToken::new());
        tokio::spawn(server.with_door(Arc::new(updates)).run(stop.clone()));
        Door { store, author, zone, address, stop, _folder: folder }
    }

    pub(crate) fn tenant(&self) -> Tenant {
        self.store.tenant(self.author.clone(), ZoneScope::All)
    }

    /// With these records, `owner ttl type value`, one a line.
    pub(crate) async fn with(content: &str) -> Door {
        let door = Door::open().await;
        door.add(content).await;
        door
    }

    pub(crate) async fn add(&self, content: &str) {
        let lines = content.lines().map(str::trim).filter(|line| !line.is_empty());
        let edits = lines.map(|line| {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().unwrap();
            let owner = OwnerName::parse(word(), &self.zone.name).unwrap();
            let ttl = TtlChoice::Set(Ttl::new(word().parse().unwrap()).unwrap());
            let data = RecordData::parse(RecordType::parse(word()).unwrap(), word(), None, &self.zone.name).unwrap();
            Edit::Create(self.store.new_record_id(), NewRecord { owner, data, ttl })
        });
        self.store.change(&self.author, self.zone.id, edits.collect::<Vec<_>>()).await.unwrap();
    }

    /// A key for the zone, with everything but what `change` changes.
    pub(crate) async fn key_with(&self, change: impl FnOnce(&mut NewUpdateKey)) -> Key {
        let scope = KeyScope {
            purpose: KeyPurpose::Manage,
            names: None,
            types: KeyTypes::Usual,
            permissions: [Permission::All].into_iter().collect(),
        };
        let mut new = NewUpdateKey {
            name: "a key".to_owned(),
            zones: vec![self.zone.id],
            scope,
            algorithm: KeyAlgorithm::Sha256,
            networks: NetworkScope::Anywhere,
            expires_at: None,
            door: None,
            token: None,
        };
        change(&mut new);
        let created = self.tenant().create_update_key(new).await.unwrap();
        let KeyCredentials::Tsig { secret, .. } = &created.credentials else { panic!("a key with a path") };
        let name = created.key.key_name.clone();
        let text = format!("{}:{name}:{}", created.key.algorithm, secret.base64());
        let algorithm = match created.key.algorithm {
            KeyAlgorithm::Sha256 => Algorithm::Sha256,
            // Only programs sign with the others.
            _ => Algorithm::Md5,
        };
        Key { id: created.key.id, text, name, algorithm, secret: secret.octets().to_vec(), spelled: None }
    }

    pub(crate) async fn key(&self) -> Key {
        self.key_with(|_| {}).await
    }

    pub(crate) async fn key_for(&self, names: &[&str], types: KeyTypes) -> Key {
        let names = names.iter().map(|name| NamePattern::parse(name, &[]).unwrap()).collect();
        self.key_with(|new| {
            new.scope.names = Some(names);
            new.scope.types = types;
        })
        .await
    }

    /// The users' records, one a line, sorted.
    pub(crate) async fn content(&self) -> Vec<String> {
        let all =
            self.tenant().records(Some(self.zone.id), RecordFilter::default(), None, 100_000).await.unwrap().unwrap();
        let line = |stored: StoredRecord| {
            let record = stored.record;
            format!("{} {} {} {}", record.owner, record.ttl, record.data.record_type(), record.data)
        };
        let mut lines: Vec<String> = all.into_iter().map(line).collect();
        lines.sort();
        lines
    }

    /// The zone's newest version.
    pub(crate) async fn version(&self) -> Version {
        self.tenant().history(self.zone.id, None, 1).await.unwrap().unwrap().versions.remove(0)
    }

    pub(crate) async fn serial(&self) -> u32 {
        self.version().await.serial.0
    }

    /// What the owner of a key reads of its refusals: the rules and the details, newest first.
    pub(crate) async fn refusals(&self, key: &Key) -> Vec<(RefusedBy, String)> {
        let log = self.tenant().refusals(key.id).await.unwrap().unwrap();
        log.into_iter().map(|refusal| (refusal.rule, format!("{}: {}", refusal.asked, refusal.detail))).collect()
    }

    /// Runs nsupdate; the text of its failure, which ends with the response code.
    pub(crate) async fn nsupdate(&self, key: &Key, options: &[&str], lines: &str) -> Result<(), String> {
        let script = format!("server {} {}\n{lines}\nsend\n", self.address.ip(), self.address.port());
        let mut arguments = vec!["-y", &key.text];
        arguments.extend(options);
        program("nsupdate", &arguments, &script).await
    }

    pub(crate) async fn knsupdate(&self, key: &Key, lines: &str) -> Result<(), String> {
        let script = format!("server {} {}\nzone {ZONE}.\n{lines}\nsend\n", self.address.ip(), self.address.port());
        program("knsupdate", &["-y", &key.text], &script).await
    }

    /// Runs dig; what it prints.
    pub(crate) async fn dig(&self, arguments: &[&str]) -> String {
        self.dig_at(self.address, arguments).await
    }

    /// Runs dig at another server.
    pub(crate) async fn dig_at(&self, address: SocketAddr, arguments: &[&str]) -> String {
        let (at, port) = (format!("@{}", address.ip()), address.port().to_string());
        let mut all = vec![at.as_str(), "-p", &port, "+time=5", "+tries=1"];
        all.extend(arguments);
        output("dig", &all, "").await.1
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) async fn account(store: &Store, email: &str) -> Author {
    let new = NewAccount { email: email.to_owned(), ..NewAccount::default() };
    let account = store.command_line().create_account(new).await.unwrap().id;
    Author { account, name: "test".to_owned(), source: Source::Api, address: None }
}

/// Runs a program; the error is what it said.
pub(crate) async fn program(name: &'static str, arguments: &[&str], input: &str) -> Result<(), String> {
    let (success, text) = output(name, arguments, input).await;
    if success { Ok(()) } else { Err(text) }
}

async fn output(name: &'static str, arguments: &[&str], input: &str) -> (bool, String) {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let input = input.to_owned();
    let run = move || {
        let mut command = Command::new(name);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = command.spawn();
        let mut child =
            started.unwrap_or_else(|error| panic!("{name} could not be started ({error}); scripts/test installs it"));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}
