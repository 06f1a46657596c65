//! AAAA: an IPv6 address (RFC 3596), written in the form of RFC 5952.

use std::fmt;
use std::net::Ipv6Addr;

use super::WireError;
use super::form::{Field, Form, anything};
use super::kinds::Ipv6;
use crate::{Fault, message};

/// An IPv6 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aaaa(pub Ipv6Addr);

pub(super) const FORM: Form = Form {
    code: 28,
    name: "AAAA",
    rfc: "RFC 3596, section 2",
    description: "An IPv6 address.",
    fields: &[Field::new("address", &Ipv6, "The address.")],
    example: "2001:db8::1",
    check: anything,
};

impl Aaaa {
    pub(super) fn parse(value: &str) -> Result<Aaaa, Fault> {
        value.trim().parse().map(Aaaa).map_err(|_| {
            Fault::of("value", "aaaa-address", message!("an AAAA record needs an IPv6 address such as 2001:db8::1"))
        })
    }

    pub(super) fn from_wire(wire: &[u8]) -> Result<Aaaa, WireError> {
        <[u8; 16]>::try_from(wire).map(|octets| Aaaa(octets.into())).map_err(|_| WireError)
    }

    pub(super) fn compose(&self, wire: &mut Vec<u8>) {
        wire.extend(self.0.octets());
    }
}

impl fmt::Display for Aaaa {
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
            RecordType::Aaaa,
            &[
                ("2001:0db8::1", None, "2001:db8::1", "2001:db8::1"),
                ("2001:DB8:0:0:0:0:0:1", None, "2001:db8::1", "2001:db8::1"),
                ("2001:db8:0:1:0:0:0:1", None, "2001:db8:0:1::1", "2001:db8:0:1::1"),
                ("::", None, "::", "::"),
                ("::ffff:192.0.2.1", None, "::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ],
            &[
                ("", None, "value"),
                ("192.0.2.1", None, "value"),
                ("2001:db8::g", None, "value"),
                ("2001:db8::1%eth0", None, "value"),
                ("2001:db8::1::2", None, "value"),
                ("[2001:db8::1]", None, "value"),
                ("2001:db8::1", Some(0), "priority"),
            ],
        );
    }
}
