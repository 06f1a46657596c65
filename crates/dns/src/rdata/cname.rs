//! CNAME: an alias (RFC 1035, section 3.3.1).

use std::fmt;

use super::form::{Field, Form, anything};
use super::kinds::Domain;
use super::{WireError, only_name, parse_target};
use crate::{Fault, HostName, ZoneName};

/// The owner is another name for `target`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cname {
    /// The name that the owner stands for.
    pub target: HostName,
}

pub(super) const FORM: Form = Form {
    code: 5,
    name: "CNAME",
    rfc: "RFC 1035, section 3.3.1",
    description: "An alias: the owner is another name for the target.",
    fields: &[Field::new("target", &Domain, "The name that the owner is an alias of.")],
    example: "www.example.com.",
    check: anything,
};

impl Cname {
    pub(super) fn parse(value: &str, zone: &ZoneName) -> Result<Cname, Fault> {
        Ok(Cname { target: parse_target(value, zone, false)? })
    }

    pub(super) fn from_wire(wire: &[u8]) -> Result<Cname, WireError> {
        Ok(Cname { target: only_name(wire)? })
    }

    pub(super) fn compose(&self, wire: &mut Vec<u8>) {
        wire.extend(self.target.name().wire());
    }
}

impl fmt::Display for Cname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.name().fqdn().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Cname,
            &[
                ("Target.Example.com", None, "target.example.com", "target.example.com."),
                ("target.example.com.", None, "target.example.com", "target.example.com."),
                ("@", None, "example.com", "example.com."),
                ("localhost.", None, "localhost.", "localhost."),
                ("食狮。", None, "xn--85x722f.", "xn--85x722f."),
                ("mail\\..", None, "mail\\..", "mail\\.."),
                ("1.0/25.2.0.192.in-addr.arpa", None, "1.0/25.2.0.192.in-addr.arpa", "1.0/25.2.0.192.in-addr.arpa."),
                ("bücher.example", None, "xn--bcher-kva.example", "xn--bcher-kva.example."),
                ("_x.acm-validations.aws.", None, "_x.acm-validations.aws", "_x.acm-validations.aws."),
            ],
            &[
                ("", None, "value"),
                ("mail", None, "value"),
                ("mail\\.", None, "value"),
                ("192.0.2.1", None, "value"),
                ("192.0.2.1.", None, "value"),
                ("2001:db8::1", None, "value"),
                (".", None, "value"),
                ("a..b", None, "value"),
                ("a b.example.com", None, "value"),
                ("a.example.com; b", None, "value"),
                ("a.example.com", Some(1), "priority"),
            ],
        );
    }
}
