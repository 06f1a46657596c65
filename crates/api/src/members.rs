//! The members of a record in requests.

use dns::Ttl;
use dns::change::TtlChoice;
use forms::{MemberError, RecordChanges, WholeRecord};
use store::StoredRecord;
use uuid::Uuid;

use crate::json::Members;
use crate::query::parse_uuid;
use crate::schema::{Member, Schema, optional, required};
use crate::views::iso;

/// Takes the members of a whole record; that no others are there has been checked.
pub(crate) fn whole_record(members: &Members) -> Result<WholeRecord, MemberError> {
    Ok(WholeRecord {
        record_type: members.required_string("record_type")?.to_owned(),
        name: members.required_string("name")?.to_owned(),
        value: members.required_string("value")?.to_owned(),
        ttl: ttl(members)?,
        priority: priority(members)?.flatten(),
    })
}

/// What a request for a new record looks like, where the path names the zone.
pub(crate) fn new_record_schema() -> Schema {
    Schema::request(whole_record_members()).named("NewRecord")
}

/// The same where the body names the zone.
pub(crate) fn new_record_of_zone_schema() -> Schema {
    let zone = required("zone", Schema::uuid().about("The zone's UUID."));
    Schema::request(whole_record_members().into_iter().chain([zone])).named("NewRecordOfZone")
}

/// The schema of a request with a complete record.
pub(crate) fn record_anew_schema() -> Schema {
    Schema::request(whole_record_members().into_iter().chain(ReadOnly::members())).named("RecordAnew")
}

pub(crate) fn whole_record_members() -> [Member; 5] {
    let ttl = "Seconds that resolvers may cache the record. Default: the TTL of the RRset (the records of one name and type) \
               that it joins, otherwise the zone's default TTL (3600 if its settings have no other). The TTL that was given \
               last applies to all records of an RRset.";
    [
        required("record_type", Schema::string().about(TYPE).like("MX")),
        required("name", Schema::string().about(NAME).like("@")),
        required("value", Schema::string().about(VALUE).like("mail.example.com")),
        optional("ttl", Schema::integer(0..=Ttl::MAX.seconds()).or_null().about(ttl).like(3600)),
        optional("priority", Schema::integer(0..=65535).or_null().about(PRIORITY).like(10)),
    ]
}

/// Takes the members that a request changes; that no others are there has been checked.
pub(crate) fn record_changes(members: &Members) -> Result<RecordChanges, MemberError> {
    let string = |name| members.string(name).map(|text| text.map(str::to_owned));
    Ok(RecordChanges {
        record_type: string("record_type")?,
        name: string("name")?,
        value: string("value")?,
        ttl: ttl(members)?.map(TtlChoice::Set),
        priority: priority(members)?,
    })
}

/// What a request looks like that changes some members.
pub(crate) fn record_changes_schema() -> Schema {
    Schema::request(record_changes_members().into_iter().chain(ReadOnly::members())).named("RecordChanges")
}

pub(crate) fn record_changes_members() -> [Member; 5] {
    let ttl = "Seconds that resolvers may cache the record. It applies to all records of the RRset. If it is not given, it \
               stays the same, unless a new name or type moves the record to an RRset with another TTL.";
    [
        optional("record_type", Schema::string().about(TYPE).like("MX")),
        optional("name", Schema::string().about(NAME).like("@")),
        optional("value", Schema::string().about(VALUE).like("mail.example.com")),
        optional("ttl", Schema::integer(0..=Ttl::MAX.seconds()).or_null().about(ttl).like(1800)),
        optional("priority", Schema::integer(0..=65535).or_null().about(PRIORITY).like(10)),
    ]
}

/// The members that are only read, as a request sent them back.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    uuid: Option<Uuid>,
    created_at: Option<String>,
    zone: Option<Uuid>,
}

impl ReadOnly {
    /// What PUT and PATCH know: the members of a record, and these.
    pub(crate) const WITH_RECORD: &'static [&'static str] =
        &["record_type", "name", "value", "ttl", "priority", "uuid", "created_at", "zone"];

    fn members() -> [Member; 3] {
        let unchanged = "Read-only. Accepted if it is unchanged, refused otherwise.";
        [
            optional("uuid", Schema::uuid().about(unchanged)),
            optional("created_at", Schema::time().about(unchanged)),
            optional("zone", Schema::uuid().about(unchanged)),
        ]
    }

    /// Takes the members; a text that is no identifier was never read from here.
    pub(crate) fn read(members: &Members) -> Result<ReadOnly, MemberError> {
        let uuid = |name| match members.string(name) {
            Ok(Some(text)) => parse_uuid(text).map(Some).ok_or(MemberError::ReadOnly { name }),
            other => other.map(|_| None),
        };
        Ok(ReadOnly {
            uuid: uuid("uuid")?,
            created_at: members.string("created_at")?.map(str::to_owned),
            zone: uuid("zone")?,
        })
    }

    /// Refuses what is not as it was read.
    pub(crate) fn check(&self, current: &StoredRecord) -> Result<(), MemberError> {
        let unchanged = [
            ("uuid", self.uuid.is_none_or(|uuid| uuid == current.record.id.0)),
            ("created_at", self.created_at.as_ref().is_none_or(|time| *time == iso(current.created_at))),
            ("zone", self.zone.is_none_or(|zone| zone == current.zone.0)),
        ];
        match unchanged.into_iter().find(|(_, unchanged)| !unchanged) {
            Some((name, _)) => Err(MemberError::ReadOnly { name }),
            None => Ok(()),
        }
    }
}

const TYPE: &str =
    "The type of the record, in any letter case: `A`, `AAAA`, `CNAME`, `MX`, `TXT`, `NS`, `SRV`, `CAA` and others.";
const NAME: &str = "`@` for the zone's own name, a name relative to the zone (`www`, `_dmarc`, `*`), or a full name inside the zone. A \
                    name that does not end in the zone's name is relative.";
const VALUE: &str = "The data of the type: an address, a host name, a text. Responses have it in canonical form.";
const PRIORITY: &str = "Required for MX and SRV; for other types null or absent.";

/// `ttl`; an explicit null is the same as none.
pub(crate) fn ttl(members: &Members) -> Result<Option<Ttl>, MemberError> {
    Ok(members.integer("ttl", Ttl::MAX.seconds())?.flatten().and_then(Ttl::new))
}

/// `priority`; the outer option says whether it was given, the inner whether it was null.
pub(crate) fn priority(members: &Members) -> Result<Option<Option<u16>>, MemberError> {
    let given = members.integer("priority", u16::MAX.into())?;
    Ok(given.map(|number| number.and_then(|number| u16::try_from(number).ok())))
}
