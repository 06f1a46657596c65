//! CSYNC: the records that the parent should copy from the zone (RFC 7477).

use super::bitmap::Types;
use super::form::{Field, Form, anything};
use super::kinds::{U16, U32};

pub(super) const FORM: Form = Form {
    code: 62,
    name: "CSYNC",
    rfc: "RFC 7477",
    description: "The records that the parent should copy from the zone.",
    fields: &[
        Field::new("serial", &U32, "The lowest serial of the zone for which the record is valid."),
        Field::new("flags", &U16, "1: process immediately; 2: check the serial."),
        Field::new("types", &Types, "The types, for example A NS AAAA."),
    ],
    example: "66 3 A NS AAAA",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Csync,
            &[
                ("66 3 aaaa NS TYPE1 a", None, "66 3 A NS AAAA", "66 3 A NS AAAA"),
                ("4294967295 65535 TYPE65535", None, "4294967295 65535 TYPE65535", "4294967295 65535 TYPE65535"),
                ("66 3", None, "66 3", "66 3"),
                ("66 3 TYPE0 CAA DSYNC", None, "66 3 TYPE0 TYPE66 CAA", "66 3 TYPE0 TYPE66 CAA"),
            ],
            &[
                ("", None, "value"),
                ("66", None, "value"),
                ("4294967296 3 A", None, "value"),
                ("66 65536 A", None, "value"),
                ("66 3 FOO", None, "value"),
                ("66 3 TYPE65536", None, "value"),
                (r#"66 3 "A""#, None, "value"),
            ],
        );
    }
}
