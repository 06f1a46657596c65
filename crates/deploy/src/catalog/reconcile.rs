//! One catalog on the primary: the served state, the wanted state, and the step between.

use std::collections::{HashMap, HashSet};

use dns::{Serial, ZoneId, ZoneName};
use domain::base::iana::Rcode;
use futures_util::future::try_join_all;
use store::{CatalogChange, CatalogVersion, Member};
use wire::WireRecord;
use wire::ask::AskError;
use wire::transfer::{self, TransferError};
use wire::update::{MessageError, Outcome, UpdateBuilder, UpdateError};

use super::{Begin, CatalogError, CatalogName, Inner};
use crate::signing;

/// How many versions one update spans: a record takes up to 300 octets of the 65,000 of a message.
const STEP: u32 = 200;
/// How often a run retries if the served state changed before it acted.
const TRIES: u32 = 8;

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    /// What the primary serves.
    pub(super) serial: Serial,
    /// Whether later versions wait for a zone that the primary does not serve yet.
    pub(super) held_back: bool,
}

impl Inner {
    /// Brings a catalog to the store's newest version.
    pub(super) async fn reconcile(&self, catalog: CatalogName, begin: Begin) -> Result<Reached, CatalogError> {
        let mut served = begin.served;
        let mut is_suspect = begin.compare;
        let mut tries = 0;
        loop {
            if tries > TRIES {
                return Err(CatalogError::Contended { catalog: catalog.zone().to_string() });
            }
            let Some(serial) = (match served.take() {
                Some(serial) => Some(serial),
                None => self.ask(catalog).await?,
            }) else {
                return self.load(catalog).await;
            };
            if is_suspect {
                tries += 1;
                match self.repair(catalog).await? {
                    Repaired::Sound(serial) => (served, is_suspect) = (Some(serial), false),
                    Repaired::Again => {}
                    Repaired::Impossible => return self.load(catalog).await,
                }
                continue;
            }
            let Some(versions) = self.store.catalog_versions(catalog.0, serial, STEP).await? else {
                // The store never had that version: a backup was restored, or the catalog was changed elsewhere.
                is_suspect = true;
                continue;
            };
            let ready = if begin.force { versions.len() } else { self.ready(&versions).await? };
            let held_back = ready < versions.len();
            let is_last = held_back || versions.len() < STEP as usize;
            let Some(step) = step(catalog, serial, &versions[..ready]) else {
                return Ok(Reached { serial, held_back });
            };
            match self.send(catalog, &step.update, step.to).await? {
                Sent::Applied if is_last => return Ok(Reached { serial: step.to, held_back }),
                Sent::Applied => served = Some(step.to),
                Sent::Conflict => {
                    tries += 1;
                    // Either what was remembered is old, or the SOA is not ours.
                    is_suspect = self.ask(catalog).await? == Some(serial);
                }
                Sent::NotServed | Sent::TooLarge => return self.load(catalog).await,
            }
        }
    }

    /// How many of these versions, from the first, name only zones that the primary serves.
    async fn ready(&self, versions: &[CatalogVersion]) -> Result<usize, CatalogError> {
        let paths = paths(versions);
        let are_ready = versions.iter().map(|version| async {
            let CatalogChange::Joined { member, first } = &version.change else { return Ok(true) };
            if paths.get(&member.id).is_some_and(|path| !path.is_there) {
                return Ok(true);
            }
            match self.asker.serial(&member.name).await {
                Ok(serial) => Ok(serial.is_some_and(|serial| !first.is_newer_than(serial))),
                Err(AskError::Rcode(_) | AskError::Malformed) => Ok(false),
                Err(source) => Err(CatalogError::Ask { catalog: member.name.to_string(), source }),
            }
        });
        let are_ready = try_join_all(are_ready).await?;
        Ok(are_ready.iter().position(|is_ready| !is_ready).unwrap_or(versions.len()))
    }

    /// Whether a zone of this name left the catalog after the version with this serial.
    pub(super) async fn has_left_since(
        &self,
        catalog: CatalogName,
        serial: Serial,
        name: &ZoneName,
    ) -> Result<bool, CatalogError> {
        let versions = self.store.catalog_versions(catalog.0, serial, u32::MAX).await?.unwrap_or_default();
        Ok(versions.iter().filter_map(left).any(|member| member.name == *name))
    }

