//! The time of signatures, from the store's clock.

use store::Clock;

/// The clock for what [`wire`] signs.
pub fn clock(clock: &Clock) -> wire::tsig::Clock {
    let clock = clock.clone();
    wire::tsig::Clock::from_seconds(move || clock.now().as_second())
}
