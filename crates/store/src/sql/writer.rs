//! The one thread that writes, and group commit.
//!
//! The writer takes the job that waits, opens a transaction, runs the job and all that have come since, commits once, and only
//! then answers all of them: one fsync serves many clients, and an answer means that the change is durable.
//!
//! There are two kinds of jobs. Changes of zones are data: those that follow one another are planned together and written
//! together (`crate::logic::group`), in one savepoint; if that fails, each is run again in a savepoint of its own. Everything
//! else is a closure in a savepoint of its own. A job that is refused takes back only its own savepoint; where the commit
//! fails, all fail.
//!
//! Decided against: a transaction per job (an fsync each), and a fixed delay to collect jobs (with one client it is pure
//! loss, and with many the jobs collect by themselves while the last commit waits for the disk).

use std::cell::Cell;
use std::collections::VecDeque;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::ffi;
use tokio::sync::oneshot;

use super::background::spawn;
use super::cluster::{Ledger, PATIENCE};
use super::db::{Connection, DbError};
use super::shared::Shared;
use super::timing::{self, timed};
use super::wal::copy_back;
use crate::logic::cache::Cache;
use crate::logic::change::{AT_ONCE, weight};
use crate::logic::group::{ChangeJob, ChangeResult};
use crate::{DatabaseError, StoreError, Timestamp};

/// The longest a transaction collects jobs before it commits: bounds what the first of them waits.
const COLLECT_AT_MOST: Duration = Duration::from_millis(20);

/// The most changes in a group: bounds what a group that fails costs to run again. A group also ends at about as many rows as one
/// job may write: the transaction checks its time only between groups.
const GROUP: usize = 128;

/// The way to the writer.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    messages: mpsc::Sender<Message>,
}

/// What a job works with.
pub(super) struct Work {
    pub(super) connection: Connection,
    pub(super) shared: Arc<Shared>,
    make_group: MakeGroup,
    ledger: Ledger,
    /// The newest position in the journal that the open transaction wrote.
    journal_end: Cell<Option<i64>>,
    /// The newest position before the open transaction, once it was read.
    journal_start: Cell<Option<i64>>,
}

/// Plans and writes changes; `None`, and nothing was done, where they have to be made one by one.
type MakeGroup = fn(&Work, &[&ChangeJob]) -> Result<Option<Vec<ChangeResult>>, StoreError>;

/// What planning reads from: a transaction of the writer, or of a reader.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) connection: &'a Connection,
    pub(super) shared: &'a Shared,
}

impl View<'_> {
    /// As [`Work::now`].
    pub(super) fn now(self) -> Timestamp {
        self.shared.now()
    }

    /// An empty cache over it.
    pub(super) fn cache(&self) -> Cache<'_> {
        Cache::new(self, &self.shared.rules)
    }
}

/// Runs its job, or is refused before, and gives its answer to be sent after the commit.
type Job = Box<dyn FnOnce(Result<&Work, DatabaseError>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), DatabaseError>)>;

enum Message {
    Job(Job),
    Change(Box<Waiting>),
    Checkpoint(oneshot::Sender<()>),
    Stop,
}

/// A change of a zone, and the caller that waits for it.
struct Waiting {
    job: ChangeJob,
    reply: oneshot::Sender<(ChangeResult, ChangeJob)>,
    since: Instant,
}

/// What is to be answered after the commit.
enum Outcome {
    Job(Answer),
    Change(Box<(Waiting, ChangeResult)>),
}

/// The messages, with a look at the next one.
struct Inbox {
    messages: mpsc::Receiver<Message>,
    next: Option<Message>,
    /// Changes of a transaction whose connection was lost, which are made again.
    again: VecDeque<Waiting>,
}

impl Inbox {
    /// The next message, when there is one; `None` where none can come any more.
    fn wait(&mut self) -> Option<Message> {
        self.poll_again().or_else(|| self.messages.recv().ok())
    }

    /// The next message, if there is one by now.
    fn poll(&mut self) -> Option<Message> {
        self.poll_again().or_else(|| self.messages.try_recv().ok())
    }

    fn poll_again(&mut self) -> Option<Message> {
        let again = self.again.pop_front().map(|waiting| Message::Change(Box::new(waiting)));
        again.or_else(|| self.next.take())
    }

