//! APL: lists of address prefixes (RFC 3123).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::{fmt, str};

use super::fields::{FieldError, Fields, error, excerpt, number};
use super::form::{Field, FieldKind, Form, Style, anything};
use super::{WireError, generic};
use crate::{Message, message};

pub(super) const FORM: Form = Form {
    code: 42,
    name: "APL",
    rfc: "RFC 3123",
    description: "Prefixes of addresses.",
    fields: &[Field::new(
        "prefixes",
        &Prefixes,
        "Any number of them: 1 (IPv4) or 2 (IPv6), a colon, an address, a slash, the bits that count; with a ! before it, all but these.",
    )],
    example: "1:192.0.2.0/24 !1:192.0.2.64/28",
    check: anything,
};

/// Any number of prefixes, to the end. The bits of an address that do not count are kept, as BIND keeps them.
struct Prefixes;

impl FieldKind for Prefixes {
    fn name(&self) -> &'static str {
        "prefixes"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        while !fields.is_empty() {
            let token = fields.word(what)?;
            let item = str::from_utf8(token.raw).ok().and_then(item).ok_or_else(|| {
                let detail = message!(
                    "{what} must look like 1:192.0.2.0/24, !1:192.0.2.64/28 or 2:2001:db8::/32, not \"{found}\"",
                    what,
                    found = excerpt(token.raw)
                );
                error(token, "field-prefix", detail)
            })?;
            wire.extend(item);
        }
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        items(wire)?;
        canonical.extend(wire);
        Ok(&[])
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let items = items(octets).map_err(|_| fmt::Error)?;
        // Other families have no text form.
        if items.iter().any(|item| !matches!(item.family, 1 | 2)) {
            return generic::write_unknown_form(octets, out);
        }
        for (index, item) in items.iter().enumerate() {
            let (separator, not) = (if index > 0 { " " } else { "" }, if item.negated { "!" } else { "" });
            write!(out, "{separator}{not}{}:", item.family)?;
            let mut address = [0; 16];
            let octets = address.get_mut(..item.octets.len()).ok_or(fmt::Error)?;
            octets.copy_from_slice(item.octets);
            let [a, b, c, d, ..] = address;
            match item.family {
                1 => write!(out, "{}", Ipv4Addr::from([a, b, c, d]))?,
                _ => write!(out, "{}", Ipv6Addr::from(address))?,
            }
            write!(out, "/{}", item.bits)?;
        }
        Ok(())
    }
}

struct Item<'a> {
    family: u16,
    bits: u8,
    negated: bool,
    /// Without zeros at the end.
    octets: &'a [u8],
}

/// One prefix in wire form.
fn item(text: &str) -> Option<Vec<u8>> {
    let (negated, text) = text.strip_prefix('!').map_or((0, text), |rest| (0x80, rest));
    let (family, text) = text.split_once(':')?;
    let (address, bits) = text.split_once('/')?;
    let (family, octets, most) = match number(family.as_bytes())? {
        1 => (1u16, address.parse::<Ipv4Addr>().ok()?.octets().to_vec(), 32),
        2 => (2u16, address.parse::<Ipv6Addr>().ok()?.octets().to_vec(), 128),
        _ => return None,
    };
    let bits = number(bits.as_bytes()).filter(|bits| *bits <= most)?;
    let length = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    let mut wire = family.to_be_bytes().to_vec();
    wire.extend([bits as u8, negated | length as u8]);
    wire.extend(octets.get(..length)?);
    Some(wire)
}

fn items(wire: &[u8]) -> Result<Vec<Item<'_>>, WireError> {
    let mut items = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let (&[high, low, bits, length], tail) = rest.split_first_chunk().ok_or(WireError)?;
        let (octets, tail) = tail.split_at_checked(usize::from(length & 0x7f)).ok_or(WireError)?;
        let family = u16::from_be_bytes([high, low]);
        let fits = match family {
            1 => bits <= 32 && octets.len() <= 4,
            2 => bits <= 128 && octets.len() <= 16,
            _ => true,
        };
        if !fits || octets.last() == Some(&0) {
            return Err(WireError);
        }
        items.push(Item { family, bits, negated: length & 0x80 != 0, octets });
        rest = tail;
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        let rfc = "1:192.168.32.0/21 !1:192.168.38.0/28";
        check(
            RecordType::Apl,
            &[
                (rfc, None, rfc, rfc),
                ("", None, "", ""),
                ("1:224.0.0.0/4 2:FF00:0:0:0:0:0:0:0/8", None, "1:224.0.0.0/4 2:ff00::/8", "1:224.0.0.0/4 2:ff00::/8"),
                ("1:224.0.0.1/04", None, "1:224.0.0.1/4", "1:224.0.0.1/4"),
                ("1:0.0.0.0/0 !2:::/128", None, "1:0.0.0.0/0 !2:::/128", "1:0.0.0.0/0 !2:::/128"),
                ("\\# 5 0003ff0101", None, "\\# 5 0003FF0101", "\\# 5 0003FF0101"),
            ],
            &[
                ("1:224.0.0.0/33", None, "value"),
                ("2:ff00::/129", None, "value"),
                ("3:00/8", None, "value"),
                ("1:224.0.0.0", None, "value"),
                ("1:224.0.0/8", None, "value"),
                ("2:1.2.3.4/8", None, "value"),
                ("!!1:1.2.3.4/8", None, "value"),
                ("1:1.2.3.4/+8", None, "value"),
                ("\"1:1.2.3.4/8\"", None, "value"),
                ("\\# 5 0001080100", None, "value"),
            ],
        );
    }
}
