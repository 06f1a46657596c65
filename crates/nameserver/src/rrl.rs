//! Response rate limiting: forged queries over UDP must not make this server flood the address in them.
//!
//! Equal responses to one network are counted in a balance, as in BIND: it gains `rate` each second up to `rate`, every response
//! costs one, and it never falls below what `window` seconds can pay. A network with a negative balance gets no responses, except
//! for every `slip`th, which is truncated, so that a real client can retry over TCP. Equal responses:
//!
//! | response | counted by |
//! |---|---|
//! | an answer | the name and type asked for |
//! | from a wildcard, or "no such name" | the zone, because the names may be made up |
//! | "no such type" | the name |
//! | a referral | the name of the cut |
//! | an error | the network alone; it is never truncated, only dropped |
//!
//! The table has a fixed size. Each counter is one atomic word in a set of four; if a set is full, the counter that was idle for
//! longest is replaced. So memory does not grow under attack, and cores do not wait for each other.
//!
//! Decided against: a hash map behind locks, which grows with the number of forged addresses; and a library of token buckets
//! (`governor`), which has neither a fixed size nor negative balances.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::settings::RateLimit;

/// Counters that one key may be in. One cache line holds two sets.
const WAYS: usize = 4;
/// How often a counter is tried again that other cores change at the same time. After that the response passes.
const ATTEMPTS: usize = 16;

/// What a response is, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ResponseKind {
    Answer { qtype: u16 },
    Wildcard,
    NoData,
    NoName,
    Referral,
    Error,
}

/// What becomes of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Send,
    /// It is sent truncated.
    Slip,
    Drop,
}

/// The counters of all networks.
pub(crate) struct Limiter {
    settings: RateLimit,
    /// In sets of [`WAYS`].
    counters: Box<[AtomicU64]>,
    /// Keyed with a secret of this process, so that attackers cannot choose names that share counters.
    hasher: RandomState,
    start: Instant,
}

impl Limiter {
    pub(crate) fn new(settings: RateLimit) -> Limiter {
        let size = (settings.table_size as usize).max(WAYS).next_power_of_two();
        let counters = (0..size).map(|_| AtomicU64::new(0)).collect();
        Limiter { settings, counters, hasher: RandomState::new(), start: Instant::now() }
    }

    /// Counts a response to a client, `name` being what its kind is counted by.
    pub(crate) fn judge(&self, client: IpAddr, kind: ResponseKind, name: &[u8]) -> Verdict {
        if self.settings.exempt.iter().any(|network| network.contains(&client)) {
            return Verdict::Send;
        }
        self.judge_at(client, kind, name, self.start.elapsed().as_secs() as u16)
    }

    fn judge_at(&self, client: IpAddr, kind: ResponseKind, name: &[u8], now: u16) -> Verdict {
        let mut hasher = self.hasher.build_hasher();
        match client {
            IpAddr::V4(address) => (address.to_bits() & mask_v4(self.settings.ipv4_prefix)).hash(&mut hasher),
            IpAddr::V6(address) => (address.to_bits() & mask_v6(self.settings.ipv6_prefix)).hash(&mut hasher),
        }
        kind.hash(&mut hasher);
        if kind != ResponseKind::Error {
            hasher.write(name);
        }
        let hash = hasher.finish();
        let sets = self.counters.len() / WAYS;
        let at = (hash as usize & (sets - 1)) * WAYS;
        let Some(set) = self.counters.get(at..at + WAYS) else { return Verdict::Send };
        // Zero is the tag of a counter that is not in use.
        let tag = (hash >> 40) as u32 | 1;
        for _ in 0..ATTEMPTS {
            let words: [u64; WAYS] = std::array::from_fn(|way| set[way].load(Relaxed));
            let found = words.iter().position(|word| Counter::read(*word).tag == tag);
            let way = found.unwrap_or_else(|| most_idle(&words, now));
            let mut counter = match found {
                Some(_) => Counter::read(words[way]),
                None => Counter { tag, slips: 0, balance: self.rate(), second: now },
            };
            let verdict = counter.debit(now, &self.settings);
            if set[way].compare_exchange_weak(words[way], counter.word(), Relaxed, Relaxed).is_ok() {
                // A truncated error would send a client to TCP for nothing.
                return if kind == ResponseKind::Error && verdict == Verdict::Slip { Verdict::Drop } else { verdict };
            }
        }
        Verdict::Send
    }