    /// The serial that is served; `None` where the primary has no such zone, or has it without content.
    async fn ask(&self, catalog: CatalogName) -> Result<Option<Serial>, CatalogError> {
        match self.asker.serial(&catalog.zone()).await {
            Ok(serial) => Ok(serial),
            Err(AskError::Rcode(Rcode::SERVFAIL)) => Ok(None),
            Err(source) => Err(CatalogError::Ask { catalog: catalog.zone().to_string(), source }),
        }
    }

    /// Makes what is served right, whatever it is, by an update from the difference.
    async fn repair(&self, catalog: CatalogName) -> Result<Repaired, CatalogError> {
        if !self.settings.host.has(catalog).await? {
            return Ok(Repaired::Impossible);
        }
        let settings = &self.settings;
        let limits = transfer::Limits::default();
        let clock = signing::clock(&settings.clock);
        let fetched = transfer::fetch(settings.dns, &catalog.zone(), Some(&settings.update_key), limits, &clock).await;
        let failed = |source| CatalogError::Transfer { catalog: catalog.zone().to_string(), source };
        let there = match fetched {
            Ok(there) => there,
            Err(TransferError::NotServed) => return Ok(Repaired::Impossible),
            Err(source) => return Err(failed(source)),
        };
        let serial = there.serial().map_err(failed)?;
        let wanted = self.store.catalog(catalog.0).await?;
        let should_be: HashSet<WireRecord> = catalog.records(&wanted.members).into_iter().collect();
        let is: HashSet<WireRecord> = there.records.into_iter().collect();
        // named serves what was published a moment ago, and the store may be further already: that is the usual step.
        let has_our_soa = there.soa == catalog.soa(serial);
        if has_our_soa && serial == wanted.serial && is == should_be {
            return Ok(Repaired::Sound(serial));
        }
        if has_our_soa && wanted.serial.is_newer_than(serial) && self.is_version(catalog, serial, &is).await? {
            return Ok(Repaired::Sound(serial));
        }
        if !wanted.serial.is_newer_than(serial) {
            self.store.raise_catalog_serial(catalog.0, serial).await?;
            return Ok(Repaired::Again);
        }
        tracing::warn!(
            zone.name = %catalog.zone(), served = %serial, wanted = %wanted.serial,
            "a catalog diverged; it is repaired with the difference"
        );
        let mut step = UpdateBuilder::new(catalog.zone(), there.soa, catalog.soa(wanted.serial));
        for record in is.difference(&should_be) {
            step.remove(record.clone());
        }
        for record in should_be.difference(&is) {
            step.add(record.clone());
        }
        match self.send(catalog, &step, wanted.serial).await? {
            Sent::Applied | Sent::Conflict => Ok(Repaired::Again),
            Sent::NotServed | Sent::TooLarge => Ok(Repaired::Impossible),
        }
    }

    /// Whether these records are the version with this serial, an earlier one than the store's newest.
    async fn is_version(
        &self,
        catalog: CatalogName,
        serial: Serial,
        records: &HashSet<WireRecord>,
    ) -> Result<bool, CatalogError> {
        let Some(versions) = self.store.catalog_versions(catalog.0, serial, u32::MAX).await? else { return Ok(false) };
        let now = self.store.catalog(catalog.0).await?;
        if versions.last().is_none_or(|newest| newest.serial != now.serial) {
            // Changed between the two reads; the next look decides.
            return Ok(false);
        }
        let mut then: HashSet<WireRecord> = catalog.records(&now.members).into_iter().collect();
        for version in versions.iter().rev() {
            match &version.change {
                CatalogChange::Joined { member, .. } => {
                    then.remove(&catalog.pointer(member));
                }
                CatalogChange::Left(member) => {
                    then.insert(catalog.pointer(member));
                }
                CatalogChange::Nothing => {}
            }
        }
        Ok(then == *records)
    }

    /// Sends a step to the version with the serial `to`, and notifies the secondaries.
    async fn send(&self, catalog: CatalogName, step: &UpdateBuilder, to: Serial) -> Result<Sent, CatalogError> {
        let failed = |source| CatalogError::Update { catalog: catalog.zone().to_string(), source };
        let message = match step.build() {
            Ok(message) => message,
            Err(MessageError::TooLarge { .. }) => return Ok(Sent::TooLarge),
            Err(error) => return Err(failed(UpdateError::Message(error))),
        };
        let sent = self.updater.send(message).await;
        // Also where only the answer was lost: the next run finds the catalog in order, and says nothing.
        self.settings.notifier.tell(&catalog.zone(), to);
        match sent.map_err(failed)? {
            Outcome::Applied => Ok(Sent::Applied),
            Outcome::Conflict => Ok(Sent::Conflict),
            Outcome::NotServed => Ok(Sent::NotServed),
            Outcome::Refused | Outcome::ServerFailed => {
                Err(CatalogError::Refused { catalog: catalog.zone().to_string() })
            }
        }
    }

