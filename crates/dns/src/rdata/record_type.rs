//! Record types, and which of them users can create.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::RecordData;
use super::fields::{Fields, Names, Readings};
use super::form::Form;
use super::{
    a, aaaa, afsdb, amtrelay, apl, caa, cdnskey, cds, cert, cname, csync, dhcid, dname, dnskey, ds, eui48, eui64,
    hinfo, hip, https, ipseckey, key, kx, l32, l64, loc, lp, mx, naptr, nid, ns, openpgpkey, ptr, resinfo, rp, smimea,
    spf, srv, sshfp, svcb, tlsa, txt, uri, zonemd,
};
use crate::presentation::value_tokens;
use crate::{Fault, Message, Name, message};

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
    /// The name of an address (RFC 1035, section 3.3.12).
    Ptr,
    /// The kind of a host (RFC 1035, section 3.3.2).
    Hinfo,
    /// A mail exchange (RFC 1035, section 3.3.9).
    Mx,
    /// Text (RFC 1035, section 3.3.14).
    Txt,
    /// A responsible person (RFC 1183, section 2.2).
    Rp,
    /// A server of an AFS cell (RFC 1183, section 1).
    Afsdb,
    /// A public key of a name, for SIG(0) (RFC 2535, section 3).
    Key,
    /// An IPv6 address (RFC 3596).
    Aaaa,
    /// A place on earth (RFC 1876).
    Loc,
    /// A service (RFC 2782).
    Srv,
    /// A rule for rewriting names (RFC 3403).
    Naptr,
    /// A key exchanger (RFC 2230).
    Kx,
    /// A certificate (RFC 4398).
    Cert,
    /// Another name for a whole tree (RFC 6672).
    Dname,
    /// Prefixes of addresses (RFC 3123).
    Apl,
    /// A delegation's key (RFC 4034, section 5).
    Ds,
    /// The fingerprint of a host key (RFC 4255).
    Sshfp,
    /// The key of a host for IPsec (RFC 4025).
    Ipseckey,
    /// A key that signs the zone (RFC 4034, section 2).
    Dnskey,
    /// Which DHCP client an address belongs to (RFC 4701).
    Dhcid,
    /// The certificate of a TLS service (RFC 6698).
    Tlsa,
    /// The certificate of a mail user (RFC 8162).
    Smimea,
    /// The identity of a host in HIP (RFC 8005).
    Hip,
    /// The DS record that the parent shall have (RFC 7344).
    Cds,
    /// The key that the parent shall have a DS record for (RFC 7344).
    Cdnskey,
    /// An OpenPGP key (RFC 7929).
    Openpgpkey,
    /// What the parent shall copy (RFC 7477).
    Csync,
    /// A digest over the zone (RFC 8976).
    Zonemd,
    /// How to reach a service (RFC 9460).
    Svcb,
    /// How to reach a web server (RFC 9460).
    Https,
    /// The hosts that may send mail; obsolete (RFC 7208).
    Spf,
    /// A node identifier (RFC 6742).
    Nid,
    /// A 32-bit locator (RFC 6742).
    L32,
    /// A 64-bit locator (RFC 6742).
    L64,
    /// Where locators are (RFC 6742).
    Lp,
    /// An EUI-48 address (RFC 7043).
    Eui48,
    /// An EUI-64 address (RFC 7043).
    Eui64,
    /// The URI of a service (RFC 7553).
    Uri,
    /// Who may issue certificates (RFC 8659).
    Caa,
    /// A relay for multicast (RFC 8777).
    Amtrelay,
    /// What a resolver offers (RFC 9606).
    Resinfo,
    /// Any other (RFC 3597): `TYPE65280`.
    Unknown(UnknownType),
}

/// The number of an unknown type that a record may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownType(u16);

