//! The DNS model of Zonewright: names, record data, RRsets, the rules over a zone, serials, changes, and zone-file text.
//!
//! This crate does no I/O and depends on no database, no HTTP and no clock. Text becomes a type here ([`ZoneName`],
//! [`OwnerName`], [`HostName`], [`Ttl`], [`Serial`], [`RecordData`]); other crates do not handle unparsed strings. Changes are
//! planned here too ([`change::plan`]), against a zone that is read only through the small [`change::Lookup`] interface, so that
//! the store can check every rule inside the transaction that stores the change, at a cost that does not grow with the zone.
//!
//! Decided against: one struct with a field for every record type, and record data as text. Data is compared in wire form, the
//! only form in which two spellings of one record are equal.

pub mod apex;
pub mod change;
mod fault;
mod host_name;
pub mod key;
pub mod message;
mod name;
mod owner;
pub(crate) mod presentation;
pub mod rdata;
mod record;
mod reverse;
mod serial;
mod snapshot;
mod suffix;
mod ttl;
pub mod warnings;
mod zone;
pub mod zonefile;

pub use apex::Apex;
pub use fault::Fault;
pub use host_name::HostName;
pub use message::Message;
pub use name::{Name, NameError, is_invisible};
pub use owner::OwnerName;
pub use presentation::Position;
pub use rdata::{RecordData, RecordType};
pub use record::{Record, RecordId, ResourceRecord};
pub use serial::Serial;
pub use snapshot::{ZoneDelta, ZoneId, ZoneSnapshot};
pub use suffix::Suffix;
pub use ttl::Ttl;
pub use zone::ZoneName;
