//! The DNS protocol between nameservers, independent of their software.
//!
//! This crate works with any nameserver that follows the RFCs. What only BIND supports is in `deploy::bind9`.
//!
//! | module | job | RFC |
//! |---|---|---|
//! | [`frame`] | messages in a TCP stream | 1035 |
//! | [`WireRecord`] | one record of any type | 1035 |
//! | [`secret`], [`tsig`] | shared secrets, TSIG keys and signatures | 8945 |
//! | [`signed`] | TSIG, the server | 8945 |
//! | [`ask`] | SOA queries: which serial a nameserver serves | 1035 |
//! | [`notify`] | NOTIFY, the client | 1996 |
//! | [`update`] | dynamic updates, the client | 2136 |
//! | [`transfer`] | zone transfers (AXFR), the client | 5936 |
//!
//! This crate depends on `dns` for names and serials, and on nothing above it: no store, no settings, no metrics. Callers decide
//! what a result means and when to retry.
//!
//! Decided against: keeping this next to BIND's code in `deploy`, where another kind of nameserver, or a server for dynamic
//! updates, would have to depend on BIND's client; and the client transports of `domain`, which do not keep many updates in
//! flight on one connection and cannot limit the memory of a zone transfer.

pub mod ask;
pub mod frame;
pub mod notify;
mod record;
pub mod secret;
pub mod signed;
mod socket;
pub mod transfer;
pub mod tsig;
pub mod update;

pub use record::WireRecord;