/// The types that no user may make records of, though they have a name, and why. The ranges of [`refusal`] are beside them.
const REFUSED: &[(u16, &str, Message)] = &[
    (3, "MD", UNSUPPORTED),
    (4, "MF", UNSUPPORTED),
    (6, "SOA", MADE_BY_SERVER),
    (7, "MB", UNSUPPORTED),
    (8, "MG", UNSUPPORTED),
    (9, "MR", UNSUPPORTED),
    (10, "NULL", UNSUPPORTED),
    (11, "WKS", UNSUPPORTED),
    (14, "MINFO", UNSUPPORTED),
    (19, "X25", UNSUPPORTED),
    (20, "ISDN", UNSUPPORTED),
    (21, "RT", UNSUPPORTED),
    (22, "NSAP", UNSUPPORTED),
    (23, "NSAP-PTR", UNSUPPORTED),
    (24, "SIG", SIGNING),
    (26, "PX", UNSUPPORTED),
    (27, "GPOS", UNSUPPORTED),
    (30, "NXT", SIGNING),
    (31, "EID", UNSUPPORTED),
    (32, "NIMLOC", UNSUPPORTED),
    (34, "ATMA", UNSUPPORTED),
    (38, "A6", UNSUPPORTED),
    (40, "SINK", UNSUPPORTED),
    (41, "OPT", NO_DATA),
    (46, "RRSIG", SIGNING),
    (47, "NSEC", SIGNING),
    (50, "NSEC3", SIGNING),
    (51, "NSEC3PARAM", SIGNING),
    (56, "NINFO", UNSUPPORTED),
    (57, "RKEY", UNSUPPORTED),
    (58, "TALINK", UNSUPPORTED),
    (66, "DSYNC", UNSUPPORTED),
    (67, "HHIT", UNSUPPORTED),
    (68, "BRID", UNSUPPORTED),
    (100, "UINFO", UNSUPPORTED),
    (101, "UID", UNSUPPORTED),
    (102, "GID", UNSUPPORTED),
    (103, "UNSPEC", UNSUPPORTED),
    (249, "TKEY", NO_DATA),
    (250, "TSIG", NO_DATA),
    (251, "IXFR", NO_DATA),
    (252, "AXFR", NO_DATA),
    (253, "MAILB", NO_DATA),
    (254, "MAILA", NO_DATA),
    (255, "ANY", NO_DATA),
    (258, "AVC", UNSUPPORTED),
    (259, "DOA", UNSUPPORTED),
    (262, "WALLET", UNSUPPORTED),
    (32768, "TA", UNSUPPORTED),
    (32769, "DLV", UNSUPPORTED),
];

const MADE_BY_SERVER: Message = message!("is created by the server");
const SIGNING: Message = message!("is created by the nameserver when it signs the zone");
const NO_DATA: Message = message!("is part of queries and messages, never of a zone");
/// BIND would check them, and refuse the whole zone for what is wrong.
const UNSUPPORTED: Message = message!("is not supported: nameservers know its form and this server does not");

impl RecordType {
    /// The known types that users make records of, by number. SOA is not among them: the server makes the only one a zone has.
    pub const EDITABLE: [RecordType; 44] = [
        Self::A,
        Self::Ns,
        Self::Cname,
        Self::Ptr,
        Self::Hinfo,
        Self::Mx,
        Self::Txt,
        Self::Rp,
        Self::Afsdb,
        Self::Key,
        Self::Aaaa,
        Self::Loc,
        Self::Srv,
        Self::Naptr,
        Self::Kx,
        Self::Cert,
        Self::Dname,
        Self::Apl,
        Self::Ds,
        Self::Sshfp,
        Self::Ipseckey,
        Self::Dnskey,
        Self::Dhcid,
        Self::Tlsa,
        Self::Smimea,
        Self::Hip,
        Self::Cds,
        Self::Cdnskey,
        Self::Openpgpkey,
        Self::Csync,
        Self::Zonemd,
        Self::Svcb,
        Self::Https,
        Self::Spf,
        Self::Nid,
        Self::L32,
        Self::L64,
        Self::Lp,
        Self::Eui48,
        Self::Eui64,
        Self::Uri,
        Self::Caa,
        Self::Amtrelay,
        Self::Resinfo,
    ];

