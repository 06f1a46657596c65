//! Converts the content of a file to the content of a zone, without the server's own records.

use super::maker::Maker;
use super::{FileFault, FileRecord, LeftOut, LeftOutReason, Note, ZoneFile, unwise};
use crate::apex::Apex;
use crate::change::{NewRecord, TtlChoice};
use crate::presentation::Position;
use crate::warnings::Warning;
use crate::{Fault, Name, RecordData, RecordType, Serial, ZoneName};

/// What a file makes of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The zone's records.
    pub records: Vec<NewRecord>,
    /// Where each of them stands in the file.
    places: Vec<Position>,
    /// The file's serial, which the zone's next one is to be above.
    pub serial: Option<Serial>,
    /// What of the file is not among the records.
    pub left_out: Vec<LeftOut>,
    /// What was understood otherwise than it may have been meant.
    pub notes: Vec<Note>,
    /// What is accepted and yet unwise about the zone with this content; at most [`MAX_WARNINGS`](super::MAX_WARNINGS).
    pub warnings: Vec<Warning>,
}

impl ZoneFile {
    /// Leaves out what the server makes itself: the SOA, the NS records of the operator's nameservers at the apex, and the
    /// addresses of those nameservers inside the zone. A file of our own also names the nameservers of the server that wrote it,
    /// which are left out too. The other NS records at the apex are left out unless they are to be kept; those in a file of our own
    /// are the zone's, and always kept.
    pub(super) fn into_content(self, zone: &ZoneName, apex: &Apex, maker: &Maker, keep_apex_ns: bool) -> Content {
        let ZoneFile { soa, apex_ns, records, left_out, notes } = self;
        let count = apex_ns.len() + records.len();
        let serial = soa.as_ref().map(|(soa, _)| soa.serial);
        let (writers, is_ours): (&[Name], bool) = match maker {
            Maker::Zonewright { nameservers } => (nameservers, true),
            Maker::Cloudflare { .. } | Maker::Unknown => (&[], false),
        };
        let mut content = Content {
            records: Vec::with_capacity(count),
            places: Vec::with_capacity(count),
            serial,
            left_out,
            notes,
            warnings: Vec::new(),
        };
        if let Some((_, at)) = soa {
            content.leave_out(LeftOutReason::Soa, RecordType::Soa, at);
        }
        for FileRecord { record, at } in apex_ns.into_iter().chain(records) {
            let record_type = record.data.record_type();
            let nameserver = match &record.data {
                RecordData::Ns(ns) if record.owner.is_apex() => Some(ns.host.name()),
                _ => None,
            };
            if nameserver.is_some_and(|host| apex.has_nameserver(host) || writers.contains(host)) {
                content.leave_out(LeftOutReason::OwnNameserver, record_type, at);
            } else if nameserver.is_some() && !keep_apex_ns && !is_ours {
                content.leave_out(LeftOutReason::ForeignNameserver, record_type, at);
            } else if matches!(record_type, RecordType::A | RecordType::Aaaa)
                && apex.owns_addresses(zone, &record.owner)
            {
                content.leave_out(LeftOutReason::OwnAddress, record_type, at);
            } else {
                let ttl = TtlChoice::Set(record.ttl);
                content.records.push(NewRecord { owner: record.owner, data: record.data, ttl });
                content.places.push(at);
            }
        }
        content.warnings = unwise::warnings(zone, apex, &content.records);
        content
    }
}

impl Content {
    /// The faults of records, by their index, as faults of the file.
    pub fn faults(&self, faults: Vec<(usize, Fault)>) -> Vec<FileFault> {
        let place = |index: usize| self.places.get(index).copied().unwrap_or(Position { line: 1, column: 1 });
        let mut faults: Vec<_> =
            faults.into_iter().map(|(index, fault)| FileFault { at: place(index), fault }).collect();
        faults.sort_by_key(|fault| fault.at);
        faults
    }

    fn leave_out(&mut self, reason: LeftOutReason, record_type: RecordType, at: Position) {
        let record_type = record_type.to_string();
        match self.left_out.iter_mut().find(|known| known.reason == reason && known.record_type == record_type) {
            Some(known) => known.count += 1,
            None => self.left_out.push(LeftOut { reason, record_type, count: 1, first: at }),
        }
    }
}
