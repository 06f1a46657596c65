//! Queries the public DNS through recursive resolvers, independently of what this server's nameservers serve.
//!
//! A response is accepted if it comes from the queried resolver (the sockets are connected, from a port that the kernel chose),
//! with the query's random id and its question. A truncated response is queried again over TCP. If a resolver does not respond or
//! fails, the next is used. Aliases (CNAME, DNAME) are not followed: a user who can write records at one name must not be able to
//! answer for another.
//!
//! Decided against `hickory-resolver`: its cache and its search lists are not wanted for a fresh lookup, and this code is smaller
//! than its configuration.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use dns::Name;
use domain::base::iana::{Class, Rcode};
use domain::base::name::ToName;
use domain::base::{Message, MessageBuilder, Rtype};
use domain::rdata::Txt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// The largest answer over UDP (RFC 9715).
const MAX_UDP: u16 = 1232;
/// How long a resolver may take for one try.
const PATIENCE: Duration = Duration::from_millis(1500);
/// A packet may be lost; of two, the resolver is down.
const TRIES: u32 = 2;

/// Some recursive resolvers, in the order in which they are asked.
#[derive(Debug, Clone, Default)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
}

/// Why the public DNS could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// There is no resolver.
    #[error("no resolver is configured")]
    NoResolver,
    /// The last resolver that was asked did not answer in time.
    #[error("no response from {0}")]
    Timeout(SocketAddr),
    /// It cannot be reached.
    #[error("{server} cannot be reached")]
    Unreachable {
        /// Which.
        server: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It answered with an error.
    #[error("{server} responded with {rcode}")]
    Rcode {
        /// Which.
        server: SocketAddr,
        /// The error.
        rcode: Rcode,
    },
    /// What it answered cannot be read.
    #[error("{0} sent a malformed response")]
    Malformed(SocketAddr),
    /// There is no randomness.
    #[error("the system provides no random numbers")]
    Random,
}

impl Resolver {
    /// Asks these.
    pub fn new(servers: Vec<SocketAddr>) -> Resolver {
        Resolver { servers }
    }

    /// The TXT records at exactly this name, each as one text. None where the name is an alias or does not exist.
    ///
    /// # Errors
    ///
    /// No resolver answered.
    pub async fn texts(&self, name: &Name) -> Result<Vec<Vec<u8>>, LookupError> {
        self.ask(name, Rtype::TXT, |answer| {
            let mut texts = Vec::new();
            for record in answer.answer().ok()?.limit_to::<Txt<_>>() {
                let record = record.ok()?;
                if is_at(record.owner(), name) && record.class() == Class::IN {
                    texts.push(record.data().iter().flatten().copied().collect());
                }
            }
            Some(texts)
        })
        .await
    }

    /// Whether the name has NS records: it is delegated, and does not only lie in a zone above.
    ///
    /// # Errors
    ///
    /// No resolver answered.
    pub async fn is_delegated(&self, name: &Name) -> Result<bool, LookupError> {
        self.ask(name, Rtype::NS, |answer| {
            let mut found = false;
            for record in answer.answer().ok()? {
                let record = record.ok()?;
                found |= is_at(&record.owner(), name) && record.rtype() == Rtype::NS && record.class() == Class::IN;
            }
            // Asked without recursion being available, a nameserver above refers to the one below.
            for record in answer.authority().ok()? {
                let record = record.ok()?;
                found |= is_at(&record.owner(), name) && record.rtype() == Rtype::NS && record.class() == Class::IN;
            }
            Some(found)
        })
        .await
    }

    async fn ask<T: Default>(
        &self,
        name: &Name,
        rtype: Rtype,
        read: impl Fn(&Message<Vec<u8>>) -> Option<T>,
    ) -> Result<T, LookupError> {
        let mut last = LookupError::NoResolver;
        for server in std::iter::repeat_n(&self.servers, TRIES as usize).flatten().copied() {
            match exchange(server, name, rtype).await {
                Ok(answer) => match answer.header().rcode() {
                    Rcode::NXDOMAIN => return Ok(T::default()),
                    Rcode::NOERROR if is_alias(&answer) => return Ok(T::default()),
                    Rcode::NOERROR => return read(&answer).ok_or(LookupError::Malformed(server)),
                    rcode => last = LookupError::Rcode { server, rcode },
                },
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn is_at(owner: &impl ToName, name: &Name) -> bool {
    domain::base::Name::from_octets(name.wire()).is_ok_and(|name| owner.name_eq(&name))
}

/// Whether an alias is in the answer, whatever else is.
fn is_alias(answer: &Message<Vec<u8>>) -> bool {
    let Ok(records) = answer.answer() else { return false };
    records.flatten().any(|record| matches!(record.rtype(), Rtype::CNAME | Rtype::DNAME))
}

/// One question to one resolver.
async fn exchange(server: SocketAddr, name: &Name, rtype: Rtype) -> Result<Message<Vec<u8>>, LookupError> {
    let question = question(server, name, rtype)?;
    let unreachable = |source| LookupError::Unreachable { server, source };
    let over_udp = timeout(PATIENCE, over_udp(server, &question)).await.map_err(|_| LookupError::Timeout(server))?;
    let answer = over_udp.map_err(unreachable)?;
    if !answer.header().tc() {
        return Ok(answer);
    }
    let over_tcp = timeout(PATIENCE, over_tcp(server, &question)).await.map_err(|_| LookupError::Timeout(server))?;
    let answer = over_tcp.map_err(unreachable)?;
    if answers(&answer, &question) { Ok(answer) } else { Err(LookupError::Malformed(server)) }
}

fn question(server: SocketAddr, name: &Name, rtype: Rtype) -> Result<Message<Vec<u8>>, LookupError> {
    let malformed = || LookupError::Malformed(server);
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(|_| LookupError::Random)?;
    let name = domain::base::Name::from_octets(name.wire()).map_err(|_| malformed())?;
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(u16::from_be_bytes(id));
    message.header_mut().set_rd(true);
    let mut message = message.question();
    message.push((name, rtype, Class::IN)).map_err(|_| malformed())?;
    let mut message = message.additional();
    let with_edns = message.opt(|opt| {
        opt.set_udp_payload_size(MAX_UDP);
        Ok(())
    });
    with_edns.map_err(|_| malformed())?;
    Ok(message.into_message())
}

/// Whether a message is the answer to the question.
fn answers(answer: &Message<Vec<u8>>, question: &Message<Vec<u8>>) -> bool {
    let header = answer.header();
    let is_same = || match (answer.sole_question(), question.sole_question()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    header.qr() && header.id() == question.header().id() && is_same()
}

async fn over_udp(server: SocketAddr, question: &Message<Vec<u8>>) -> io::Result<Message<Vec<u8>>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(question.as_slice()).await?;
    let mut buffer = vec![0; usize::from(MAX_UDP)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        // Other messages are ignored, and the wait continues.
        if let Some(answer) = buffer.get(..length).and_then(|octets| Message::from_octets(octets.to_vec()).ok())
            && answers(&answer, question)
        {
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &Message<Vec<u8>>) -> io::Result<Message<Vec<u8>>> {
    let mut stream = TcpStream::connect(server).await?;
    let octets = question.as_slice();
    let length = u16::try_from(octets.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), octets].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Message::from_octets(answer).map_err(|_| io::ErrorKind::InvalidData.into())
}
