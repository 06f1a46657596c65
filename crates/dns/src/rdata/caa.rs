//! CAA: which authorities may issue certificates (RFC 8659, section 4).

use std::fmt;

use super::{WireError, text};
use crate::Fault;

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

impl Caa {
    pub(super) fn parse(value: &str) -> Result<Caa, Fault> {
        let fault = |check, detail: &'static str| Fault::of("value", check, detail);
        let form =
            || fault("caa-value", "a CAA record's value is: flags tag \"value\", such as 0 issue \"letsencrypt.org\"");
        let (flags, rest) = value.trim().split_once(char::is_whitespace).ok_or_else(form)?;
        let (tag, data) = rest.trim_start().split_once(char::is_whitespace).ok_or_else(form)?;
        let flags = text::number::<u8>(flags)
            .ok_or_else(|| fault("caa-flags", "the flags of a CAA record must be a number from 0 to 255"))?;
        if tag.is_empty() || tag.len() > 15 || !tag.bytes().all(|c| c.is_ascii_alphanumeric()) {
            return Err(fault(
                "caa-tag",
                "the tag of a CAA record is 1 to 15 letters or digits, such as issue, issuewild or iodef",
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
            return Err(fault("caa-value", "put the value of a CAA record in double quotes"));
        } else {
            data.as_bytes().to_vec()
        };
        if value.len() > MAX_VALUE {
            return Err(fault("caa-value-long", "the value of a CAA record may have at most 1024 octets"));
        }
        Ok(Caa { flags, tag: tag.to_ascii_lowercase().into(), value: value.into() })
    }

    pub(super) fn from_wire(wire: &[u8]) -> Result<Caa, WireError> {
        let (&[flags, length], rest) = wire.split_first_chunk().ok_or(WireError)?;
        let (tag, value) = rest.split_at_checked(length.into()).ok_or(WireError)?;
        let tag = std::str::from_utf8(tag).map_err(|_| WireError)?;
        Ok(Caa { flags, tag: tag.into(), value: value.into() })
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
