//! Growing delays for attempts to sign in and for requested e-mails, per account and per address.
//!
//! A few failures are free. After that, an attempt during the delay is refused without checking the password. An account's delay
//! stays short, because anyone can cause it for any account; an address's delay grows to a quarter of an hour. Every attempt
//! counts as a failure until it has succeeded, so concurrent attempts do not get around the limit. Unknown accounts are counted
//! like known ones, so that the delay does not reveal which accounts exist.
//!
//! E-mails are counted separately, and an e-mail never counts as a success: e-mails do not delay sign-ins, and their delays are
//! longer, because they fill a person's mailbox.
//!
//! The counts are in memory and lost at a restart. The slow hash of passwords limits what an attacker gains from this.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use http_server::network_of;
use store::Clock;

/// How fast delays grow, and how far. Times are in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Failures that are forgiven at once.
    free: u32,
    /// The delay after the last of them; each further failure doubles it.
    first: i64,
    /// The longest an account waits.
    account_at_most: i64,
    /// The longest an address waits.
    address_at_most: i64,
}

const PASSWORDS: Pace = Pace { free: 5, first: 1000, account_at_most: 30_000, address_at_most: 15 * 60_000 };
const LETTERS: Pace = Pace { free: 3, first: 60_000, account_at_most: 60 * 60_000, address_at_most: 15 * 60_000 };
/// After so long without a failure, in milliseconds, all is forgotten.
const FORGET_AFTER: i64 = 60 * 60_000;
/// The most that is remembered: some 4 MB. Beyond, what is oldest goes.
const CAPACITY: usize = 65_536;

/// The recent failures.
pub(crate) struct Delays {
    pace: Pace,
    clock: Clock,
    hasher: RandomState,
    failures: Mutex<HashMap<Key, Failures>>,
}

/// The account or address of the failures. E-mail addresses are stored as a keyed hash, so that memory dumps do not show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Account(u64),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    /// When the last one was, in milliseconds.
    last: i64,
}

/// An attempt in progress. It has been counted as a failure.
#[derive(Debug)]
pub(crate) struct Attempt([Key; 2]);

/// Too early: so many seconds are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u64);

impl Delays {
    /// For those who try passwords.
    pub(crate) fn of_passwords(clock: Clock) -> Delays {
        Delays { pace: PASSWORDS, clock, hasher: RandomState::new(), failures: Mutex::default() }
    }

    /// For those who have letters sent.
    pub(crate) fn of_letters(clock: Clock) -> Delays {
        Delays { pace: LETTERS, ..Delays::of_passwords(clock) }
    }

    /// Begins an attempt for an account, from an address.
    pub(crate) fn begin(&self, email: &str, address: Option<IpAddr>) -> Result<Attempt, Wait> {
        let account = Key::Account(self.hasher.hash_one(email.to_lowercase()));
        let keys = [account, Key::Address(network(address))];
        let now = self.clock.now().as_millisecond();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let left =
            keys.iter().filter_map(|key| Some(failures.get(key)?.wait(*key, self.pace, now))).max().unwrap_or_default();
        if left > 0 {
            return Err(Wait(left.unsigned_abs().div_ceil(1000)));
        }
        if failures.len() + keys.len() > CAPACITY {
            make_room(&mut failures, now);
        }
        for key in keys {
            let known = failures.entry(key).or_insert(Failures { count: 0, last: now });
            if now - known.last > FORGET_AFTER {
                known.count = 0;
            }
            *known = Failures { count: known.count.saturating_add(1), last: now };
        }
        Ok(Attempt(keys))
    }

    /// The attempt was a success: the account's failures are forgotten, and this one of the address. Not the address's others:
    /// otherwise an attacker with an account of their own could sign in there after every few attempts elsewhere.
    pub(crate) fn succeed(&self, attempt: &Attempt) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for key in attempt.0 {
            match key {
                Key::Account(_) => {
                    failures.remove(&key);
                }
                Key::Address(_) => {
                    if let Some(known) = failures.get_mut(&key) {
                        known.count = known.count.saturating_sub(1);
                    }
                }
            }
        }
    }
}

impl std::fmt::Debug for Delays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Delays")
    }
}

impl Failures {
    /// How many milliseconds are left.
    fn wait(self, key: Key, pace: Pace, now: i64) -> i64 {
        let Some(beyond) = self.count.checked_sub(pace.free) else { return 0 };
        let at_most = match key {
            Key::Account(_) => pace.account_at_most,
            Key::Address(_) => pace.address_at_most,
        };
        let delay = pace.first.checked_shl(beyond.min(20)).unwrap_or(at_most).min(at_most);
        (self.last + delay - now).max(0)
    }
}

