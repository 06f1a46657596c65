//! An UPDATE message becomes one change of a zone, and the outcome becomes a response code (RFC 2136, section 3).

use std::sync::Arc;
use std::time::Duration;

use dns::change::{DynamicStep, DynamicUpdate, Prerequisite, Unmet};
use dns::{OwnerName, RecordType, ZoneName};
use domain::base::iana::Rcode;
use domain::base::message::Message;
use nameserver::{Client, Zones};
use store::{
    Change, ChangeError, KeyPurpose, KeyScope, KeyTypes, OutOfScope, RefusedBy, StoreError, Tenant, Wish, Zone,
};

use crate::refusal::Refusal;
use crate::request::{Verified, failed, refused};
use crate::{Inner, Takes, message};

/// How long a response waits for the nameserver in this process, in milliseconds.
const SERVED_WITHIN_MS: u32 = 20;
const NOT_FOR_TRANSFERS: &str = "the key is for transfers, not for updates";

impl Inner {
    /// Carries out an update once, however often the message arrives. Returns the response code.
    pub(crate) async fn update_once(&self, verified: &Verified, message: &[u8], client: &Client) -> Rcode {
        let key = verified.identity.key.id;
        // A MAC of less than 16 octets is not accepted.
        let Some(mac) = verified.signature.mac().first_chunk() else { return Rcode::FORMERR };
        let is_question = message::has_no_steps(message);
        let (tenant, message) = (verified.tenant.clone(), message.to_vec());
        let (doors, identity, client) = (self.doors.clone(), Arc::clone(&verified.identity), *client);
        let takes = self.takes.clone();
        let work = async move {
            match update(&tenant, &message).await {
                Ok(stored) => {
                    if let (Takes::UpdatesAndSigned(served), Some(stored)) = (takes, stored) {
                        until_served(&served, &stored).await;
                    }
                    Rcode::NOERROR
                }
                Err(refusal) => refused(&doors, &identity, &client, refusal),
            }
        };
        // A message without steps changes nothing, and may be evaluated again.
        if is_question {
            return work.await;
        }
        self.replays.once((key, *mac), verified.signature.expires(), self.now(), work).await
    }
}