    fn rate(&self) -> i16 {
        i16::try_from(self.settings.responses_per_second).unwrap_or(i16::MAX)
    }
}

/// A counter, packed into a word: tag (24 bits), limited responses since the last one that was sent (8), balance (16), the
/// second of the last change (16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counter {
    tag: u32,
    slips: u8,
    balance: i16,
    second: u16,
}

impl Counter {
    fn read(word: u64) -> Counter {
        Counter {
            tag: (word >> 40) as u32,
            slips: (word >> 32) as u8,
            balance: (word >> 16) as u16 as i16,
            second: word as u16,
        }
    }

    fn word(self) -> u64 {
        u64::from(self.tag) << 40
            | u64::from(self.slips) << 32
            | u64::from(self.balance as u16) << 16
            | u64::from(self.second)
    }

    /// Pays for one response.
    fn debit(&mut self, now: u16, settings: &RateLimit) -> Verdict {
        let rate = i32::from(settings.responses_per_second);
        let age = i32::from(now.wrapping_sub(self.second));
        let deepest = -rate.saturating_mul(settings.window.into());
        let balance = i32::from(self.balance).saturating_add(rate.saturating_mul(age)).min(rate) - 1;
        self.balance = balance.clamp(deepest.max(i16::MIN.into()), i16::MAX.into()) as i16;
        self.second = now;
        if balance >= 0 {
            self.slips = 0;
            return Verdict::Send;
        }
        let first = self.slips == 0;
        self.slips = if self.slips + 1 >= settings.slip { 0 } else { self.slips + 1 };
        if first && settings.slip > 0 { Verdict::Slip } else { Verdict::Drop }
    }
}

/// The counter that is given up: an unused one, or else that of the oldest change, and of those, the least in debt.
fn most_idle(words: &[u64; WAYS], now: u16) -> usize {
    let rank = |word: u64| {
        let counter = Counter::read(word);
        (word == 0, now.wrapping_sub(counter.second), counter.balance)
    };
    (0..WAYS).max_by_key(|way| rank(words[*way])).unwrap_or_default()
}

fn mask_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(Ipv4Addr::BITS.saturating_sub(prefix.into())).unwrap_or(0)
}

