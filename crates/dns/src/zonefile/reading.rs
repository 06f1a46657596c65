//! Reads a zone file as the content of a zone, or returns all its errors; used by every interface that accepts files.

use super::maker::Maker;
use super::parser::{SOA_OWNER, fault_at};
use super::{Content, FileFault, LeftOutReason, OTHER_ZONE, Options, apex_of, parse};
use crate::presentation::Position;
use crate::{Apex, Fault, Name, ZoneName, message};

/// Reads a file as what it makes of `zone` on a server that has this apex.
///
/// # Errors
///
/// All faults of the text, each with its place. That the file has no record for the zone is one: where it says which other zone it is for,
/// the fault's check is [`OTHER_ZONE`].
pub fn read(text: &[u8], zone: &ZoneName, apex: &Apex, options: &Options) -> Result<Content, Vec<FileFault>> {
    let maker = Maker::of(text);
    let other = || apex_of(text).filter(|other| other != zone.name());
    let fault = |at, other: &Name| {
        fault_at(at, "name", OTHER_ZONE, message!("This file is for {other}, not {zone}", other, zone))
    };
    let file = parse(text, zone, options).map_err(|faults| {
        // What is wrong with the file of another zone is beside the point.
        let unrelated = |other: &Name| !other.is_within(zone.name()) && !zone.name().is_within(other);
        match (other(), faults.first()) {
            (Some(other), Some(first)) if unrelated(&other) || first.fault.check == SOA_OWNER => {
                vec![fault(first.at, &other)]
            }
            _ => faults,
        }
    })?;
    let has_nothing = file.soa.is_none() && file.apex_ns.is_empty() && file.records.is_empty();
    let other_soa =
        file.left_out.iter().find(|left| left.reason == LeftOutReason::OutOfZone && left.record_type == "SOA");
    let first = other_soa.or(file.left_out.first()).map_or(Position { line: 1, column: 1 }, |left| left.first);
    if has_nothing || (file.soa.is_none() && other_soa.is_some()) {
        return Err(vec![match other() {
            Some(other) => fault(first, &other),
            None => FileFault {
                at: first,
                fault: Fault::general("zone-file-empty", message!("there is no record in the file")),
            },
        }]);
    }
    Ok(file.into_content(zone, apex, &maker, options.keep_apex_ns))
}
