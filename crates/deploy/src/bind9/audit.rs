//! The audit: slowly and continuously compares the zones that a primary serves with the store.
//!
//! A serial says which version a nameserver serves, but not its content: BIND responds with NOERROR to some updates that it
//! ignores, and a zone file can be edited by hand. So every zone is transferred from time to time and compared record by record,
//! without regard to letter case and to records that BIND adds when it signs a zone.
//!
//! If a zone differs at the store's serial, the repair needs a higher serial, because secondaries would not accept it otherwise.
//! So the zone is marked and gets a version without changes. This wakes the driver like any other version, and because of the
//! mark the driver computes the step from what is served instead of from the journal. The audit itself changes nothing on a
//! nameserver, so it cannot race with the driver. A mark that is lost with the process costs one more round.
//!
//! A zone at another serial is left to the driver and the sweep.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use store::Chain;
use store::{Head, Journal};
use tokio_util::sync::CancellationToken;

use super::difference;
use super::primary::Bind9;
use crate::catalog::CatalogName;
use crate::nameserver::{DeployError, Nameserver, Witness};

/// How many zones are read from the store at a time.
const PAGE: u32 = 100;

/// How fast the audit goes.
#[derive(Debug, Clone, Copy)]
pub struct AuditSettings {
    /// The mean wait between two zones; each is between half and one and a half of it, so that nothing else falls into step.
    pub between_zones: Duration,
    /// The wait between two rounds, and after a failure.
    pub between_rounds: Duration,
}

impl Default for AuditSettings {
    /// Ten zones a second: 100,000 zones in three hours, for one or two percent of a core.
    fn default() -> Self {
        AuditSettings { between_zones: Duration::from_millis(100), between_rounds: Duration::from_secs(60) }
    }
}

/// Audits all zones of a primary, round after round, until `stop`.
pub async fn audit_for_ever(store: Journal, bind9: Arc<Bind9>, settings: AuditSettings, stop: CancellationToken) {
    let rounds = async {
        bind9.ready().await;
        loop {
            if let Err(error) = round(&store, &bind9, settings).await {
                let (server, error) = (bind9.name(), Chain(&error).to_string());
                tracing::debug!(server.id = server, error, "the audit is interrupted");
            }
            tokio::time::sleep(settings.between_rounds).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = rounds => {}
    }
}

/// What an audit found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Sound,
    /// It is at another version, or gone.
    Moving,
    Repairing,
}

async fn round(store: &Journal, bind9: &Bind9, settings: AuditSettings) -> Result<(), DeployError> {
    let jitter = RandomState::new();
    let mut after = None;
    loop {
        let heads = store.heads(after, PAGE).await?;
        let Some(last) = heads.last() else { return Ok(()) };
        after = Some(last.id);
        for head in &heads {
            let finding = match audit(store, bind9, head).await {
                Ok(finding) => finding,
                Err(error @ (DeployError::Unreachable(_) | DeployError::Store(_))) => return Err(error),
                // One zone's trouble, which the driver sees too.
                Err(_) => Finding::Moving,
            };
            tracing::trace!(zone.name = %head.name, server.id = bind9.name(), ?finding, "audited");
            metrics::counter!("zonewright_audited_zones_total", "nameserver" => bind9.name().to_owned()).increment(1);
            let share = (jitter.hash_one(head.id) % 1024) as u32;
            tokio::time::sleep(settings.between_zones * (512 + share) / 1024).await;
        }
    }
}

async fn audit(store: &Journal, bind9: &Bind9, head: &Head) -> Result<Finding, DeployError> {
    // What is served under a catalog's name is no account's zone.
    if CatalogName::is_reserved(&head.name) {
        return Ok(Finding::Moving);
    }
    let Some(wanted) = store.snapshot(head.id).await? else { return Ok(Finding::Moving) };
    let served = bind9.transfer(&wanted.name).await?;
    if served.serial()? != wanted.serial() {
        return Ok(Finding::Moving);
    }
    let difference = difference::compare(&wanted, &served);
    if difference.is_empty() {
        return Ok(Finding::Sound);
    }
    let server = bind9.name();
    tracing::warn!(
        zone.name = %wanted.name, server.id = server, serial = %wanted.serial(), missing = difference.missing.len(),
        extra = difference.extra.len(), soa = difference.soa, "the served records of a zone differ from the stored ones; the zone is repaired"
    );
    metrics::counter!("zonewright_audit_repairs_total", "nameserver" => server.to_owned()).increment(1);
    bind9.suspect(&wanted.name);
    store.raise_serial(wanted.id, wanted.serial()).await?;
    Ok(Finding::Repairing)
}
