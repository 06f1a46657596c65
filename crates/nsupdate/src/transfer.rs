//! Zone transfers: AXFR (RFC 5936) and IXFR (RFC 1995), over TCP.
//!
//! A key for transfers gets the whole zone as it is served. A key for updates gets it only if its scope is the whole zone: a part
//! of a zone would look like a small zone, and programs that compare it with their configuration would create the missing records
//! again. A small zone is one message, because some clients do not read a second one.
//!
//! The answer to IXFR is one difference, from the client's version to the newest; the journal condenses the versions between them
//! (RFC 1995, section 5). If the difference is longer than the zone or not known, the answer is the zone.

use std::sync::Arc;
use std::time::Duration;

use dns::rdata::Soa;
use dns::{OwnerName, ResourceRecord, Serial, ZoneName};
use domain::base::UnknownRecordData;
use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::message::Message;
use domain::base::message_builder::{AnswerBuilder, HashCompressor, MessageBuilder, PushError};
use domain::base::name::Name as WireName;
use nameserver::{Client, Transport};
use store::{HistoryError, KeyPurpose, KeyScope, KeyTypes, Permission, RefusedBy, Step, StoreError, Zone};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use wire::WireRecord;

use crate::refusal::Refusal;
use crate::request::{Verified, failed};
use crate::{Inner, message, update};

/// How many transfers are prepared at a time: each holds its zone in memory.
pub(crate) const AT_ONCE: usize = 2;
/// The maximum memory of all transfers that are being sent, in KiB. A larger transfer takes all of it.
pub(crate) const MOST_SENDING_KIB: u32 = 256 * 1024;
/// How long a transfer waits for that memory, which slow clients may hold.
const PATIENCE: Duration = Duration::from_secs(10);
/// The maximum size of a message of a transfer, in octets, without its signature.
const MOST: usize = 65_535 - 512;

impl Inner {
    /// The messages of a transfer, not signed yet, and the permit for their memory until they are sent.
    pub(crate) async fn transfer(
        &self,
        verified: &Verified,
        message: &[u8],
        client: &Client,
    ) -> Result<(Vec<Vec<u8>>, OwnedSemaphorePermit), Refusal> {
        let request =
            Message::from_slice(message).map_err(|_| Refusal::malformed("transfer", "the header is too short"))?;
        let question =
            request.sole_question().map_err(|_| Refusal::malformed("transfer", "there is not one question"))?;
        let name = message::name(question.qname()).ok_or(Refusal::malformed("transfer", "the name cannot be read"))?;
        let is_ixfr = question.qtype() == Rtype::IXFR;
        let asked = format!("{} {}", if is_ixfr { "IXFR" } else { "AXFR" }, name.fqdn());
        let is_udp = client.transport == Transport::Udp;
        if is_udp && !is_ixfr {
            return Err(Refusal::malformed(asked, "AXFR needs TCP"));
        }
        let from = if is_ixfr { Some(client_serial(request, &asked)?) } else { None };
        let zone = update::zone(&verified.tenant, &ZoneName::from_stored(name), "transfer").await?;
        check_scope(&verified.identity.key.scope, &asked)?;
        if !zone.withheld.is_served() {
            return Err(Refusal::new(Rcode::NOTAUTH, RefusedBy::Zone, asked, "the zone is not served at the moment"));
        }
        let Ok(preparing) = self.preparing.acquire().await else { return Err(Refusal::silent(Rcode::SERVFAIL)) };
        let parts = match from {
            Some(from) => self.increment(verified, &zone, from, is_udp).await?,
            None => None,
        };
        let parts = match parts {
            Some(parts) => parts,
            None => self.whole(verified, &zone).await?,
        };
        let request = message.to_vec();
        // Writing a large zone takes about a second.
        let written = tokio::task::spawn_blocking(move || write(&request, &parts)).await;
        drop(preparing);
        let messages = written.ok().and_then(Result::ok);
        let messages =
            messages.ok_or_else(|| failed("writing a transfer", &StoreError::Bug("a record that fits no message")))?;
        let octets: usize = messages.iter().map(Vec::len).sum();
        let size = u32::try_from(octets / 1024 + 1).unwrap_or(u32::MAX).min(MOST_SENDING_KIB);
        let memory = timeout(PATIENCE, Arc::clone(&self.sending).acquire_many_owned(size)).await;
        let memory = memory.ok().and_then(Result::ok).ok_or_else(|| {
            let detail = "too many large transfers are being sent; nameservers try again later";
            Refusal::new(Rcode::SERVFAIL, RefusedBy::Limit, asked, detail)
        })?;
        Ok((messages, memory))
    }

