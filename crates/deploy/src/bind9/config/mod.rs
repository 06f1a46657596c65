//! Complete configurations of named: for the primary, and for secondaries.
//!
//! Pure functions from typed values to text. The managed named, the command line and the tests all use these functions, so that
//! an operator gets the tested configuration. Text reaches named only through `writer`, which uses the quoting of the control
//! channel's command lines.
//!
//! Every setting that differs from named's default has its reason next to it in the output, for the operator who merges it into
//! another configuration.
//!
//! Decided against: catalog zones in the primary's configuration. They are added over the control channel like any zone, so that
//! a deleted folder is restored without a restart, and the part to merge stays short.

mod guard;
mod keys;
mod primary;
mod secondary;
mod writer;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use guard::{Identity, RateLimit};
pub(in crate::bind9) use keys::write_private;
pub use keys::{Keys, KeysError};
pub use primary::{PrimaryConfig, primary};
pub use secondary::{SecondaryConfig, secondary};

/// Where this host reaches a server that listens on `listen`: a wildcard address is reached on the loopback.
pub fn reached_at(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
