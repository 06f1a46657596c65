//! Names for queries: without an allocation, cut at every label, converted to keys.

use std::sync::Arc;

use dns::ZoneName;

/// The longest name in wire form (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 255;
/// A name of 255 octets has at most this many labels, the root's not counted.
const MAX_LABELS: usize = 127;

/// An absolute, uncompressed name in wire form, and where its labels begin.
#[derive(Clone, Copy)]
pub(crate) struct FlatName {
    octets: [u8; MAX_NAME],
    length: u8,
    /// Where each label begins, leftmost first, the root's zero octet last.
    starts: [u8; MAX_LABELS + 1],
    labels: u8,
}

impl FlatName {
    /// From labels, leftmost first, the root not among them. `None` where they are too long for a name.
    pub(crate) fn from_labels<'l>(labels: impl Iterator<Item = &'l [u8]>) -> Option<FlatName> {
        let mut name = FlatName { octets: [0; MAX_NAME], length: 1, starts: [0; MAX_LABELS + 1], labels: 0 };
        let mut at = 0;
        for label in labels {
            let end = at + 1 + label.len();
            // One octet is the root's.
            if end >= MAX_NAME || label.is_empty() || label.len() > 63 {
                return None;
            }
            name.octets[at] = label.len() as u8;
            name.octets[at + 1..end].copy_from_slice(label);
            name.labels += 1;
            name.starts[usize::from(name.labels)] = end as u8;
            at = end;
        }
        name.length = at as u8 + 1;
        Some(name)
    }

    /// From a wire form that has been checked when it was stored.
    pub(crate) fn from_wire(wire: &[u8]) -> Option<FlatName> {
        FlatName::from_labels(labels(wire))
    }

    /// The same name in lower case.
    pub(crate) fn to_lower_case(self) -> FlatName {
        let mut lower = self;
        // Octets of length are at most 63, below every letter.
        lower.octets.make_ascii_lowercase();
        lower
    }

    /// The wire form.
    pub(crate) fn wire(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }

    /// How many labels it has, the root's not counted.
    pub(crate) fn label_count(&self) -> usize {
        self.labels.into()
    }

    /// The wire form without the first `labels` labels.
    pub(crate) fn suffix(&self, labels: usize) -> &[u8] {
        let start = self.starts.get(labels).copied().unwrap_or_default();
        &self.wire()[usize::from(start)..]
    }

    /// How many labels stand before `ancestor`, if the name is in it.
    pub(crate) fn depth_below(&self, ancestor: &[u8]) -> Option<usize> {
        (0..=self.label_count())
            .find(|&labels| self.suffix(labels).len() <= ancestor.len())
            .filter(|&labels| self.suffix(labels) == ancestor)
    }
}

/// The labels of a wire form, leftmost first, without the root's.
pub(crate) fn labels(wire: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = wire;
    std::iter::from_fn(move || {
        let (&length, tail) = rest.split_first()?;
        if length == 0 {
            return None;
        }
        let (label, tail) = tail.split_at_checked(length.into())?;
        rest = tail;
        Some(label)
    })
}

/// A name's key relative to a zone, and where in it each label ends.
#[derive(Debug, Default)]
pub(crate) struct RelativeKey {
    key: Vec<u8>,
    ends: Vec<u16>,
}

impl RelativeKey {
    /// Becomes the key of `name` in a zone whose apex is `depth` labels above it.
    pub(crate) fn set(&mut self, name: &FlatName, depth: usize) {
        self.key.clear();
        self.ends.clear();
        for index in (0..depth).rev() {
            let label = labels(name.suffix(index)).next().unwrap_or_default();
            dns::key::push_label(&mut self.key, label);
            self.ends.push(self.key.len() as u16);
        }
    }

    /// The key.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The ends of the labels, from the apex downwards.
    pub(crate) fn ends(&self) -> &[u16] {
        &self.ends
    }
}

/// The absolute name whose key in `zone` this is, in wire form.
pub(crate) fn wire_of(key: &[u8], zone: &ZoneName) -> Arc<[u8]> {
    let mut ends = vec![0];
    ends.extend((0..key.len()).filter(|&at| key[at] == 0).map(|at| at + 1));
    let mut wire = Vec::with_capacity(key.len() + zone.name().wire().len());
    for bounds in ends.windows(2).rev() {
        let label = dns::key::unescape(&key[bounds[0]..bounds[1] - 1]);
        wire.push(label.len() as u8);
        wire.extend(label);
    }
    wire.extend(zone.name().wire());
    wire.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> FlatName {
        FlatName::from_wire(dns::Name::parse(text).unwrap().wire()).unwrap()
    }

    #[test]
    fn suffixes_and_depth() {
        let name = flat("a.b.example.com");
        assert_eq!(name.label_count(), 4);
        assert_eq!(name.suffix(4), [0]);
        assert_eq!(name.depth_below(flat("example.com").wire()), Some(2));
        assert_eq!(name.depth_below(flat("a.b.example.com").wire()), Some(0));
        assert_eq!(name.depth_below(&[0]), Some(4));
        assert_eq!(name.depth_below(flat("xample.com").wire()), None);
        assert_eq!(name.depth_below(flat("c.example.com").wire()), None);
        assert_eq!(flat("com").depth_below(flat("example.com").wire()), None);
    }

    #[test]
    fn a_key_is_the_owners_and_leads_back() {
        let zone = ZoneName::parse("example.com").unwrap();
        let mut key = RelativeKey::default();
        for text in ["example.com", "www.example.com", "a.\\000\\001.b.example.com", "*.example.com"] {
            let name = dns::Name::parse(text).unwrap();
            let flat = FlatName::from_wire(name.wire()).unwrap();
            key.set(&flat, flat.depth_below(zone.name().wire()).unwrap());
            assert_eq!(key.key(), dns::OwnerName::of(&name, &zone).unwrap().key(), "{text}");
            assert_eq!(key.ends().last().map_or(0, |&end| usize::from(end)), key.key().len());
            assert_eq!(&*wire_of(key.key(), &zone), name.wire());
        }
    }

    #[test]
    fn the_longest_names_fit() {
        let most_labels = ["a"; 127].join(".");
        assert_eq!(flat(&most_labels).label_count(), 127);
        assert_eq!(flat(&most_labels).wire().len(), 255);
        let too_many = vec![b"a".as_slice(); 128];
        assert!(FlatName::from_labels(too_many.into_iter()).is_none());
        assert!(FlatName::from_labels([[b'a'; 64].as_slice()].into_iter()).is_none());
    }
}