    /// Reads the name of a type that users may make, in any letter case: a mnemonic, or `TYPE` and its number (RFC 3597,
    /// section 5). A known type's number is that type.
    pub fn parse(text: &str) -> Result<RecordType, Fault> {
        let fault = |detail| Fault::of("record_type", "record-type", detail);
        let Some(code) = RecordType::code_of(text) else {
            let all: Vec<_> = Self::EDITABLE.iter().map(RecordType::to_string).collect();
            return Err(fault(message!(
                "\"{text}\" is not a supported record type; use one of {all}, or TYPE and a number",
                text = text.escape_default().to_string(),
                all = all.join(", ")
            )));
        };
        match refusal(code) {
            Some(reason) => Err(fault(message!(
                "the {record_type} record {reason}",
                record_type = text.to_ascii_uppercase(),
                reason
            ))),
            None => RecordType::from_code(code)
                .ok_or_else(|| fault(message!("{text} cannot be a record's type", text = text.to_owned()))),
        }
    }

    /// The number of a mnemonic or of `TYPEnnn`, in any letter case; also of types that no user may make.
    pub fn code_of(text: &str) -> Option<u16> {
        code_of(text)
    }

    /// Why no user may make records of the type with that number, as the end of a sentence; `None` where they may.
    pub fn refusal(code: u16) -> Option<Message> {
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

    /// Whether only the latest nameservers know the type by name, so that a zone file has it by number.
    pub(crate) fn is_late(self) -> bool {
        LATE.contains(&self.code())
    }

    /// How its data is written; `None` for unknown types, and for the SOA.
    pub const fn form(self) -> Option<&'static Form> {
        Some(match self {
            Self::A => &a::FORM,
            Self::Ns => &ns::FORM,
            Self::Cname => &cname::FORM,
            Self::Ptr => &ptr::FORM,
            Self::Hinfo => &hinfo::FORM,
            Self::Mx => &mx::FORM,
            Self::Txt => &txt::FORM,
            Self::Rp => &rp::FORM,
            Self::Afsdb => &afsdb::FORM,
            Self::Key => &key::FORM,
            Self::Aaaa => &aaaa::FORM,
            Self::Loc => &loc::FORM,
            Self::Srv => &srv::FORM,
            Self::Naptr => &naptr::FORM,
            Self::Kx => &kx::FORM,
            Self::Cert => &cert::FORM,
            Self::Dname => &dname::FORM,
            Self::Apl => &apl::FORM,
            Self::Ds => &ds::FORM,
            Self::Sshfp => &sshfp::FORM,
            Self::Ipseckey => &ipseckey::FORM,
            Self::Dnskey => &dnskey::FORM,
            Self::Dhcid => &dhcid::FORM,
            Self::Tlsa => &tlsa::FORM,
            Self::Smimea => &smimea::FORM,
            Self::Hip => &hip::FORM,
            Self::Cds => &cds::FORM,
            Self::Cdnskey => &cdnskey::FORM,
            Self::Openpgpkey => &openpgpkey::FORM,
            Self::Csync => &csync::FORM,
            Self::Zonemd => &zonemd::FORM,
            Self::Svcb => &svcb::FORM,
            Self::Https => &https::FORM,
            Self::Spf => &spf::FORM,
            Self::Nid => &nid::FORM,
            Self::L32 => &l32::FORM,
            Self::L64 => &l64::FORM,
            Self::Lp => &lp::FORM,
            Self::Eui48 => &eui48::FORM,
            Self::Eui64 => &eui64::FORM,
            Self::Uri => &uri::FORM,
            Self::Caa => &caa::FORM,
            Self::Amtrelay => &amtrelay::FORM,
            Self::Resinfo => &resinfo::FORM,
            Self::Soa | Self::Unknown(_) => return None,
        })
    }

