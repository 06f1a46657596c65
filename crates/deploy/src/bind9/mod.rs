//! BIND 9 as a nameserver that zones are deployed to.

pub mod control;
