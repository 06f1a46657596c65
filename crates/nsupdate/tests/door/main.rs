//! The door for dynamic updates, asked by the real programs: nsupdate and dig of BIND, knsupdate and kdig of Knot. Messages that no
//! program sends are made here.
//!
//! The programs must be installed (`scripts/test` does it); without them the tests fail, they are never skipped.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod bind;
mod common;
mod hostile;
mod messages;
mod programs;
mod queries;
mod recorded;
mod refusals;
mod transfers;
