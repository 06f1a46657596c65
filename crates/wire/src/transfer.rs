//! The client of zone transfers (AXFR, RFC 5936): reads what a nameserver really serves, for the audit and for repairs.
//!
//! Records are returned as [`WireRecord`], in which equal octets are equal records, one message at a time and within a memory
//! limit. A signed transfer is verified over all of its messages (RFC 8945, section 5.3.1).
//!
//! Decided against: IXFR. The audit needs what is served, not the changes in the nameserver's journal.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dns::{Serial, ZoneName};
use domain::base::iana::{Class, Rcode};
use domain::base::message_builder::{AdditionalBuilder, MessageBuilder, StreamTarget};
use domain::base::name::Name as WireName;
use domain::base::{Message, Rtype};
use domain::tsig::{ClientSequence, Key};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::frame::FrameReader;
use crate::record::WireRecord;
use crate::tsig::{Clock, TsigFault, TsigKey};

/// What one record costs beside its octets: the two allocations and their places.
const RECORD_OVERHEAD: usize = 96;

/// Bounds on a transfer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How much memory the records may take, in octets; about a hundred more than its own data for each.
    pub octets: usize,
    /// How long to wait for the connection, and for each message.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { octets: 512 << 20, patience: Duration::from_secs(10) }
    }
}

/// A zone as a nameserver serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferredZone {
    /// The SOA, which stands at both ends of a transfer.
    pub soa: WireRecord,
    /// All other records, in no particular order.
    pub records: Vec<WireRecord>,
}

impl TransferredZone {
    /// The serial that is served.
    ///
    /// # Errors
    ///
    /// The SOA's data is too short; [`fetch`] brings no such zone.
    pub fn serial(&self) -> Result<Serial, TransferError> {
        self.soa.serial().ok_or(TransferError::Malformed)
    }
}

/// Transfers a zone. Without a key the transfer is not signed, and as trustworthy as the network.
///
/// # Errors
///
/// See [`TransferError`].
pub async fn fetch(
    server: SocketAddr,
    zone: &ZoneName,
    key: Option<&TsigKey>,
    limits: Limits,
    clock: &Clock,
) -> Result<TransferredZone, TransferError> {
    let mut records = Vec::new();
    let mut room = limits.octets;
    let soa = stream(server, zone, key, limits.patience, clock, |record| {
        let size = RECORD_OVERHEAD + record.owner.wire().len() + record.data.len();
        room = room.checked_sub(size).ok_or(TransferError::TooLarge { octets: limits.octets })?;
        records.push(record);
        Ok(())
    })
    .await?;
    Ok(TransferredZone { soa, records })
}

/// Transfers a zone and hands its records to `sink` as they come, all but the SOA, which it gives back. Until it returns,
/// the signature over the last messages is not verified: act upon nothing before.
///
/// # Errors
///
/// See [`TransferError`], and what `sink` gives back.
pub async fn stream(
    server: SocketAddr,
    zone: &ZoneName,
    key: Option<&TsigKey>,
    patience: Duration,
    clock: &Clock,
    mut sink: impl FnMut(WireRecord) -> Result<(), TransferError>,
) -> Result<WireRecord, TransferError> {
    let connection = timeout(patience, TcpStream::connect(server)).await;
    let mut connection = connection.map_err(|_| TransferError::Timeout(patience))?.map_err(TransferError::Connect)?;
    let (question, mut sequence) = question(zone, key, clock)?;
    let sent = timeout(patience, connection.write_all(question.finish().as_stream_slice())).await;
    sent.map_err(|_| TransferError::Timeout(patience))?.map_err(TransferError::Broken)?;

    let mut frames = FrameReader::default();
    let mut progress = Progress { zone, first: None, is_complete: false };
    while !progress.is_complete {
        let frame = timeout(patience, frames.next(&mut connection)).await;
        let frame = frame.map_err(|_| TransferError::Timeout(patience))?.map_err(TransferError::Broken)?;
        let mut message = Message::from_octets(frame).map_err(|_| TransferError::Malformed)?;
        if let Some(sequence) = &mut sequence {
            let verified = sequence.answer(&mut message, clock.now());
            verified.map_err(|error| TsigFault::new(error, &message))?;
        }
        progress.read(&message, &mut sink)?;
    }
    if let Some(sequence) = sequence {
        // The last message has to be signed.
        sequence.done().map_err(|_| TsigFault::Unsigned)?;
    }
    progress.first.ok_or(TransferError::Malformed)
}

