//! A session with PostgreSQL.
//!
//! A round trip to the server costs more than most statements. So statements whose result is not needed (`BEGIN`, `SAVEPOINT`, the
//! writes of a group of changes) are sent without waiting. The next statement with a result waits for all of them, and reports the
//! first failure. If one of them aborted the transaction, it is never committed: the last statement before `COMMIT` writes to the
//! ledger, and fails.
//!
//! The session belongs to one thread, which drives the connection while it waits. Between two uses, the connection does nothing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::poll_fn;
use futures_util::task::noop_waker;
use futures_util::{FutureExt, TryStreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, NoTls, Row, Statement};

use super::Params;
use super::address::Address;
use super::dialect::for_postgres;
use super::value::{Owned, Value};
use crate::Health;

/// An error that PostgreSQL reported, without details that may contain values of rows.
#[derive(Debug, Clone)]
pub(in crate::sql) struct Failure {
    code: Option<SqlState>,
    text: String,
    is_closed: bool,
}

impl Failure {
    fn new(text: &str) -> Failure {
        Failure { code: None, text: text.to_owned(), is_closed: false }
    }

    pub(super) fn has_code(&self, code: &SqlState) -> bool {
        self.code.as_ref() == Some(code)
    }

    /// Whether the connection is lost, or the server refuses to continue it.
    pub(in crate::sql) fn is_lost(&self) -> bool {
        self.is_closed
            || self.code.as_ref().is_some_and(|code| {
                matches!(code.code().get(..2), Some("08"))
                    || matches!(code.code(), "57P01" | "57P02" | "57P03" | "53300" | "25006" | "25P03")
            })
    }

    /// Whether the statement timed out or conflicted with another transaction: nothing is stored, and a retry may succeed.
    fn is_passing(&self) -> bool {
        self.code.as_ref().is_some_and(|code| matches!(code.code(), "55P03" | "57014" | "40001" | "40P01" | "25P02"))
    }