    /// The changes that can be planned together with `first` and follow it directly.
    fn group(&mut self, first: Waiting) -> Vec<Waiting> {
        let (mut group, mut rows) = (Vec::new(), weight(&first.job.change.wish));
        let joins_others = first.job.joins_others();
        group.push(first);
        while joins_others && group.len() < GROUP && rows < AT_ONCE {
            match self.poll() {
                Some(Message::Change(more)) if more.job.joins_others() => {
                    rows += weight(&more.job.change.wish);
                    group.push(*more);
                }
                other => {
                    self.next = other;
                    break;
                }
            }
        }
        group
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        connection: Connection,
        shared: Arc<Shared>,
        make_group: MakeGroup,
    ) -> Result<(Writer, JoinHandle<()>), StoreError> {
        let (messages, inbox) = mpsc::channel();
        let ledger = Ledger::new(*shared.rules.new_id().as_bytes());
        let work = Work {
            connection,
            shared,
            make_group,
            ledger,
            journal_end: Cell::new(None),
            journal_start: Cell::new(None),
        };
        let mut inbox = Inbox { messages: inbox, next: None, again: VecDeque::new() };
        let thread = spawn("store-writer", move || run(&work, &mut inbox))?;
        Ok((Writer { messages }, thread))
    }

    /// Runs `job` in a transaction; resolves when that is durable. Runs to its end even if the caller has gone.
    pub(super) async fn run<T, E, F>(&self, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Error + Send + 'static,
        F: FnOnce(&Work) -> Result<T, E> + Send + 'static,
    {
        let outcome = timed::<F, _>(Some(timing::SHORT), self.submit(job)).await;
        outcome.unwrap_or(Err(E::from(StoreError::Closed)))
    }

    /// Makes a change, or finds that it is too large to be made here; resolves when it is durable. Gives the job back.
    pub(super) async fn change(&self, job: ChangeJob) -> Result<(ChangeResult, ChangeJob), StoreError> {
        let (reply, answer) = oneshot::channel();
        // As in `submit`.
        let _ = self.messages.send(Message::Change(Box::new(Waiting { job, reply, since: Instant::now() })));
        timed::<ChangeJob, _>(Some(timing::SHORT), answer).await.map_err(|_| StoreError::Closed)
    }

    /// [`Writer::run`] for the store's own threads, which may block.
    pub(super) fn run_blocking<T, E>(&self, job: impl FnOnce(&Work) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Error + Send + 'static,
    {
        self.submit(job).blocking_recv().unwrap_or(Err(E::from(StoreError::Closed)))
    }

    /// Copies back, between two transactions, what is left of the log; waits until it is done.
    pub(super) fn checkpoint_blocking(&self) {
        let (done, wait) = oneshot::channel();
        if self.messages.send(Message::Checkpoint(done)).is_ok() {
            // An error means that the writer has ended, and with it the log's growth.
            let _ = wait.blocking_recv();
        }
    }

    /// Ends the thread after the jobs it has by now.
    pub(super) fn stop(&self) {
        // It may have ended already.
        let _ = self.messages.send(Message::Stop);
    }

    fn submit<T, E, F>(&self, job: F) -> oneshot::Receiver<Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Error + Send + 'static,
        F: FnOnce(&Work) -> Result<T, E> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |work| {
            let outcome = match work {
                Ok(work) => work.attempt(job),
                Err(error) => Err(E::from(StoreError::Commit(error))),
            };
            Box::new(move |committed| {
                let answer = match committed {
                    Ok(()) => outcome,
                    Err(error) => Err(E::from(StoreError::Commit(error))),
                };
                // The caller may have gone; the change stands all the same.
                let _ = sender.send(answer);
            })
        });
        // A message that cannot be sent is dropped, and with it the sender: the receiver then says "closed".
        let _ = self.messages.send(Message::Job(job));
        receiver
    }
}

impl Work {
    /// Now, by the store's clock, in the resolution that is stored.
    pub(super) fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// The newest position of the journal, as far as the open transaction knows it.
    pub(super) fn newest_position(&self) -> Option<i64> {
        self.journal_end.get().or(self.journal_start.get())
    }

