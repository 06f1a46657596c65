//! Writes messages: sections in order, names compressed (RFC 1035, section 4.1.4), within a maximum length.
//!
//! Record data is stored in wire form and copied unchanged, except for the names in the types of RFC 1035, which may be
//! compressed (RFC 3597, section 4). An RRset that does not fit is removed completely.
//!
//! Decided against: the message builder of `domain`. Its compressors either stop at 24 names or allocate for each, and it writes
//! typed data, which would have to be parsed again for every answer.

use dns::RecordType;
use domain::base::header::{Header, HeaderCounts};

use crate::name;
use crate::node::Rrset;

/// The longest message (RFC 1035, section 4.2.2).
pub(crate) const MAX_MESSAGE: usize = 65_535;
const HEADER: usize = 12;
/// An OPT record without options (RFC 6891, section 6.1.2).
const OPT: usize = 11;
/// Pointers have 14 bits.
const POINTER_REACH: usize = 0x4000;

/// Where a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Answer,
    Authority,
    Additional,
}

/// There is no room for it; nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// Where the suffixes of the names written so far stand: 16 bits of their hash, 16 of their offset. Kept between messages for
/// its memory only.
#[derive(Debug, Default)]
pub(crate) struct Compression {
    seen: Vec<u32>,
}

/// What a response says of EDNS (RFC 6891).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OptReply<'o> {
    /// What this server takes over UDP.
    pub(crate) payload_size: u16,
    /// The upper 8 bits of the response code.
    pub(crate) extended_rcode: u8,
    /// DNSSEC OK, as it was asked (RFC 3225, section 3).
    pub(crate) dnssec_ok: bool,
    /// The options, in wire form.
    pub(crate) options: &'o [u8],
}

impl OptReply<'_> {
    /// The octets that the record takes.
    pub(crate) fn octets(&self) -> usize {
        OPT + self.options.len()
    }
}

/// One message in the making, at the end of a buffer.
pub(crate) struct Writer<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    limit: usize,
    compression: &'b mut Compression,
    counts: HeaderCounts,
    /// The end of the question, to which a truncated answer is cut back.
    body: usize,
    names_in_question: usize,
}

