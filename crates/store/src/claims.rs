//! Proof of control: an account shows that a name is its own by publishing a TXT record below it, in the public DNS.
//!
//! The store gives out what to publish, and judges what follows from a proof; looking in the public DNS is its callers' part,
//! because no job of the writer may wait for the network.
//!
//! ```text
//!   another account has the zone N      N is created and waits; after `notice`, the other zone is displaced and N is served
//!   ... and proved control too          N waits until the operator decides
//!   another account has a zone below N  displaced after `notice`, unless the public DNS delegates it
//!   another account has a zone above N  it stays; N has to be delegated in the public DNS
//!   N is on hold                        the hold ends
//! ```
//!
//! A displaced zone is off the nameservers, does not hold its name any more, and is deleted after `keep`. Zones of operators are
//! never displaced.

use dns::{Name, OwnerName, ZoneId, ZoneName};

use crate::{ChangeError, StoreError, Timestamp};

/// The label below a zone's name at which its claim is looked for.
pub const CLAIM_LABEL: &str = "_zonewright-claim";
/// How long what is to be published stays the same.
pub const CLAIM_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);
/// The most zones of other accounts below a name that one proof can displace.
pub const MOST_BELOW: usize = 50;

/// The name at which the claim for a zone is published; `None` where that would be too long.
pub fn claim_name(zone: &ZoneName) -> Option<Name> {
    let labels = zone.name().labels().collect::<Vec<_>>();
    Name::from_labels(std::iter::once(CLAIM_LABEL.as_bytes()).chain(labels)).ok()
}

/// Whether only those may write records at this name who may write anywhere in the zone: a claim published there gives the
/// whole name away. Every credential that is bound to names or types has to ask this.
pub fn needs_whole_zone(owner: &OwnerName) -> bool {
    owner.to_string().rsplit('.').next().is_some_and(|label| label == CLAIM_LABEL)
}

/// What an account has to publish for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The text of the TXT record.
    pub value: String,
    /// Whether it was made up just now, so that nobody can have published it.
    pub is_new: bool,
}

/// The zones of other accounts that a claim is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rivals {
    /// Whether the account has a zone of this name itself.
    pub is_own: bool,
    /// Whether there is one above.
    pub has_above: bool,
    /// Those below, at most [`MOST_BELOW`].
    pub below: Vec<(ZoneId, ZoneName)>,
}

/// What was seen in the public DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The text that was seen at [`claim_name`].
    pub value: String,
    /// Whether the name is delegated; only looked at where there is a zone above.
    pub is_delegated: bool,
    /// The zones below that are delegated.
    pub delegated: Vec<ZoneId>,
    /// The zones below that are not.
    pub undelegated: Vec<ZoneId>,
}

/// A zone that is to be displaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displacement {
    /// It.
    pub zone: ZoneId,
    /// Its name.
    pub name: ZoneName,
    /// The address of its account.
    pub email: String,
    /// The tag of the language in which its owner last signed in.
    pub language: Option<String>,
    /// The zone that it gives way to.
    pub by_name: ZoneName,
    /// The address of that one's account.
    pub by_email: String,
    /// When; `None` where both accounts proved that they control the name, and the operator decides.
    pub due: Option<Timestamp>,
}

/// Why a proof was not accepted for an existing zone.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The account has no such zone.
    #[error("no such zone")]
    NoZone,
    /// What was seen is not what the account was asked to publish, or not any more.
    #[error("this is not what was to be published")]
    NoClaim,
    /// The account has made as many changes today as it may.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_published_below_the_name_and_written_by_whole_zone_rights_alone() {
        let zone = ZoneName::parse("example.com").unwrap();
        assert_eq!(claim_name(&zone).unwrap().to_string(), "_zonewright-claim.example.com");
        let long = format!("{0}.{0}.{0}.{1}.example", "a".repeat(63), "b".repeat(40));
        assert_eq!(claim_name(&ZoneName::parse(&long).unwrap()), None);
        for (owner, needed) in [
            ("_zonewright-claim", true),
            ("_Zonewright-Claim.example.com.", true),
            ("a.b._zonewright-claim", true),
            ("*._zonewright-claim", true),
            ("@", false),
            ("*", false),
            ("_zonewright-claim.www", false),
            ("x_zonewright-claim", false),
        ] {
            assert_eq!(needs_whole_zone(&OwnerName::parse(owner, &zone).unwrap()), needed, "{owner}");
        }
    }
}
