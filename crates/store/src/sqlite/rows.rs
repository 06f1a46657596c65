//! Rows as they are stored, and the types they become. A row that cannot become its type is reported with its place.

use std::net::IpAddr;

use dns::{Name, OwnerName, Record, RecordData, RecordId, RecordType, Serial, Ttl, ZoneId, ZoneName};
use rusqlite::Row;
use uuid::Uuid;

use crate::{AccountId, StoreError, StoredRecord, Timestamp, VersionNumber, Withheld, Zone};

/// The columns that [`zone`] reads, in its order, of a table or alias named `z`. A macro, so that `concat!` takes it.
macro_rules! zone_columns {
    () => {
        "z.id, z.uuid, z.name, z.created, z.record_count, z.version, z.serial, z.account, z.apex, z.settings,
         z.withheld, z.withheld_until"
    };
}
/// How many those are: the index of what a query selects after them.
pub(super) const ZONE_WIDTH: usize = 12;

/// The columns that [`record`] reads, in its order, of a table or alias named `r`.
macro_rules! record_columns {
    () => {
        "r.id, r.record, r.owner, r.type, r.data, r.quoted, r.ttl, r.created, r.from_version, r.from_serial"
    };
}
/// As [`ZONE_WIDTH`].
pub(super) const RECORD_WIDTH: usize = 10;

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
pub(super) use {lives, lives_in_z, record_columns, zone_columns};

/// Reads [`zone_columns`].
pub(super) fn zone(row: &Row<'_>) -> Result<ZoneRow, StoreError> {
    let id: i64 = row.get(0)?;
    let place = Place { table: "zones", row: id };
    Ok(ZoneRow {
        row: id,
        account: AccountId(row.get(7)?),
        apex: row.get(8)?,
        settings: row.get(9)?,
        zone: Zone {
            id: ZoneId(place.uuid("uuid", row, 1)?),
            name: place.zone_name(row, 2)?,
            created_at: place.time("created", row.get(3)?)?,
            record_count: place.sound("record_count", u64::try_from(row.get::<_, i64>(4)?).ok())?,
            version: VersionNumber(place.sound("version", u64::try_from(row.get::<_, i64>(5)?).ok())?),
            serial: Serial(place.sound("serial", u32::try_from(row.get::<_, i64>(6)?).ok())?),
            withheld: Withheld { reasons: row.get(10)?, until: place.time_or_none("withheld_until", row.get(11)?)? },
        },
    })
}

/// Reads [`record_columns`] of a record in `zone`; gives the row's number too.
pub(super) fn record(row: &Row<'_>, zone: ZoneId) -> Result<(i64, StoredRecord), StoreError> {
    let id: i64 = row.get(0)?;
    let place = Place { table: "records", row: id };
    let owner = row.get_ref(2)?.as_blob().ok().and_then(OwnerName::from_key);
    let record_type = u16::try_from(row.get::<_, i64>(3)?).ok().and_then(RecordType::from_code);
    let record_type = place.sound("type", record_type)?;
    let wire = place.sound("data", row.get_ref(4)?.as_blob().ok())?;
    let data = RecordData::from_stored(record_type, wire, row.get(5)?).ok();
    let stored = StoredRecord {
        zone,
        record: Record {
            id: RecordId(place.uuid("record", row, 1)?),
            owner: place.sound("owner", owner)?,
            ttl: place.sound("ttl", u32::try_from(row.get::<_, i64>(6)?).ok().and_then(Ttl::new))?,
            data: place.sound("data", data)?,
        },
        created_at: place.time("created", row.get(7)?)?,
        version: VersionNumber(place.sound("from_version", u64::try_from(row.get::<_, i64>(8)?).ok())?),
        serial: Serial(place.sound("from_serial", u32::try_from(row.get::<_, i64>(9)?).ok())?),
    };
    Ok((id, stored))
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
    pub(super) fn zone_name(self, row: &Row<'_>, index: usize) -> Result<ZoneName, StoreError> {
        let key = row.get_ref(index)?.as_blob().ok();
        self.sound("name", key.and_then(|key| Name::from_key(key).ok())).map(ZoneName::from_stored)
    }

    /// A UUID, which is stored as its 16 octets.
    pub(super) fn uuid(self, column: &'static str, row: &Row<'_>, index: usize) -> Result<Uuid, StoreError> {
        let octets = row.get_ref(index)?.as_blob().ok();
        self.sound(column, octets.and_then(|octets| Uuid::from_slice(octets).ok()))
    }
}