fn mask_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(Ipv6Addr::BITS.saturating_sub(prefix.into())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Drop, Send, Slip};
    use super::*;

    fn limiter(rate: u16, window: u16, slip: u8) -> Limiter {
        Limiter::new(RateLimit { responses_per_second: rate, window, slip, ..RateLimit::default() })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const A: ResponseKind = ResponseKind::Answer { qtype: 1 };
    const NAME: &[u8] = b"\x03www\x07example\0";

    #[test]
    fn a_burst_passes_and_then_every_slip_th_response_is_truncated() {
        for (slip, expected) in [
            (0, [Drop; 6]),
            (1, [Slip; 6]),
            (2, [Slip, Drop, Slip, Drop, Slip, Drop]),
            (3, [Slip, Drop, Drop, Slip, Drop, Drop]),
        ] {
            let limiter = limiter(3, 15, slip);
            let judge = || limiter.judge_at(ip("192.0.2.1"), A, NAME, 7);
            assert_eq!([judge(), judge(), judge()], [Send; 3], "slip {slip}");
            assert_eq!([judge(), judge(), judge(), judge(), judge(), judge()], expected, "slip {slip}");
        }
    }

    #[test]
    fn a_debt_is_paid_back_by_silence_and_no_deeper_than_the_window() {
        let limiter = limiter(10, 3, 0);
        let sent = |second: u16, queries: usize| {
            (0..queries).filter(|_| limiter.judge_at(ip("192.0.2.1"), A, NAME, second) == Send).count()
        };
        assert_eq!(sent(65_530, 1000), 10);
        // Three seconds' worth of debt: two seconds pay for 20 of 30.
        assert_eq!(sent(65_532, 100), 0);
        // The clock's 16 bits have turned over by now.
        assert_eq!(sent(1, 100), 10);
        // At the rate that is allowed, all are sent for ever.
        let steady: usize = (20..40).map(|second| sent(second, 10)).sum();
        assert_eq!(steady, 200);
    }

    #[test]
    fn networks_names_and_kinds_have_counters_of_their_own() {
        let limiter = limiter(1, 15, 0);
        let judge = |client: &str, kind, name: &[u8]| limiter.judge_at(ip(client), kind, name, 1);
        assert_eq!(judge("192.0.2.1", A, NAME), Send);
        for (client, kind, name, expected) in [
            ("192.0.2.254", A, NAME, Drop),
            ("192.0.3.1", A, NAME, Send),
            ("192.0.2.1", ResponseKind::Answer { qtype: 28 }, NAME, Send),
            ("192.0.2.1", A, b"\x07example\0".as_slice(), Send),
            ("192.0.2.1", ResponseKind::NoData, NAME, Send),
            ("192.0.2.1", ResponseKind::NoName, NAME, Send),
            ("2001:db8:0:1::1", A, NAME, Send),
            ("2001:db8:0:ff::2", A, NAME, Drop),
            ("2001:db8:0:100::1", A, NAME, Send),
            ("192.0.2.1", ResponseKind::Error, NAME, Send),
            ("192.0.2.1", ResponseKind::Error, b"\0".as_slice(), Drop),
        ] {
            assert_eq!(judge(client, kind, name), expected, "{client} {kind:?} {name:?}");
        }
    }

    #[test]
    fn errors_are_not_truncated() {
        let limiter = limiter(1, 15, 1);
        let judge = || limiter.judge_at(ip("192.0.2.1"), ResponseKind::Error, b"", 1);
        assert_eq!([judge(), judge(), judge()], [Send, Drop, Drop]);
    }

    #[test]
    fn exempt_clients_are_not_counted() {
        let limiter = limiter(1, 15, 0);
        for client in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert!((0..100).all(|_| limiter.judge(ip(client), A, NAME) == Send), "{client}");
        }
    }

    #[test]
    fn a_flood_of_networks_neither_grows_the_table_nor_frees_the_one_that_is_flooded() {
        let settings = RateLimit { responses_per_second: 5, table_size: 1000, ..RateLimit::default() };
        let limiter = Limiter::new(settings);
        assert_eq!(limiter.counters.len(), 1024);
        let mut sent = 0;
        for number in 0..200_000_u32 {
            let other = IpAddr::from(Ipv4Addr::from_bits(number << 8));
            limiter.judge_at(other, A, NAME, 1);
            // One in a hundred responses would go to the victim.
            if number % 100 == 0 && limiter.judge_at(ip("203.0.113.1"), ResponseKind::NoData, NAME, 1) == Send {
                sent += 1;
            }
        }
        assert_eq!(limiter.counters.len(), 1024);
        assert!(sent < 100, "{sent} of 2,000 were sent");
    }

    #[test]
    fn counters_are_packed_without_loss() {
        for counter in [
            Counter { tag: 0xff_ffff, slips: 255, balance: -32_768, second: 65_535 },
            Counter { tag: 1, slips: 0, balance: -1, second: 0 },
            Counter { tag: 3, slips: 9, balance: 1000, second: 77 },
        ] {
            assert_eq!(Counter::read(counter.word()), counter);
        }
    }
}