    /// Adds the catalog as a whole, in place of what the primary may have under its name.
    async fn load(&self, catalog: CatalogName) -> Result<Reached, CatalogError> {
        let settings = &self.settings;
        settings.host.remove(catalog).await?;
        // Secondaries may have an older one of which the store knows nothing any more. Serials are times, so this one is newer.
        let now = Serial::at_time(settings.clock.now().as_second());
        self.store.raise_catalog_serial(catalog.0, Serial(now.0.wrapping_sub(1))).await?;
        let snapshot = self.store.catalog(catalog.0).await?;
        settings.host.add(catalog, catalog.zone_file(&snapshot)).await?;
        settings.notifier.tell(&catalog.zone(), snapshot.serial);
        tracing::debug!(zone.name = %catalog.zone(), serial = %snapshot.serial, "a catalog was loaded from a file");
        Ok(Reached { serial: snapshot.serial, held_back: false })
    }
}

/// An update over some versions, and the serial that it leads to.
struct Step {
    update: UpdateBuilder,
    to: Serial,
}

/// One update with these versions; `None` if there are none.
fn step(catalog: CatalogName, from: Serial, versions: &[CatalogVersion]) -> Option<Step> {
    let to = versions.last()?.serial;
    let mut update = UpdateBuilder::new(catalog.zone(), catalog.soa(from), catalog.soa(to));
    for Path { member, was_there, is_there } in paths(versions).into_values() {
        // Otherwise it came and went, or the operator brought it back at once.
        if is_there && !was_there {
            update.add(catalog.pointer(member));
        } else if was_there && !is_there {
            update.remove(catalog.pointer(member));
        }
    }
    Some(Step { update, to })
}

/// What some versions together do to a member.
struct Path<'a> {
    member: &'a Member,
    was_there: bool,
    is_there: bool,
}

fn paths(versions: &[CatalogVersion]) -> HashMap<ZoneId, Path<'_>> {
    let mut paths: HashMap<ZoneId, Path<'_>> = HashMap::new();
    for version in versions {
        let (member, joins) = match &version.change {
            CatalogChange::Joined { member, .. } => (member, true),
            CatalogChange::Left(member) => (member, false),
            CatalogChange::Nothing => continue,
        };
        paths.entry(member.id).or_insert(Path { member, was_there: !joins, is_there: joins }).is_there = joins;
    }
    paths
}

fn left(version: &CatalogVersion) -> Option<&Member> {
    match &version.change {
        CatalogChange::Left(member) => Some(member),
        CatalogChange::Joined { .. } | CatalogChange::Nothing => None,
    }
}

/// What a comparison led to.
enum Repaired {
    /// It is a version of the store's, with this serial.
    Sound(Serial),
    /// It was changed, or must be checked again.
    Again,
    /// No update can fix it.
    Impossible,
}

enum Sent {
    Applied,
    Conflict,
    NotServed,
    TooLarge,
}

#[cfg(test)]
mod tests {
    use dns::ZoneName;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_member_is_added_or_removed_by_where_its_path_begins_and_ends() {
        let member = Member { id: ZoneId(Uuid::from_u128(7)), name: ZoneName::parse("example.com").unwrap() };
        let joined = || CatalogChange::Joined { member: member.clone(), first: Serial(1) };
        let left = || CatalogChange::Left(member.clone());
        for (changes, was_there, is_there) in [
            (vec![joined()], false, true),
            (vec![left()], true, false),
            (vec![joined(), left()], false, false),
            (vec![left(), joined()], true, true),
            (vec![left(), joined(), left()], true, false),
            (vec![joined(), left(), CatalogChange::Nothing, joined()], false, true),
        ] {
            let versions: Vec<_> =
                changes.into_iter().map(|change| CatalogVersion { serial: Serial(1), change }).collect();
            let paths = paths(&versions);
            let path = &paths[&member.id];
            assert_eq!((path.was_there, path.is_there), (was_there, is_there), "{versions:?}");
        }
        assert!(paths(&[CatalogVersion { serial: Serial(1), change: CatalogChange::Nothing }]).is_empty());
    }
}
