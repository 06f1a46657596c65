//! What every record type's table of examples is checked for.

pub(crate) use crate::RecordType;
use crate::{RecordData, ZoneName};

/// Value, priority, canonical value, zone-file text.
pub(crate) type Good<'a> = (&'a str, Option<u16>, &'a str, &'a str);
/// Value, priority, member at fault.
pub(crate) type Bad<'a> = (&'a str, Option<u16>, &'a str);

/// Refusals name the member at fault; accepted values come out in canonical form, which reads back as itself, and survive the
/// way through the store.
pub(crate) fn check(record_type: RecordType, good: &[Good<'_>], bad: &[Bad<'_>]) {
    let zone = ZoneName::parse("example.com").unwrap();
    assert_eq!(RecordType::parse(record_type.name()), Ok(record_type), "{record_type} is among the editable types");
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
    }
}

#[test]
fn types_are_read_in_any_case() {
    for text in ["MX", "mx", "Mx"] {
        assert_eq!(RecordType::parse(text).unwrap(), RecordType::Mx);
    }
    for text in ["", "SOA", "soa", "PTR", "ANY", "TYPE15", " MX"] {
        assert_eq!(RecordType::parse(text).unwrap_err().field, Some("record_type"), "{text:?}");
    }
    for known in RecordType::EDITABLE {
        assert_eq!(RecordType::from_code(known.code()), Some(known));
    }
}
