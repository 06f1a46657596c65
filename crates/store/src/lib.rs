//! What Zonewright stores: accounts, tokens, zones and every version of them, on SQLite or PostgreSQL.
//!
//! A zone is a sequence of versions, and a version is what one committed change removed and added. That one journal is the
//! history, the audit log, and what the nameservers are brought up to date from; there is no second log. A change is planned
//! (`dns::change`), checked and stored in one transaction, and is durable when its future resolves.
//!
//! The interface speaks the types of `dns` and of this crate, never SQL. Each part of the program holds the facet that it needs
//! (`facets`), so that forgetting a tenant's scope does not compile. "Not found" is `Ok(None)`.
//!
//! To add a column, see `docs/adding-a-setting.md`; `schema.sql` shows all of them.
//!
//! Decided against: one ORM over several databases (group commit and the journal's range reads need SQL that we can see), and
//! storing what is deployed (the nameserver is asked; anything else is a second truth).

// Shared modules of tests name this crate as others do.
#[cfg(test)]
extern crate self as store;

mod accounts;
mod answers;
mod backoff;
mod catalogs;
mod chain;
mod changes;
mod claims;
mod clock;
mod database;
mod deleted;
mod error;
mod events;
mod facets;
mod free_text;
mod hashing;
mod health;
mod history;
mod ids;
mod logic;
mod mails;
mod name_pattern;
mod owner_mail;
mod passwords;
mod permissions;
mod policy;
mod reserved;
mod retention;
mod sealing;
mod search;
mod second_factor;
mod secrets;
mod sessions;
mod settings;
mod sql;
mod tenant;
mod tokens;
mod update_keys;
mod versions;
mod zones;

pub use accounts::{
    Account, AccountError, AccountId, AccountLimits, AccountNames, CLOSED_KEPT, CreateAccountError, DailyLimit,
    NewAccount, PasswordHash, Role, Suspension, TokensAfterwards, is_email_address, passwords_hashed,
};
pub use answers::{ANSWERS_KEPT_FOR, Answer, Done, MakeAnswer, Once, Repeatable};
pub use backoff::Backoff;
pub use catalogs::{CatalogChange, CatalogSnapshot, CatalogVersion, Member, catalog_of};
pub use chain::Chain;
pub use changes::{Change, ChangeError, Committed, Condition, CreateZoneError, NewZone, Wish};
pub use claims::{
    CLAIM_FOR, CLAIM_LABEL, Claim, Displacement, MOST_BELOW, Proof, ProveError, Rivals, claim_name, needs_whole_zone,
};
pub use clock::{Clock, Timestamp};
pub use database::{Address, AddressError, Database};
pub use deleted::{DeletedZone, UndeleteError};
pub use error::{DatabaseError, StoreError};
pub use events::{AccountEvent, Actor, EventId, EventKind};
pub use facets::{Doors, Journal, Operator, Outbox, People, Person};
pub use free_text::{TextProblem, check_text};
pub use hashing::Lane;
pub use health::Health;
pub use history::{Counts, Difference, Event, History, HistoryError, MadeBy, Version};
pub use logic::served::ServedZone;
pub use mails::{MailId, MailKind, MailWaiting, NewMail, QueueMailError, QueuedMail};
pub use name_pattern::{NamePattern, NamePatternError};
pub use owner_mail::OwnerNotice;
pub use passwords::{LONGEST_PASSWORD, PasswordProblem, SHORTEST_PASSWORD, check_password};
pub use permissions::{Permission, Permissions, UnknownPermission};
pub use policy::Policy;
pub use reserved::{CATALOGS, MoveZoneError, Reservation, Reserved};
pub use retention::{Forgotten, Retention};
pub use sealing::KeyError;
pub use search::{FoundAccounts, FoundRecords, FoundZones};
pub use second_factor::{CODES_PER_SESSION, CodeOutcome, OneTimeKey, RecoveryCode};
pub use secrets::PlainSecret;
pub use sessions::{
    AcceptError, IDLE, KNOWN_FOR, Keep, Link, NewSession, Origin, SESSION, Session, SessionId, WAIT_FOR_CODE,
};
pub use settings::{EffectiveSettings, OwnSettings, SettingsChange, TIMER_BOUNDS, ZoneSettings};
pub use sql::{Options, Store};
pub use tenant::Tenant;
pub use tokens::{
    CreateTokenError, CreatedToken, Identity, NetworkScope, NetworkTextError, NewToken, PlainToken, Token, TokenId,
    ZoneScope, parse_network,
};
pub use update_keys::{
    CreateUpdateKeyError, CreatedUpdateKey, Door, KeyAlgorithm, KeyCredentials, KeyIdentity, KeyPurpose, KeyScope,
    KeySecret, KeyTypes, KeyZone, MOST_IN_SCOPE, MOST_UPDATE_KEYS, NewUpdateKey, OutOfScope, OutsideNetworks,
    REFUSALS_KEPT, Refusal, RefusedBy, Transport, UnknownWord, UpdateKey, UpdateKeyId,
};
pub use versions::{Author, Comment, Head, Moves, Source, Step, VersionNumber};
pub use zones::{RecordFilter, RecordVisitor, StoredRecord, Withheld, Zone, ZoneOfAnyone};
