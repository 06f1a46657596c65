//! The store on SQLite: one file, one thread that writes, a few that read.
//!
//! | part | job |
//! |---|---|
//! | `open` | the file, its connections, migrations |
//! | `key_file` | the key of the secrets in it |
//! | `writer` | the one writing thread: group commit |
//! | `readers` | the reading threads |
//! | `watcher` | what other processes write |
//! | `housekeeper` | what waits: uses of tokens, records of deleted zones, the log |
//! | `accounts`, `tokens`, `identities` | who may ask |
//! | `limits`, `reserved` | how much they may have, and which names they may not |
//! | `holds` | names that were deleted a short time ago |
//! | `sessions`, `links`, `second_factor` | how people come in |
//! | `known_browsers`, `wrong_codes` | what holds up those who guess |
//! | `mails` | mail that waits to be sent |
//! | `events`, `owner_mail` | the trail of what was done to accounts, and what owners are written to about |
//! | `zones`, `records`, `change`, `live`, `apexes` | what they may ask for |
//! | `staging` | the same, where it is large |
//! | `journal`, `catalogs`, `deployment` | what follows from it |
//! | `withheld` | zones that no nameserver is to serve |
//! | `claims` | what follows from a proof that an account controls a name |
//! | `search` | what people look for by a part of its name |
//! | `history`, `rollback`, `deleted`, `retention` | what was, the way back to it, and how long it is kept |
//!
//! The log is written ahead (WAL) with `synchronous=FULL`: a commit that was answered survives the loss of power. Other
//! processes may open the same file at the same time; SQLite's locks keep their transactions apart from the writer's.

mod accounts;
mod answers;
mod apexes;
mod catalogs;
mod change;
mod claims;
mod deleted;
mod deployment;
mod events;
mod history;
mod holds;
mod housekeeper;
mod identities;
mod ids;
mod journal;
mod key_file;
mod known_browsers;
mod limits;
mod links;
mod live;
mod mails;
mod open;
mod owner_mail;
#[cfg(test)]
mod plans;
mod readers;
mod records;
mod reserved;
mod retention;
mod rollback;
mod rows;
mod search;
mod second_factor;
mod sessions;
mod settings;
mod staging;
mod tokens;
mod watcher;
mod withheld;
mod writer;
mod wrong_codes;
mod zones;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use dns::apex::Apex;
use dns::change::Limits;
use dns::{Name, RecordId, ZoneId, ZoneName};
use rusqlite::Connection;
use tokio::sync::watch;

use self::open::Role;
use self::readers::{Readers, Size};
use self::staging::{AT_ONCE, Made};
use self::writer::{Work, Writer};
use crate::hashing::Hashers;
use crate::health::HealthWatch;
use crate::sealing::SecretKeys;
use crate::*;

/// What a store is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the time comes from.
    pub clock: Clock,
    /// What the operator bounds.
    pub limits: Limits,
    /// What the server puts into every new zone. Its nameservers' names are reserved.
    pub apex: Apex,
    /// The file with the key of the secrets in the database; `None`: `secret.key` beside it.
    pub key_file: Option<PathBuf>,
    /// The other names that the server is reached under, which are reserved too.
    pub own_names: Vec<Name>,
    /// What applies to all accounts.
    pub policy: Policy,
}

/// The store. Cheap to clone; all clones share one writer and one set of readers.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    key_file: PathBuf,
    hashers: Hashers,
    writer: Writer,
    readers: Readers,
    shared: Arc<Shared>,
    threads: Mutex<Threads>,
}

