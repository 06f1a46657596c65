//! Proof that an account controls a name: looks for its claim in the public DNS. The store decides what follows from a proof.
//!
//! A lookup takes as long as the resolvers take, so it runs between two jobs of the store, never inside one. The result is passed
//! to the store, which compares it with its current state. An account can check ten times per minute, and the number of
//! concurrent lookups is limited, so that clients cannot make this server query other nameservers in bulk.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dns::{Name, ZoneId, ZoneName};
use resolve::{LookupError, Resolver};
use store::{AccountId, Proof, StoreError, Tenant, claim_name};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// How long one look may take.
const LOOK_FOR: Duration = Duration::from_secs(5);
/// How many looks an account may make in [`A_MINUTE`].
const LOOKS: usize = 10;
const A_MINUTE: Duration = Duration::from_secs(60);
/// How many looks run at a time.
const AT_ONCE: usize = 64;
/// Above this number of accounts, accounts without recent checks are removed.
const FORGET_FROM: usize = 1024;

/// Looks for claims.
#[derive(Debug)]
pub struct Claims {
    resolver: Resolver,
    /// The times of each account's checks in the last minute.
    looks: Mutex<HashMap<AccountId, VecDeque<Instant>>>,
    places: Semaphore,
}

/// What came of a look.
#[derive(Debug)]
pub enum Look {
    /// The account has the name itself, or a claim for it cannot be published.
    NotClaimable,
    /// The claim was not seen.
    Open(OpenClaim),
    /// It was.
    Proved(Proof),
}

/// A claim that is not proved: what to publish, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenClaim {
    /// The record's name.
    pub name: String,
    /// Its type.
    pub record_type: &'static str,
    /// Its text.
    pub value: String,
    /// What the last look came to.
    pub unproved: Unproved,
}

/// Why a claim is not proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproved {
    /// It was only given out now.
    New,
    /// The record was not there.
    NotFound,
    /// No resolver answered in time.
    NoAnswer,
}

