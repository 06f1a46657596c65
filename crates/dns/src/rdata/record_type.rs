//! Record types: which there are, and which users may make.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::form::Form;
use super::{a, aaaa, caa, cname, mx, ns, srv, txt};
use crate::Fault;

/// A type that a record can have here: known, or any other that has only a number. Ordered by number, which is also the order
/// in a zone file. The number is what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordType {
    /// An IPv4 address (RFC 1035, section 3.4.1).
    A,
    /// A nameserver (RFC 1035, section 3.3.11).
    Ns,
    /// An alias (RFC 1035, section 3.3.1).
    Cname,
    /// The start of authority (RFC 1035, section 3.3.13): made by the server.
    Soa,
    /// A mail exchange (RFC 1035, section 3.3.9).
    Mx,
    /// Text (RFC 1035, section 3.3.14).
    Txt,
    /// An IPv6 address (RFC 3596).
    Aaaa,
    /// A service (RFC 2782).
    Srv,
    /// Who may issue certificates (RFC 8659).
    Caa,
    /// Any other (RFC 3597): `TYPE65280`.
    Unknown(UnknownType),
}

/// The number of a type that is none of the known ones, and that a record may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownType(u16);

/// The types that no user may make records of, though they have a name, and why. The ranges of [`refusal`] are beside them.
const REFUSED: &[(u16, &str, &str)] = &[
    (6, "SOA", MADE_BY_SERVER),
    (24, "SIG", SIGNING),
    (30, "NXT", SIGNING),
    (41, "OPT", NO_DATA),
    (46, "RRSIG", SIGNING),
    (47, "NSEC", SIGNING),
    (50, "NSEC3", SIGNING),
    (51, "NSEC3PARAM", SIGNING),
    (249, "TKEY", NO_DATA),
    (250, "TSIG", NO_DATA),
    (251, "IXFR", NO_DATA),
    (252, "AXFR", NO_DATA),
    (253, "MAILB", NO_DATA),
    (254, "MAILA", NO_DATA),
    (255, "ANY", NO_DATA),
];

const MADE_BY_SERVER: &str = "is made by the server";
const SIGNING: &str = "is made by the nameserver when it signs the zone";
const NO_DATA: &str = "is part of queries and messages, never of a zone";

impl RecordType {
    /// The known types that users make records of, by number. SOA is not among them: the server makes the only one a zone has.
    pub const EDITABLE: [RecordType; 8] =
        [Self::A, Self::Ns, Self::Cname, Self::Mx, Self::Txt, Self::Aaaa, Self::Srv, Self::Caa];

    /// Reads the name of a type that users may make, in any letter case: a mnemonic, or `TYPE` and its number (RFC 3597,
    /// section 5). A known type's number is that type.
    pub fn parse(text: &str) -> Result<RecordType, Fault> {
        let fault = |detail: String| Fault::of("record_type", "record-type", detail);
        let Some(code) = RecordType::code_of(text) else {
            let all: Vec<_> = Self::EDITABLE.iter().map(RecordType::to_string).collect();
            return Err(fault(format!(
                "\"{}\" is not a supported record type; use one of {}",
                text.escape_default(),
                all.join(", ")
            )));
        };
        match refusal(code) {
            Some(reason) => Err(fault(format!("the {} record {reason}", text.to_ascii_uppercase()))),
            None => RecordType::from_code(code).ok_or_else(|| fault(format!("{text} cannot be a record's type"))),
        }
    }