/// What ends the threads, and the threads themselves, in the order in which they end.
#[derive(Default)]
struct Threads {
    /// Dropping them ends the watcher and the housekeeper.
    stops: Vec<mpsc::Sender<()>>,
    helpers: Vec<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

/// What the threads have in common.
#[derive(Debug)]
struct Shared {
    clock: Clock,
    limits: Limits,
    policy: Policy,
    /// The apex that this store was opened with.
    apex: Apex,
    apex_id: i64,
    apexes: apexes::Apexes,
    reserved: Reserved,
    identities: identities::Identities,
    ids: ids::Ids,
    position: watch::Sender<u64>,
    health: Arc<HealthWatch>,
    retention: retention::Order,
    secrets: SecretKeys,
    /// A letter was queued.
    mail_queued: tokio::sync::Notify,
    stages: staging::Stages,
    closing: AtomicBool,
}

impl Shared {
    /// Now, in the resolution that is stored.
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Whether the store is about to close, and what takes long should end.
    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    fn for_tests() -> Shared {
        let nameserver = dns::apex::ApexNameserver { name: dns::Name::root(), addresses: Vec::new() };
        Shared {
            clock: Clock::system(),
            limits: Limits::default(),
            policy: Policy::default(),
            apex: Apex::new(vec![nameserver]).unwrap(),
            apex_id: 1,
            apexes: apexes::Apexes::default(),
            reserved: Reserved::default(),
            identities: identities::Identities::default(),
            ids: ids::Ids::default(),
            position: watch::Sender::new(0),
            health: Arc::default(),
            retention: retention::Order::default(),
            secrets: SecretKeys::draw().unwrap(),
            mail_queued: tokio::sync::Notify::new(),
            stages: staging::Stages::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// Tells those who follow the journal that it has reached a position.
    fn journal_moved(&self, position: Option<i64>) {
        let Some(position) = position.and_then(|position| u64::try_from(position).ok()) else { return };
        self.position.send_if_modified(|known| {
            let moved = position > *known;
            *known = position.max(*known);
            moved
        });
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database file, makes it (mode 0600) where there is none, and brings its schema up to date. The key file is created
    /// with it; a database that was opened with another key is refused. Blocks.
    pub fn open(path: &Path, options: Options) -> Result<Store, StoreError> {
        let key_file = options.key_file.unwrap_or_else(|| key_file::beside(path));
        let (mut connection, secrets) = open::prepare(path, &key_file)?;
        let apex_id = apexes::intern(&mut connection, &options.apex)?;
        let nameservers = options.apex.nameservers.iter().map(|nameserver| nameserver.name.clone());
        let reserved = Reserved::new(nameservers.chain(options.own_names));
        let shared = Arc::new(Shared {
            clock: options.clock,
            limits: options.limits,
            policy: options.policy,
            apex: options.apex,
            apex_id,
            apexes: apexes::Apexes::default(),
            reserved,
            identities: identities::Identities::default(),
            ids: ids::Ids::default(),
            position: watch::Sender::new(journal::position(&connection)?),
            health: Arc::default(),
            retention: retention::Order::default(),
            secrets,
            mail_queued: tokio::sync::Notify::new(),
            stages: staging::Stages::default(),
            closing: AtomicBool::new(false),
        });
        let (writer, writer_thread) = Writer::start(connection, Arc::clone(&shared))?;
        let (readers, reader_threads) = Readers::start(path, &shared.health)?;
        let mut threads = Threads { readers: reader_threads, writer: Some(writer_thread), ..Threads::default() };
        threads.help("store-watcher", open::connect(path, Role::Reader)?, {
            let shared = Arc::clone(&shared);
            move |connection, stop| watcher::run(connection, &shared, stop)
        })?;
        threads.help("store-housekeeper", open::connect(path, Role::Checkpointer)?, {
            let (shared, writer) = (Arc::clone(&shared), writer.clone());
            move |connection, stop| housekeeper::run(connection, &shared, &writer, stop)
        })?;
        let (path, hashers, threads) = (path.to_owned(), Hashers::default(), Mutex::new(threads));
        let inner = Inner { path, key_file, hashers, writer, readers, shared, threads };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// The clock that it was opened with.
    pub fn clock(&self) -> Clock {
        self.inner.shared.clock.clone()
    }

    /// Now, by the clock that it was opened with.
    pub fn now(&self) -> Timestamp {
        self.inner.shared.now()
    }

    /// Whether the database file can be used, as of the last attempt.
    pub fn health(&self) -> Health {
        self.inner.shared.health.get()
    }

    /// What it puts into every zone.
    pub fn apex(&self) -> &Apex {
        &self.inner.shared.apex
    }

    /// The names that only some accounts may hold.
    pub fn reserved(&self) -> &Reserved {
        &self.inner.shared.reserved
    }

    /// What the operator bounds.
    pub fn limits(&self) -> &Limits {
        &self.inner.shared.limits
    }

    /// Ends the writer after the jobs it has, and closes the database. What is asked afterwards is refused as closed.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.inner);
        // It fails only with a panic there, which leaves nothing to close.
        let _ = tokio::task::spawn_blocking(move || inner.end()).await;
    }
}

impl Inner {
    /// The helpers first, because they use the writer; the writer's connection last, because it may copy the log back.
    fn end(&self) {
        let mut threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.closing.store(true, Ordering::Relaxed);
        threads.stops.clear();
        join(threads.helpers);
        self.readers.stop();
        join(threads.readers);
        self.writer.stop();
        join(threads.writer);
    }
}

/// A store that nobody closed ends its threads all the same, so that the file is free for the next.
impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

impl Threads {
    fn help(
        &mut self,
        name: &str,
        connection: Connection,
        run: impl FnOnce(&Connection, &mpsc::Receiver<()>) + Send + 'static,
    ) -> Result<(), StoreError> {
        let (stop, stopped) = mpsc::channel();
        self.helpers.push(spawn(name, move || run(&connection, &stopped))?);
        self.stops.push(stop);
        Ok(())
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(run).map_err(|source| StoreError::File { path: PathBuf::from(name), source })
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the store had panicked");
        }
    }
}

/// Accounts and tokens.
impl Store {
    /// Makes an account.
    pub async fn create_account(&self, account: NewAccount) -> Result<Account, CreateAccountError> {
        self.inner.writer.run(|work| accounts::create(work, account)).await
    }

    /// The account with that address, compared without regard to case.
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        let email = email.to_owned();
        self.inner.readers.run(Size::Small, move |connection| accounts::by_email(connection, &email)).await
    }

    /// All accounts, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.inner.readers.run(Size::Large, accounts::all).await
    }