    /// The difference; `None` if the whole zone is to be sent.
    async fn increment(
        &self,
        verified: &Verified,
        zone: &Zone,
        from: Serial,
        is_udp: bool,
    ) -> Result<Option<Parts>, Refusal> {
        let step = verified.tenant.step(zone.id, from).await;
        let step = step.map_err(|error| failed("reading the step of a zone", &error))?;
        let up_to_date = !zone.serial.is_newer_than(from);
        match step {
            // Over UDP, the client gets only the SOA with the serial, and retries over TCP (RFC 1995, section 2).
            _ if is_udp || up_to_date => {
                let soa = self.journal.within(zone.name.name(), 0, |zone| Ok(zone.soa().clone())).await;
                let soa = soa.map_err(|error| failed("reading a zone's SOA", &error))?;
                let soa = soa.ok_or(Refusal::silent(Rcode::SERVFAIL))?;
                Ok(Some(Parts { soa, name: zone.name.clone(), body: Body::Nothing }))
            }
            Some(Step::Delta(delta)) if ((delta.removed.len() + delta.added.len()) as u64) <= zone.record_count => {
                let body = Body::Difference { from: delta.from, removed: delta.removed, added: delta.added };
                Ok(Some(Parts { soa: delta.to, name: delta.name, body }))
            }
            Some(Step::Delta(_) | Step::Rebuild) | None => Ok(None),
        }
    }

    async fn whole(&self, verified: &Verified, zone: &Zone) -> Result<Parts, Refusal> {
        match verified.tenant.snapshot_at(zone.id, zone.serial).await {
            Ok(snapshot) => Ok(Parts { soa: snapshot.soa, name: snapshot.name, body: Body::Zone(snapshot.records) }),
            Err(HistoryError::NoZone | HistoryError::NoVersion(_)) => Err(Refusal::silent(Rcode::SERVFAIL)),
            Err(HistoryError::Store(error)) => Err(failed("reading a zone for a transfer", &error)),
        }
    }
}

/// The serial that the client has (RFC 1995, section 3).
fn client_serial(request: &Message<[u8]>, asked: &str) -> Result<Serial, Refusal> {
    let malformed = || Refusal::malformed(asked, "the SOA record of the client's version is missing");
    let mut records = request.authority().map_err(|_| malformed())?;
    let record = records.next().and_then(Result::ok).ok_or_else(malformed)?;
    WireRecord::read(&record).ok().and_then(|record| record.serial()).ok_or_else(malformed)
}

/// Refuses keys whose scope is not the whole zone.
fn check_scope(scope: &KeyScope, asked: &str) -> Result<(), Refusal> {
    let refused = |rule, detail| Err(Refusal::new(Rcode::REFUSED, rule, asked, detail));
    match scope.purpose {
        KeyPurpose::Transfer => Ok(()),
        KeyPurpose::Manage if scope.names.is_some() => {
            refused(RefusedBy::Name, "the key sees a part of the zone only, and a transfer has all of it")
        }
        KeyPurpose::Manage if matches!(scope.types, KeyTypes::Only(_)) => {
            refused(RefusedBy::Type, "the key sees some types only, and a transfer has all of them")
        }
        KeyPurpose::Manage if !scope.permissions.allows(Permission::List) => {
            refused(RefusedBy::Permission, "the key lacks dns:list")
        }
        KeyPurpose::Manage => Ok(()),
    }
}

