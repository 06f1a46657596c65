//! BIND 9 as a nameserver that zones are deployed to: everything that is specific to BIND.
//!
//! The protocols that it shares with other nameservers are in [`wire`].

pub mod audit;
mod bulk;
pub mod catalog;
pub mod config;
pub mod control;
pub mod difference;
pub mod folder;
pub mod key;
pub mod managed;
mod primary;

/// For files that root opens in a folder of another user: a link that was put there must not lead elsewhere.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

pub use primary::{Bind9, Bind9Settings, OpenError};