    /// The password of an account, where it has one.
    pub async fn password(&self, account: AccountId) -> Result<Option<PasswordHash>, StoreError> {
        self.inner.readers.run(Size::Small, move |connection| accounts::password(connection, account)).await
    }

    /// Makes a token.
    pub async fn create_token(&self, account: AccountId, token: NewToken) -> Result<CreatedToken, CreateTokenError> {
        self.create_token_by(account, token, &Actor::command_line()).await
    }

    /// The tokens of one account, or of all, oldest first; revoked ones are gone.
    pub async fn tokens(&self, account: Option<AccountId>) -> Result<Vec<Token>, StoreError> {
        self.inner.readers.run(Size::Large, move |connection| tokens::all(connection, account)).await
    }

    /// Revokes a token; false where there is none with that number. It is refused from when this returns.
    pub async fn revoke_token(&self, id: i64) -> Result<bool, StoreError> {
        let revoked = self.inner.writer.run(move |work| tokens::revoke(work, None, id, &Actor::command_line())).await;
        // Also after a failure: then it is not known what was stored.
        self.inner.shared.identities.empty();
        revoked
    }

    /// Whom the presented text speaks for, when it comes from that address; `None` where it is malformed, unknown, expired or
    /// revoked, where its account is suspended, and where the token may not be used from there. Answered from memory where it
    /// can be.
    pub async fn authenticate(
        &self,
        presented: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<Arc<Identity>>, StoreError> {
        if !PlainToken::is_well_formed(presented) {
            return Ok(None);
        }
        let hash = tokens::hash(presented);
        let Shared { identities, .. } = &*self.inner.shared;
        let age = identities.age();
        let identity = match identities.get(&hash) {
            Some(known) => known,
            None => {
                let found = self.inner.readers.run(Size::Small, move |connection| tokens::identity(connection, hash));
                match found.await? {
                    Some((stored, identity)) if identities::is_same(&stored, &hash) => Arc::new(identity),
                    _ => return Ok(None),
                }
            }
        };
        let now = self.inner.shared.now();
        let is_over = identity.token.expires_at.is_some_and(|end| end <= now);
        if is_over || !identity.token.networks.contains(address) {
            return Ok(None);
        }
        Ok(Some(identities.accept(&hash, identity, age, now, address)))
    }
}

/// Zones and records, for one account.
impl Store {
    /// Makes an empty zone. `override_related` is the operator's.
    pub async fn create_zone(
        &self,
        author: &Author,
        name: ZoneName,
        override_related: bool,
    ) -> Result<Zone, CreateZoneError> {
        self.create_zone_with(author, NewZone { override_related, ..NewZone::named(name) }).await
    }

