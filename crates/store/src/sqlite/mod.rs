//! The store on SQLite.

use std::path::{Path, PathBuf};

use dns::apex::Apex;
use dns::change::{Edit, Limits};
use dns::{RecordId, Serial, ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};
use tokio::sync::watch;

use crate::*;

/// What a store is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the time comes from.
    pub clock: Clock,
    /// What the operator bounds.
    pub limits: Limits,
    /// What the server puts into every new zone.
    pub apex: Apex,
}

/// The store. Cheap to clone; all clones share one writer and one set of readers.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
}

impl Store {
    /// Opens the database file, makes it (mode 0600) where there is none, and brings its schema up to date.
    pub fn open(path: &Path, options: Options) -> Result<Store, StoreError> {
        todo!()
    }
    /// Ends the writer after the jobs it has, and closes the database.
    pub async fn close(&self) {
        todo!()
    }

    // ---- accounts and tokens ----
    /// Makes an account.
    pub async fn create_account(&self, account: NewAccount) -> Result<Account, CreateAccountError> {
        todo!()
    }
    /// The account with that address, compared without regard to case.
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        todo!()
    }
    /// All accounts, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        todo!()
    }
    /// Makes a token.
    pub async fn create_token(&self, account: AccountId, token: NewToken) -> Result<CreatedToken, StoreError> {
        todo!()
    }
    /// The tokens of one account, or of all, oldest first; revoked ones are gone.
    pub async fn tokens(&self, account: Option<AccountId>) -> Result<Vec<Token>, StoreError> {
        todo!()
    }
    /// Revokes a token; false where there is none with that number.
    pub async fn revoke_token(&self, id: i64) -> Result<bool, StoreError> {
        todo!()
    }
    /// Whom the presented text speaks for; `None` where it is malformed, unknown, expired or revoked. Answered from memory where it can be.
    pub async fn authenticate(&self, presented: &str) -> Result<Option<std::sync::Arc<Identity>>, StoreError> {
        todo!()
    }

    // ---- zones and records, for one account ----
    /// Makes a zone. `override_related` is the operator's.
    pub async fn create_zone(
        &self,
        author: &Author,
        name: ZoneName,
        override_related: bool,
    ) -> Result<Zone, CreateZoneError> {
        todo!()
    }
    /// The account's zones after `after`, oldest first.
    pub async fn zones(
        &self,
        account: AccountId,
        name: Option<ZoneName>,
        after: Option<ZoneId>,
        limit: u32,
    ) -> Result<Vec<Zone>, StoreError> {
        todo!()
    }
    /// One zone.
    pub async fn zone(&self, account: AccountId, id: ZoneId) -> Result<Option<Zone>, StoreError> {
        todo!()
    }
    /// Deletes a zone with its records: `None` where the account has no such zone.
    pub async fn delete_zone(&self, author: &Author, id: ZoneId) -> Result<Option<Zone>, StoreError> {
        todo!()
    }
    /// All records of a zone that pass the filter, in one consistent view; gives the visitor back, or `None` where the account has no such zone.
    pub async fn visit_records<V: RecordVisitor>(
        &self,
        account: AccountId,
        zone: ZoneId,
        filter: RecordFilter,
        visitor: V,
    ) -> Result<Option<V>, StoreError> {
        todo!()
    }
    /// A page of the records of one zone (or of all the account's), oldest first. `None` where the account has no such zone.
    pub async fn records(
        &self,
        account: AccountId,
        zone: Option<ZoneId>,
        filter: RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        todo!()
    }
    /// One record, and the zone it is in.
    pub async fn record(&self, account: AccountId, id: RecordId) -> Result<Option<(Zone, StoredRecord)>, StoreError> {
        todo!()
    }
    /// Changes a zone: all edits or none. Durable when it returns.
    pub async fn change(
        &self,
        author: &Author,
        zone: ZoneId,
        edits: Vec<Edit>,
        conditions: Vec<Condition>,
    ) -> Result<Committed, ChangeError> {
        todo!()
    }
    /// A new record identity.
    pub fn new_record_id(&self) -> RecordId {
        todo!()
    }

    // ---- the operator's ----
    /// The zone of that name, whoever has it.
    pub async fn zone_of_anyone(&self, name: &ZoneName) -> Result<Option<ZoneOfAnyone>, StoreError> {
        todo!()
    }
    /// All zones by name, after `after`.
    pub async fn zones_of_anyone(&self, after: Option<ZoneName>, limit: u32) -> Result<Vec<ZoneOfAnyone>, StoreError> {
        todo!()
    }
    /// Gives a zone to another account; false where there is no such zone.
    pub async fn move_zone(&self, name: &ZoneName, to: AccountId) -> Result<bool, StoreError> {
        todo!()
    }
    /// Gives the next zones that have another apex than the one this store was opened with a version that has it; how many it did. 0: all have it.
    pub async fn roll_out_apex(&self, at_most: u32) -> Result<u32, StoreError> {
        todo!()
    }
    /// SQLite's own check of the file; the complaints, none where all is well.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        todo!()
    }

    // ---- deployment ----
    /// The newest version of the zone of that name, if there is one.
    pub async fn head(&self, name: &ZoneName) -> Result<Option<Head>, StoreError> {
        todo!()
    }
    /// The newest versions of all zones, in an order that stays, after `after`.
    pub async fn heads(&self, after: Option<ZoneId>, limit: u32) -> Result<Vec<Head>, StoreError> {
        todo!()
    }
    /// What the zone's newest version holds.
    pub async fn snapshot(&self, id: ZoneId) -> Result<Option<ZoneSnapshot>, StoreError> {
        todo!()
    }
    /// The step from the version with serial `from` to the newest. `None` where the zone is gone or never had such a version.
    pub async fn delta(&self, id: ZoneId, from: Serial) -> Result<Option<ZoneDelta>, StoreError> {
        todo!()
    }
    /// Which zones moved after a position in the journal.
    pub async fn moves(&self, after: u64) -> Result<Moves, StoreError> {
        todo!()
    }
    /// The journal's position, whenever it moves: by this process at once, by another within a second. A hint; [`Store::moves`] is the truth.
    pub fn position(&self) -> watch::Receiver<u64> {
        todo!()
    }
}
