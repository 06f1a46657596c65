//! One zone at one version: looking up names, and applying changes.
//!
//! Names are in a persistent set in the order of their keys, in which the names below a name are a range (see [`dns::key`]). A
//! change copies the path to the names it touches and shares all others with the version before, so it costs the same in a zone
//! of ten records and of a million, and readers of the old version are not affected.

use std::collections::BTreeMap;
use std::ops::Bound;

use dns::rdata::Soa;
use dns::{OwnerName, RecordType, ResourceRecord, Serial, ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};
use imbl::OrdSet;

use crate::node::{Node, RrsetBuf};

/// An immutable version of a zone.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    id: ZoneId,
    name: ZoneName,
    serial: Serial,
    /// The apex, with the SOA, is always among them.
    nodes: OrdSet<Node>,
}

/// What a zone has at a name (RFC 1034, section 4.3.2, step 3; RFC 4592, section 3.3.1).
#[derive(Debug, Clone)]
pub(crate) enum Found<'z> {
    /// The name has records.
    Exact(&'z Node),
    /// The name does not exist, and this wildcard answers for it.
    Wildcard(&'z Node),
    /// The name has no records, but exists: others are below it (RFC 8020). Or its wildcard is such a name.
    Empty,
    /// No such name.
    Nothing,
    /// The name is delegated (RFC 1034, section 4.2.1).
    Cut {
        /// Where the zone is cut.
        node: &'z Node,
        /// How many labels the cut's name has more than the apex's.
        depth: usize,
        /// Whether the name is the cut itself, not below it.
        at: bool,
    },
    /// The name is below one that has a DNAME (RFC 6672, section 3.2).
    Renamed {
        /// Where the DNAME is.
        node: &'z Node,
        /// How many labels that name has more than the apex's.
        depth: usize,
    },
}

/// Why a delta does not fit a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diverged {
    pub(crate) owner: OwnerName,
    pub(crate) record_type: RecordType,
}

impl Zone {
    /// Packs a snapshot. Of records with different TTLs in one RRset the first counts, and a record that stands there twice
    /// counts once, as with BIND.
    pub(crate) fn new(snapshot: &ZoneSnapshot) -> Zone {
        let mut names: BTreeMap<&[u8], Vec<RrsetBuf>> = BTreeMap::new();
        names.entry(&[]).or_default().push(soa_rrset(&snapshot.soa));
        for record in &snapshot.records {
            let rrsets = names.entry(record.owner.key()).or_default();
            let records = &mut rrset_for(rrsets, record).records;
            let data = record.data.wire();
            if !records.contains(&data) {
                records.push(data);
            }
        }
        let nodes = names.into_iter().filter_map(|(key, rrsets)| Node::pack(key, &rrsets)).collect();
        Zone { id: snapshot.id, name: snapshot.name.clone(), serial: snapshot.serial(), nodes }
    }

    /// The zone after `delta`, whose starting serial is this one's.
    pub(crate) fn after(&self, delta: &ZoneDelta) -> Result<Zone, Diverged> {
        let mut changes: BTreeMap<&[u8], Change<'_>> = BTreeMap::new();
        changes.entry(&[]).or_default();
        for record in &delta.removed {
            changes.entry(record.owner.key()).or_default().removed.push(record);
        }
        for record in &delta.added {
            changes.entry(record.owner.key()).or_default().added.push(record);
        }
        let mut nodes = self.nodes.clone();
        for (key, change) in changes {
            let mut rrsets = nodes.get(key).map(Node::unpack).unwrap_or_default();
            change.make(&mut rrsets)?;
            if key.is_empty() {
                rrsets.retain(|rrset| rrset.rtype != RecordType::Soa.code());
                let at = rrsets.partition_point(|rrset| rrset.rtype < RecordType::Soa.code());
                rrsets.insert(at, soa_rrset(&delta.to));
            }
            match Node::pack(key, &rrsets) {
                Some(node) => nodes.insert(node),
                None => nodes.remove(key),
            };
        }
        Ok(Zone { id: self.id, name: self.name.clone(), serial: delta.to.serial, nodes })
    }

    /// Which zone.
    pub(crate) fn id(&self) -> ZoneId {
        self.id
    }

    /// Its name.
    pub(crate) fn name(&self) -> &ZoneName {
        &self.name
    }

    /// Its version's serial.
    pub(crate) fn serial(&self) -> Serial {
        self.serial
    }

