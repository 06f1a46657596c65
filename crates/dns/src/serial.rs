//! Zone serials: 32-bit sequence numbers that wrap (RFC 1982).

use std::cmp::Ordering;
use std::fmt;

/// A zone's serial. Ordered by RFC 1982 only: [`Serial::is_newer_than`]; there is deliberately no `Ord`, because two serials
/// 2^31 apart have no order and a plain integer comparison is wrong after a wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Serial(pub u32);

impl Serial {
    /// The serial after `self` for a change made at `now` (seconds since 1970): the time, or one more than the last where the
    /// clock is behind. Serials therefore read as times, and still never stand still or go back.
    pub fn next(self, now: Serial) -> Serial {
        let successor = Serial(self.0.wrapping_add(1));
        if now.is_newer_than(successor) { now } else { successor }
    }

    /// The serial that stands for a time: its seconds since 1970, modulo 2^32.
    pub fn at_time(unix_seconds: i64) -> Serial {
        Serial((unix_seconds & 0xffff_ffff) as u32)
    }

    /// RFC 1982, section 3.2: whether `self` comes after `other`. Both ways false for equal serials and for two that are
    /// exactly 2^31 apart.
    pub fn is_newer_than(self, other: Serial) -> bool {
        let ahead = self.0.wrapping_sub(other.0);
        ahead != 0 && ahead < 1 << 31
    }
}

impl PartialOrd for Serial {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if self == other {
            Some(Ordering::Equal)
        } else if self.is_newer_than(*other) {
            Some(Ordering::Greater)
        } else if other.is_newer_than(*self) {
            Some(Ordering::Less)
        } else {
            None
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_survives_the_wrap() {
        for (newer, older) in [(1, 0), (0, u32::MAX), (5, u32::MAX - 5), (0x8000_0000, 1), (0x7fff_ffff, 0)] {
            assert!(Serial(newer).is_newer_than(Serial(older)), "{newer} after {older}");
            assert!(!Serial(older).is_newer_than(Serial(newer)), "{older} not after {newer}");
        }
        assert_eq!(Serial(0).partial_cmp(&Serial(1 << 31)), None);
        assert!(!Serial(7).is_newer_than(Serial(7)));
    }

    #[test]
    fn next_is_the_time_unless_the_clock_is_behind() {
        let now = Serial(1_700_000_000);
        assert_eq!(Serial(1_600_000_000).next(now), now);
        assert_eq!(now.next(now), Serial(now.0 + 1));
        assert_eq!(Serial(now.0 + 100).next(now), Serial(now.0 + 101));
        assert_eq!(Serial(u32::MAX).next(Serial(u32::MAX)), Serial(0));
    }
}