/// Why there was no check.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The account has checked too often.
    #[error("Too many checks of claims; try again in {seconds} s")]
    TooMany {
        /// When it may look again.
        seconds: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Default for Claims {
    /// Without a resolver: claims are given out, and never seen.
    fn default() -> Claims {
        Claims::new(Resolver::default())
    }
}

impl Claims {
    /// Looks through this resolver, which has to see the DNS as the world does.
    pub fn new(resolver: Resolver) -> Claims {
        Claims { resolver, looks: Mutex::default(), places: Semaphore::new(AT_ONCE) }
    }

    /// Looks for an account's claim on the name of a zone that it wants.
    ///
    /// # Errors
    ///
    /// See [`LookError`].
    pub async fn look(&self, zones: &Tenant, zone: &ZoneName) -> Result<Look, LookError> {
        if zones.rivals(zone).await?.is_own { Ok(Look::NotClaimable) } else { self.look_at(zones, zone).await }
    }

    /// The claim of an account on a name, without a look.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn claim(&self, zones: &Tenant, zone: &ZoneName) -> Result<Option<OpenClaim>, StoreError> {
        let Some(name) = claim_name(zone) else { return Ok(None) };
        let claim = zones.claim(zone).await?;
        Ok(Some(open(&name, claim.value, Unproved::New)))
    }

    /// [`Claims::look`], also for a name that the account has.
    ///
    /// # Errors
    ///
    /// See [`LookError`].
    pub async fn look_at(&self, zones: &Tenant, zone: &ZoneName) -> Result<Look, LookError> {
        let Some(name) = claim_name(zone) else { return Ok(Look::NotClaimable) };
        let claim = zones.claim(zone).await?;
        if claim.is_new {
            return Ok(Look::Open(open(&name, claim.value, Unproved::New)));
        }
        self.count(zones.author().account, Instant::now())?;
        let rivals = zones.rivals(zone).await?;
        let above = rivals.has_above.then_some(zone);
        let seen = timeout(LOOK_FOR, async {
            let _place = self.places.acquire().await;
            self.see(&name, &claim.value, above, &rivals.below).await
        });
        match seen.await {
            Ok(Ok(Some(proof))) => Ok(Look::Proved(proof)),
            Ok(Ok(None)) => Ok(Look::Open(open(&name, claim.value, Unproved::NotFound))),
            Ok(Err(error)) => {
                tracing::warn!(zone.name = %zone, error = %store::Chain(&error), "a claim could not be checked");
                Ok(Look::Open(open(&name, claim.value, Unproved::NoAnswer)))
            }
            Err(_) => Ok(Look::Open(open(&name, claim.value, Unproved::NoAnswer))),
        }
    }

    /// What the public DNS has to say: about the zones of others only where the claim itself is there.
    async fn see(
        &self,
        name: &Name,
        value: &str,
        above: Option<&ZoneName>,
        below: &[(ZoneId, ZoneName)],
    ) -> Result<Option<Proof>, LookupError> {
        let texts = self.resolver.texts(name).await?;
        if !texts.iter().any(|text| text == value.as_bytes()) {
            return Ok(None);
        }
        let is_delegated = match above {
            Some(zone) => self.resolver.is_delegated(zone.name()).await?,
            None => false,
        };
        let looks = below.iter().map(|(id, zone)| async { Ok((*id, self.resolver.is_delegated(zone.name()).await?)) });
        let looks: Vec<(ZoneId, bool)> = futures_util::future::try_join_all(looks).await?;
        let of = |wanted: bool| looks.iter().filter(|(_, is)| *is == wanted).map(|(id, _)| *id).collect();
        Ok(Some(Proof { value: value.to_owned(), is_delegated, delegated: of(true), undelegated: of(false) }))
    }

    /// Counts a look; an error where it is one too many.
    fn count(&self, account: AccountId, now: Instant) -> Result<(), LookError> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.len() >= FORGET_FROM {
            looks.retain(|_, times| times.back().is_some_and(|last| now - *last < A_MINUTE));
        }
        let times = looks.entry(account).or_default();
        while times.front().is_some_and(|first| now - *first >= A_MINUTE) {
            times.pop_front();
        }
        if let Some(first) = times.front().filter(|_| times.len() >= LOOKS) {
            let wait = A_MINUTE.saturating_sub(now - *first);
            return Err(LookError::TooMany { seconds: wait.as_secs() + 1 });
        }
        times.push_back(now);
        Ok(())
    }
}

fn open(name: &Name, value: String, unproved: Unproved) -> OpenClaim {
    OpenClaim { name: name.to_string(), record_type: "TXT", value, unproved }
}

/// How many looks an account may make in a minute, for the headers of a refusal.
pub const LOOKS_A_MINUTE: u32 = LOOKS as u32;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_account_looks_ten_times_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let nameserver =
            dns::apex::ApexNameserver { name: Name::parse("ns1.example.net").unwrap(), addresses: Vec::new() };
        let options = store::Options {
            clock: store::Clock::system(),
            limits: dns::change::Limits::default(),
            apex: dns::Apex::new(vec![nameserver]).unwrap(),
            policy: store::Policy::default(),
            key_file: None,
            own_names: Vec::new(),
        };
        let store = store::Store::open(folder.path().join("zones.db"), options).unwrap();
        let mut accounts = Vec::new();
        for email in ["a@example.com", "b@example.com"] {
            let new = store::NewAccount { email: email.to_owned(), ..store::NewAccount::default() };
            accounts.push(store.command_line().create_account(new).await.unwrap().id);
        }
        let claims = Claims::default();
        let now = Instant::now();
        for _ in 0..LOOKS {
            claims.count(accounts[0], now).unwrap();
        }
        assert!(matches!(claims.count(accounts[0], now), Err(LookError::TooMany { seconds: 61 })));
        claims.count(accounts[1], now).unwrap();
        claims.count(accounts[0], now + A_MINUTE).unwrap();
    }
}
