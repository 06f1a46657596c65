//! The store on its databases: one thread that writes, a few that read. SQLite is a file of this machine; PostgreSQL is shared by
//! several nodes.
//!
//! | part | job |
//! |---|---|
//! | `open` | the file, its connections, migrations |
//! | `db` | one form of a connection for both databases |
//! | `columns`, `rows` | the columns of rows, and the types that rows become |
//! | `cluster` | what only PostgreSQL needs: migrations, the writer's lock, the proof of a commit, notifications |
//! | `timing` | how long operations take |
//! | `shared` | what the threads have in common |
//! | `key_file` | the key of the secrets in it |
//! | `writer` | the one writing thread: group commit |
//! | `groups` | groups of changes, planned and written together |
//! | `wal` | the write-ahead log: its length, and copying it back |
//! | `readers` | the reading threads |
//! | `watcher` | what other processes write |
//! | `housekeeper` | work that no request waits for: uses of tokens, records of deleted zones, the log |
//! | `background` | starting threads, and the loop of those two |
//! | `accounts`, `suspension`, `tokens`, `identities` | accounts and tokens, and the cache for authentication |
//! | `update_keys`, `doors`, `refusals` | update keys: creating and revoking them, finding them for the doors, what they were refused |
//! | `limits`, `reserved` | limits of accounts, and reserved names |
//! | `holds` | names that were deleted a short time ago |
//! | `sessions`, `links`, `second_factor` | signing in |
//! | `known_browsers`, `wrong_codes` | delays for guessing |
//! | `mails` | mail that waits to be sent |
//! | `events`, `owner_mail` | the audit trail, and its events that owners get an e-mail about |
//! | `zones`, `zone_create`, `zone_delete`, `zone_move`, `zone_names`, `records`, `change`, `apexes` | what they may ask for |
//! | `roll_out` | a new apex for every zone |
//! | `source` | what planning asks (`crate::logic`) |
//! | `staging`, `stages` | the same, where it is large |
//! | `journal`, `catalogs`, `deployment` | what follows from it |
//! | `served` | zones, name by name, for queries |
//! | `withheld` | zones that are not served |
//! | `claims` | proof of control over a name, and its effects |
//! | `search` | searching by a part of a name or value |
//! | `history`, `deleted`, `retention` | what was, the way back to it, and how long it is kept |
//!
//! On SQLite, the log is written ahead (WAL) with `synchronous=FULL`: a commit that was answered survives the loss of power. Other
//! processes may open the same file at the same time; SQLite's locks keep their transactions apart from the writer's.

mod accounts;
mod answers;
mod apexes;
mod background;
mod catalogs;
mod change;
mod claims;
mod cluster;
mod columns;
mod db;
mod deleted;
mod deployment;
mod doors;
mod events;
mod groups;
mod history;
mod holds;
mod housekeeper;
mod identities;
mod journal;
mod key_file;
mod known_browsers;
mod limits;
mod links;
mod mails;
mod open;
mod owner_mail;
#[cfg(test)]
mod plans;
mod readers;
mod records;
mod refusals;
mod reserved;
mod retention;
mod roll_out;
mod rows;
#[cfg(test)]
mod schema;
mod search;
mod second_factor;
mod served;
mod sessions;
mod settings;
mod shared;
mod source;
mod stages;
mod staging;
mod suspension;
mod timing;
mod tokens;
mod update_keys;
mod wal;
mod watcher;
mod withheld;
mod writer;
mod wrong_codes;
mod zone_create;
mod zone_delete;
mod zone_move;
mod zone_names;
mod zones;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use dns::Name;
use dns::apex::Apex;
use dns::change::Limits;
use tokio::sync::watch;

use self::background::spawn;
pub use self::db::{Address, AddressError};
use self::db::{Connection, Use};
use self::open::Role;
use self::readers::{Readers, Size};
use self::shared::Shared;
use self::writer::Writer;
use crate::hashing::Hashers;
use crate::logic::Rules;
use crate::*;

