//! One authenticated connection to named, and one exchange at a time over it.

use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::error::ControlError;
use super::key::ControlKey;
use super::message::{MAX_ANSWER, ProtocolError, Request, Response};

/// A connection whose handshake succeeded.
///
/// A failed or cancelled exchange leaves octets on the connection that belong to no later one, so the connection has to be dropped.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    nonce: u32,
}

impl Connection {
    /// Runs the handshake: an empty command, whose answer brings the nonce of this connection.
    pub(super) async fn handshake(mut stream: TcpStream, signer: &Signer) -> Result<Connection, ControlError> {
        let (serial, frame) = signer.seal(None, "null");
        let answer = exchange(&mut stream, &frame, signer).await?;
        if answer.serial != serial {
            return Err(ProtocolError::Unrelated.into());
        }
        Ok(Connection { stream, nonce: answer.nonce })
    }

    /// Whether named has not closed the connection and has sent nothing beyond its answers.
    ///
    /// Asks the operating system: tokio knows only what its reactor has seen, which lags behind.
    pub(super) fn is_usable(&self) -> bool {
        let peeked = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn exchange(&mut self, command: &str, signer: &Signer) -> Result<Response, ControlError> {
        let (serial, frame) = signer.seal(Some(self.nonce), command);
        let answer = exchange(&mut self.stream, &frame, signer).await?;
        if answer.serial != serial || answer.nonce != self.nonce {
            return Err(ProtocolError::Unrelated.into());
        }
        Ok(answer)
    }
}

/// Makes requests that named accepts once.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) key: ControlKey,
    pub(super) clock: fn() -> SystemTime,
    /// The serial of the next request. Starts at random, because named compares the serials of all its clients.
    pub(super) next_serial: AtomicU32,
}

impl Signer {
    fn seal(&self, nonce: Option<u32>, command: &str) -> (u32, Vec<u8>) {
        let serial = self.next_serial.fetch_add(1, Ordering::Relaxed);
        let sent = (self.clock)().duration_since(UNIX_EPOCH);
        let request = Request {
            serial,
            // A clock before 1970 is refused by named like every other wrong one.
            sent: sent.map_or(0, |sent| sent.as_secs()),
            nonce,
            command,
        };
        (serial, request.seal(&self.key))
    }
}

async fn exchange(stream: &mut TcpStream, frame: &[u8], signer: &Signer) -> Result<Response, ControlError> {
    let written = stream.write_all(frame).await;
    written.map_err(ControlError::NotSent)?;
    let mut length = [0; 4];
    let read = match stream.read(&mut length).await {
        Ok(0) | Err(_) => return Err(ControlError::NotAnswered),
        Ok(read) => read,
    };
    let rest = stream.read_exact(&mut length[read..]).await;
    rest.map_err(ControlError::Interrupted)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_ANSWER {
        return Err(ProtocolError::TooLong(length).into());
    }
    let mut message = vec![0; length];
    let read = stream.read_exact(&mut message).await;
    read.map_err(ControlError::Interrupted)?;
    Ok(Response::open(&message, &signer.key)?)
}
