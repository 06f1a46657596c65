//! The reasons why a command has no successful response.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::message::{CommandTooLong, ProtocolError};
use super::reply::{Refusal, Refused};

/// Why a command has no successful answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// named understood the command and did not carry it out. Boxed: it is far larger than the others.
    #[error("named refused: {0}")]
    Refused(Box<Refused>),
    /// No connection: most likely named is not running, or has no such `controls` address.
    #[error("cannot connect to the control channel at {address}")]
    Connect {
        /// Where the channel should be.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// named closed the connection in the handshake, which is its only way of saying no.
    #[error(
        "named at {address} closed the control channel without a response: the key or its algorithm is not the one of its `controls` \
         statement, the clocks are more than 5 minutes apart, or its `allow` list lacks this host"
    )]
    Authentication {
        /// Where the channel is.
        address: SocketAddr,
    },
    /// named took too long. Past [`Stage::Connect`] it may still carry the command out.
    #[error("named did not {stage} within {} ms", after.as_millis())]
    Timeout {
        /// What was waited for.
        stage: Stage,
        /// How long.
        after: Duration,
    },
    /// The connection closed before the command was sent. It was not carried out.
    #[error("the control channel was closed before the command was sent")]
    NotSent(#[source] io::Error),
    /// The connection closed after the command was sent, before any of the answer came. The command may have been carried out.
    #[error("the control channel was closed before the response")]
    NotAnswered,
    /// The connection broke within the answer. The command was carried out or refused.
    #[error("the control channel was closed in the middle of a response")]
    Interrupted(#[source] io::Error),
    /// The answer is not what named sends.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The command is too long for named. Nothing was sent.
    #[error(transparent)]
    TooLong(#[from] CommandTooLong),
}

impl ControlError {
    /// The refusal, if named answered with one.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refused) => Some(refused.refusal),
            _ => None,
        }
    }
}

/// What a timeout was waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The connection and its handshake.
    Connect,
    /// The answer to a command.
    Command,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "open the control channel",
            Self::Command => "answer the command",
        })
    }
}
