//! The DNS protocol as spoken between nameservers, whoever made them: messages in a TCP stream, records of any type, SOA queries.
//!
//! Everything here speaks to any nameserver that follows the RFCs. What only BIND understands is in `deploy::bind9`.
//!
//! | module | job | RFC |
//! |---|---|---|
//! | [`frame`] | messages in a TCP stream | 1035 |
//! | [`WireRecord`] | one record of any type | 1035 |
//! | [`ask`] | SOA queries: which serial a nameserver serves | 1035 |
//!
//! This crate depends on `dns` for names and serials, and on nothing above it: no store, no settings, no metrics. Callers decide what a
//! result means and when to retry.
//!
//! Decided against: keeping this beside BIND's code in `deploy`, where another kind of nameserver, or a server for dynamic updates,
//! would have to depend on BIND's client; and the client transports of `domain`, which do not keep many updates in flight on one
//! connection and cannot bound the memory that a zone transfer takes.

pub mod ask;
pub mod frame;
mod record;
pub mod socket;

pub use record::WireRecord;