    /// Makes a zone, with what it holds from the start.
    pub async fn create_zone_with(&self, author: &Author, new: NewZone) -> Result<Zone, CreateZoneError> {
        let author = author.clone();
        if new.content.len() > AT_ONCE {
            return match self.create_large(author, new, None).await? {
                Made::Now(zone) => Ok(zone),
                Made::Keyed(_) => Err(StoreError::Panicked.into()),
            };
        }
        self.inner.writer.run(move |work| zones::create(work, &author, &new)).await
    }

    /// [`Store::create_zone_with`], done once however often the request comes.
    pub async fn create_zone_once(
        &self,
        author: &Author,
        new: NewZone,
        once: Once<Zone>,
    ) -> Result<Done, CreateZoneError> {
        let author = author.clone();
        if new.content.len() > AT_ONCE {
            return match self.create_large(author, new, Some(once)).await? {
                Made::Keyed(done) => Ok(done),
                Made::Now(_) => Err(StoreError::Panicked.into()),
            };
        }
        let job = move |work: &Work| answers::once(work, once, |work| zones::create(work, &author, &new).map(Some));
        self.inner.writer.run(job).await?.map_err(|_| StoreError::Panicked.into())
    }

    /// The account's zones after `after`, oldest first.
    pub async fn zones(
        &self,
        account: AccountId,
        name: Option<ZoneName>,
        after: Option<ZoneId>,
        limit: u32,
    ) -> Result<Vec<Zone>, StoreError> {
        let read = move |connection: &Connection| zones::page(connection, account, name.as_ref(), after, limit);
        self.inner.readers.run(Size::Small, read).await
    }

    /// One zone.
    pub async fn zone(&self, account: AccountId, id: ZoneId) -> Result<Option<Zone>, StoreError> {
        let read = move |connection: &Connection| Ok(zones::of_account(connection, account, id)?.map(|row| row.zone));
        self.inner.readers.run(Size::Small, read).await
    }

    /// Deletes a zone with its records, and gives it at its last version; `None` where the account has no such zone.
    pub async fn delete_zone(&self, author: &Author, id: ZoneId) -> Result<Option<Zone>, StoreError> {
        let author = author.clone();
        self.inner.shared.stages.none_of(id).await;
        self.inner.writer.run(move |work| zones::delete(work, &author, id)).await
    }

    /// [`Store::delete_zone`], where conditions hold.
    pub async fn delete_zone_on(
        &self,
        author: &Author,
        id: ZoneId,
        conditions: Vec<Condition>,
    ) -> Result<Zone, ChangeError> {
        let author = author.clone();
        self.inner.shared.stages.none_of(id).await;
        self.inner.writer.run(move |work| zones::delete_on(work, &author, id, &conditions)).await
    }

    /// [`Store::delete_zone_on`], done once however often the request comes.
    pub async fn delete_zone_once(
        &self,
        author: &Author,
        id: ZoneId,
        conditions: Vec<Condition>,
        once: Once<Zone>,
    ) -> Result<Done, ChangeError> {
        let author = author.clone();
        self.inner.shared.stages.none_of(id).await;
        let job = move |work: &Work| {
            answers::once(work, once, |work| zones::delete_on(work, &author, id, &conditions).map(Some))
        };
        self.inner.writer.run(job).await?.map_err(|_| StoreError::Panicked.into())
    }

