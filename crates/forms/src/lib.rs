//! Records, settings, zone files and update keys as users write them: text becomes types of `dns` and `store`, or errors that name the member.
//!
//! The members of a JSON request and the fields of a form are read by the same rules and get the same errors. `api` and
//! `dashboard` both depend on this crate, so that the dashboard can change a zone without depending on `api`.

mod client_config;
mod member;
mod record;
mod typed_record;
mod typed_settings;
mod update_key;
mod zone_file;

pub use client_config::{ClientFormat, Endpoints, NoConfig, client_config};
pub use member::MemberError;
pub use record::{RecordChanges, WholeRecord, owner};
pub use typed_record::TypedRecord;
pub use typed_settings::TypedSettings;
pub use update_key::{TypedUpdateKey, UpdateKeyError};
pub use zone_file::{ZoneFileError, read_zone_file};