    pub(super) fn health(&self) -> Option<Health> {
        if self.has_code(&SqlState::DISK_FULL) {
            Some(Health::DiskFull)
        } else if self.is_lost() || self.is_passing() {
            Some(Health::Unreachable)
        } else {
            None
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Failure {
        if let Some(reported) = error.as_db_error() {
            let code = reported.code().clone();
            return Failure {
                text: format!("{} ({})", reported.message(), code.code()),
                code: Some(code),
                is_closed: false,
            };
        }
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        // An error that the server did not report is a failure of the connection.
        let is_closed = error.is_closed() || error.source().is_none_or(|cause| cause.is::<std::io::Error>());
        Failure { code: None, text, is_closed }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL: {}", self.text)
    }
}

impl StdError for Failure {}

type Outcome<T> = Result<T, Failure>;
type Sent = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sql) enum Use {
    /// One writer in the cluster at a time.
    Write,
    /// Reads in transactions that see one moment.
    Read,
}

/// A connection, and the state that ends with it.
struct Link {
    client: Arc<Client>,
    statements: HashMap<String, Statement>,
    /// Statements that were sent, and whose results are not awaited yet.
    sent: Vec<Sent>,
    notices: Arc<Notices>,
    notifications: UnboundedReceiver<String>,
}

/// Warnings that the server sends with a statement.
#[derive(Debug, Default)]
struct Notices {
    has_warning: AtomicBool,
}

/// A session; see the module's documentation.
pub(in crate::sql) struct Session {
    address: Address,
    purpose: Use,
    runtime: Runtime,
    link: RefCell<Link>,
    is_in_transaction: Cell<bool>,
    /// Whether a failure showed that the connection cannot be used any more, closed or not: a server that became a standby keeps it open.
    is_lost: Cell<bool>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("address", &self.address)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Connects. Blocks, so it must not be called on threads that run async tasks.
    pub(in crate::sql) fn connect(address: &Address, purpose: Use) -> Outcome<Session> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(&error.to_string()))?;
        let link = RefCell::new(Link::open(address, purpose, &runtime)?);
        let (is_in_transaction, is_lost) = (Cell::new(false), Cell::new(false));
        Ok(Session { address: address.clone(), purpose, runtime, link, is_in_transaction, is_lost })
    }

    pub(in crate::sql) fn is_in_transaction(&self) -> bool {
        self.is_in_transaction.get() && !self.is_over()
    }

    /// Connects again if the connection was lost meanwhile. Every use of the session outside a transaction begins with this.
    fn revive(&self) -> Outcome<()> {
        // Lets the connection notice that the server has closed it: the first turn looks at the socket, the second reads it.
        self.runtime.block_on(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        });
        if self.is_over() {
            self.is_in_transaction.set(false);
            self.link.replace(Link::open(&self.address, self.purpose, &self.runtime)?);
            self.is_lost.set(false);
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.is_lost.get() || self.link.borrow().client.is_closed()
    }

    /// Begins a transaction with these statements, without waiting for them.
    pub(in crate::sql) fn begin(&self, sql: &str) -> Outcome<()> {
        self.revive()?;
        self.control_later(sql);
        self.is_in_transaction.set(true);
        Ok(())
    }

    /// Ends the transaction with these statements, and waits.
    pub(in crate::sql) fn end(&self, sql: &str) -> Outcome<()> {
        self.link.borrow().notices.has_warning.store(false, Ordering::Relaxed);
        self.control_later(sql);
        let outcome = self.flush();
        self.is_in_transaction.set(false);
        outcome
    }

    /// Whether the server warned while the last transaction ended: the standby may not have the transaction.
    pub(in crate::sql) fn was_warned(&self) -> bool {
        self.link.borrow().notices.has_warning.load(Ordering::Relaxed)
    }

    pub(super) fn control_later(&self, sql: &str) {
        let mut link = self.link.borrow_mut();
        let (client, sql) = (Arc::clone(&link.client), sql.to_owned());
        link.send(Box::pin(async move { client.batch_execute(&sql).await }));
    }

    pub(super) fn write_later(&self, sql: &str, values: impl Params) -> Outcome<()> {
        let statement = self.statement(sql, &values)?;
        let owned: Vec<Owned> = values.list().into_iter().map(Owned::from).collect();
        let mut link = self.link.borrow_mut();
        let client = Arc::clone(&link.client);
        link.send(Box::pin(async move {
            client.execute_raw(&statement, owned.iter().map(Owned::as_value)).await.map(drop)
        }));
        Ok(())
    }

    /// Waits for everything that was sent.
    pub(in crate::sql) fn flush(&self) -> Outcome<()> {
        self.wait(std::future::ready(Ok(())))
    }

    pub(super) fn execute(&self, sql: &str, values: impl Params) -> Outcome<usize> {
        let statement = self.statement(sql, &values)?;
        let values = values.list();
        let client = Arc::clone(&self.link.borrow().client);
        let changed = self.wait(client.execute_raw(&statement, values.iter().copied()))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(super) fn query(&self, sql: &str, values: impl Params) -> Outcome<Vec<Row>> {
        let statement = self.statement(sql, &values)?;
        let values = values.list();
        let client = Arc::clone(&self.link.borrow().client);
        self.wait(async { client.query_raw(&statement, values.iter().copied()).await?.try_collect().await })
    }

    /// The plan of a statement, for any values.
    #[cfg(test)]
    pub(in crate::sql) fn plan(&self, sql: &str) -> Outcome<String> {
        let client = Arc::clone(&self.link.borrow().client);
        // Whether a number was given is the only thing that is asked of a value without its type.
        let mut translated = for_postgres(sql);
        for number in 1..9 {
            translated = translated.replace(&format!("${number} IS NULL"), &format!("${number}::bigint IS NULL"));
        }
        let count = (1..20).take_while(|number| translated.contains(&format!("${number}"))).count();
        let nulls = vec!["NULL"; count].join(", ");
        let values = if count == 0 { String::new() } else { format!("({nulls})") };
        let sql = format!("PREPARE planned AS {translated}; EXPLAIN EXECUTE planned{values}; DEALLOCATE planned");
        let lines = self.wait(client.simple_query(&sql))?;
        let lines = lines.iter().filter_map(|line| match line {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }

    /// Statements without values, for schemas and settings.
    pub(in crate::sql) fn batch(&self, sql: &str) -> Outcome<()> {
        self.control_later(sql);
        self.flush()
    }

    /// The payload of a notification, if one arrives within `timeout`; an error if the connection is lost.
    pub(in crate::sql) fn notification(&self, timeout: Duration) -> Outcome<Option<String>> {
        let mut link = self.link.borrow_mut();
        let notifications = &mut link.notifications;
        match self.runtime.block_on(async { tokio::time::timeout(timeout, notifications.recv()).await }) {
            Ok(Some(payload)) => Ok(Some(payload)),
            Ok(None) => Err(Failure { is_closed: true, ..Failure::new("the connection was closed") }),
            Err(_) => Ok(None),
        }
    }

    fn statement(&self, sql: &str, values: &impl Params) -> Outcome<Statement> {
        if !self.is_in_transaction.get() {
            self.revive()?;
        }
        if let Some(known) = self.link.borrow().statements.get(sql) {
            return Ok(known.clone());
        }
        let kinds: Vec<_> = values.list().into_iter().map(Value::kind).collect();
        let (client, translated) = (Arc::clone(&self.link.borrow().client), for_postgres(sql));
        let statement = self.wait(client.prepare_typed(&translated, &kinds))?;
        self.link.borrow_mut().statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Waits for everything that was sent, and for `last`. Returns the first failure.
    fn wait<T>(&self, last: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Outcome<T> {
        let sent = std::mem::take(&mut self.link.borrow_mut().sent);
        let (earlier, last) = self.runtime.block_on(async {
            let mut last = std::pin::pin!(last);
            // Sends `last` after the others.
            let ready = poll_fn(|context| Poll::Ready(last.as_mut().poll(context))).await;
            let mut earlier = Ok(());
            for statement in sent {
                earlier = earlier.and(statement.await);
            }
            let last = match ready {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => last.await,
            };
            (earlier, last)
        });
        let outcome = earlier.and(last).map_err(Failure::from);
        if outcome.as_ref().is_err_and(Failure::is_lost) {
            self.is_lost.set(true);
        }
        outcome
    }
}

impl Link {
    fn open(address: &Address, purpose: Use, runtime: &Runtime) -> Outcome<Link> {
        let mut config = address.config.clone();
        // If a node with the writer's lock is paused, the server ends its transaction after four seconds, which releases the lock.
        config.options(match purpose {
            Use::Write => {
                "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=4s -c random_page_cost=1.1 -c jit=off"
            }
            Use::Read => "-c idle_in_transaction_session_timeout=60s -c random_page_cost=1.1 -c jit=off",
        });
        let opened = runtime.block_on(async {
            match &address.tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls.clone()).await?;
                    Ok(Link::over(client, connection))
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    Ok(Link::over(client, connection))
                }
            }
        });
        // For any reason, there is no connection.
        opened.map_err(|error: tokio_postgres::Error| Failure { is_closed: true, ..Failure::from(error) })
    }

    fn over<S, T>(client: Client, mut connection: tokio_postgres::Connection<S, T>) -> Link
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let notices = Arc::new(Notices::default());
        let (sender, notifications) = unbounded_channel();
        let seen = Arc::clone(&notices);
        tokio::spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) if notice.severity() == "WARNING" => {
                        tracing::warn!(warning = notice.message(), "PostgreSQL warned");
                        seen.has_warning.store(true, Ordering::Relaxed);
                    }
                    Ok(AsyncMessage::Notification(notification)) => {
                        // The session may have ended.
                        let _ = sender.send(notification.payload().to_owned());
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        Link { client: Arc::new(client), statements: HashMap::new(), sent: Vec::new(), notices, notifications }
    }

    /// Sends a statement; its result is awaited later.
    fn send(&mut self, mut statement: Sent) {
        match statement.poll_unpin(&mut Context::from_waker(&noop_waker())) {
            Poll::Ready(outcome) => self.sent.push(Box::pin(std::future::ready(outcome))),
            Poll::Pending => self.sent.push(statement),
        }
    }
}
