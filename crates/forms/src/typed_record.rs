//! The members of a record from a form, read by the same rules and with the same errors as those of a request.

use dns::change::{Amendment, NewRecord, TtlChoice};
use dns::{Fault, Ttl, ZoneName};
use store::StoredRecord;

use crate::member::MemberError;
use crate::record::{RecordChanges, WholeRecord};

/// What stands in the fields of a form. Nothing typed is no member, as far as a member may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the members of a record")]
pub struct TypedRecord {
    pub record_type: String,
    pub name: String,
    pub value: String,
    pub ttl: String,
    pub priority: String,
}

impl TypedRecord {
    /// A record as requests would send it back.
    pub fn from_stored(stored: &StoredRecord) -> TypedRecord {
        let record = &stored.record;
        TypedRecord {
            record_type: record.data.record_type().to_string(),
            name: record.owner.to_string(),
            value: record.data.value(),
            ttl: record.ttl.to_string(),
            priority: record.data.priority().map(|priority| priority.to_string()).unwrap_or_default(),
        }
    }

    /// The new record that they make, as `POST` reads it.
    ///
    /// # Errors
    ///
    /// The first rule that a member breaks, with the member's name.
    pub fn read(&self, zone: &ZoneName) -> Result<NewRecord, Fault> {
        let whole = WholeRecord {
            record_type: self.record_type.clone(),
            name: required("name", &self.name)?.to_owned(),
            value: self.value.clone(),
            ttl: ttl(&self.ttl)?,
            priority: priority(&self.priority)?,
        };
        whole.in_zone(zone)
    }

    /// The changes to the record of the form, as `PATCH` reads them: unchanged members are left out, so that changes of other
    /// users to them are kept. A removed TTL means the same as in a `PUT` without one.
    ///
    /// # Errors
    ///
    /// As [`TypedRecord::read`].
    pub fn amendment(&self, was: &TypedRecord, zone: &ZoneName) -> Result<Amendment, Fault> {
        let changed = |now: &str, was: &str| (now != was).then(|| now.to_owned());
        let changes = RecordChanges {
            record_type: changed(&self.record_type, &was.record_type),
            name: changed(required("name", &self.name)?, &was.name),
            value: changed(&self.value, &was.value),
            ttl: if self.ttl == was.ttl {
                None
            } else {
                Some(ttl(&self.ttl)?.map_or(TtlChoice::Default, TtlChoice::Set))
            },
            priority: if self.priority == was.priority { None } else { Some(priority(&self.priority)?) },
        };
        changes.in_zone(zone)
    }
}

fn required<'a>(name: &'static str, text: &'a str) -> Result<&'a str, Fault> {
    if text.is_empty() { Err(fault(name, &MemberError::Missing(name))) } else { Ok(text) }
}

fn ttl(text: &str) -> Result<Option<Ttl>, Fault> {
    Ok(integer("ttl", text, Ttl::MAX.seconds())?.and_then(Ttl::new))
}

fn priority(text: &str) -> Result<Option<u16>, Fault> {
    Ok(integer("priority", text, u16::MAX.into())?.and_then(|number| u16::try_from(number).ok()))
}

pub(crate) fn integer(name: &'static str, text: &str, max: u32) -> Result<Option<u32>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_plain = text.bytes().all(|c| c.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_plain && *number <= max);
    number.map(Some).ok_or_else(|| fault(name, &MemberError::integer(name, max)))
}

fn fault(name: &'static str, error: &MemberError) -> Fault {
    Fault::of(name, "member", error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(record_type: &str, name: &str, value: &str, ttl: &str, priority: &str) -> TypedRecord {
        let [record_type, name, value, ttl, priority] = [record_type, name, value, ttl, priority].map(str::to_owned);
        TypedRecord { record_type, name, value, ttl, priority }
    }

    #[test]
    fn what_is_typed_is_refused_in_the_words_of_a_request() {
        let zone = ZoneName::parse("example.com").unwrap();
        for (record, field, detail) in [
            (typed("A", "", "192.0.2.1", "", ""), "name", "name is required"),
            (typed("A", "@", "192.0.2.1", "1h", ""), "ttl", "ttl must be an integer from 0 to 2147483647"),
            (typed("A", "@", "192.0.2.1", "+1", ""), "ttl", "ttl must be an integer from 0 to 2147483647"),
            (typed("MX", "@", "mail.example.com", "", ""), "priority", "MX records require a priority value"),
            (
                typed("MX", "@", "mail.example.com", "", "65536"),
                "priority",
                "priority must be an integer from 0 to 65535",
            ),
        ] {
            let fault = record.read(&zone).unwrap_err();
            assert_eq!((fault.field, fault.detail.to_string()), (Some(field), detail.to_owned()), "{record:?}");
        }
        assert!(typed("MX", "@", "mail.example.com", "", "10").read(&zone).is_ok());
    }
}
