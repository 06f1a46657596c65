//! NS: a nameserver (RFC 1035, section 3.3.11).

use std::fmt;

use super::form::{Field, Form, anything};
use super::kinds::Host;
use super::{WireError, only_name, parse_host};
use crate::{Fault, HostName, ZoneName};

/// `host` answers for the owner: at the apex for the zone, below it for what is delegated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ns {
    /// The name of the nameserver.
    pub host: HostName,
}

pub(super) const FORM: Form = Form {
    code: 2,
    name: "NS",
    rfc: "RFC 1035, section 3.3.11",
    description: "A nameserver of the zone, or of a zone below it.",
    fields: &[Field::new("host", &Host, "The nameserver.")],
    example: "ns1.example.com.",
    check: anything,
};

impl Ns {
    pub(super) fn parse(value: &str, zone: &ZoneName) -> Result<Ns, Fault> {
        Ok(Ns { host: parse_host(value, zone, false)? })
    }

    pub(super) fn from_wire(wire: &[u8]) -> Result<Ns, WireError> {
        Ok(Ns { host: only_name(wire)? })
    }

    pub(super) fn compose(&self, wire: &mut Vec<u8>) {
        wire.extend(self.host.name().wire());
    }
}

impl fmt::Display for Ns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.name().fqdn().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Ns,
            &[
                ("NS1.Example.net", None, "ns1.example.net", "ns1.example.net."),
                ("ns1.example.net.", None, "ns1.example.net", "ns1.example.net."),
                ("@", None, "example.com", "example.com."),
            ],
            &[
                ("", None, "value"),
                ("mail", None, "value"),
                ("mail\\.", None, "value"),
                ("192.0.2.1", None, "value"),
                ("192.0.2.1.", None, "value"),
                ("2001:db8::1", None, "value"),
                (".", None, "value"),
                ("ns1.x.example/24", None, "value"),
                ("*.x.example", None, "value"),
                ("ns1.x.example:53", None, "value"),
                ("a..b", None, "value"),
                ("a b.example.com", None, "value"),
                ("a.example.com; b", None, "value"),
                ("a.example.com", Some(1), "priority"),
            ],
        );
    }
}