    /// Notes the newest position before the open transaction.
    pub(super) fn journal_begins_after(&self, position: i64) {
        self.journal_start.set(Some(position));
    }

    /// Notes that the open transaction has written this position of the journal.
    pub(super) fn journal_reached(&self, position: i64) {
        self.journal_end.set(self.journal_end.get().max(Some(position)));
    }

    /// What planning reads from, inside the open transaction.
    pub(super) fn view(&self) -> View<'_> {
        View { connection: &self.connection, shared: &self.shared }
    }

    /// Makes changes together, or else one by one, so that each that fails does so alone.
    fn change_all(&self, jobs: &[&ChangeJob]) -> Vec<ChangeResult> {
        if jobs.len() > 1
            && let Ok(Some(results)) = self.attempt(|work| (work.make_group)(work, jobs))
        {
            let errors = results.iter().filter_map(|result| result.as_ref().err());
            errors.for_each(|error| self.shared.health.failed(error));
            return results;
        }
        let change_alone = |job: &&ChangeJob| {
            if self.connection.is_autocommit() {
                // All of the transaction's changes fail.
                return Err(StoreError::Busy.into());
            }
            self.attempt(|work| match (work.make_group)(work, &[*job])?.and_then(|mut results| results.pop()) {
                Some(result) => result,
                None => Err(StoreError::Bug("a single change without an outcome").into()),
            })
        };
        jobs.iter().map(change_alone).collect()
    }

    /// Runs one job in its savepoint.
    fn attempt<T, E: From<StoreError> + Error + 'static>(
        &self,
        job: impl FnOnce(&Work) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = self.journal_end.get();
        self.connection.control("SAVEPOINT job").map_err(StoreError::from)?;
        let outcome = catch_unwind(AssertUnwindSafe(|| job(self))).unwrap_or_else(|_| {
            tracing::error!("a job of the store's writer panicked; it has had no effect");
            Err(E::from(StoreError::Panicked))
        });
        // What it wrote without waiting may have failed.
        let outcome = match self.connection.flush().map_err(StoreError::from) {
            Err(error) if outcome.is_ok() => Err(error.into()),
            _ => outcome,
        };
        if let Err(error) = &outcome {
            self.shared.health.failed(error);
        }
        // SQLite itself takes back the whole transaction over some failures (a full disk): then there is no savepoint either.
        if self.connection.is_autocommit() {
            return outcome;
        }
        if outcome.is_err() {
            self.journal_end.set(before);
            self.connection.control("ROLLBACK TO job").map_err(StoreError::from)?;
        }
        self.connection.control("RELEASE job").map_err(StoreError::from)?;
        outcome
    }
}

fn run(work: &Work, inbox: &mut Inbox) {
    while let Some(message) = inbox.wait() {
        match message {
            job @ (Message::Job(_) | Message::Change(_)) => transaction(work, job, inbox),
            Message::Checkpoint(done) => {
                if let Connection::Sqlite(connection) = &work.connection
                    && !work.shared.health.is_damaged()
                {
                    copy_back(connection);
                }
                // The housekeeper may have ended.
                let _ = done.send(());
            }
            Message::Stop => break,
        }
    }
    // The last connection that is closed copies the log into the file: not into a damaged one.
    if work.shared.health.is_damaged()
        && let Connection::Sqlite(connection) = &work.connection
        && let Err(error) = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
    {
        tracing::error!(%error, "the log of the damaged database may be copied into it");
    }
}

/// Begins a transaction, unless the file is damaged.
fn begin(work: &Work) -> Result<(), DatabaseError> {
    if work.shared.health.is_damaged() {
        let message = "the file was found damaged, and is not written to any more".to_owned();
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(message)).into());
    }
    match &work.connection {
        Connection::Sqlite(_) => Ok(work.connection.control("BEGIN IMMEDIATE")?),
        Connection::Postgres(session) => work.ledger.begin(session),
    }
}

/// Commits; `Ok` only where the transaction is known to be stored.
fn commit(work: &Work, journal_end: Option<i64>) -> Result<(), DatabaseError> {
    match &work.connection {
        Connection::Sqlite(_) => Ok(work.connection.control("COMMIT")?),
        Connection::Postgres(session) => work.ledger.commit(&work.connection, session, journal_end),
    }
}