/// What is sent.
struct Parts {
    name: ZoneName,
    soa: Soa,
    body: Body,
}

enum Body {
    /// Only the SOA: the client has this version, or is to retry over TCP.
    Nothing,
    Zone(Vec<ResourceRecord>),
    Difference {
        from: Soa,
        removed: Vec<ResourceRecord>,
        added: Vec<ResourceRecord>,
    },
}

/// The messages, as few as possible. The first contains the question (RFC 5936, section 2.2.1).
fn write(request: &[u8], parts: &Parts) -> Result<Vec<Vec<u8>>, PushError> {
    let request = Message::from_slice(request).map_err(|_| PushError::ShortBuf)?;
    let Parts { name, soa, body } = parts;
    let mut writer = Writer { request, name, messages: Vec::new(), current: None };
    writer.soa(soa)?;
    match body {
        Body::Nothing => {}
        Body::Zone(records) => {
            records.iter().try_for_each(|record| writer.record(record))?;
            writer.soa(soa)?;
        }
        Body::Difference { from, removed, added } => {
            writer.soa(from)?;
            removed.iter().try_for_each(|record| writer.record(record))?;
            writer.soa(soa)?;
            added.iter().try_for_each(|record| writer.record(record))?;
            writer.soa(soa)?;
        }
    }
    writer.finish()
}

type Current = AnswerBuilder<HashCompressor<Vec<u8>>>;

struct Writer<'r> {
    request: &'r Message<[u8]>,
    name: &'r ZoneName,
    messages: Vec<Vec<u8>>,
    current: Option<Current>,
}

impl Writer<'_> {
    fn soa(&mut self, soa: &Soa) -> Result<(), PushError> {
        let data = soa.wire();
        self.push(&OwnerName::apex(), Rtype::SOA, soa.ttl.seconds(), &data)
    }

    fn record(&mut self, record: &ResourceRecord) -> Result<(), PushError> {
        let rtype = Rtype::from_int(record.data.record_type().code());
        self.push(&record.owner, rtype, record.ttl.seconds(), &record.data.wire())
    }

    fn push(&mut self, owner: &OwnerName, rtype: Rtype, ttl: u32, data: &[u8]) -> Result<(), PushError> {
        let owner = owner.in_zone(self.name);
        let owner = WireName::from_octets(owner.wire()).map_err(|_| PushError::ShortBuf)?;
        let data = UnknownRecordData::from_octets(rtype, data).map_err(|_| PushError::ShortBuf)?;
        let record = (owner, Class::IN, ttl, data);
        if let Some(current) = &mut self.current {
            if current.push(&record).is_ok() {
                return Ok(());
            }
            self.close();
        }
        let current = self.current.insert(begin(self.request, self.messages.is_empty())?);
        current.push(&record)
    }

    fn close(&mut self) {
        self.messages.extend(self.current.take().map(|current| current.finish().into_target()));
    }

    fn finish(mut self) -> Result<Vec<Vec<u8>>, PushError> {
        self.close();
        Ok(self.messages)
    }
}

fn begin(request: &Message<[u8]>, is_first: bool) -> Result<Current, PushError> {
    let mut message = MessageBuilder::from_target(HashCompressor::new(Vec::new())).map_err(|_| PushError::ShortBuf)?;
    message.set_push_limit(MOST);
    let header = message.header_mut();
    header.set_id(request.header().id());
    header.set_qr(true);
    header.set_aa(true);
    header.set_rd(request.header().rd());
    let mut question = message.question();
    if is_first && let Ok(asked) = request.sole_question() {
        question.push((asked.qname(), asked.qtype(), asked.qclass()))?;
    }
    Ok(question.answer())
}
