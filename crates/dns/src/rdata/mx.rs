//! MX: a mail exchange (RFC 1035, section 3.3.9; no mail at all: RFC 7505).

use std::fmt;

use super::form::{Field, Form, anything};
use super::kinds::{Host, U16};
use super::{WireError, only_name, parse_host, take_u16};
use crate::{Fault, HostName, ZoneName};

/// Mail for the owner goes to `exchange`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mx {
    /// Lower is tried first. Users call it the priority.
    pub preference: u16,
    /// The host that takes the mail; the root for "no mail here".
    pub exchange: HostName,
}

pub(super) const FORM: Form = Form {
    code: 15,
    name: "MX",
    rfc: "RFC 1035, section 3.3.9",
    description: "A host that takes mail for the owner.",
    fields: &[
        Field::new("preference", &U16, "Lower is tried first."),
        Field::new("exchange", &Host, "The host; \".\" if the domain accepts no mail (RFC 7505)."),
    ],
    example: "10 mail.example.com.",
    check: anything,
};

impl Mx {
    pub(super) fn parse(preference: u16, value: &str, zone: &ZoneName) -> Result<Mx, Fault> {
        Ok(Mx { preference, exchange: parse_host(value, zone, true)? })
    }

    pub(super) fn from_wire(wire: &[u8]) -> Result<Mx, WireError> {
        let (preference, exchange) = take_u16(wire)?;
        Ok(Mx { preference, exchange: only_name(exchange)? })
    }

    pub(super) fn compose(&self, wire: &mut Vec<u8>) {
        wire.extend(self.preference.to_be_bytes());
        wire.extend(self.exchange.name().wire());
    }
}

impl fmt::Display for Mx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.preference, self.exchange.name().fqdn())
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Mx,
            &[
                ("mail.example.com", Some(10), "mail.example.com", "10 mail.example.com."),
                ("MAIL.example.com.", Some(0), "mail.example.com", "0 mail.example.com."),
                (".", Some(0), ".", "0 ."),
                (
                    "my_mail.bücher.example",
                    Some(1),
                    "my_mail.xn--bcher-kva.example",
                    "1 my_mail.xn--bcher-kva.example.",
                ),
                ("@", Some(65535), "example.com", "65535 example.com."),
            ],
            &[
                ("mail.example.com", None, "priority"),
                ("mail", Some(10), "value"),
                ("mail\\.", Some(10), "value"),
                ("192.0.2.1", Some(10), "value"),
                ("192.0.2.1.", Some(10), "value"),
                ("2001:db8::1", Some(10), "value"),
                ("10 mail.example.com", Some(10), "value"),
                ("https://x.example/", Some(10), "value"),
                ("mail.example.com:25", Some(10), "value"),
                ("*.x.example", Some(10), "value"),
                ("mail\\.x.example", Some(10), "value"),
                ("mail/x.example", Some(10), "value"),
                ("", Some(10), "value"),
            ],
        );
    }
}
