//! Zone-file text (RFC 1035, section 5): [`parse`] reads it, [`render`] writes it.
//!
//! Parsing follows BIND 9.18: what `named` loads is accepted, with the same records, and what it refuses is refused;
//! `docs/zone-files.md` lists the few differences, each with its reason. No file is ever opened. Only the records are kept:
//! comments, order and spelling are lost.
//!
//! The modules, in the order in which text passes them: `lexer` splits it into entries and tokens, `parser` reads entries and
//! directives (`generate` those that stand for many), `runs` selects the TTL if a file has several for an RRset, `settle` sorts
//! the records. The data of each type is read by its type ([`crate::rdata`]).
//!
//! Decided against: the parser of the `domain` crate, which has no TTL units, wraps integers and stops at the first error.

mod apex;
mod content;
mod duration;
mod generate;
mod lexer;
mod maker;
mod parser;
mod reading;
mod render;
mod runs;
mod settle;
mod unwise;
mod words;

pub use apex::apex_of;
pub use content::Content;
pub use parser::parse;
pub use reading::read;
pub use render::{export, render};

use crate::presentation::Position;
use crate::rdata::Soa;
use crate::rdata::fields::FieldError;
use crate::{Fault, Message, ResourceRecord};

/// What a zone file holds, sorted into what may become a zone's records and what may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFile {
    /// The start of authority and where it stands; `None` where the file has none. (BIND refuses such a file; here the server
    /// makes the SOA.)
    pub soa: Option<(Soa, Position)>,
    /// The NS records at the apex, some of which may be the operator's own.
    pub apex_ns: Vec<FileRecord>,
    /// All other records: owners in canonical order, types by number, then in the file's order. No record twice, one TTL for
    /// each RRset.
    pub records: Vec<FileRecord>,
    /// The records that are in the file and not in `records`, by reason and type.
    pub left_out: Vec<LeftOut>,
    /// What was understood otherwise than it may have been meant; at most [`MAX_NOTES`].
    pub notes: Vec<Note>,
}

/// A record and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// The record.
    pub record: ResourceRecord,
    /// Where its entry begins.
    pub at: Position,
}

/// Records that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Why.
    pub reason: LeftOutReason,
    /// Their type, in upper case: also types that no user may make.
    pub record_type: String,
    /// How many.
    pub count: usize,
    /// Where the first of them is.
    pub first: Position,
}

/// Why records of a file are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOutReason {
    /// They were made by signing the zone, and would be wrong after the first change.
    Dnssec,
    /// Their owner is not inside the zone.
    OutOfZone,
    /// The zone's SOA is made by the server.
    Soa,
    /// The operator's nameservers are in every zone already.
    OwnNameserver,
    /// The server looks after the addresses of the operator's nameservers.
    OwnAddress,
    /// This server does not support their type ([`Options::leave_out_unknown`]).
    UnsupportedType,
    /// They name another provider's nameservers at the apex ([`Options::keep_apex_ns`]).
    ForeignNameserver,
}

impl LeftOutReason {
    /// All of them.
    pub const ALL: [LeftOutReason; 7] = [
        Self::Dnssec,
        Self::OutOfZone,
        Self::Soa,
        Self::OwnNameserver,
        Self::OwnAddress,
        Self::UnsupportedType,
        Self::ForeignNameserver,
    ];

    /// Its stable identifier.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dnssec => "dnssec",
            Self::OutOfZone => "out-of-zone",
            Self::Soa => "soa",
            Self::OwnNameserver => "own-nameserver",
            Self::OwnAddress => "own-address",
            Self::UnsupportedType => "unsupported-type",
            Self::ForeignNameserver => "foreign-apex-ns",
        }
    }

    /// Why, as the end of a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Dnssec => "made by signing the zone, and wrong after the first change",
            Self::OutOfZone => "not inside the zone",
            Self::Soa => "the server makes the zone's own, with a serial above this one",
            Self::OwnNameserver => "this server's nameservers are in every zone already",
            Self::OwnAddress => "the server looks after the addresses of its nameservers",
            Self::UnsupportedType => "this server does not support records of this type",
            Self::ForeignNameserver => "they name another provider's nameservers, and are kept only on request",
        }
    }
}

/// Something a reader of the file should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub at: Position,
    /// A stable identifier, such as `ttl-differs`.
    pub check: &'static str,
    /// A sentence.
    pub detail: Message,
}

/// A fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {fault}", .at.line, .at.column)]
pub struct FileFault {
    /// The token at fault, or the place where something is missing.
    pub at: Position,
    /// What is wrong; `field` is `name`, `ttl`, `record_type` or `value`.
    pub fault: Fault,
}

impl From<FieldError> for FileFault {
    fn from(error: FieldError) -> Self {
        FileFault { at: error.at, fault: error.fault }
    }
}

/// How a file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether DNSKEY, CDS and CDNSKEY records are kept (for several signers of one zone, RFC 8901).
    pub keep_keys: bool,
    /// Whether records of types that this server does not support are left out. Otherwise each is a fault whose check is
    /// [`UNSUPPORTED_TYPE`].
    pub leave_out_unknown: bool,
    /// Whether NS records at the apex that name other hosts than the operator's nameservers are kept. Where a zone moves here, they
    /// name the provider that it leaves.
    pub keep_apex_ns: bool,
    /// Whether a TTL of 1 in a file of Cloudflare's stays. There it means "automatic"; otherwise it becomes [`AUTOMATIC_TTL`].
    pub keep_ttl: bool,
    /// The most records that all `$GENERATE` directives of a file may make.
    pub generated_records: usize,
}

impl Default for Options {
    /// The file counts as it is. A `$GENERATE` over a whole /16 is possible.
    fn default() -> Self {
        Options {
            keep_keys: false,
            leave_out_unknown: false,
            keep_apex_ns: true,
            keep_ttl: false,
            generated_records: 65_536,
        }
    }
}

/// The check of faults about a record type that this server does not support; with [`Options::leave_out_unknown`] there are
/// none.
pub const UNSUPPORTED_TYPE: &str = "record-type-unsupported";
/// The check of the fault of a file that is for another zone.
pub const OTHER_ZONE: &str = "zone-file-other-zone";
/// What Cloudflare serves where a TTL is "automatic", in seconds.
pub const AUTOMATIC_TTL: u32 = 300;
/// Further warnings about a file are not kept.
pub const MAX_WARNINGS: usize = 100;
/// After so many faults the rest of a file is not read.
pub const MAX_FAULTS: usize = 100;
/// Further notes are not kept.
pub const MAX_NOTES: usize = 100;
