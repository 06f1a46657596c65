//! The checks of every record type's table of examples.

use super::fields::{FieldError, Fields, Names, Readings};
pub(crate) use crate::RecordType;
use crate::presentation::value_tokens;
use crate::{Name, RecordData, ZoneName};

/// Value, priority, canonical value, zone-file text.
pub(crate) type Good<'a> = (&'a str, Option<u16>, &'a str, &'a str);
/// Value, priority, member at fault.
pub(crate) type Bad<'a> = (&'a str, Option<u16>, &'a str);

/// Refusals name the member at fault; accepted values come out in canonical form, which reads back as itself, and survive the
/// way through the store.
pub(crate) fn check(record_type: RecordType, good: &[Good<'_>], bad: &[Bad<'_>]) {
    let zone = ZoneName::parse("example.com").unwrap();
    assert_eq!(
        RecordType::parse(&record_type.to_string()),
        Ok(record_type),
        "{record_type} is among the editable types"
    );
    for (value, priority, field) in bad {
        match RecordData::parse(record_type, value, *priority, &zone) {
            Ok(data) => panic!("{record_type} {value:?} was accepted as {data}"),
            Err(fault) => assert_eq!(fault.field, Some(*field), "{record_type} {value:?}: {fault}"),
        }
    }
    for (value, priority, canonical, file) in good {
        let data = RecordData::parse(record_type, value, *priority, &zone)
            .unwrap_or_else(|fault| panic!("{record_type} {value:?}: {fault}"));
        assert_eq!(data.record_type(), record_type);
        assert_eq!(data.value(), *canonical, "{record_type} {value:?}");
        assert_eq!(data.priority(), *priority, "{record_type} {value:?}");
        assert_eq!(data.to_string(), *file, "{record_type} {value:?}");
        let again = RecordData::parse(record_type, canonical, *priority, &zone).unwrap();
        assert_eq!(again, data, "the canonical form of {record_type} {value:?} reads back");
        let stored = RecordData::from_stored(record_type, &data.wire(), data.is_quoted()).unwrap();
        assert_eq!(stored, data, "{record_type} {value:?} survives the store");
        let generic = format!("\\# {} {}", data.wire().len(), hex(&data.wire()));
        for text in [*file, &generic] {
            let read = from_file(record_type, text).unwrap_or_else(|error| panic!("{record_type} {text}: {error}"));
            assert_eq!(read.wire(), data.wire(), "{record_type} {text:?} from a zone file");
        }
    }
}

/// Data as a zone file has it, relative names below `sub.example.com`.
pub(crate) fn from_file(record_type: RecordType, text: &str) -> Result<RecordData, FieldError> {
    let origin = Name::parse("sub.example.com").unwrap();
    let (tokens, end) = value_tokens(text).unwrap();
    RecordData::from_fields(
        record_type,
        &mut Fields::new(&tokens, Names::File { origin: &origin, readings: &Readings::default() }, end),
    )
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn a_generic_form_is_checked_like_any_other() {
    for (record_type, text, file) in [
        (RecordType::A, "\\# 4 C0 0002 01", Some("192.0.2.1")),
        (RecordType::A, "\\# 3 c00002", None),
        (RecordType::A, "\\# 4 c00002", None),
        (RecordType::A, "\\# 4 c000020101", None),
        (RecordType::A, "\\# c0000201", None),
        (RecordType::A, "\\# 0", None),
        (RecordType::Mx, "\\# 7 000a 01410162 00", Some("10 a.b.")),
        (RecordType::Mx, "\\# 4 000a c000", None),
        (RecordType::Txt, "\\# 2 0161", Some("\"a\"")),
        (RecordType::Txt, "\\# x", Some("\"#\" \"x\"")),
        (RecordType::Txt, "\\# 2 0261", None),
        (RecordType::Caa, "\\# 4 00014161", Some("0 a \"a\"")),
        (RecordType::Caa, "\\# 3 00012d", None),
    ] {
        let read = from_file(record_type, text).map(|data| data.to_string());
        assert_eq!(read.as_deref().ok(), file, "{record_type} {text}");
    }
    let unknown = RecordType::parse("TYPE65280").unwrap();
    assert_eq!(from_file(unknown, "\\# 0").unwrap().to_string(), "\\# 0");
    assert_eq!(from_file(unknown, "\\# 3 0a0B 0c").unwrap().to_string(), "\\# 3 0A0B0C");
    assert!(from_file(unknown, "0a0b").is_err());
}