/// Runs `first` and what else has come by then in one transaction.
fn transaction(work: &Work, first: Message, inbox: &mut Inbox) {
    let mut answers: Vec<Outcome> = Vec::new();
    let begun = begin(work);
    let started = Instant::now();
    let mut next = Some(first);
    let mut outcome = begun.clone();
    while let Some(message) = next.take() {
        let work_or_error = begun.clone().map(|()| work);
        match message {
            Message::Job(job) => answers.push(Outcome::Job(job(work_or_error))),
            Message::Change(first) => change_group(work_or_error, inbox.group(*first), &mut answers),
            other @ (Message::Checkpoint(_) | Message::Stop) => {
                inbox.next = Some(other);
                break;
            }
        }
        if begun.is_ok() && work.connection.is_autocommit() {
            outcome = Err(match &work.connection {
                Connection::Sqlite(_) => DbError::TakenBack.into(),
                Connection::Postgres(_) => DbError::Lost.into(),
            });
            break;
        }
        if started.elapsed() < COLLECT_AT_MOST {
            next = inbox.poll();
        }
    }
    work.journal_start.set(None);
    let journal_end = work.journal_end.take();
    if outcome.is_ok() {
        outcome = commit(work, journal_end);
    }
    match &outcome {
        Ok(()) => {
            work.shared.health.committed();
            work.shared.journal_moved(journal_end);
        }
        Err(error) => {
            work.shared.health.failed(error);
            tracing::error!(error = %error, changes = answers.len(), "a transaction could not be stored");
            if !work.connection.is_autocommit()
                && let Err(error) = work.connection.control("ROLLBACK").and_then(|()| work.connection.flush())
            {
                tracing::error!(%error, "and could not be taken back");
            }
        }
    }
    // A transaction that was lost before its commit has changed nothing: what can be run again is.
    let is_again = outcome.as_ref().is_err_and(|error| error.is_of(|error| matches!(error, DbError::Lost)));
    for answer in answers {
        match answer {
            Outcome::Job(answer) => answer(outcome.clone()),
            Outcome::Change(both) if is_again && both.0.since.elapsed() < PATIENCE => inbox.again.push_back(both.0),
            Outcome::Change(both) => {
                let (Waiting { job, reply, .. }, result) = *both;
                let committed = outcome.clone().map_err(|error| StoreError::Commit(error).into());
                // The caller may have gone; the change stands all the same.
                let _ = reply.send((committed.and(result), job));
            }
        }
    }
}

