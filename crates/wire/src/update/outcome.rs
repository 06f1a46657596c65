//! The result of an update, or the reason why there is none.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use domain::base::iana::Rcode;

use super::message::MessageError;
use crate::tsig::TsigFault;

/// What the nameserver says became of an update. Signed by it.
///
/// BIND also says [`Outcome::Applied`] of some records that it ignored (a CNAME beside other data, for one): the rules of
/// [`dns`] keep such steps from being made, and the audit finds what slips through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It serves the new version.
    Applied,
    /// It does not serve the version that the step starts from; nothing has changed.
    Conflict,
    /// It has no such zone, or is not its primary; nothing has changed.
    NotServed,
    /// The key may not change the zone, the zone is frozen, or a rule of BIND's is broken; nothing has changed.
    Refused,
    /// It failed, or a limit of BIND's is exceeded; nothing has changed.
    ServerFailed,
}

/// Why an update has no outcome.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpdateError {
    /// There is no such message. Nothing was sent.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Nothing was sent.
    #[error("the update was not sent")]
    NotSent(#[source] NotSent),
    /// It was sent, and no answer came: it may have been carried out, and may still be.
    #[error("the update was sent, but there was no response")]
    Lost(#[source] Lost),
    /// One side did not accept the other's signature. The nameserver carries out nothing that it cannot verify, but its
    /// saying so is not signed.
    #[error(transparent)]
    Tsig(#[from] TsigFault),
    /// A message that is not a response to an update.
    #[error("the nameserver responded with {0}")]
    Rcode(Rcode),
}

/// Why an update was not sent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotSent {
    /// There is no connection.
    #[error("cannot connect")]
    Connect(#[source] Arc<io::Error>),
    /// Its time was up before its turn came, or before there was a connection.
    #[error("it waited in the queue for more than {0:?}")]
    Busy(Duration),
    /// The message has no room for the signature.
    #[error("no room for the signature")]
    Signature,
    /// The updater's tasks have ended, with their runtime.
    #[error("the updater has stopped")]
    Stopped,
}

/// Why an update has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Lost {
    /// Its time was up.
    #[error("no response within {0:?}")]
    Timeout(Duration),
    /// The connection broke.
    #[error("the connection broke")]
    Connection(#[source] Arc<io::Error>),
    /// The updater's tasks have ended, with their runtime.
    #[error("the updater has stopped")]
    Stopped,
}
