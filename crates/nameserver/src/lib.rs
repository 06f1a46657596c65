//! A small authoritative nameserver, for trials and for tests.
//!
//! It answers over UDP and TCP from a catalogue of zones in memory, [`Zones`], which the deployer fills and changes while
//! [`Server`] answers. Each zone is an immutable version behind a pointer: a change creates the next version, which shares nearly
//! everything with the one before, and swaps the pointer. A query uses one version from start to end, so it never waits and never
//! sees part of a change.

mod answer;
mod cookie;
mod door;
mod metrics;
mod name;
mod node;
mod request;
mod rrl;
mod seats;
mod server;
mod settings;
mod tcp;
mod transfer;
mod udp;
mod writer;
mod zone;
mod zones;

pub use answer::Transport;
pub use door::{Client, Door, Reply, Responder};
pub use server::Server;
pub use settings::{RateLimit, Settings, TcpLimits};
pub use zones::{ApplyError, Zones};