fn make_room(failures: &mut HashMap<Key, Failures>, now: i64) {
    failures.retain(|_, known| now - known.last <= FORGET_AFTER);
    if failures.len() + 2 > CAPACITY {
        let mut ages: Vec<i64> = failures.values().map(|known| known.last).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        failures.retain(|_, known| known.last > median);
    }
}

/// The network that an address is counted by; clients without an address share one.
fn network(address: Option<IpAddr>) -> IpAddr {
    network_of(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use store::Timestamp;

    use super::*;

    struct Fixture {
        delays: Delays,
        now: Arc<AtomicI64>,
    }

    impl Fixture {
        fn new() -> Fixture {
            let now = Arc::new(AtomicI64::new(1_800_000_000_000));
            let clock = Arc::clone(&now);
            let clock = Clock::from_fn(move || Timestamp::from_millisecond(clock.load(Ordering::Relaxed)).unwrap());
            Fixture { delays: Delays::of_passwords(clock), now }
        }

        fn of_letters() -> Fixture {
            let Fixture { delays, now } = Fixture::new();
            Fixture { delays: Delays { pace: LETTERS, ..delays }, now }
        }

        fn pass(&self, seconds: i64) {
            self.now.fetch_add(seconds * 1000, Ordering::Relaxed);
        }

        fn try_from(&self, email: &str, address: &str) -> Result<Attempt, Wait> {
            self.delays.begin(email, Some(address.parse().unwrap()))
        }
    }

    #[test]
    fn delays_grow_with_each_failure_of_an_account_wherever_it_comes_from() {
        let f = Fixture::new();
        for host in 1..=5 {
            assert!(f.try_from("ann@example.com", &format!("192.0.2.{host}")).is_ok());
        }
        for (host, wait) in [(6, 1), (7, 2), (8, 4), (9, 8), (10, 16), (11, 30), (12, 30)] {
            let address = format!("192.0.2.{host}");
            assert_eq!(f.try_from("ANN@example.com", &address).unwrap_err(), Wait(wait));
            assert!(f.try_from("bob@example.com", &format!("198.51.100.{host}")).is_ok() || host > 9);
            f.pass(wait as i64);
            assert!(f.try_from("ann@example.com", &address).is_ok(), "after {wait} s");
        }
        f.pass(3601);
        for _ in 0..5 {
            assert!(f.try_from("ann@example.com", "192.0.2.99").is_ok(), "forgotten");
        }
    }

    #[test]
    fn an_address_waits_whichever_account_it_tries_and_success_elsewhere_does_not_help() {
        let f = Fixture::new();
        for number in 0..4 {
            assert!(f.try_from(&format!("user{number}@example.com"), "2001:db8::1").is_ok());
        }
        let own = f.try_from("mallory@example.com", "2001:db8::2").unwrap();
        f.delays.succeed(&own);
        assert!(f.try_from("user5@example.com", "2001:db8::3").is_ok());
        assert_eq!(f.try_from("user6@example.com", "2001:db8::ffff:4").unwrap_err(), Wait(1));
        assert!(f.try_from("user6@example.com", "2001:db8:0:1::4").is_ok(), "another network");
        for _ in 0..30 {
            let Wait(seconds) = f.try_from("x@example.com", "2001:db8::1").unwrap_err();
            assert!(seconds <= 900);
            f.pass(seconds as i64);
            f.try_from(&format!("{seconds}@example.com"), "2001:db8::1").unwrap();
        }
    }

    #[test]
    fn success_forgets_the_accounts_failures() {
        let f = Fixture::new();
        for host in 1..=4 {
            f.try_from("ann@example.com", &format!("192.0.2.{host}")).unwrap();
        }
        let good = f.try_from("ann@example.com", "192.0.2.5").unwrap();
        f.delays.succeed(&good);
        for host in 6..=10 {
            f.try_from("ann@example.com", &format!("192.0.2.{host}")).unwrap();
        }
    }

    #[test]
    fn a_mailbox_is_not_filled() {
        let f = Fixture::of_letters();
        let mut sent = 0;
        for second in 0..24 * 3600 {
            let address = format!("10.{}.{}.{}", second >> 16, second >> 8 & 255, second & 255);
            sent += usize::from(f.try_from("ann@example.com", &address).is_ok());
            f.pass(1);
        }
        assert!((20..60).contains(&sent), "{sent} letters in a day, from everywhere");
        assert!(f.try_from("bob@example.com", "192.0.2.1").is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let f = Fixture::new();
        for number in 0..CAPACITY as u32 {
            let address = IpAddr::V4((0x0a00_0000 + number).into());
            let _ = f.delays.begin(&number.to_string(), Some(address));
        }
        assert!(f.delays.failures.lock().unwrap().len() <= CAPACITY);
    }
}