    /// All records of a zone that pass the filter, in one consistent view; gives the visitor back, or `None` where the account
    /// has no such zone.
    pub async fn visit_records<V: RecordVisitor>(
        &self,
        account: AccountId,
        zone: ZoneId,
        filter: RecordFilter,
        mut visitor: V,
    ) -> Result<Option<V>, StoreError> {
        let read = move |connection: &Connection| {
            let found = records::visit(connection, account, zone, &filter, &mut visitor)?;
            Ok(found.then_some(visitor))
        };
        self.inner.readers.run(Size::Large, read).await
    }

    /// More of the records of one version of a zone, those after `after`, until the visitor breaks off: for a list that is read
    /// in parts. `None` where the account has no such zone any more, or the version was forgotten.
    pub async fn visit_version<V: RecordVisitor>(
        &self,
        account: AccountId,
        zone: ZoneId,
        version: VersionNumber,
        filter: RecordFilter,
        after: RecordId,
        mut visitor: V,
    ) -> Result<Option<V>, StoreError> {
        // With a filter, a whole zone may have to be passed over.
        let size = if filter == RecordFilter::default() { Size::Small } else { Size::Large };
        let read = move |connection: &Connection| {
            let place = (account, zone);
            let found = records::visit_version(connection, place, version, &filter, after, &mut visitor)?;
            Ok(found.then_some(visitor))
        };
        self.inner.readers.run(size, read).await
    }

    /// A page of the records of one zone (or of all the account's), oldest first. `None` where the account has no such zone.
    pub async fn records(
        &self,
        account: AccountId,
        zone: Option<ZoneId>,
        filter: RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        let is_filtered = filter != RecordFilter::default();
        let read = move |connection: &Connection| match zone {
            Some(zone) => records::page_of_zone(connection, account, zone, &filter, after, limit),
            None => records::page_of_account(connection, account, &filter, after, limit).map(Some),
        };
        // Without a filter a page is a page; with one, a whole zone may have to be passed over.
        let size = if is_filtered { Size::Large } else { Size::Small };
        self.inner.readers.run(size, read).await
    }

    /// One record, and the zone it is in.
    pub async fn record(&self, account: AccountId, id: RecordId) -> Result<Option<(Zone, StoredRecord)>, StoreError> {
        self.inner.readers.run(Size::Small, move |connection| records::one(connection, account, id)).await
    }

    /// Changes a zone: wholly or not at all. Durable when it returns.
    pub async fn change(
        &self,
        author: &Author,
        zone: ZoneId,
        change: impl Into<Change>,
    ) -> Result<Committed, ChangeError> {
        let (mut author, mut change) = (author.clone(), change.into());
        if change.dry_run && change::weight(&change.wish) <= AT_ONCE {
            return self.rehearse(author, zone, change).await;
        }
        if !change.dry_run {
            self.inner.shared.stages.none_of(zone).await;
            if change::weight(&change.wish) <= AT_ONCE {
                let job = move |work: &Work| match change::change(work, &author, zone, &change)? {
                    Some(committed) => Ok::<_, ChangeError>(Ok(committed)),
                    None => Ok(Err((author, change))),
                };
                match self.inner.writer.run(job).await? {
                    Ok(committed) => return Ok(committed),
                    Err(unused) => (author, change) = unused,
                }
            }
        }
        match self.change_large(author, zone, change, None).await? {
            Made::Now(committed) => Ok(committed),
            Made::Keyed(_) => Err(StoreError::Panicked.into()),
        }
    }

    /// What a change would do, worked out on a reader's view of the zone: the writer has no part in it.
    async fn rehearse(&self, author: Author, zone: ZoneId, change: Change) -> Result<Committed, ChangeError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| {
            let view = writer::View { connection, shared: &shared };
            Ok(change::prepare(view, &author, zone, &change).map(|prepared| prepared.committed))
        };
        self.inner.readers.run(Size::Large, read).await?
    }