/// What a store is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The source of the time.
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
    database: Database,
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

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("database", &self.inner.database).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database, makes its file (mode 0600) or its schema where there is none, and brings the schema up to date. The key
    /// file is created with it; a database that was opened with another key is refused. Blocks.
    pub fn open(database: impl Into<Database>, options: Options) -> Result<Store, StoreError> {
        let database = database.into();
        // A session with PostgreSQL waits for the network by itself, which a thread that runs async tasks must not.
        std::thread::scope(|scope| scope.spawn(|| open_here(database, options)).join())
            .unwrap_or(Err(StoreError::Panicked))
    }

    /// The clock that it was opened with.
    pub fn clock(&self) -> Clock {
        self.inner.shared.rules.clock.clone()
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
        &self.inner.shared.rules.limits
    }

    /// Ends the writer after the jobs it has, and closes the database. What is asked afterwards is refused as closed.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.inner);
        // It fails only with a panic there, which leaves nothing to close.
        let _ = tokio::task::spawn_blocking(move || inner.end()).await;
    }
}

fn open_here(database: Database, options: Options) -> Result<Store, StoreError> {
    let key_file = match (options.key_file, &database) {
        (Some(named), _) => named,
        (None, Database::Sqlite(path)) => key_file::beside(path),
        (None, Database::Postgres(_)) => return Err(StoreError::Bug("a database on a server without a key file")),
    };
    let (connection, secrets) = match &database {
        Database::Sqlite(path) => open::prepare(path, &key_file)?,
        Database::Postgres(address) => cluster::prepare(address, &key_file)?,
    };
    let connect = |role: Role| match &database {
        Database::Sqlite(path) => open::connect(path, role),
        Database::Postgres(address) => cluster::connect(address, Use::Read),
    };
    let apex_id = apexes::intern(&connection, &options.apex)?;
    let nameservers = options.apex.nameservers.iter().map(|nameserver| nameserver.name.clone());
    let reserved = Reserved::new(nameservers.chain(options.own_names));
    let shared = Arc::new(Shared {
        rules: Rules::new(options.clock, options.limits, options.policy),
        apex: options.apex,
        apex_id,
        apexes: apexes::Apexes::default(),
        reserved,
        identities: identities::Identities::default(),
        refusals: refusals::Refusals::default(),
        position: watch::Sender::new(journal::position(&connection)?),
        health: Arc::default(),
        secrets,
        mail_queued: tokio::sync::Notify::new(),
        stages: stages::Stages::default(),
        closing: AtomicBool::new(false),
    });
    let (writer, writer_thread) = Writer::start(connection, Arc::clone(&shared), groups::make)?;
    let (readers, reader_threads) = Readers::start(connect, &shared.health)?;
    let mut threads = Threads { readers: reader_threads, writer: Some(writer_thread), ..Threads::default() };
    threads.help("store-watcher", connect(Role::Reader)?, {
        let shared = Arc::clone(&shared);
        move |connection, stop| watcher::run(connection, &shared, stop)
    })?;
    threads.help("store-housekeeper", connect(Role::Checkpointer)?, {
        let (shared, writer) = (Arc::clone(&shared), writer.clone());
        move |connection, stop| housekeeper::run(connection, &shared, &writer, stop)
    })?;
    if let Database::Postgres(address) = &database {
        let (shared, address) = (Arc::clone(&shared), address.clone());
        threads.helpers.push(spawn("store-listener", move || {
            cluster::listen(&address, || shared.is_closing(), |position| shared.journal_moved(Some(position)));
        })?);
    }
    let (hashers, threads) = (Hashers::default(), Mutex::new(threads));
    let inner = Inner { database, key_file, hashers, writer, readers, shared, threads };
    Ok(Store { inner: Arc::new(inner) })
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

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the store had panicked");
        }
    }
}

impl Operator {
    /// Writes a consistent copy of the database, as it is at one moment, while others go on reading and writing. The file must
    /// not exist yet; it has the mode 0600 and is on the disk when this returns.
    pub async fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_owned();
        self.store.inner.readers.run_outside_transaction(move |connection| open::copy(connection, &to)).await
    }

    /// SQLite's own check of the file; the complaints, none where all is well.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        self.store.inner.readers.run(Size::Large, open::check).await
    }
}