    /// Data of this type that is accepted; `None` for unknown types, and for the SOA.
    pub fn example(self) -> Option<RecordData> {
        let (tokens, end) = value_tokens(self.form()?.example).ok()?;
        let (origin, readings) = (Name::root(), Readings::default());
        let names = Names::File { origin: &origin, readings: &readings };
        RecordData::from_fields(self, &mut Fields::new(&tokens, names, end)).ok()
    }

    /// Whether users give a priority beside the value.
    pub fn has_priority(self) -> bool {
        matches!(self, Self::Mx | Self::Srv)
    }
}

fn refusal(code: u16) -> Option<Message> {
    match code {
        0 => Some(message!("has the number 0, which is reserved")),
        65535 => Some(message!("has the number 65535, which is reserved")),
        // RFC 6895, section 3.1: question and meta types.
        128..=255 => Some(NO_DATA),
        _ => REFUSED.iter().find(|(refused, _, _)| *refused == code).map(|(_, _, reason)| reason.clone()),
    }
}

/// See [`RecordType::code_of`].
pub(super) fn code_of(text: &str) -> Option<u16> {
    let mut forms = RecordType::EDITABLE.iter().filter_map(|known| known.form());
    if let Some(form) = forms.find(|form| form.name.eq_ignore_ascii_case(text)) {
        return Some(form.code);
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

/// The name of a type in a zone file, whether or not users may make it. What only the latest nameservers know by name is written
/// as a number, which all of them read.
pub(super) fn name_of(code: u16) -> String {
    let known = || RecordType::from_code(code).and_then(RecordType::form).map(|form| form.name);
    let refused = || REFUSED.iter().find(|(refused, _, _)| *refused == code).map(|(_, name, _)| *name);
    match known().or_else(refused).filter(|_| !LATE.contains(&code)) {
        Some(name) => name.to_owned(),
        None => format!("TYPE{code}"),
    }
}

/// Types that came into BIND during the life of 9.18: DSYNC, HHIT, BRID, RESINFO, WALLET.
const LATE: [u16; 5] = [66, 67, 68, 261, 262];

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
    use crate::ZoneName;

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
            ("soa", "created by the server"),
            ("TYPE6", "created by the server"),
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
            assert!(fault.detail.to_string().contains(reason), "{text:?}: {fault}");
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
    fn every_form_describes_what_it_reads() {
        let zone = ZoneName::parse("example.com").unwrap();
        for known in RecordType::EDITABLE {
            let form = known.form().unwrap();
            let data = known.example().unwrap_or_else(|| panic!("the example of {known} is read"));
            let again = RecordData::parse(known, &data.value(), data.priority(), &zone);
            assert_eq!(again.map(|data| data.wire()), Ok(data.wire()), "the example of {known}, as users give it");
            assert_eq!(known.has_priority(), form.fields[0].kind() == "u16" && data.priority().is_some(), "{known}");
            // One word for each field, but for those that take all that is left.
            let words = value_tokens(form.example).unwrap().0.len();
            let last = form.fields.last().unwrap().kind();
            match last {
                "location" => {}
                "parameters" | "types" | "prefixes" | "strings" | "names" => {
                    assert!(words >= form.fields.len(), "{known}")
                }
                _ => {
                    let three = form.fields.iter().filter(|field| matches!(field.kind(), "gateway" | "relay")).count();
                    assert_eq!(words, form.fields.len() + 2 * three, "{known}");
                }
            }
            for field in form.fields {
                assert!(field.name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{known} {}", field.name);
                assert!(field.description.ends_with('.'), "{known} {}", field.name);
                assert_eq!(
                    field.range().is_some(),
                    matches!(field.kind(), "u8" | "u16" | "u32"),
                    "{known} {}",
                    field.name
                );
            }
            assert!(form.rfc.starts_with("RFC ") && form.description.ends_with('.'), "{known}");
        }
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
