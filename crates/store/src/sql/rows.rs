//! Rows as they are stored, and the types they become. A row that cannot become its type is reported with its place.

use std::net::IpAddr;

use dns::{Name, OwnerName, Record, RecordData, RecordId, RecordType, Serial, Ttl, ZoneId, ZoneName};
use uuid::Uuid;

use super::columns::columns;
use super::db::{Connection, Index, Params, Row};
use crate::{AccountId, StoreError, StoredRecord, Timestamp, VersionNumber, Withheld, Zone};

// What [`zone`] reads, of a table or alias named `z`.
columns! {
    zone_columns, ZoneColumns of "z": id, uuid, name, created, record_count, version, serial, account, apex, settings,
        withheld, withheld_until; ... end
}
const ZONE: ZoneColumns = ZoneColumns::after(0);
/// The index of what a query selects after [`zone_columns`].
pub(super) const ZONE_WIDTH: usize = ZONE.end;

// What [`record`] reads, of a table or alias named `r`.
columns! {
    record_columns, RecordColumns of "r": id, record, owner, data, quoted, ttl, created, from_version, from_serial;
        record_type = "r.type"; ... end
}
const RECORD: RecordColumns = RecordColumns::after(0);
/// As [`ZONE_WIDTH`].
pub(super) const RECORD_WIDTH: usize = RECORD.end;

/// Whether the record `r` lives in the newest version of the zone whose row is `?1`. A version that is being written
/// (`staging`) has not begun its records yet, and has not ended those that it will.
macro_rules! lives {
    () => {
        "r.to_version IS NULL AND r.from_version <= (SELECT version FROM zones WHERE id = ?1)
         AND (r.ends = 0 OR r.ends > (SELECT version FROM zones WHERE id = ?1))"
    };
}

/// The same of a record of the zone `z`.
macro_rules! lives_in_z {
    () => {
        "r.to_version IS NULL AND r.from_version <= z.version AND (r.ends = 0 OR r.ends > z.version)"
    };
}

pub(super) use crate::logic::source::ZoneRow;
pub(super) use {lives, lives_in_z};
#[expect(clippy::single_component_path_imports, reason = "the macro is defined by `columns!`")]
pub(super) use {record_columns, zone_columns};

/// Reads [`zone_columns`].
pub(super) fn zone(row: &Row<'_>) -> Result<ZoneRow, StoreError> {
    let id: i64 = row.get(ZONE.id)?;
    let place = Place { table: "zones", row: id };
    Ok(ZoneRow {
        row: id,
        account: AccountId(row.get(ZONE.account)?),
        apex: row.get(ZONE.apex)?,
        settings: row.get(ZONE.settings)?,
        zone: Zone {
            id: ZoneId(place.uuid("uuid", row, ZONE.uuid)?),
            name: place.zone_name(row, ZONE.name)?,
            created_at: place.time("created", row.get(ZONE.created)?)?,
            record_count: place.sound("record_count", u64::try_from(row.get::<_, i64>(ZONE.record_count)?).ok())?,
            version: VersionNumber(place.sound("version", u64::try_from(row.get::<_, i64>(ZONE.version)?).ok())?),
            serial: Serial(place.sound("serial", u32::try_from(row.get::<_, i64>(ZONE.serial)?).ok())?),
            withheld: Withheld {
                reasons: row.get(ZONE.withheld)?,
                until: place.time_or_none("withheld_until", row.get(ZONE.withheld_until)?)?,
            },
        },
    })
}

/// Reads [`record_columns`] of a record in `zone`; gives the row's number too.
pub(super) fn record(row: &Row<'_>, zone: ZoneId) -> Result<(i64, StoredRecord), StoreError> {
    let id: i64 = row.get(RECORD.id)?;
    let place = Place { table: "records", row: id };
    let owner = row.get_ref(RECORD.owner)?.as_blob().ok().and_then(OwnerName::from_key);
    let record_type = u16::try_from(row.get::<_, i64>(RECORD.record_type)?).ok().and_then(RecordType::from_code);
    let record_type = place.sound("type", record_type)?;
    let wire = place.sound("data", row.get_ref(RECORD.data)?.as_blob().ok())?;
    let data = RecordData::from_stored(record_type, wire, row.get(RECORD.quoted)?).ok();
    let stored = StoredRecord {
        zone,
        record: Record {
            id: RecordId(place.uuid("record", row, RECORD.record)?),
            owner: place.sound("owner", owner)?,
            ttl: place.sound("ttl", u32::try_from(row.get::<_, i64>(RECORD.ttl)?).ok().and_then(Ttl::new))?,
            data: place.sound("data", data)?,
        },
        created_at: place.time("created", row.get(RECORD.created)?)?,
        version: VersionNumber(
            place.sound("from_version", u64::try_from(row.get::<_, i64>(RECORD.from_version)?).ok())?,
        ),
        serial: Serial(place.sound("from_serial", u32::try_from(row.get::<_, i64>(RECORD.from_serial)?).ok())?),
    };
    Ok((id, stored))
}

/// The records in `zone` that a statement with [`record_columns`] finds.
pub(super) fn records(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    zone: ZoneId,
) -> Result<Vec<StoredRecord>, StoreError> {
    connection.list(sql, values, |row| Ok(record(row, zone)?.1))
}

/// A version's number as SQLite holds it.
pub(super) fn number(version: VersionNumber) -> i64 {
    version.0 as i64
}

/// Where a value stands, for the report about one that is damaged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) table: &'static str,
    pub(super) row: i64,
}

impl Place {
    /// The value, or the report where there is none.
    pub(super) fn sound<T>(self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or(StoreError::Damaged { table: self.table, column, row: self.row })
    }

    /// A time, which is stored in milliseconds since 1970.
    pub(super) fn time(self, column: &'static str, milliseconds: i64) -> Result<Timestamp, StoreError> {
        self.sound(column, Timestamp::from_millisecond(milliseconds).ok())
    }

    /// [`Place::time`] of a column that may be NULL.
    pub(super) fn time_or_none(
        self,
        column: &'static str,
        milliseconds: Option<i64>,
    ) -> Result<Option<Timestamp>, StoreError> {
        milliseconds.map(|milliseconds| self.time(column, milliseconds)).transpose()
    }

    /// A network address, which is stored as its text.
    pub(super) fn address(self, column: &'static str, text: Option<String>) -> Result<Option<IpAddr>, StoreError> {
        text.map(|text| self.sound(column, text.parse().ok())).transpose()
    }

    /// A zone's name, which is stored as the key that sorts it.
    pub(super) fn zone_name(self, row: &Row<'_>, index: impl Index) -> Result<ZoneName, StoreError> {
        let key = row.get_ref(index)?.as_blob().ok();
        self.sound("name", key.and_then(|key| Name::from_key(key).ok())).map(ZoneName::from_stored)
    }

    /// A UUID, which is stored as its 16 octets.
    pub(super) fn uuid(self, column: &'static str, row: &Row<'_>, index: impl Index) -> Result<Uuid, StoreError> {
        let octets = row.get_ref(index)?.as_blob().ok();
        self.sound(column, octets.and_then(|octets| Uuid::from_slice(octets).ok()))
    }
}
