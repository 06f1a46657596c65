//! EUI48: an address of 48 bits (RFC 7043). Only pairs of digits, separated by dashes, are accepted; BIND accepts more, and drops
//! the excess.

use super::eui::Eui;
use super::form::{Field, Form, anything};

pub(super) const FORM: Form = Form {
    code: 108,
    name: "EUI48",
    rfc: "RFC 7043",
    description: "An EUI-48 address, such as that of a network card.",
    fields: &[Field::new("address", &Eui::<6>, "Pairs of hexadecimal digits, separated by dashes.")],
    example: "00-00-5e-00-53-2a",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Eui48,
            &[
                ("00-00-5E-00-53-2A", None, "00-00-5e-00-53-2a", "00-00-5e-00-53-2a"),
                ("0-00-5e-00-53-2a", None, "00-00-5e-00-53-2a", "00-00-5e-00-53-2a"),
            ],
            &[
                ("", None, "value"),
                ("00-00-5e-00-53", None, "value"),
                ("00-00-5e-00-53-2a-01", None, "value"),
                ("00:00:5e:00:53:2a", None, "value"),
                ("00005e00532a", None, "value"),
                (r#""00-00-5e-00-53-2a""#, None, "value"),
                ("00-00-5e-00-53-100", None, "value"),
                ("00-00-5e-00-53-g0", None, "value"),
                ("00-00-5e-00-53-+1", None, "value"),
                ("00-00-5e-00-53-2a x", None, "value"),
            ],
        );
    }
}