impl<'b> Writer<'b> {
    /// Starts a message of at most `limit` octets, of which room is kept for the OPT record.
    pub(crate) fn new(
        out: &'b mut Vec<u8>,
        compression: &'b mut Compression,
        limit: usize,
        opt: Option<OptReply<'_>>,
    ) -> Writer<'b> {
        let start = out.len();
        out.resize(start + HEADER, 0);
        compression.seen.clear();
        let limit = limit.min(MAX_MESSAGE).saturating_sub(opt.map_or(0, |opt| opt.octets()));
        let body = start + HEADER;
        Writer { out, start, limit, compression, counts: HeaderCounts::new(), body, names_in_question: 0 }
    }

    /// Copies the question, its name in the letters in which it was asked.
    pub(crate) fn question(&mut self, name: &[u8], qtype: u16, qclass: u16) {
        self.name(name);
        self.out.extend(qtype.to_be_bytes());
        self.out.extend(qclass.to_be_bytes());
        self.counts.set_qdcount(1);
        self.body = self.out.len();
        self.names_in_question = self.compression.seen.len();
    }

    /// Writes all records of an RRset, or none.
    pub(crate) fn rrset(&mut self, section: Section, owner: &[u8], rrset: Rrset<'_>, ttl: u32) -> Result<(), Full> {
        let (end, names) = (self.out.len(), self.compression.seen.len());
        for data in rrset.records() {
            self.write_record(owner, rrset.rtype, ttl, data);
            if self.is_over() {
                self.take_back(end, names);
                return Err(Full);
            }
        }
        self.count(section, rrset.count);
        Ok(())
    }

    /// Writes one record, or nothing.
    pub(crate) fn record(
        &mut self,
        section: Section,
        owner: &[u8],
        rtype: u16,
        ttl: u32,
        data: &[u8],
    ) -> Result<(), Full> {
        let (end, names) = (self.out.len(), self.compression.seen.len());
        self.write_record(owner, rtype, ttl, data);
        if self.is_over() {
            self.take_back(end, names);
            return Err(Full);
        }
        self.count(section, 1);
        Ok(())
    }

    /// Takes everything after the question back.
    pub(crate) fn clear(&mut self) {
        self.take_back(self.body, self.names_in_question);
        self.counts.set_ancount(0);
        self.counts.set_nscount(0);
        self.counts.set_arcount(0);
    }

    /// Takes the whole message back.
    pub(crate) fn discard(self) {
        self.out.truncate(self.start);
    }

    /// How many octets the message has so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether there are records yet.
    pub(crate) fn has_records(&self) -> bool {
        self.out.len() > self.body
    }

    /// Ends the message.
    pub(crate) fn finish(mut self, header: Header, opt: Option<OptReply<'_>>) {
        if let Some(opt) = opt {
            self.out.push(0);
            self.out.extend(domain::base::iana::Rtype::OPT.to_int().to_be_bytes());
            self.out.extend(opt.payload_size.to_be_bytes());
            let flags = if opt.dnssec_ok { 0x80 } else { 0 };
            self.out.extend([opt.extended_rcode, 0, flags, 0]);
            self.out.extend((opt.options.len() as u16).to_be_bytes());
            self.out.extend(opt.options);
            self.counts.set_arcount(self.counts.arcount() + 1);
        }
        let Some(head) = self.out.get_mut(self.start..self.start + HEADER) else { return };
        head[..4].copy_from_slice(header.as_slice());
        head[4..].copy_from_slice(self.counts.as_slice());
    }

    fn is_over(&self) -> bool {
        self.len() > self.limit
    }

    fn take_back(&mut self, end: usize, names: usize) {
        self.out.truncate(end);
        self.compression.seen.truncate(names);
    }

    fn count(&mut self, section: Section, more: u16) {
        match section {
            Section::Answer => self.counts.set_ancount(self.counts.ancount() + more),
            Section::Authority => self.counts.set_nscount(self.counts.nscount() + more),
            Section::Additional => self.counts.set_arcount(self.counts.arcount() + more),
        }
    }

    fn write_record(&mut self, owner: &[u8], rtype: u16, ttl: u32, data: &[u8]) {
        self.name(owner);
        self.out.extend(rtype.to_be_bytes());
        self.out.extend(domain::base::iana::Class::IN.to_int().to_be_bytes());
        self.out.extend(ttl.to_be_bytes());
        let length_at = self.out.len();
        self.out.extend([0, 0]);
        self.data(rtype, data);
        let length = (self.out.len() - length_at - 2) as u16;
        if let Some(place) = self.out.get_mut(length_at..length_at + 2) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    fn data(&mut self, rtype: u16, data: &[u8]) {
        match RecordType::from_code(rtype) {
            Some(RecordType::Ns | RecordType::Cname) => self.name(data),
            Some(RecordType::Mx) => {
                let (preference, exchange) = data.split_at_checked(2).unwrap_or_default();
                self.out.extend(preference);
                self.name(exchange);
            }
            Some(RecordType::Soa) => {
                let (names, numbers) = data.split_at_checked(data.len().saturating_sub(20)).unwrap_or_default();
                let mname_end = name::labels(names).map(|label| label.len() + 1).sum::<usize>() + 1;
                let (mname, rname) = names.split_at_checked(mname_end).unwrap_or_default();
                self.name(mname);
                self.name(rname);
                self.out.extend(numbers);
            }
            // RFC 3597, section 4: names in types later than RFC 1035 are not compressed.
            _ => self.out.extend(data),
        }
    }

    /// Writes a name: its first labels as they are, and a pointer to the longest rest that has been written before.
    fn name(&mut self, wire: &[u8]) {
        // What a suffix hashes to depends on its labels from the root upwards, so they are gone through from the right.
        let mut starts = [0u8; 128];
        let mut count = 0;
        let mut at = 0;
        for label in name::labels(wire) {
            let Some(start) = starts.get_mut(count) else { return };
            *start = at as u8;
            at += 1 + label.len();
            count += 1;
        }
        let mut hashes = [0u16; 128];
        let mut hash = 0x811c_9dc5;
        for index in (0..count).rev() {
            let start = usize::from(starts[index]);
            let end = start + 1 + usize::from(wire[start]);
            for &octet in &wire[start..end] {
                hash = (hash ^ u32::from(octet.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
            }
            hashes[index] = (hash ^ hash >> 16) as u16;
        }
        let known = (0..count).find_map(|index| {
            let suffix = &wire[usize::from(starts[index])..];
            self.offset_of(suffix, hashes[index]).map(|offset| (index, offset))
        });
        let fresh = known.map_or(count, |(index, _)| index);
        let base = self.len();
        for index in 0..fresh {
            let offset = base + usize::from(starts[index]);
            if offset < POINTER_REACH {
                self.compression.seen.push(u32::from(hashes[index]) << 16 | offset as u32);
            }
        }
        match known {
            Some((index, offset)) => {
                self.out.extend(&wire[..usize::from(starts[index])]);
                self.out.extend((0xc000 | offset).to_be_bytes());
            }
            None => self.out.extend(wire),
        }
    }

    /// Where `suffix` stands in the message.
    fn offset_of(&self, suffix: &[u8], hash: u16) -> Option<u16> {
        let candidates = self.compression.seen.iter().filter(|&&entry| (entry >> 16) as u16 == hash);
        candidates.map(|&entry| entry as u16).find(|&offset| self.stands_at(offset, suffix))
    }

    /// Whether the name at `offset` is `suffix`, without regard to case.
    fn stands_at(&self, offset: u16, suffix: &[u8]) -> bool {
        let message = &self.out[self.start..];
        let mut at = usize::from(offset);
        let mut labels = name::labels(suffix);
        loop {
            match message.get(at) {
                Some(0) => return labels.next().is_none(),
                Some(&high) if high >= 0xc0 => {
                    let Some(&low) = message.get(at + 1) else { return false };
                    let target = usize::from(high & 0x3f) << 8 | usize::from(low);
                    // Pointers lead backwards, or this would not end.
                    if target >= at {
                        return false;
                    }
                    at = target;
                }
                Some(&length) => {
                    let end = at + 1 + usize::from(length);
                    let same = labels
                        .next()
                        .zip(message.get(at + 1..end))
                        .is_some_and(|(label, written)| label.eq_ignore_ascii_case(written));
                    if !same {
                        return false;
                    }
                    at = end;
                }
                None => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::base::Message;
    use domain::base::iana::Rtype;
    use domain::base::name::{ParsedName, ToName};
    use domain::rdata::Mx;
    use proptest::prelude::*;

    use super::*;

    fn names() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let label = prop::collection::vec(prop::sample::select(b"abAB\0\xc0".to_vec()), 1..4);
        let name = prop::collection::vec(label, 0..5).prop_map(|labels| {
            let mut wire: Vec<u8> =
                labels.iter().flat_map(|label| [&[label.len() as u8], label.as_slice()].concat()).collect();
            wire.push(0);
            wire
        });
        prop::collection::vec(name, 1..200)
    }

    proptest! {
        #[test]
        fn compressed_names_are_read_back(names in names(), limit in 12usize..9000) {
            let mut out = b"before".to_vec();
            let mut compression = Compression::default();
            let opt = OptReply { payload_size: 1232, extended_rcode: 0, dnssec_ok: true, options: b"\0\x03\0\x01x" };
            let mut writer = Writer::new(&mut out, &mut compression, limit, Some(opt));
            let mut written = Vec::new();
            for (owner, exchange) in names.iter().zip(names.iter().rev()) {
                let data = [&[0, 10], exchange.as_slice()].concat();
                if writer.record(Section::Answer, owner, Rtype::MX.to_int(), 7, &data).is_ok() {
                    written.push((owner, exchange));
                }
            }
            writer.finish(Header::new(), Some(opt));
            let message = Message::from_octets(&out[6..]).unwrap();
            prop_assert!(message.as_slice().len() <= limit.max(HEADER + opt.octets()));
            let read: Vec<_> = message.answer().unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), written.len());
            for (record, (owner, exchange)) in read.iter().zip(written) {
                let data = record.to_record::<Mx<ParsedName<&[u8]>>>().unwrap().unwrap();
                prop_assert!(record.owner().to_vec().as_slice().eq_ignore_ascii_case(owner));
                prop_assert!(data.data().exchange().to_vec().as_slice().eq_ignore_ascii_case(exchange));
            }
            prop_assert_eq!(message.opt().map(|opt| opt.udp_payload_size()), Some(1232));
        }
    }

    #[test]
    fn what_does_not_fit_is_taken_back_whole() {
        let mut out = Vec::new();
        let mut compression = Compression::default();
        let mut writer = Writer::new(&mut out, &mut compression, 60, None);
        writer.question(b"\x01a\0", 1, 1);
        let packed = crate::node::RrsetBuf { rtype: 1, ttl: 1, records: vec![vec![0; 4]; 3] };
        let node = crate::node::Node::pack(b"", &[packed]).unwrap();
        let rrset = node.rrset(1).unwrap();
        let before = writer.len();
        assert_eq!(writer.rrset(Section::Answer, b"\x01b\0", rrset, 1), Err(Full));
        assert_eq!((writer.len(), writer.has_records()), (before, false));
        assert_eq!(writer.record(Section::Answer, b"\x01b\0", 1, 1, &[0; 4]), Ok(()));
        writer.clear();
        assert_eq!((writer.len(), writer.has_records()), (before, false));
    }
}
