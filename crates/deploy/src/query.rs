//! Asking any nameserver which version of a zone it serves.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use dns::{Serial, ZoneName};
use domain::base::iana::{Class, Rcode};
use domain::base::{Message, MessageBuilder, Name, Rtype};
use domain::rdata::Soa;
use tokio::net::UdpSocket;

/// One UDP packet asked for and one more try.
const TRIES: u32 = 2;

/// Why a nameserver's answer to a SOA question tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Nothing came back in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The network refused.
    #[error("not reachable")]
    Io(#[from] std::io::Error),
    /// What came back is no DNS answer to the question.
    #[error("the answer is malformed")]
    Malformed,
    /// It answered with an error.
    #[error("it answered {0}")]
    Rcode(Rcode),
}

/// The serial that the nameserver at `server` serves of a zone as authority; `None` where it is not authoritative for it.
/// Asked over UDP; `patience` is for each of two tries.
pub async fn serial(server: SocketAddr, zone: &ZoneName, patience: Duration) -> Result<Option<Serial>, QueryError> {
    let local: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    // A socket of its own for each question: the kernel's choice of port and `connect` keep strangers' answers out.
    let socket = UdpSocket::bind(local).await?;
    socket.connect(server).await?;
    let name = Name::from_octets(zone.name().wire()).map_err(|_| QueryError::Malformed)?;
    let mut question = MessageBuilder::new_vec().question();
    question.header_mut().set_id(socket.local_addr()?.port());
    question.push((name, Rtype::SOA, Class::IN)).map_err(|_| QueryError::Malformed)?;
    let question = question.into_message();
    for _ in 0..TRIES {
        socket.send(question.as_slice()).await?;
        match tokio::time::timeout(patience, answer(&socket, &question)).await {
            Ok(result) => return result,
            Err(_) => continue,
        }
    }
    Err(QueryError::Timeout(patience * TRIES))
}

async fn answer(socket: &UdpSocket, question: &Message<Vec<u8>>) -> Result<Option<Serial>, QueryError> {
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let Ok(message) = Message::from_slice(&buffer[..length]) else { continue };
        if !message.is_answer(question) {
            continue;
        }
        return match message.header().rcode() {
            Rcode::NOERROR if message.header().aa() => {
                let section = message.answer().map_err(|_| QueryError::Malformed)?;
                let mut soas = section.limit_to_in::<Soa<_>>();
                match soas.next() {
                    Some(Ok(record)) => Ok(Some(Serial(record.data().serial().into_int()))),
                    Some(Err(_)) => Err(QueryError::Malformed),
                    None => Ok(None),
                }
            }
            Rcode::NOERROR | Rcode::REFUSED | Rcode::NOTAUTH | Rcode::NXDOMAIN => Ok(None),
            other => Err(QueryError::Rcode(other)),
        };
    }
}
