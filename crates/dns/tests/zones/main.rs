//! Whole zones, planned as the store plans them: against a naive model, and against the real BIND.
//!
//! One test program, because its parts share the zone in memory and the generator. The programs of BIND must be installed
//! (`named`, `named-compilezone`); without them the tests fail, they are never skipped.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests")]

mod bind;
mod checkzone;
mod dynamic;
mod file;
mod generate;
mod hostile;
mod memory;
mod plan;
mod plan_model;
mod types;
mod warnings;