type Question = AdditionalBuilder<StreamTarget<Vec<u8>>>;
type Sequence = ClientSequence<Arc<Key>>;

/// The question. Its id says nothing: there is one question on a connection.
fn question(
    zone: &ZoneName,
    key: Option<&TsigKey>,
    clock: &Clock,
) -> Result<(Question, Option<Sequence>), TransferError> {
    let name = WireName::from_octets(zone.name().wire()).map_err(|_| TransferError::Malformed)?;
    let mut question = MessageBuilder::new_stream_vec().question();
    question.push((name, Rtype::AXFR, Class::IN)).map_err(|_| TransferError::Malformed)?;
    let mut question = question.additional();
    let sequence = match key {
        None => None,
        Some(key) => {
            let sequence = Sequence::request(key.signer(), &mut question, clock.now());
            Some(sequence.map_err(|_| TransferError::Malformed)?)
        }
    };
    Ok((question, sequence))
}

/// How far a transfer has come: the SOA, the records, the same SOA again.
struct Progress<'a> {
    zone: &'a ZoneName,
    first: Option<WireRecord>,
    is_complete: bool,
}

impl Progress<'_> {
    fn read(
        &mut self,
        message: &Message<Vec<u8>>,
        sink: &mut impl FnMut(WireRecord) -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        let header = message.header();
        match header.rcode() {
            Rcode::NOERROR => {}
            Rcode::NOTAUTH | Rcode::NXDOMAIN => return Err(TransferError::NotServed),
            other => return Err(TransferError::Rcode(other)),
        }
        if !header.qr() || header.id() != 0 {
            return Err(TransferError::Malformed);
        }
        let section = message.answer().map_err(|_| TransferError::Malformed)?;
        for record in section {
            let record = record.map_err(|_| TransferError::Malformed)?;
            if self.is_complete || record.class() != Class::IN {
                return Err(TransferError::Malformed);
            }
            let record = WireRecord::read(&record).map_err(|_| TransferError::Malformed)?;
            match &self.first {
                None => {
                    let is_start = record.owner == *self.zone.name() && record.serial().is_some();
                    self.first = Some(Some(record).filter(|_| is_start).ok_or(TransferError::Malformed)?);
                }
                Some(first) if record.record_type == Rtype::SOA => {
                    // Anything else is a zone that changed under the transfer.
                    if record != *first {
                        return Err(TransferError::Malformed);
                    }
                    self.is_complete = true;
                }
                Some(_) => sink(record)?,
            }
        }
        Ok(())
    }
}

/// Why there is no transfer.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is no connection.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// The connection broke before the end.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// Nothing came in time.
    #[error("no data within {0:?}")]
    Timeout(Duration),
    /// It has no such zone.
    #[error("the nameserver does not serve the zone")]
    NotServed,
    /// It refused or failed.
    #[error("the nameserver responded with {0}")]
    Rcode(Rcode),
    /// One side did not accept the other's signature.
    #[error(transparent)]
    Tsig(#[from] TsigFault),
    /// What came is no transfer of this zone.
    #[error("the response is not a transfer of the zone")]
    Malformed,
    /// The zone takes more memory than is allowed.
    #[error("the zone takes more than {octets} octets")]
    TooLarge {
        /// What is allowed.
        octets: usize,
    },
}