    /// The apex.
    pub(crate) fn apex(&self) -> Option<&Node> {
        self.nodes.get([].as_slice())
    }

    /// All names with records, in canonical order, the apex first.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// The name with exactly this key, whatever lies between it and the apex.
    pub(crate) fn node(&self, key: &[u8]) -> Option<&Node> {
        self.nodes.get(key)
    }

    /// What the zone has at a name, given as its key and the ends in it of the labels from the apex downwards.
    pub(crate) fn find(&self, key: &[u8], ends: &[u16]) -> Found<'_> {
        let is_renamed = |node: &Node| node.rrset(RecordType::Dname.code()).is_some();
        if let Some(node) = self.apex().filter(|apex| !ends.is_empty() && is_renamed(apex)) {
            return Found::Renamed { node, depth: 0 };
        }
        let mut encloser = 0;
        for (index, &end) in ends.iter().enumerate() {
            let end = usize::from(end);
            let Some(name) = key.get(..end) else { return Found::Nothing };
            let last = index + 1 == ends.len();
            match self.nodes.get(name) {
                Some(node) if node.rrset(RecordType::Ns.code()).is_some() => {
                    return Found::Cut { node, depth: index + 1, at: last };
                }
                Some(node) if last => return Found::Exact(node),
                Some(node) if is_renamed(node) => return Found::Renamed { node, depth: index + 1 },
                Some(_) => {}
                None if !self.has_below(name) => return self.synthesize(key.get(..encloser).unwrap_or_default()),
                None if last => return Found::Empty,
                None => {}
            }
            encloser = end;
        }
        self.apex().map_or(Found::Nothing, Found::Exact)
    }

    /// The wildcard below the closest encloser (RFC 4592, section 3.3.1).
    fn synthesize(&self, encloser: &[u8]) -> Found<'_> {
        let mut source = encloser.to_vec();
        dns::key::push_label(&mut source, b"*");
        match self.nodes.get(source.as_slice()) {
            Some(node) => Found::Wildcard(node),
            None if self.has_below(&source) => Found::Empty,
            None => Found::Nothing,
        }
    }

    /// Whether names exist below the one with this key.
    fn has_below(&self, key: &[u8]) -> bool {
        let after = (Bound::Excluded(key), Bound::Unbounded);
        self.nodes.range::<_, [u8]>(after).next().is_some_and(|node| node.key().starts_with(key))
    }
}

/// What happens to one name.
#[derive(Default)]
struct Change<'d> {
    removed: Vec<&'d ResourceRecord>,
    added: Vec<&'d ResourceRecord>,
}

impl Change<'_> {
    fn make(&self, rrsets: &mut Vec<RrsetBuf>) -> Result<(), Diverged> {
        let diverged =
            |record: &ResourceRecord| Diverged { owner: record.owner.clone(), record_type: record.data.record_type() };
        for record in &self.removed {
            let (rtype, data) = (record.data.record_type().code(), record.data.wire());
            let rrset = rrsets.iter_mut().find(|rrset| rrset.rtype == rtype && rrset.ttl == record.ttl.seconds());
            let rrset = rrset.ok_or_else(|| diverged(record))?;
            let at = rrset.records.iter().position(|other| *other == data).ok_or_else(|| diverged(record))?;
            rrset.records.remove(at);
        }
        rrsets.retain(|rrset| !rrset.records.is_empty());
        for record in &self.added {
            let rrset = rrset_for(rrsets, record);
            let data = record.data.wire();
            if rrset.ttl != record.ttl.seconds() || rrset.records.contains(&data) {
                return Err(diverged(record));
            }
            rrset.records.push(data);
        }
        Ok(())
    }
}

/// The RRset that a record belongs to; an empty one with the record's TTL where there is none yet. Keeps the order by type.
fn rrset_for<'r>(rrsets: &'r mut Vec<RrsetBuf>, record: &ResourceRecord) -> &'r mut RrsetBuf {
    let record_type = record.data.record_type();
    let at = rrsets.partition_point(|rrset| rrset.rtype < record_type.code());
    if rrsets.get(at).is_none_or(|rrset| rrset.rtype != record_type.code()) {
        rrsets.insert(at, RrsetBuf::new(record_type, record.ttl.seconds()));
    }
    &mut rrsets[at]
}