/// Waits a few milliseconds until the nameserver in this process serves a version, because clients read a record immediately after
/// the update, from the same address. The update is already stored, so the response does not wait for longer.
async fn until_served(served: &Zones, stored: &Zone) {
    for _ in 0..SERVED_WITHIN_MS {
        let is_behind = |(_, serial)| stored.serial.is_newer_than(serial);
        if !served.served(&stored.name).is_some_and(is_behind) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Carries out an UPDATE message. Returns the zone with the stored version; `None` if nothing had to be changed.
async fn update(tenant: &Tenant, message: &[u8]) -> Result<Option<Zone>, Refusal> {
    let message = Message::from_slice(message).map_err(|_| Refusal::malformed("update", "the header is too short"))?;
    let name = message::zone(message)?;
    let zone = zone(tenant, &ZoneName::from_stored(name), "update").await?;
    let update = message::read(message, &zone.name)?;
    let asked = asked(&update, &zone.name);
    let scope = tenant.scope().ok_or(Refusal::silent(Rcode::SERVFAIL))?;
    if scope.purpose == KeyPurpose::Transfer {
        return Err(Refusal::new(Rcode::REFUSED, RefusedBy::Purpose, asked, NOT_FOR_TRANSFERS));
    }
    check_prerequisites(&update, scope, &zone.name)?;
    let in_scope = check_steps(&update, scope, &zone.name);
    let DynamicUpdate { prerequisites, steps } = update;
    // Prerequisites come before permissions (section 3.3): if the steps are not allowed, only the prerequisites are evaluated.
    let steps = if in_scope.is_ok() { steps } else { Vec::new() };
    let is_question = steps.is_empty();
    if is_question && prerequisites.is_empty() {
        return in_scope.map(|()| None);
    }
    let wish = Wish::Dynamic(DynamicUpdate { prerequisites, steps });
    let change = Change { dry_run: is_question, ..Change::of(wish) };
    let done = tenant.change(zone.id, change).await.map_err(|error| refusal(error, asked))?;
    in_scope.map(|()| done.changed.then_some(done.zone))
}

/// The zone of that name, if it is one of the key's. Zones of other accounts look like zones that do not exist.
pub(crate) async fn zone(tenant: &Tenant, name: &ZoneName, what: &str) -> Result<Zone, Refusal> {
    let found = tenant.zones(Some(name.clone()), None, 1).await;
    let found = found.map_err(|error| failed("finding a zone", &error))?;
    let unknown = || {
        let asked = format!("{what} {}", name.name().fqdn());
        Refusal::new(Rcode::NOTAUTH, RefusedBy::Zone, asked, "this is not one of the key's zones")
    };
    found.into_iter().next().ok_or_else(unknown)
}

/// The response code of each outcome, and the reason for the owner of the key.
fn refusal(error: ChangeError, asked: String) -> Refusal {
    let refused = |rule, detail: String| Refusal::new(Rcode::REFUSED, rule, &asked, detail);
    match error {
        ChangeError::Unmet(Unmet::NameNotInUse) => Refusal::silent(Rcode::NXDOMAIN),
        ChangeError::Unmet(Unmet::NameInUse) => Refusal::silent(Rcode::YXDOMAIN),
        ChangeError::Unmet(Unmet::SetMissing) => Refusal::silent(Rcode::NXRRSET),
        ChangeError::Unmet(Unmet::SetExists) => Refusal::silent(Rcode::YXRRSET),
        // It was deleted after it was looked up.
        ChangeError::NoZone => Refusal::silent(Rcode::NOTAUTH),
        ChangeError::OutOfScope(outside) => refused(outside.rule(), outside.to_string()),
        ChangeError::Forbidden(permission) => refused(RefusedBy::Permission, format!("the key lacks {permission}")),
        ChangeError::DailyLimit(limit) => refused(RefusedBy::Limit, limit.to_string()),
        ChangeError::Faults(faults) => {
            let faults: Vec<String> = faults.into_iter().map(|(_, fault)| fault.detail.to_string()).collect();
            refused(RefusedBy::Content, faults.join("; "))
        }
        ChangeError::Store(error) => failed("storing an update", &error),
        ChangeError::NoRecord { .. } | ChangeError::Moved | ChangeError::Condition => {
            failed("storing an update", &StoreError::Bug("an update met an error of other changes"))
        }
    }
}

/// Prerequisites reveal whether records exist, so they are limited to the key's names. Every key may test the SOA, because anyone
/// can query it.
fn check_prerequisites(update: &DynamicUpdate, scope: &KeyScope, zone: &ZoneName) -> Result<(), Refusal> {
    let is_soa = |prerequisite: &Prerequisite| match prerequisite {
        Prerequisite::SetExists(owner, code)
        | Prerequisite::SetMissing(owner, code)
        | Prerequisite::SetEquals(owner, code, _) => owner.is_apex() && *code == RecordType::Soa.code(),
        Prerequisite::NameInUse(_) | Prerequisite::NameNotInUse(_) => false,
    };
    let allowed = |prerequisite: &&Prerequisite| is_soa(prerequisite) || scope.has_name(prerequisite.owner());
    match update.prerequisites.iter().find(|prerequisite| !allowed(prerequisite)) {
        None => Ok(()),
        Some(outside) => {
            let name = outside.owner().in_zone(zone);
            let asked = format!("prerequisite {}", name.fqdn());
            let detail = format!("the key may not ask about the name {name}");
            Err(Refusal::new(Rcode::REFUSED, RefusedBy::Name, asked, detail))
        }
    }
}

/// Refuses steps outside the scope even if they would change nothing, as BIND does. Deletions of whole names, and NS records at the
/// apex, are checked later, by the records that they change: changes of the operator's NS records are ignored, and DNSControl adds
/// an NS record that it removes in the same message.
fn check_steps(update: &DynamicUpdate, scope: &KeyScope, zone: &ZoneName) -> Result<(), Refusal> {
    update.steps.iter().try_for_each(|step| {
        let checked = match step {
            DynamicStep::DeleteName(owner) => check_name(scope, owner),
            DynamicStep::Add(owner, _, data) => check_type(scope, owner, data.record_type().code()),
            DynamicStep::DeleteRecord(owner, code, _) | DynamicStep::DeleteSet(owner, code) => {
                check_type(scope, owner, *code)
            }
        };
        checked.map_err(|(rule, detail)| Refusal::new(Rcode::REFUSED, rule, message::asked_step(step, zone), detail))
    })
}

/// The rule that a step breaks, and the error.
type Outside = (RefusedBy, String);

fn outside(outside: &OutOfScope) -> Outside {
    (outside.rule(), outside.to_string())
}

fn check_name(scope: &KeyScope, owner: &OwnerName) -> Result<(), Outside> {
    if scope.has_name(owner) { Ok(()) } else { Err(outside(&OutOfScope::Name(owner.clone()))) }
}

fn check_type(scope: &KeyScope, owner: &OwnerName, code: u16) -> Result<(), Outside> {
    check_name(scope, owner)?;
    match RecordType::from_code(code) {
        Some(RecordType::Ns) if owner.is_apex() => Ok(()),
        Some(record_type) => scope.check(owner, record_type).map_err(|error| outside(&error)),
        // Zones cannot have records of such a type, so deleting them changes nothing.
        None if matches!(scope.types, KeyTypes::Only(_)) => {
            Err((RefusedBy::Type, format!("the key may not change {} records", message::type_name(code))))
        }
        None => Ok(()),
    }
}

/// An update in one line.
fn asked(update: &DynamicUpdate, zone: &ZoneName) -> String {
    let Some((first, others)) = update.steps.split_first() else { return message::asked_zone(zone.name()) };
    let first = message::asked_step(first, zone);
    if others.is_empty() { first } else { format!("{first} (and {} more)", others.len()) }
}
