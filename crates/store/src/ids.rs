//! Identities for zones and records: UUID version 7 (RFC 9562, section 5.7), which sort by the time they were made.

use std::sync::{Mutex, PoisonError};

use uuid::{ContextV7, Uuid};

use crate::Timestamp;

/// Makes identities, each greater than the one before, also within a millisecond and while the clock is set back.
#[derive(Debug, Default)]
pub(crate) struct Ids(Mutex<ContextV7>);

impl Ids {
    /// The next one.
    pub(crate) fn next(&self, now: Timestamp) -> Uuid {
        let context = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        Uuid::new_v7(uuid::Timestamp::from_unix(&*context, seconds, nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_rise_even_when_the_clock_goes_back() {
        let ids = Ids::default();
        let mut made: Vec<Uuid> = Vec::new();
        for second in [1_800_000_000, 1_800_000_000, 1_700_000_000, 1_800_000_001, 1_700_000_000] {
            let now = Timestamp::from_second(second).unwrap();
            made.extend((0..1000).map(|_| ids.next(now)));
        }
        assert!(made.is_sorted());
        made.dedup();
        assert_eq!(made.len(), 5000);
    }
}
