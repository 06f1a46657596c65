//! Records, settings and zone files as users write them: text that becomes types of `dns` and `store`, or errors that name the member.
//!
//! The members of a JSON request and the fields of a page's form are read by the same rules and refused in the same words.
//! `api` and `dashboard` stand on this crate, and neither depends on the other to change a zone.

mod member;
mod record;
mod typed_record;
mod typed_settings;
mod zone_file;

pub use member::MemberError;
pub use record::{RecordChanges, WholeRecord, owner};
pub use typed_record::TypedRecord;
pub use typed_settings::TypedSettings;
pub use zone_file::{ZoneFileError, read_zone_file};
