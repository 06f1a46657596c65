//! EUI64: an address of 64 bits (RFC 7043). Only pairs of digits, separated by dashes, are accepted; BIND accepts more, and drops
//! the excess.

use super::eui::Eui;
use super::form::{Field, Form, anything};

pub(super) const FORM: Form = Form {
    code: 109,
    name: "EUI64",
    rfc: "RFC 7043",
    description: "An EUI-64 address, such as that of a network card.",
    fields: &[Field::new("address", &Eui::<8>, "Pairs of hexadecimal digits, separated by dashes.")],
    example: "00-00-5e-00-53-2a-00-01",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Eui64,
            &[
                ("00-00-5E-00-53-2A-00-01", None, "00-00-5e-00-53-2a-00-01", "00-00-5e-00-53-2a-00-01"),
                ("0-00-5e-00-53-2a-00-01", None, "00-00-5e-00-53-2a-00-01", "00-00-5e-00-53-2a-00-01"),
            ],
            &[
                ("", None, "value"),
                ("00-00-5e-00-53-2a-00", None, "value"),
                ("00-00-5e-00-53-2a-00-01-01", None, "value"),
                ("00:00:5e:00:53:2a:00:01", None, "value"),
                ("00005e00532a0001", None, "value"),
                (r#""00-00-5e-00-53-2a-00-01""#, None, "value"),
                ("00-00-5e-00-53-2a-00-100", None, "value"),
                ("00-00-5e-00-53-2a-00-g0", None, "value"),
                ("00-00-5e-00-53-2a-00-+1", None, "value"),
                ("00-00-5e-00-53-2a-00-01 x", None, "value"),
            ],
        );
    }
}
