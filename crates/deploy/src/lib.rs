//! The reconciler: brings every nameserver to the head of every zone.

pub mod bind9;
