//! The owner of a record, relative to its zone.

use std::fmt;
use std::sync::Arc;

use crate::key;
use crate::name::{MAX_WIRE, Name, NameError, parse_labels, write_labels};
use crate::zone::ZoneName;

/// A name inside a zone, relative to the apex. Ordered canonically (RFC 4034, section 6.1); the apex comes first.
///
/// Held as a sort key (labels from the apex downwards), which is also how the store keeps it: what is below a name is a range.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerName(Arc<[u8]>);

impl OwnerName {
    /// The zone's own name, `@`.
    pub fn apex() -> OwnerName {
        OwnerName(Arc::from([]))
    }

    /// Reads an owner as users write it: `@`, a relative name, or a full name inside the zone with or without its final dot.
    /// A name that does not end in the zone's name is relative.
    pub fn parse(text: &str, zone: &ZoneName) -> Result<OwnerName, NameError> {
        if text == "@" {
            return Ok(OwnerName::apex());
        }
        let parsed = parse_labels(text)?;
        let labels = || parsed.labels.iter().map(Vec::as_slice);
        let outside = || NameError::OutsideZone { name: text.to_owned(), zone: zone.to_string() };
        let full = Name::from_labels(labels())?;
        if let Some(owner) = OwnerName::of(&full, zone) {
            return Ok(owner);
        }
        if parsed.absolute {
            return Err(outside());
        }
        let full = Name::from_labels(labels().chain(zone.name().labels()))?;
        OwnerName::of(&full, zone).ok_or_else(outside)
    }

    /// The owner that an absolute name is in `zone`; `None` outside.
    pub fn of(name: &Name, zone: &ZoneName) -> Option<OwnerName> {
        name.suffix_start(zone.name())?;
        let depth = name.labels().count() - zone.name().labels().count();
        let labels: Vec<&[u8]> = name.labels().take(depth).collect();
        let mut bytes = Vec::with_capacity(name.wire().len());
        for label in labels.iter().rev() {
            key::push_label(&mut bytes, label);
        }
        Some(OwnerName(bytes.into()))
    }

    /// The absolute name.
    pub fn in_zone(&self, zone: &ZoneName) -> Name {
        let labels = self.labels();
        let all = labels.iter().map(Vec::as_slice).chain(zone.name().labels());
        // Both constructors above have seen the full name and its length.
        Name::from_labels(all).unwrap_or_else(|_| zone.name().clone())
    }

    /// The names above this one inside the zone: the nearest first, the apex last. None above the apex.
    pub fn ancestors(&self) -> impl Iterator<Item = OwnerName> + '_ {
        let ends = self.0.iter().enumerate().filter(|(_, octet)| **octet == 0).map(|(at, _)| at + 1);
        let whole = self.0.len();
        let starts: Vec<usize> = std::iter::once(0).chain(ends).filter(|end| *end < whole).collect();
        starts.into_iter().rev().map(|end| OwnerName(self.0[..end].into()))
    }

    /// Whether this name lies below `other`, and is not the same.
    pub fn is_below(&self, other: &OwnerName) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }

    /// Whether this is the apex.
    pub fn is_apex(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the leftmost label is `*` (RFC 4592, section 2.1.1).
    pub fn is_wildcard(&self) -> bool {
        key::raw_labels(&self.0).last() == Some(b"*")
    }

    /// The name above; `None` for the apex.
    pub fn parent(&self) -> Option<OwnerName> {
        let (_, labels) = self.0.split_last()?;
        let start = labels.iter().rposition(|octet| *octet == 0).map_or(0, |end| end + 1);
        Some(OwnerName(labels[..start].into()))
    }

    /// The wildcard directly below this name; `None` where it would be too long.
    pub fn wildcard(&self, zone: &ZoneName) -> Option<OwnerName> {
        let full = Name::from_labels([b"*".as_slice()].into_iter().chain(self.in_zone(zone).labels())).ok()?;
        OwnerName::of(&full, zone)
    }

    /// The sort key, for the store and for trees.
    pub fn key(&self) -> &[u8] {
        &self.0
    }

    /// Octets that sort behind the keys of all names below this one, and before those of all others that come later.
    pub fn key_after_below(&self) -> Vec<u8> {
        let mut key = self.0.to_vec();
        match key.last_mut() {
            // A zero ends the last label; no key has a one there that is not below this name.
            Some(end) => *end = 1,
            None => key.resize(2 * MAX_WIRE + 1, u8::MAX),
        }
        key
    }

    /// The owner whose [`OwnerName::key`] this is; `None` where the octets are no key.
    pub fn from_key(bytes: &[u8]) -> Option<OwnerName> {
        let whole = bytes.is_empty() || bytes.ends_with(&[0]);
        let sound = key::raw_labels(bytes).all(|label| !label.is_empty());
        (whole && sound && bytes.len() <= 2 * MAX_WIRE).then(|| OwnerName(bytes.into()))
    }

    /// The labels, leftmost first.
    fn labels(&self) -> Vec<Vec<u8>> {
        let mut labels: Vec<_> = key::raw_labels(&self.0).map(key::unescape).collect();
        labels.reverse();
        labels
    }
}

