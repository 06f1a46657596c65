//! The threads that read, each with its own connection.
//!
//! Reads block, so they never run on the async threads. Each runs in one deferred transaction: everything it sees is from one
//! moment, and it neither waits for the writer nor holds it up. Whole zones are read on other threads than single rows, so
//! that a few large zones cannot keep every small question waiting.
//!
//! A read must not wait for a slow client: while it lasts, the log cannot begin again from its start.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::background::spawn;
use super::db::Connection;
use super::open::Role;
use super::timing::{self, timed};
use crate::StoreError;
use crate::health::HealthWatch;

/// How much a read may have to read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// A few rows, or a page of them.
    Small,
    /// All of a zone, or of the file.
    Large,
    /// A large change, which reads to plan and then goes on to write: seconds, at worst.
    Change,
}

const THREADS_FOR_SMALL: usize = 2;
const THREADS_FOR_LARGE: usize = 2;
/// So many large changes are worked on at a time: one of them may need several hundred megabytes.
const THREADS_FOR_CHANGES: usize = 2;

/// The way to the reading threads.
#[derive(Debug)]
pub(super) struct Readers {
    small: mpsc::Sender<Message>,
    large: mpsc::Sender<Message>,
    changes: mpsc::Sender<Message>,
    health: Arc<HealthWatch>,
}

enum Message {
    Job(Box<dyn FnOnce(&Connection) + Send>),
    Stop,
}

impl Readers {
    /// Opens the connections and starts the threads.
    pub(super) fn start(
        connect: impl Fn(Role) -> Result<Connection, StoreError>,
        health: &Arc<HealthWatch>,
    ) -> Result<(Readers, Vec<JoinHandle<()>>), StoreError> {
        let mut threads = Vec::new();
        let mut start = |count: usize, role: Role| -> Result<mpsc::Sender<Message>, StoreError> {
            let (messages, inbox) = mpsc::channel();
            let inbox = Arc::new(Mutex::new(inbox));
            for _ in 0..count {
                let connection = connect(role)?;
                let inbox = Arc::clone(&inbox);
                threads.push(spawn("store-reader", move || run(&connection, &inbox))?);
            }
            Ok(messages)
        };
        let small = start(THREADS_FOR_SMALL, Role::Reader)?;
        let large = start(THREADS_FOR_LARGE, Role::ScanReader)?;
        let changes = start(THREADS_FOR_CHANGES, Role::ScanReader)?;
        Ok((Readers { small, large, changes, health: Arc::clone(health) }, threads))
    }

    /// Runs `read` in a transaction of its own.
    pub(super) async fn run<T, F>(&self, size: Size, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let slow = match size {
            Size::Small => Some(timing::SHORT),
            Size::Large => Some(timing::LONG),
            Size::Change => None,
        };
        timed::<F, _>(slow, self.submit(size, move |connection| in_transaction(connection, read))).await
    }

    /// Runs a statement that brings its own transaction.
    pub(super) async fn run_outside_transaction(
        &self,
        read: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.submit(Size::Large, read).await
    }

    /// Runs a large change, which begins its own transactions.
    pub(super) async fn run_change<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> T + Send + 'static,
    {
        let change = move |connection: &Connection| {
            catch_unwind(AssertUnwindSafe(|| change(connection))).map_err(|_| {
                tracing::error!("a large change panicked; it has had no effect");
                StoreError::Panicked
            })
        };
        timed::<F, _>(None, self.submit(Size::Change, change)).await
    }

    async fn submit<T: Send + 'static>(
        &self,
        size: Size,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let health = Arc::clone(&self.health);
        let job = Box::new(move |connection: &Connection| {
            let outcome = job(connection).inspect_err(|error| health.failed(error));
            // Nobody may wait any more.
            let _ = sender.send(outcome);
        });
        let lane = match size {
            Size::Small => &self.small,
            Size::Large => &self.large,
            Size::Change => &self.changes,
        };
        lane.send(Message::Job(job)).map_err(|_| StoreError::Closed)?;
        receiver.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Ends the threads after the reads that wait by now.
    pub(super) fn stop(&self) {
        for _ in 0..THREADS_FOR_SMALL {
            let _ = self.small.send(Message::Stop);
        }
        for _ in 0..THREADS_FOR_LARGE {
            let _ = self.large.send(Message::Stop);
        }
        for _ in 0..THREADS_FOR_CHANGES {
            let _ = self.changes.send(Message::Stop);
        }
    }
}

fn run(connection: &Connection, inbox: &Mutex<mpsc::Receiver<Message>>) {
    loop {
        let message = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match message {
            Ok(Message::Job(job)) => job(connection),
            Ok(Message::Stop) | Err(_) => return,
        }
    }
}

/// Runs `read` in a transaction of its own, which sees one moment.
pub(super) fn in_transaction<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    begin(connection)?;
    let outcome = catch_unwind(AssertUnwindSafe(|| read(connection))).unwrap_or_else(|_| {
        tracing::error!("a read of the store panicked");
        Err(StoreError::Panicked)
    });
    end(connection)?;
    outcome
}

fn begin(connection: &Connection) -> super::db::Result<()> {
    match connection {
        Connection::Sqlite(_) => connection.control("BEGIN DEFERRED"),
        Connection::Postgres(session) => Ok(session.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?),
    }
}

fn end(connection: &Connection) -> super::db::Result<()> {
    match connection {
        Connection::Sqlite(file) if file.is_autocommit() => Ok(()),
        Connection::Sqlite(_) => connection.control("ROLLBACK"),
        Connection::Postgres(session) => Ok(session.end("ROLLBACK")?),
    }
}
