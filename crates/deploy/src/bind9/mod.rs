//! BIND 9 as a nameserver that zones are deployed to.

pub mod ask;
pub mod control;
mod frame;
pub mod key;
pub mod transfer;
pub mod update;
mod wire_record;

pub use wire_record::WireRecord;
