//! SRV: where a service is (RFC 2782).

use std::fmt;

use super::form::{Field, Form, anything};
use super::kinds::{Host, U16};
use super::{WireError, only_name, parse_host, take_u16, text};
use crate::{Fault, HostName, ZoneName, message};

/// A host and port that offer a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// Lower is tried first.
    pub priority: u16,
    /// The share among targets of one priority.
    pub weight: u16,
    /// The port on the target.
    pub port: u16,
    /// The host; the root where the service is decidedly not available.
    pub target: HostName,
}

pub(super) const FORM: Form = Form {
    code: 33,
    name: "SRV",
    rfc: "RFC 2782",
    description: "A host and port that offer a service.",
    fields: &[
        Field::new("priority", &U16, "Lower is tried first."),
        Field::new("weight", &U16, "The share among targets of one priority."),
        Field::new("port", &U16, "The port on the target."),
        Field::new("target", &Host, "The host; \".\" if the service is not available."),
    ],
    example: "10 5 5060 sip.example.com.",
    check: anything,
};

impl Srv {
    pub(super) fn parse(priority: u16, value: &str, zone: &ZoneName) -> Result<Srv, Fault> {
        let fault = |detail| Fault::of("value", "srv-value", detail);
        let mut parts = value.split_whitespace();
        let (Some(weight), Some(port), Some(target), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let detail = message!("an SRV record's value is \"weight port target\", such as 10 5060 sip.example.com");
            return Err(fault(detail));
        };
        let number = |name: &'static str, digits: &str| {
            text::number::<u16>(digits).ok_or_else(|| {
                fault(message!("the {name} of an SRV record must be a number from 0 to 65535", name = name.to_owned()))
            })
        };
        Ok(Srv {
            priority,
            weight: number("weight", weight)?,
            port: number("port", port)?,
            target: parse_host(target, zone, true)?,
        })
    }

    pub(super) fn from_wire(wire: &[u8]) -> Result<Srv, WireError> {
        let (priority, wire) = take_u16(wire)?;
        let (weight, wire) = take_u16(wire)?;
        let (port, wire) = take_u16(wire)?;
        Ok(Srv { priority, weight, port, target: only_name(wire)? })
    }

    pub(super) fn compose(&self, wire: &mut Vec<u8>) {
        for number in [self.priority, self.weight, self.port] {
            wire.extend(number.to_be_bytes());
        }
        wire.extend(self.target.name().wire());
    }

    pub(super) fn value(&self) -> String {
        format!("{} {} {}", self.weight, self.port, self.target)
    }
}

impl fmt::Display for Srv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.priority, self.weight, self.port, self.target.name().fqdn())
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Srv,
            &[
                ("10 5060 sip.example.com", Some(5), "10 5060 sip.example.com", "5 10 5060 sip.example.com."),
                ("  0\t443   Sip.Example.com. ", Some(0), "0 443 sip.example.com", "0 0 443 sip.example.com."),
                ("010 05060 sip.example.com", Some(5), "10 5060 sip.example.com", "5 10 5060 sip.example.com."),
                ("0 0 .", Some(0), "0 0 .", "0 0 0 ."),
                ("65535 65535 @", Some(65535), "65535 65535 example.com", "65535 65535 65535 example.com."),
            ],
            &[
                ("10 5060 sip.example.com", None, "priority"),
                ("", Some(1), "value"),
                ("5060 sip.example.com", Some(1), "value"),
                ("1 10 5060 sip.example.com", Some(1), "value"),
                ("10 65536 sip.example.com", Some(1), "value"),
                ("65537 1 sip.example.com", Some(1), "value"),
                ("-1 5060 sip.example.com", Some(1), "value"),
                ("+1 5060 sip.example.com", Some(1), "value"),
                ("10 5060 sip", Some(1), "value"),
                ("10 443 https://sip.example.com", Some(1), "value"),
                ("10 443 sip.example.com/path", Some(1), "value"),
                ("10 443 sip.example.com:443", Some(1), "value"),
                ("10 443 *.example.com", Some(1), "value"),
                ("10 443 192.0.2.1", Some(1), "value"),
            ],
        );
    }
}
