//! The client of NOTIFY (RFC 1996): one signed message, sent again until there is a response or a time-out.
//!
//! Each NOTIFY has its own socket, so that its response can only come from the right nameserver, to a port that attackers cannot
//! know. Whether the nameserver then transfers the zone is not part of the protocol: query its serial.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dns::ZoneName;
use domain::base::iana::{Class, Opcode, Rcode};
use domain::base::message_builder::{MessageBuilder, PushError};
use domain::base::{Message, Name, Rtype};
use domain::tsig::{self, ClientTransaction};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use crate::socket::open;
use crate::tsig::{Clock, TsigFault, TsigKey};

/// How long each try of a NOTIFY waits for its answer.
const TRIES: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];
/// The longest answer to a NOTIFY, in octets: question and signature.
const MAX_ANSWER: usize = 1232;

/// Sends NOTIFYs to one nameserver, signed with one key.
#[derive(Debug)]
pub struct NotifyClient {
    server: SocketAddr,
    key: Arc<tsig::Key>,
    clock: Clock,
}

impl NotifyClient {
    /// A client for the nameserver at `server`.
    pub fn new(server: SocketAddr, key: &TsigKey, clock: Clock) -> NotifyClient {
        NotifyClient { server, key: key.signer(), clock }
    }

    /// Sends a NOTIFY of the zone's SOA up to three times over 4.25 seconds, and gives the response code of the first answer. The
    /// answer is signed, but for one with NOTAUTH: Knot looks for the zone before it looks at the key.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    pub async fn send(&self, zone: &ZoneName) -> Result<Rcode, NotifyError> {
        let mut id = [0; 2];
        getrandom::fill(&mut id).map_err(|error| NotifyError::Network(io::Error::other(error.to_string())))?;
        let request = self.request(zone, u16::from_be_bytes(id)).map_err(|_| NotifyError::Build)?;
        let socket = open(self.server).await?;
        for patience in TRIES {
            socket.send(request.message.as_slice()).await?;
            if let Some(rcode) = self.answer(&socket, &request, Instant::now() + patience).await? {
                return Ok(rcode);
            }
        }
        Err(NotifyError::Timeout)
    }

    /// The response that arrives until then; other messages are ignored.
    async fn answer(
        &self,
        socket: &UdpSocket,
        request: &Request,
        until: Instant,
    ) -> Result<Option<Rcode>, NotifyError> {
        let mut buffer = vec![0; MAX_ANSWER];
        loop {
            let Ok(received) = timeout_at(until, socket.recv(&mut buffer)).await else { return Ok(None) };
            let Ok(mut answer) = Message::from_octets(buffer[..received?].to_vec()) else { continue };
            if !answer.header().qr() || answer.header().id() != request.message.header().id() {
                continue;
            }
            let rcode = answer.header().rcode();
            let verified = request.transaction.answer(&mut answer, self.clock.now());
            return match verified.map_err(|error| TsigFault::new(error, &answer)) {
                Ok(()) => Ok(Some(rcode)),
                // It has no consequence, so it need not be verified.
                Err(TsigFault::Unsigned) if rcode == Rcode::NOTAUTH => Ok(Some(rcode)),
                Err(fault) => Err(NotifyError::Tsig(fault)),
            };
        }
    }

    /// A NOTIFY of the zone's SOA (RFC 1996, section 3.7).
    fn request(&self, zone: &ZoneName, id: u16) -> Result<Request, PushError> {
        let name = Name::from_octets(zone.name().wire()).map_err(|_| PushError::ShortBuf)?;
        let mut message = MessageBuilder::new_vec();
        message.header_mut().set_id(id);
        message.header_mut().set_opcode(Opcode::NOTIFY);
        message.header_mut().set_aa(true);
        let mut question = message.question();
        question.push((name, Rtype::SOA, Class::IN))?;
        let mut builder = question.additional();
        let transaction = ClientTransaction::request(Arc::clone(&self.key), &mut builder, self.clock.now())?;
        Ok(Request { message: builder.into_message(), transaction })
    }
}

/// A signed NOTIFY, and what its answer's signature is checked with.
struct Request {
    message: Message<Vec<u8>>,
    transaction: ClientTransaction<Arc<tsig::Key>>,
}

/// Why a NOTIFY has no answer.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// Nothing came back in time.
    #[error("it did not respond to a NOTIFY")]
    Timeout,
    /// The network refused.
    #[error("it is not reachable")]
    Network(#[from] io::Error),
    /// One side did not accept the other's signature.
    #[error("the key of transfers and NOTIFYs")]
    Tsig(#[source] TsigFault),
    /// The message could not be made.
    #[error("no NOTIFY could be created")]
    Build,
}
