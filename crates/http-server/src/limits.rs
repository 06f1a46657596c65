//! The limits that the API and the doors count together, so that a client cannot try tokens twice as often by using both.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::gate::Gate;

/// What the routers of a process count together. `K` identifies an account.
#[derive(Debug)]
pub struct Limits<K: Clone + Eq + Hash> {
    /// Failed authentications, by the client's network ([`network_of`](crate::network_of)).
    pub failed_attempts: Limiter<IpAddr>,
    /// Requests with valid credentials, by account; `None`: not limited.
    pub requests: Option<Limiter<K>>,
    /// Large requests in progress, in octets.
    pub bulk: Gate<K>,
    /// Large answers that their clients have not taken yet, in octets.
    pub unread: Gate<K>,
}

/// Counts requests by a key (a client's network, an account), and says when there are too many.
#[derive(Debug)]
pub struct Limiter<K: Clone + Eq + Hash> {
    limiter: DefaultKeyedRateLimiter<K>,
    burst: NonZeroU32,
    counted: AtomicU32,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// After so many requests, the keys that have recovered are forgotten. Amortised, forgetting costs nothing, and what is
    /// remembered is bounded by the requests of the few seconds in which a key recovers.
    const FORGET_EVERY: u32 = 4096;

    /// So many at once, and so many more each second; 0 counts as 1.
    pub fn new(burst: u32, per_second: u32) -> Limiter<K> {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let burst = at_least_one(burst);
        let quota = Quota::per_second(at_least_one(per_second)).allow_burst(burst);
        Limiter { limiter: RateLimiter::keyed(quota), burst, counted: AtomicU32::new(0) }
    }

    /// Counts one.
    ///
    /// # Errors
    ///
    /// It is one too many.
    pub fn count(&self, key: &K) -> Result<(), TooMany> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % Self::FORGET_EVERY == Self::FORGET_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|refusal| {
            let wait = refusal.wait_time_from(DefaultClock::default().now());
            TooMany { seconds: whole_seconds(wait), burst: self.burst.get() }
        })
    }
}

/// One request too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// After how many seconds the next one is accepted; at least 1.
    pub seconds: u64,
    /// How many are accepted at once.
    pub burst: u32,
}

/// Rounded up and at least 1: a client that retries after 0 seconds would be refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.as_secs() == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::network_of;

    #[test]
    fn each_key_has_a_count_of_its_own() {
        let attempts = Limiter::new(2, 10);
        let count = |address: &str| attempts.count(&network_of(address.parse().unwrap()));
        assert!(count("192.0.2.1").is_ok());
        assert!(count("192.0.2.1").is_ok());
        assert_eq!(count("192.0.2.1"), Err(TooMany { seconds: 1, burst: 2 }));
        assert!(count("192.0.2.2").is_ok());
        assert!(count("2001:db8::1").is_ok());
        assert!(count("2001:db8::ffff:2").is_ok());
        assert!(count("2001:db8::3").is_err());
        assert!(count("2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn waiting_times_round_up() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (2000, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