    /// The number of a mnemonic or of `TYPEnnn`, in any letter case; also of types that no user may make.
    pub fn code_of(text: &str) -> Option<u16> {
        if let Some(known) =
            Self::EDITABLE.iter().filter_map(|known| known.form()).find(|form| form.name.eq_ignore_ascii_case(text))
        {
            return Some(known.code);
        }
        if let Some((code, _, _)) = REFUSED.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(text)) {
            return Some(*code);
        }
        let (prefix, digits) = text.split_at_checked(4)?;
        if !prefix.eq_ignore_ascii_case("TYPE") {
            return None;
        }
        super::text::number(digits)
    }

    /// Why no user may make records of the type with that number, as the end of a sentence; `None` where they may.
    pub fn refusal(code: u16) -> Option<&'static str> {
        refusal(code)
    }

    /// The type with that number; `None` where a user's record cannot have it, unless it is the SOA.
    pub fn from_code(code: u16) -> Option<RecordType> {
        if code == Self::Soa.code() {
            return Some(Self::Soa);
        }
        match Self::EDITABLE.binary_search_by_key(&code, |known| known.code()) {
            Ok(at) => Self::EDITABLE.get(at).copied(),
            Err(_) => refusal(code).is_none().then_some(Self::Unknown(UnknownType(code))),
        }
    }

    /// Its number in the IANA registry.
    pub const fn code(self) -> u16 {
        match self {
            Self::Soa => 6,
            Self::Unknown(UnknownType(code)) => code,
            known => match known.form() {
                Some(form) => form.code,
                None => 0,
            },
        }
    }

    /// Its mnemonic in upper case, or `TYPE` and its number.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::Soa => Cow::Borrowed("SOA"),
            Self::Unknown(UnknownType(code)) => Cow::Owned(format!("TYPE{code}")),
            known => Cow::Borrowed(known.form().map_or("", |form| form.name)),
        }
    }

    /// How its data is written; `None` for unknown types, and for the SOA.
    pub const fn form(self) -> Option<&'static Form> {
        Some(match self {
            Self::A => &a::FORM,
            Self::Ns => &ns::FORM,
            Self::Cname => &cname::FORM,
            Self::Mx => &mx::FORM,
            Self::Txt => &txt::FORM,
            Self::Aaaa => &aaaa::FORM,
            Self::Srv => &srv::FORM,
            Self::Caa => &caa::FORM,
            Self::Soa | Self::Unknown(_) => return None,
        })
    }

    /// Whether users give a priority beside the value.
    pub fn has_priority(self) -> bool {
        matches!(self, Self::Mx | Self::Srv)
    }
}

fn refusal(code: u16) -> Option<&'static str> {
    match code {
        0 => Some("has the number 0, which is reserved"),
        65535 => Some("has the number 65535, which is reserved"),
        // RFC 6895, section 3.1: question and meta types.
        128..=255 => Some(NO_DATA),
        _ => REFUSED.iter().find(|(refused, _, _)| *refused == code).map(|(_, _, reason)| *reason),
    }
}

impl PartialOrd for RecordType {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RecordType {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(&other.code())
    }
}

impl Hash for RecordType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.code().hash(state);
    }
}

/// Its name.
impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_no_user_may_make_are_refused_with_the_reason() {
        for (text, reason) in [
            ("", "not a supported record type"),
            (" MX", "not a supported record type"),
            ("TYPE", "not a supported record type"),
            ("TYPE65536", "not a supported record type"),
            ("TYPE-1", "not a supported record type"),
            ("TYPE+1", "not a supported record type"),
            ("TYPE 1", "not a supported record type"),
            ("ÄYPE1", "not a supported record type"),
            ("soa", "made by the server"),
            ("TYPE6", "made by the server"),
            ("RRSIG", "when it signs the zone"),
            ("TYPE46", "when it signs the zone"),
            ("NSEC", "when it signs the zone"),
            ("NSEC3", "when it signs the zone"),
            ("NSEC3PARAM", "when it signs the zone"),
            ("OPT", "never of a zone"),
            ("TSIG", "never of a zone"),
            ("TKEY", "never of a zone"),
            ("any", "never of a zone"),
            ("AXFR", "never of a zone"),
            ("IXFR", "never of a zone"),
            ("MAILA", "never of a zone"),
            ("MAILB", "never of a zone"),
            ("TYPE128", "never of a zone"),
            ("TYPE255", "never of a zone"),
            ("TYPE0", "reserved"),
            ("TYPE65535", "reserved"),
        ] {
            let fault = RecordType::parse(text).unwrap_err();
            assert_eq!((fault.field, fault.check), (Some("record_type"), "record-type"), "{text:?}");
            assert!(fault.detail.contains(reason), "{text:?}: {fault}");
        }
    }

    #[test]
    fn types_are_read_in_any_case_and_by_number() {
        for text in ["MX", "mx", "Mx", "TYPE15", "type15", "TYPE0015"] {
            assert_eq!(RecordType::parse(text).unwrap(), RecordType::Mx, "{text}");
        }
        let unknown = RecordType::parse("type65280").unwrap();
        assert_eq!((unknown.code(), unknown.to_string().as_str()), (65280, "TYPE65280"));
        assert_eq!(RecordType::from_code(65280), Some(unknown));
    }

    #[test]
    fn the_known_types_are_listed_by_number() {
        assert!(RecordType::EDITABLE.is_sorted_by(|a, b| a < b));
        for known in RecordType::EDITABLE {
            assert_eq!(RecordType::from_code(known.code()), Some(known));
            assert_eq!(RecordType::parse(&known.to_string()), Ok(known));
        }
        for code in 0..=u16::MAX {
            match RecordType::from_code(code) {
                Some(known) => assert_eq!(known.code(), code),
                None => assert!(refusal(code).is_some()),
            }
        }
    }
}
