//! The nameserver over its sockets, and beside a real BIND.
//!
//! One binary for all of it, so that what the tests share is compiled once and nothing of it is unused.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;
mod differential;
mod guards;
mod protocol;
mod versions;
