//! What people look for: zones, records and accounts in the order of their names, those that have a text somewhere.

use dns::{OwnerName, ZoneName};

use crate::{Account, StoredRecord, Zone};

/// Some of an account's zones, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundZones {
    /// In the canonical order of their names (RFC 4034, section 6.1).
    pub zones: Vec<Zone>,
    /// After which name the rest comes; `None` where there is no more.
    pub next: Option<ZoneName>,
}

/// Some of a zone's records, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRecords {
    /// The zone at that moment.
    pub zone: Zone,
    /// In the order of their names and types; all those of a name, or none of it.
    pub records: Vec<StoredRecord>,
    /// After which name the rest comes; `None` where there is no more.
    pub next: Option<OwnerName>,
}

/// Some of all accounts, by address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAccounts {
    /// In the order of their addresses, without regard to case.
    pub accounts: Vec<Account>,
    /// After which address the rest comes; `None` where there is no more.
    pub next: Option<String>,
}
