//! All RRsets of one name, packed into one allocation.
//!
//! Memory limits a nameserver with a million small zones before time does, so a name costs one allocation: its key (see
//! [`dns::key`]) and its RRsets one after the other, records in wire form. A packed name is compared by its key, read without
//! touching other memory, and copied into an answer unchanged. Nodes never change: a change creates a new one.
//!
//! Decided against: a map of RRsets in each name. Most names have one RRset and few have five; a scan is as fast as a look-up.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

use dns::RecordType;

/// What stands before the records of an RRset: type (2), TTL (4), number of records (2), octets of records (4).
const RRSET_HEADER: usize = 12;

/// A name of a zone with at least one RRset. Ordered, and found in sets, by its key.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// The key's length (2), the key, the RRsets by type.
    packed: Arc<[u8]>,
}

impl Node {
    /// Packs a name. The RRsets must be sorted by type; `None` where there are none.
    pub(crate) fn pack(key: &[u8], rrsets: &[RrsetBuf]) -> Option<Node> {
        if rrsets.is_empty() {
            return None;
        }
        let octets: usize = rrsets.iter().map(|rrset| RRSET_HEADER + rrset.octets()).sum();
        let mut packed = Vec::with_capacity(2 + key.len() + octets);
        packed.extend((key.len() as u16).to_be_bytes());
        packed.extend(key);
        for rrset in rrsets {
            packed.extend(rrset.rtype.to_be_bytes());
            packed.extend(rrset.ttl.to_be_bytes());
            packed.extend((rrset.records.len() as u16).to_be_bytes());
            packed.extend((rrset.octets() as u32).to_be_bytes());
            for data in &rrset.records {
                packed.extend((data.len() as u16).to_be_bytes());
                packed.extend(data);
            }
        }
        Some(Node { packed: packed.into() })
    }

    /// The name's key, relative to the apex.
    pub(crate) fn key(&self) -> &[u8] {
        self.split().0
    }

    /// The RRsets, by type.
    pub(crate) fn rrsets(&self) -> impl Iterator<Item = Rrset<'_>> {
        let mut rest = self.split().1;
        std::iter::from_fn(move || {
            let (rrset, tail) = Rrset::read(rest)?;
            rest = tail;
            Some(rrset)
        })
    }

    /// The RRset of one type.
    pub(crate) fn rrset(&self, rtype: u16) -> Option<Rrset<'_>> {
        self.rrsets().find(|rrset| rrset.rtype == rtype)
    }

    /// The RRsets, to be changed.
    pub(crate) fn unpack(&self) -> Vec<RrsetBuf> {
        let unpack = |rrset: Rrset<'_>| RrsetBuf {
            rtype: rrset.rtype,
            ttl: rrset.ttl,
            records: rrset.records().map(Vec::from).collect(),
        };
        self.rrsets().map(unpack).collect()
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let Some((length, rest)) = self.packed.split_first_chunk::<2>() else { return (&[], &[]) };
        rest.split_at_checked(u16::from_be_bytes(*length).into()).unwrap_or_default()
    }
}

impl Borrow<[u8]> for Node {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Node {}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Node) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Node {
    fn cmp(&self, other: &Node) -> Ordering {
        self.key().cmp(other.key())
    }
}

/// One RRset of a [`Node`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rrset<'n> {
    /// The type's number.
    pub(crate) rtype: u16,
    /// Seconds.
    pub(crate) ttl: u32,
    /// How many records.
    pub(crate) count: u16,
    packed: &'n [u8],
}

impl<'n> Rrset<'n> {
    fn read(packed: &'n [u8]) -> Option<(Rrset<'n>, &'n [u8])> {
        let (&[t0, t1, l0, l1, l2, l3, c0, c1, o0, o1, o2, o3], rest) = packed.split_first_chunk::<RRSET_HEADER>()?;
        let octets = u32::from_be_bytes([o0, o1, o2, o3]);
        let (records, rest) = rest.split_at_checked(octets as usize)?;
        let rrset = Rrset {
            rtype: u16::from_be_bytes([t0, t1]),
            ttl: u32::from_be_bytes([l0, l1, l2, l3]),
            count: u16::from_be_bytes([c0, c1]),
            packed: records,
        };
        Some((rrset, rest))
    }

    /// The data of each record, uncompressed.
    pub(crate) fn records(self) -> impl Iterator<Item = &'n [u8]> + Clone {
        let mut rest = self.packed;
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first_chunk::<2>()?;
            let (data, tail) = tail.split_at_checked(u16::from_be_bytes(*length).into())?;
            rest = tail;
            Some(data)
        })
    }
}

/// An RRset that is being made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RrsetBuf {
    /// The type's number.
    pub(crate) rtype: u16,
    /// Seconds.
    pub(crate) ttl: u32,
    /// The data of each record, uncompressed.
    pub(crate) records: Vec<Vec<u8>>,
}

impl RrsetBuf {
    /// An RRset without records yet.
    pub(crate) fn new(record_type: RecordType, ttl: u32) -> RrsetBuf {
        RrsetBuf { rtype: record_type.code(), ttl, records: Vec::new() }
    }

    fn octets(&self) -> usize {
        self.records.iter().map(|data| 2 + data.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out() {
        let rrsets = vec![
            RrsetBuf { rtype: 1, ttl: 300, records: vec![vec![192, 0, 2, 1], vec![192, 0, 2, 2]] },
            RrsetBuf { rtype: 16, ttl: 0, records: vec![vec![0; 65_255], vec![]] },
        ];
        let node = Node::pack(b"www\0", &rrsets).unwrap();
        assert_eq!(node.key(), b"www\0");
        assert_eq!(node.unpack(), rrsets);
        assert_eq!(node.rrset(1).map(|rrset| (rrset.ttl, rrset.count)), Some((300, 2)));
        assert!(node.rrset(28).is_none());
        assert!(Node::pack(b"www\0", &[]).is_none());
    }
}