fn soa_rrset(soa: &Soa) -> RrsetBuf {
    RrsetBuf { rtype: RecordType::Soa.code(), ttl: soa.ttl.seconds(), records: vec![soa.wire()] }
}

#[cfg(test)]
mod tests {
    use dns::{Name, RecordData, Ttl};

    use super::*;
    use crate::name::{FlatName, RelativeKey};

    /// A zone whose records are all at these names: NS where the name is followed by "NS", A otherwise.
    fn zone(names: &[&str]) -> Zone {
        let name = ZoneName::parse("example.com").unwrap();
        let record = |text: &&str| {
            let (owner, record_type, value) = match text.strip_suffix(" NS") {
                Some(owner) => (owner, RecordType::Ns, "ns.example.net"),
                None => (*text, RecordType::A, "192.0.2.1"),
            };
            ResourceRecord {
                owner: OwnerName::parse(owner, &name).unwrap(),
                ttl: Ttl::DEFAULT,
                data: RecordData::parse(record_type, value, None, &name).unwrap(),
            }
        };
        let host = Name::parse("ns.example.net").unwrap();
        let (serial, ttl) = (Serial(1), Ttl::DEFAULT);
        let soa = Soa { mname: host.clone(), rname: host, serial, refresh: 1, retry: 1, expire: 1, minimum: 1, ttl };
        let records = names.iter().map(record).collect();
        Zone::new(&ZoneSnapshot { id: ZoneId(uuid::Uuid::nil()), name, soa, records })
    }

    fn found(zone: &Zone, owner: &str) -> String {
        let name = OwnerName::parse(owner, zone.name()).unwrap().in_zone(zone.name());
        let flat = FlatName::from_wire(name.wire()).unwrap();
        let mut key = RelativeKey::default();
        key.set(&flat, flat.depth_below(zone.name().name().wire()).unwrap());
        let at = |node: &Node| OwnerName::from_key(node.key()).unwrap().to_string();
        match zone.find(key.key(), key.ends()) {
            Found::Exact(node) => format!("is {}", at(node)),
            Found::Wildcard(node) => format!("by {}", at(node)),
            Found::Empty => "empty".to_owned(),
            Found::Renamed { depth, .. } => format!("renamed at {depth}"),
            Found::Nothing => "nothing".to_owned(),
            Found::Cut { node, depth, at: true } => format!("cut {} {depth}", at(node)),
            Found::Cut { node, depth, at: false } => format!("below {} {depth}", at(node)),
        }
    }

    #[test]
    fn names_are_found_as_rfc_1034_and_rfc_4592_say() {
        let zone = zone(&[
            "@ NS",
            "www",
            "a.b.c",
            "*.wild",
            "here.wild",
            "below.deep.wild",
            "x.*.odd",
            "sub NS",
            "ns.sub",
            "*.sub",
            "cut.sub NS",
            "d.e NS",
            "*.x.y",
            "ab",
        ]);
        for (owner, expected) in [
            ("@", "is @"),
            ("www", "is www"),
            ("WWW", "is www"),
            ("ww", "nothing"),
            ("wwww", "nothing"),
            ("x.www", "nothing"),
            // Empty non-terminals, and a name that only begins like another.
            ("c", "empty"),
            ("b.c", "empty"),
            ("a.b.c", "is a.b.c"),
            ("x.b.c", "nothing"),
            ("a", "nothing"),
            // Wildcards: closest encloser, not below names that exist, not for themselves.
            ("wild", "empty"),
            ("x.wild", "by *.wild"),
            ("x.y.wild", "by *.wild"),
            ("*.wild", "is *.wild"),
            ("x.*.wild", "nothing"),
            ("here.wild", "is here.wild"),
            ("x.here.wild", "nothing"),
            ("deep.wild", "empty"),
            ("x.deep.wild", "nothing"),
            ("q.odd", "empty"),
            ("*.odd", "empty"),
            ("q.x.y", "by *.x.y"),
            ("q.y", "nothing"),
            // Cuts: the topmost counts, and hides what is below.
            ("sub", "cut sub 1"),
            ("ns.sub", "below sub 1"),
            ("x.cut.sub", "below sub 1"),
            ("e", "empty"),
            ("d.e", "cut d.e 2"),
            ("x.y.d.e", "below d.e 2"),
        ] {
            assert_eq!(found(&zone, owner), expected, "{owner}");
        }
    }
}
