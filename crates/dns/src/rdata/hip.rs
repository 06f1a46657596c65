//! HIP: the identity of a host in the Host Identity Protocol, and its rendezvous servers (RFC 8005).

use std::fmt;

use base64::Engine;

use super::WireError;
use super::fields::{BASE64, FieldError, Fields, error, hex_digit};
use super::form::{Field, FieldKind, Form, Style, anything};
use super::kinds::{Host, take_octets};
use crate::{Message, Name, message};

pub(super) const FORM: Form = Form {
    code: 55,
    name: "HIP",
    rfc: "RFC 8005",
    description: "The identity of a host in the Host Identity Protocol.",
    fields: &[
        Field::new(
            "identity",
            &Identity,
            "The key's algorithm (1 DSA, 2 RSA, 3 ECDSA), the identity tag as hexadecimal digits, and the key as base64; each one \
             word.",
        ),
        Field::new(
            "rendezvous_servers",
            &Hosts,
            "The servers through which the host is reached; none, one or several.",
        ),
    ],
    example: "2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p rvs.example.com.",
    check: anything,
};

/// Algorithm, tag and key, whose lengths stand before both.
struct Identity;

impl FieldKind for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn read(&self, fields: &mut Fields<'_>, _: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let algorithm = fields.u8(&message!("the algorithm"))?;
        let token = fields.word(&message!("the identity tag"))?;
        let octets = token.raw.chunks(2).map(|pair| match pair {
            [high, low] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
            _ => None,
        });
        let tag =
            octets.collect::<Option<Vec<u8>>>().filter(|tag| u8::try_from(tag.len()).is_ok()).ok_or_else(|| {
                error(
                    token,
                    "field-hex",
                    message!("the identity tag must be up to 255 pairs of hexadecimal digits, in one word"),
                )
            })?;
        let token = fields.word(&message!("the key"))?;
        let key = BASE64.decode(token.raw).ok().filter(|key| u16::try_from(key.len()).is_ok() && !key.is_empty());
        let key = key.ok_or_else(|| {
            error(token, "field-base64", message!("the key must be base64 with its padding, in one word"))
        })?;
        wire.extend([tag.len() as u8, algorithm]);
        wire.extend((key.len() as u16).to_be_bytes());
        wire.extend(tag);
        wire.extend(key);
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let (&[tag, _, high, low], _) = wire.split_first_chunk().ok_or(WireError)?;
        let key = usize::from(u16::from_be_bytes([high, low]));
        if tag == 0 || key == 0 {
            return Err(WireError);
        }
        take_octets(wire, 4 + usize::from(tag) + key, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let (&[length, algorithm, ..], rest) = octets.split_first_chunk::<4>().ok_or(fmt::Error)?;
        let (tag, key) = rest.split_at_checked(length.into()).ok_or(fmt::Error)?;
        write!(out, "{algorithm} ")?;
        tag.iter().try_for_each(|octet| write!(out, "{octet:02X}"))?;
        write!(out, " {}", BASE64.encode(key))
    }
}

/// Names of hosts, to the end; there may be none.
struct Hosts;

impl FieldKind for Hosts {
    fn name(&self) -> &'static str {
        "names"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        while !fields.is_empty() {
            Host.read(fields, what, wire)?;
        }
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let mut rest = wire;
        while !rest.is_empty() {
            rest = Host.read_wire(rest, canonical)?;
        }
        Ok(rest)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        for (index, name) in self.hosts(octets).iter().enumerate() {
            if index > 0 {
                out.write_char(' ')?;
            }
            Host.write(name.wire(), out, style)?;
        }
        Ok(())
    }

    fn hosts(&self, octets: &[u8]) -> Vec<Name> {
        let mut names = Vec::new();
        let mut rest = octets;
        while let Ok((name, after)) = Name::from_wire(rest) {
            names.push(name);
            rest = after;
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Hip,
            &[
                ("2 0aB1 AwEAAcw=", None, "2 0AB1 AwEAAcw=", "2 0AB1 AwEAAcw="),
                (
                    "2 00 AA== Rvs.Example.com. rvs2.example.net",
                    None,
                    "2 00 AA== rvs.example.com rvs2.example.net",
                    "2 00 AA== rvs.example.com. rvs2.example.net.",
                ),
                ("0 00 AA== .", None, "0 00 AA== .", "0 00 AA== ."),
            ],
            &[
                ("", None, "value"),
                ("2 00", None, "value"),
                ("2 0 AA==", None, "value"),
                ("2 0g AA==", None, "value"),
                ("2 00 AA", None, "value"),
                ("256 00 AA==", None, "value"),
                ("2 00 AA== rvs", None, "value"),
                ("2 00 AA== https://rvs.example.com", None, "value"),
                ("\\# 4 00000000", None, "value"),
                ("\\# 5 0102000000", None, "value"),
                ("\\# 7 0102000100AA40", None, "value"),
            ],
        );
    }
}
