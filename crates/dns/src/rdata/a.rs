//! A: an IPv4 address (RFC 1035, section 3.4.1).

use std::fmt;
use std::net::Ipv4Addr;

use super::WireError;
use super::form::{Field, Form, anything};
use super::kinds::Ipv4;
use crate::{Fault, message};

/// An IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct A(pub Ipv4Addr);

pub(super) const FORM: Form = Form {
    code: 1,
    name: "A",
    rfc: "RFC 1035, section 3.4.1",
    description: "An IPv4 address.",
    fields: &[Field::new("address", &Ipv4, "The address.")],
    example: "192.0.2.1",
    check: anything,
};

impl A {
    pub(super) fn parse(value: &str) -> Result<A, Fault> {
        value.trim().parse().map(A).map_err(|_| {
            Fault::of("value", "a-address", message!("an A record needs an IPv4 address such as 192.0.2.1"))
        })
    }

    pub(super) fn from_wire(wire: &[u8]) -> Result<A, WireError> {
        <[u8; 4]>::try_from(wire).map(|octets| A(octets.into())).map_err(|_| WireError)
    }

    pub(super) fn compose(&self, wire: &mut Vec<u8>) {
        wire.extend(self.0.octets());
    }
}

impl fmt::Display for A {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::A,
            &[
                ("192.0.2.1", None, "192.0.2.1", "192.0.2.1"),
                (" 192.0.2.1 ", None, "192.0.2.1", "192.0.2.1"),
                ("0.0.0.0", None, "0.0.0.0", "0.0.0.0"),
            ],
            &[
                ("", None, "value"),
                ("192.0.2", None, "value"),
                ("192.0.2.256", None, "value"),
                ("192.0.2.01", None, "value"),
                ("192.0.2.1/24", None, "value"),
                ("::1", None, "value"),
                ("192.0.2.1\n", Some(1), "priority"),
                ("192.0.2.1 192.0.2.2", None, "value"),
                ("192.0.2.1", Some(10), "priority"),
            ],
        );
    }
}
