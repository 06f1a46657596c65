//! The client of BIND 9's control channel, which `rndc` uses: commands for a running named.
//!
//! [`Control`] keeps one authenticated connection and sends one [`Command`] at a time. A `zonestatus` took 0.15 ms this way, 0.35
//! ms with a handshake each time, and 18 ms as an `rndc` process (BIND 9.18, loopback, two cores).
//!
//! Commands are values, and their text is written in one place (`line.rs`), so that no zone name and no path can end a command
//! and begin another.
//!
//! Decided against: running `rndc`, which is slow and needs the same quoting; a pool of connections, because the commands that
//! change named block all of its other work anyway; pipelining, because a lost connection would leave open which commands were
//! executed.

mod command;
mod connection;
mod error;
mod key;
mod line;
mod message;
mod reply;
mod zone_config;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use dns::ZoneName;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use wire::secret::SecretError;

pub use self::command::Command;
pub use self::error::{ControlError, Stage};
pub(super) use self::key::read_statement;
pub use self::key::{ControlKey, KeyError};
pub(super) use self::line::CommandLine;
pub use self::message::{CommandTooLong, ProtocolError};
pub use self::reply::{Refusal, Refused, ZoneKind, ZoneStatus};
pub use self::zone_config::ZoneConfig;

use self::connection::{Connection, Signer};
use self::message::Response;

/// A control channel of one named.
///
/// Share it by reference or in an `Arc`: concurrent callers take turns, first come, first served. It connects for the first
/// command.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    signer: Signer,
    timeouts: Timeouts,
    /// The connection between two commands. It is taken out for the time of an exchange, so that one that failed or was cancelled
    /// is never used again.
    kept: Arc<Mutex<Option<Kept>>>,
}

/// A connection that waits for the next command.
///
/// It is closed here before named closes it: named does so after 30 seconds (`tcp-idle-timeout`), and logs each as `invalid
/// command ...: timed out`.
#[derive(Debug)]
struct Kept {
    connection: Connection,
    last_used: Instant,
    /// Closes it when it was idle for too long; ends with it.
    _closer: AbortOnDropHandle<()>,
}

impl Control {
    /// A channel to the `inet` address of named's `controls` statement, without connecting.
    ///
    /// # Errors
    ///
    /// [`SecretError::Random`] when the operating system gives no random octets for the first serial.
    pub fn new(address: SocketAddr, key: ControlKey) -> Result<Control, KeyError> {
        let first_serial = getrandom::u32().map_err(SecretError::Random)?;
        let signer = Signer { key, clock: wall_clock, next_serial: AtomicU32::new(first_serial) };
        Ok(Control { address, signer, timeouts: Timeouts::default(), kept: Arc::default() })
    }

    /// With these time-outs instead of the default ones.
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Control {
        self.timeouts = timeouts;
        self
    }

    /// With another clock than the system's, for tests.
    pub fn with_clock(mut self, clock: fn() -> SystemTime) -> Control {
        self.signer.clock = clock;
        self
    }

    /// Sends a command, and gives the text that `rndc` would print, often none.
    ///
    /// A kept connection that was found closed is replaced. If it breaks after the command was written, the command is sent once more on a
    /// new connection, which is harmless for every [`Command`]. It is not sent again after a time-out.
    ///
    /// Dropping the future does not cancel a command that was already sent.
    ///
    /// # Errors
    ///
    /// See [`ControlError`]. After any of them the next command starts with a valid connection.
    pub async fn send(&self, command: &Command) -> Result<String, ControlError> {
        let line = command.line();
        let line = line.as_str();
        message::check_length(line)?;

        let mut kept = self.kept.lock().await;
        if let Some(mut usable) = kept.take().filter(|kept| kept.connection.is_usable()) {
            match self.exchange(&mut usable.connection, line).await {
                Ok(response) => {
                    *kept = Some(Kept { last_used: Instant::now(), ..usable });
                    return text_of(response);
                }
                Err(ControlError::NotSent(_) | ControlError::NotAnswered) => {}
                Err(error) => return Err(error),
            }
            let (address, verb) = (self.address, command.verb());
            tracing::debug!(server.address = %address, command = verb, "the control channel was closed; reconnecting");
        }
        let mut connection = self.connect().await?;
        let response = self.exchange(&mut connection, line).await?;
        let closer = close_when_idle(Arc::downgrade(&self.kept), self.timeouts.idle);
        let _closer = AbortOnDropHandle::new(tokio::spawn(closer));
        *kept = Some(Kept { connection, last_used: Instant::now(), _closer });
        text_of(response)
    }

    /// The status of a zone.
    ///
    /// # Errors
    ///
    /// As [`Control::send`]; [`Refusal::NotLoaded`] for a zone that is configured and has no content.
    pub async fn zone_status(&self, zone: &ZoneName) -> Result<ZoneStatus, ControlError> {
        Ok(self.send(&Command::ZoneStatus(zone.clone())).await?.parse()?)
    }

    async fn connect(&self) -> Result<Connection, ControlError> {
        let connect = async {
            let failed = |source| ControlError::Connect { address: self.address, source };
            let stream = TcpStream::connect(self.address).await.map_err(failed)?;
            // A command is one small write that waits for its answer.
            stream.set_nodelay(true).map_err(failed)?;
            let handshake = Connection::handshake(stream, &self.signer).await;
            handshake.map_err(|error| match error {
                ControlError::NotSent(_) | ControlError::NotAnswered => {
                    ControlError::Authentication { address: self.address }
                }
                error => error,
            })
        };
        let after = self.timeouts.connect;
        let expired = |_| ControlError::Timeout { stage: Stage::Connect, after };
        timeout(after, connect).await.map_err(expired)?
    }

    async fn exchange(&self, connection: &mut Connection, line: &str) -> Result<Response, ControlError> {
        let after = self.timeouts.command;
        let expired = |_| ControlError::Timeout { stage: Stage::Command, after };
        let exchange = connection.exchange(line, &self.signer);
        timeout(after, exchange).await.map_err(expired)?
    }
}

/// How long to wait for named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For connecting and the handshake together.
    pub connect: Duration,
    /// For one command, from the time its turn has come. named loads a zone within `addzone`, so this bounds the size of zones.
    pub command: Duration,
    /// After how long without a command the connection is closed. Less than the `tcp-idle-timeout` of named.
    pub idle: Duration,
}

impl Default for Timeouts {
    /// 5 seconds; as in `rndc`, 60 seconds; and 10 of the 30 that named waits.
    fn default() -> Timeouts {
        Timeouts { connect: Duration::from_secs(5), command: Duration::from_secs(60), idle: Duration::from_secs(10) }
    }
}

/// Closes the connection when it was idle for long enough. There is one such task for each connection, not for each command.
async fn close_when_idle(kept: Weak<Mutex<Option<Kept>>>, idle: Duration) {
    let mut at = Instant::now() + idle;
    loop {
        sleep_until(at).await;
        let Some(kept) = kept.upgrade() else { return };
        // While a command is carried out, this waits.
        let mut kept = kept.lock().await;
        let Some(waiting) = &*kept else { return };
        at = waiting.last_used + idle;
        if at <= Instant::now() {
            *kept = None;
            return;
        }
    }
}

fn text_of(response: Response) -> Result<String, ControlError> {
    let Response { result, error, text, .. } = response;
    if result == 0 {
        return Ok(text);
    }
    Err(ControlError::Refused(Box::new(Refused::new(error, text))))
}

#[expect(
    clippy::disallowed_methods,
    reason = "named compares a message's time with its own clock: what counts is the time of the host"
)]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests;