    /// [`Store::change`], done once however often the request comes. Not for dry runs, which may be repeated as they are.
    pub async fn change_once(
        &self,
        author: &Author,
        zone: ZoneId,
        change: Change,
        once: Once<Committed>,
    ) -> Result<Done, ChangeError> {
        let (mut author, mut change, mut once) = (author.clone(), change, once);
        self.inner.shared.stages.none_of(zone).await;
        if change::weight(&change.wish) <= AT_ONCE {
            let job = move |work: &Work| match answers::once(work, once, |work| {
                change::change(work, &author, zone, &change)
            })? {
                Ok(done) => Ok::<_, ChangeError>(Ok(done)),
                Err(once) => Ok(Err((author, change, once))),
            };
            match self.inner.writer.run(job).await? {
                Ok(done) => return Ok(done),
                Err(unused) => (author, change, once) = unused,
            }
        }
        match self.change_large(author, zone, change, Some(once)).await? {
            Made::Keyed(done) => Ok(done),
            Made::Now(_) => Err(StoreError::Panicked.into()),
        }
    }

    /// What a request under this key got before, in the last 24 hours. A hint, to spare work: what makes the change asks again.
    pub async fn done_before(&self, request: &Repeatable) -> Result<Option<Done>, StoreError> {
        let (request, now) = (request.clone(), self.now());
        self.inner.readers.run(Size::Small, move |connection| answers::find(connection, &request, now)).await
    }

    /// A zone's settings, its own or the server's.
    pub async fn zone_settings(
        &self,
        account: AccountId,
        id: ZoneId,
    ) -> Result<Option<(Zone, EffectiveSettings)>, StoreError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| settings::effective(&shared, connection, account, id);
        self.inner.readers.run(Size::Small, read).await
    }

    /// A zone's settings as whoever changes them needs them.
    pub async fn own_zone_settings(&self, account: AccountId, id: ZoneId) -> Result<Option<OwnSettings>, StoreError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| settings::own(&shared, connection, account, id);
        self.inner.readers.run(Size::Small, read).await
    }

    /// A new record identity.
    pub fn new_record_id(&self) -> RecordId {
        RecordId(self.inner.shared.ids.next(self.inner.shared.now()))
    }
}

/// The operator's.
impl Store {
    /// The zone of that name, whoever has it.
    pub async fn zone_of_anyone(&self, name: &ZoneName) -> Result<Option<ZoneOfAnyone>, StoreError> {
        let name = name.clone();
        let read = move |connection: &Connection| {
            Ok(zones::of_anyone(connection, zones::ONE_OF_ANYONE, Some(&name), 1)?.pop())
        };
        self.inner.readers.run(Size::Small, read).await
    }

    /// All zones by name, after `after`.
    pub async fn zones_of_anyone(&self, after: Option<ZoneName>, limit: u32) -> Result<Vec<ZoneOfAnyone>, StoreError> {
        let read = move |connection: &Connection| zones::of_anyone(connection, zones::OF_ANYONE, after.as_ref(), limit);
        self.inner.readers.run(Size::Large, read).await
    }

    /// Gives a zone to another account; false where there is no such zone.
    pub async fn move_zone(&self, name: &ZoneName, to: AccountId) -> Result<bool, MoveZoneError> {
        let name = name.clone();
        self.inner.writer.run(move |work| zones::give_to(work, &name, to)).await
    }

    /// Gives the next zones that have another apex than the one this store was opened with a version that has it; how many it
    /// did. 0: all have it, but for those that cannot.
    pub async fn roll_out_apex(&self, at_most: u32) -> Result<u32, StoreError> {
        self.inner.writer.run(move |work| apexes::roll_out(work, at_most)).await
    }

    /// Writes a consistent copy of the database, as it is at one moment, while others go on reading and writing. The file must
    /// not exist yet; it has the mode 0600 and is on the disk when this returns.
    pub async fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_owned();
        self.inner.readers.run_outside_transaction(move |connection| open::copy(connection, &to)).await
    }

    /// SQLite's own check of the file; the complaints, none where all is well.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        self.inner.readers.run(Size::Large, open::check).await
    }
}
