//! CAA: which authorities may issue certificates (RFC 8659, section 4).

use std::fmt;

use super::fields::{FieldError, Fields, error};
use super::form::{Field, FieldKind, Form, Style};
use super::kinds::{LongText, Text, U8};
use super::{WireError, text};
use crate::{Fault, Message, message};

/// The longest value accepted, in octets. The format's own limit is 64 KiB; no property in use comes near this one.
const MAX_VALUE: usize = 1024;

/// One property of a certification authority authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caa {
    /// Bit 7 (128) says "critical".
    pub flags: u8,
    /// The property's name: letters and digits, in lower case.
    pub tag: Box<str>,
    /// The property's value.
    pub value: Box<[u8]>,
}

pub(super) const FORM: Form = Form {
    code: 257,
    name: "CAA",
    rfc: "RFC 8659, section 4",
    description: "Which authorities may issue certificates.",
    fields: &[
        Field::new("flags", &U8, "128: an authority that does not know the property must not issue."),
        Field::new("tag", &Tag, "The name of the property: 1 to 15 letters and digits."),
        Field::new("value", &LongText, "The value of the property."),
    ],
    example: r#"0 issue "letsencrypt.org""#,
    check,
};

/// The limits that users' values have, too.
fn check(wire: &[u8]) -> Result<(), Message> {
    let tag = wire.get(1).copied().unwrap_or_default();
    if tag > 15 {
        return Err(message!(
            "the tag of a CAA record is 1 to 15 letters or digits, such as issue, issuewild or iodef"
        ));
    }
    if wire.len() > 2 + usize::from(tag) + MAX_VALUE {
        return Err(message!("the value of a CAA record may have at most 1024 octets"));
    }
    Ok(())
}

/// The name of a property, in lower case (RFC 8659, section 4.1.1), with an octet of length before it.
struct Tag;

impl FieldKind for Tag {
    fn name(&self) -> &'static str {
        "tag"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let token = fields.word(what)?;
        let plain = (1..=255).contains(&token.raw.len()) && token.raw.iter().all(u8::is_ascii_alphanumeric);
        if !plain {
            return Err(error(
                token,
                "caa-tag",
                message!("{what} must be letters and digits, such as issue, issuewild or iodef", what),
            ));
        }
        wire.push(token.raw.len() as u8);
        wire.extend(token.raw.to_ascii_lowercase());
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let start = canonical.len();
        let rest = Text.read_wire(wire, canonical)?;
        let tag = canonical.get_mut(start + 1..).unwrap_or_default();
        if tag.is_empty() || !tag.iter().all(u8::is_ascii_alphanumeric) {
            return Err(WireError);
        }
        tag.make_ascii_lowercase();
        Ok(rest)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let tag = octets.get(1..).and_then(|tag| str::from_utf8(tag).ok());
        out.write_str(tag.ok_or(fmt::Error)?)
    }
}

impl Caa {
    pub(super) fn parse(value: &str) -> Result<Caa, Fault> {
        let fault = |check, detail| Fault::of("value", check, detail);
        let form = || {
            fault(
                "caa-value",
                message!("a CAA record's value is: flags tag \"value\", such as 0 issue \"letsencrypt.org\""),
            )
        };
        let (flags, rest) = value.trim().split_once(char::is_whitespace).ok_or_else(form)?;
        let (tag, data) = rest.trim_start().split_once(char::is_whitespace).ok_or_else(form)?;
        let flags = text::number::<u8>(flags)
            .ok_or_else(|| fault("caa-flags", message!("the flags of a CAA record must be a number from 0 to 255")))?;
        if tag.is_empty() || tag.len() > 15 || !tag.bytes().all(|c| c.is_ascii_alphanumeric()) {
            return Err(fault(
                "caa-tag",
                message!("the tag of a CAA record is 1 to 15 letters or digits, such as issue, issuewild or iodef"),
            ));
        }
        let data = data.trim_start();
        let value = if data.starts_with('"') {
            match text::quoted_strings(data)?.as_slice() {
                [only] => only.clone(),
                _ => return Err(form()),
            }
        } else if data
            .contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\' | ';' | '(' | ')'))
        {
            return Err(fault("caa-value", message!("put the value of a CAA record in double quotes")));
        } else {
            data.as_bytes().to_vec()
        };
        if value.len() > MAX_VALUE {
            return Err(fault("caa-value-long", message!("the value of a CAA record may have at most 1024 octets")));
        }
        Ok(Caa { flags, tag: tag.to_ascii_lowercase().into(), value: value.into() })
    }

    pub(super) fn from_wire(wire: &[u8]) -> Result<Caa, WireError> {
        let (&[flags, length], rest) = wire.split_first_chunk().ok_or(WireError)?;
        let (tag, value) = rest.split_at_checked(length.into()).ok_or(WireError)?;
        let tag = std::str::from_utf8(tag).map_err(|_| WireError)?;
        Ok(Caa { flags, tag: tag.to_ascii_lowercase().into(), value: value.into() })
    }

    pub(super) fn compose(&self, wire: &mut Vec<u8>) {
        wire.extend([self.flags, self.tag.len() as u8]);
        wire.extend(self.tag.as_bytes());
        wire.extend(&self.value);
    }
}

impl fmt::Display for Caa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.flags, self.tag)?;
        text::write_quoted(f, &self.value)
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        let same = "0 issue \"letsencrypt.org\"";
        check(
            RecordType::Caa,
            &[
                (same, None, same, same),
                ("0 ISSUE letsencrypt.org", None, same, same),
                ("128 issuewild \";\"", None, "128 issuewild \";\"", "128 issuewild \";\""),
                ("0 issue \"\"", None, "0 issue \"\"", "0 issue \"\""),
                (
                    "0  iodef  \"mailto:a\\\"b@example.com\"",
                    None,
                    "0 iodef \"mailto:a\\\"b@example.com\"",
                    "0 iodef \"mailto:a\\\"b@example.com\"",
                ),
            ],
            &[
                ("", None, "value"),
                ("0 issue", None, "value"),
                ("256 issue \"x\"", None, "value"),
                ("-1 issue \"x\"", None, "value"),
                ("0 is-sue \"x\"", None, "value"),
                ("0 abcdefghijklmnop \"x\"", None, "value"),
                ("0 issue \"x", None, "value"),
                ("0 issue \"x\" \"y\"", None, "value"),
                ("0 issue x y", None, "value"),
                ("0 issue x;y", None, "value"),
                ("0 issue \"a\nb\"", None, "value"),
                (same, Some(0), "priority"),
            ],
        );
    }
}