/// Relative to the zone; `@` for the apex.
impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_apex() {
            return f.write_str("@");
        }
        write_labels(f, self.labels().iter().map(Vec::as_slice))
    }
}

impl fmt::Debug for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relatives() {
        let owner = |text| OwnerName::parse(text, &zone()).unwrap();
        assert_eq!(OwnerName::apex().parent(), None);
        for (name, parent) in [("www", "@"), ("a.b", "b"), ("a\\.x.b\\000", "b\\000"), ("*", "@")] {
            assert_eq!(owner(name).parent(), Some(owner(parent)), "{name}");
        }
        for (name, wildcard) in [("@", "*"), ("b", "*.b"), ("*", "*.*")] {
            assert_eq!(owner(name).wildcard(&zone()), Some(owner(wildcard)), "{name}");
        }
        let longest = [&"x".repeat(63)[..], &"y".repeat(63), &"z".repeat(63), &"w".repeat(49)].join(".");
        assert_eq!(owner(&longest).wildcard(&zone()), None);
    }

    fn zone() -> ZoneName {
        ZoneName::parse("example.com").unwrap()
    }

    #[test]
    fn outside_or_malformed_owners_are_refused() {
        let long = "a".repeat(64);
        let deep = ["a"; 130].join(".");
        let long_full = format!("{long}.example.com.");
        let endless = "é".repeat(100_000);
        for (text, reason) in [
            ("", "may not be empty"),
            (".", "empty label"),
            ("a..b", "empty label"),
            (".a", "empty label"),
            ("www.example.org.", "not inside the zone example.com"),
            ("com.", "not inside the zone"),
            (long.as_str(), "longer than 63"),
            (deep.as_str(), "longer than 255"),
            (long_full.as_str(), "longer than 63"),
            (endless.as_str(), "longer than 255"),
            ("a b", "cannot contain spaces"),
            ("a\nb", "is not allowed in a name"),
            ("a;b", "is not allowed in a name"),
            ("$INCLUDE", "is not allowed in a name"),
            ("\"a\"", "is not allowed in a name"),
            ("a\\25", "backslash"),
            ("a\\256", "backslash"),
            ("a\\", "backslash"),
            ("é\\046b", "is not allowed in a name"),
            ("xn--\u{e9}", "internationalized"),
            ("é＼046b", "is not allowed in a name"),
            ("a＼.b", "is not allowed in a name"),
            ("www＠", "is not allowed in a name"),
            ("é\u{a0}b", "cannot contain spaces"),
            ("a\u{ad}..b", "empty label"),
            ("\u{ad}", "empty label"),
            ("a。。b", "empty label"),
            ("。", "empty label"),
            ("www.example.org。", "not inside the zone"),
            ("a\u{2028}b", "internationalized"),
            ("\u{202e}abc", "invisible character U+202E"),
            ("abc\u{2066}", "invisible character U+2066"),
            ("abc\u{200f}", "invisible character U+200F"),
            ("\u{feff}www", "invisible character U+FEFF"),
            ("w\u{200b}ww", "invisible character U+200B"),
            ("www\u{2060}", "invisible character U+2060"),
            ("w\u{200d}ww", "internationalized"),
            ("w\u{200c}ww", "internationalized"),
            ("xn--0.é", "internationalized"),
            ("אa", "internationalized"),
        ] {
            let error = OwnerName::parse(text, &zone()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn owners_are_answered_relative_in_lower_case() {
        for (text, canonical) in [
            ("@", "@"),
            ("example.com", "@"),
            ("EXAMPLE.com.", "@"),
            ("www", "www"),
            ("WWW.Example.COM", "www"),
            ("www.example.com.", "www"),
            ("a.b", "a.b"),
            ("*", "*"),
            ("*.example.com.", "*"),
            ("_dmarc", "_dmarc"),
            ("www.example.org", "www.example.org"),
            ("a\\.b", "a\\.b"),
            ("a\\046b.c", "a\\.b.c"),
            ("\\000\\001\\032\\255", "\\000\\001\\032\\255"),
            ("\\065bc", "abc"),
            ("a\\;b", "a\\;b"),
            ("\\@", "\\@"),
            ("bücher", "xn--bcher-kva"),
            ("_sip.BÜCHER", "_sip.xn--bcher-kva"),
            ("0/25", "0/25"),
            ("ｗｗｗ．ｂ", "www.b"),
            ("www。example｡com。", "www"),
            ("straße", "xn--strae-oqa"),
            ("xn--strae-oqa", "xn--strae-oqa"),
            ("xn--0", "xn--0"),
            ("a\\.example.com", "a\\.example.com"),
            ("a\\.", "a\\."),
            ("a\\\\", "a\\\\"),
        ] {
            let owner = OwnerName::parse(text, &zone()).unwrap();
            assert_eq!(owner.to_string(), canonical, "{text:?}");
            assert_eq!(OwnerName::parse(canonical, &zone()).unwrap(), owner, "{canonical:?} again");
            assert_eq!(OwnerName::from_key(owner.key()), Some(owner.clone()));
            assert_eq!(OwnerName::of(&owner.in_zone(&zone()), &zone()), Some(owner));
        }
    }

    #[test]
    fn a_full_name_may_have_255_octets() {
        // 13 octets for the zone; 242 remain: 3 labels of 63 and one of 49, each with its octet of length.
        let labels = ["a".repeat(63), "b".repeat(63), "c".repeat(63)].join(".");
        let longest = format!("{labels}.{}", "d".repeat(49));
        let owner = OwnerName::parse(&longest, &zone()).unwrap();
        assert_eq!(owner.in_zone(&zone()).wire().len(), 255);
        assert_eq!(OwnerName::parse(&format!("{longest}.example.com."), &zone()).unwrap(), owner);
        assert_eq!(OwnerName::from_key(owner.key()), Some(owner));
        let escaped = longest.bytes().map(|c| if c == b'.' { ".".into() } else { format!("\\{c:03}") });
        assert_eq!(OwnerName::parse(&escaped.collect::<String>(), &zone()).unwrap().to_string(), longest);
        let error = OwnerName::parse(&format!("{longest}d"), &zone()).unwrap_err();
        assert_eq!(error, NameError::TooLong);
        // Read as relative it would fit no zone; as a full name of another zone it is one, and too long below this one.
        assert_eq!(OwnerName::parse(&format!("{longest}.example.org"), &zone()).unwrap_err(), NameError::TooLong);
    }

    #[test]
    fn ancestors_go_up_to_the_apex() {
        let above = |text: &str| -> Vec<String> {
            OwnerName::parse(text, &zone()).unwrap().ancestors().map(|name| name.to_string()).collect()
        };
        assert_eq!(above("@"), [""; 0]);
        assert_eq!(above("a"), ["@"]);
        assert_eq!(above("c.b\\000\\001.a"), ["b\\000\\001.a", "a", "@"]);
        let owner = |text: &str| OwnerName::parse(text, &zone()).unwrap();
        assert!(owner("a").is_below(&owner("@")) && owner("b.a").is_below(&owner("a")));
        assert!(
            !owner("a").is_below(&owner("a"))
                && !owner("ba").is_below(&owner("a"))
                && !owner("a").is_below(&owner("b.a"))
        );
    }

    #[test]
    fn owners_sort_canonically() {
        let order = ["@", "a", "yljkjljk.a", "z.a", "zabc.a", "z", "\\001.z", "*.z", "\\200.z"];
        let owners: Vec<_> = order.iter().map(|text| OwnerName::parse(text, &zone()).unwrap()).collect();
        assert!(owners.is_sorted(), "the example of RFC 4034, section 6.1");
    }
}