/// Makes changes together; adds what is to be answered after the commit.
fn change_group(work: Result<&Work, DatabaseError>, group: Vec<Waiting>, answers: &mut Vec<Outcome>) {
    let results = match work {
        Ok(work) => work.change_all(&group.iter().map(|waiting| &waiting.job).collect::<Vec<_>>()),
        Err(error) => group.iter().map(|_| Err(StoreError::Commit(error.clone()).into())).collect(),
    };
    answers.extend(group.into_iter().zip(results).map(|both| Outcome::Change(Box::new(both))));
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A writer on a new file, and a way to hold it up so that jobs gather for one transaction.
    struct Fixture {
        writer: Writer,
        thread: Option<JoinHandle<()>>,
        path: std::path::PathBuf,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Fixture {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.db");
            let (connection, _) = super::super::open::prepare(&path, &folder.path().join("secret.key")).unwrap();
            connection.sqlite().unwrap().busy_timeout(Duration::from_millis(50)).unwrap();
            let (writer, thread) =
                Writer::start(connection, Arc::new(Shared::for_tests()), super::super::groups::make).unwrap();
            Fixture { writer, thread: Some(thread), path, _folder: folder }
        }

        /// Holds the writer inside a job until the sender is dropped.
        fn hold(&self) -> (mpsc::Sender<()>, oneshot::Receiver<Result<(), StoreError>>) {
            let (release, held) = mpsc::channel::<()>();
            let answer = self.writer.submit(move |_| {
                let _ = held.recv();
                Ok::<(), StoreError>(())
            });
            (release, answer)
        }

        fn insert(&self, floor: u8, then: fn() -> Result<(), StoreError>) -> oneshot::Receiver<Result<(), StoreError>> {
            self.writer.submit(move |work| {
                work.connection.execute("INSERT INTO floors VALUES (?1, 0)", [[floor]])?;
                then()
            })
        }

        fn stored(&self) -> i64 {
            let connection = rusqlite::Connection::open(&self.path).unwrap();
            connection.query_row("SELECT count(*) FROM floors", [], |row| row.get(0)).unwrap()
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            self.writer.stop();
            let ended = self.thread.take().map(JoinHandle::join);
            assert!(matches!(ended, Some(Ok(()))));
        }
    }

    #[test]
    fn one_job_of_a_transaction_fails_alone() {
        let f = Fixture::new();
        let (release, held) = f.hold();
        let good = f.insert(1, || Ok(()));
        let refused = f.insert(2, || Err(StoreError::Random));
        let panicking = f.insert(3, || panic!("on purpose"));
        let late = f.insert(4, || Ok(()));
        assert_eq!(f.stored(), 0);
        drop(release);
        assert!(held.blocking_recv().unwrap().is_ok());
        assert!(matches!(refused.blocking_recv().unwrap(), Err(StoreError::Random)));
        assert!(matches!(panicking.blocking_recv().unwrap(), Err(StoreError::Panicked)));
        assert!(good.blocking_recv().unwrap().is_ok());
        assert!(late.blocking_recv().unwrap().is_ok());
        assert_eq!(f.stored(), 2);
    }

    #[test]
    fn a_failed_commit_fails_all() {
        let f = Fixture::new();
        let (release, held) = f.hold();
        let good = f.insert(1, || Ok(()));
        // A foreign key that is only looked at by the commit.
        let poison = f.writer.submit(|work| {
            work.connection.control("PRAGMA defer_foreign_keys = ON")?;
            work.connection.execute(
                "INSERT INTO tokens (account, hash, name, permissions, last_four, created) VALUES (77, x'00', '', 0, '', 0)",
                [],
            )?;
            Ok::<(), StoreError>(())
        });
        drop(release);
        for answer in [held, good, poison] {
            let answer = answer.blocking_recv().unwrap();
            assert!(matches!(answer, Err(StoreError::Commit(_))), "{answer:?}");
        }
        assert_eq!(f.stored(), 0);
        assert!(f.insert(2, || Ok(())).blocking_recv().unwrap().is_ok(), "and the next is stored");
        assert_eq!(f.stored(), 1);
    }

    #[test]
    fn a_transaction_that_a_job_ends_fails_all() {
        let f = Fixture::new();
        let (release, held) = f.hold();
        let good = f.insert(1, || Ok(()));
        let culprit = f.writer.submit(|work| {
            work.connection.control("ROLLBACK")?;
            Err::<(), _>(StoreError::Random)
        });
        drop(release);
        for answer in [held, good, culprit] {
            assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::Commit(_))));
        }
        assert_eq!(f.stored(), 0);
        assert!(f.insert(2, || Ok(())).blocking_recv().unwrap().is_ok());
    }

    #[test]
    fn a_file_that_another_holds_too_long_is_an_error_not_a_hang() {
        let f = Fixture::new();
        let other = rusqlite::Connection::open(&f.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(f.insert(1, || Ok(())).blocking_recv().unwrap(), Err(StoreError::Commit(_))));
        other.execute_batch("ROLLBACK").unwrap();
        assert!(f.insert(1, || Ok(())).blocking_recv().unwrap().is_ok());
    }

    #[test]
    fn what_waits_when_the_writer_stops_is_still_done() {
        let f = Fixture::new();
        let (release, _held) = f.hold();
        let waiting: HashMap<u8, _> = (0..50).map(|floor| (floor, f.insert(floor, || Ok(())))).collect();
        f.writer.stop();
        let too_late = f.insert(99, || Ok(()));
        drop(release);
        for (_, answer) in waiting {
            assert!(answer.blocking_recv().unwrap().is_ok());
        }
        assert!(too_late.blocking_recv().is_err());
        assert_eq!(f.stored(), 50);
    }
}
