//! Writes zone-file text (RFC 1035, section 5) from a zone's content.
//!
//! The text is deterministic: the same content gives the same octets. Every name and string is written from its typed value, so
//! that nothing from a user can become a second record or a directive.

use std::fmt::{self, Write};

use super::maker::{OUR_NAMESERVERS, OURS};
use crate::rdata::GenericForm;
use crate::{Apex, OwnerName, RecordType, ResourceRecord, ZoneSnapshot};

/// The whole zone as [`render`] writes it, under a header that says what an import needs to know to bring it back: which program wrote
/// it, and the nameservers of the server, which are no part of the zone elsewhere.
pub fn export(zone: &ZoneSnapshot, apex: &Apex) -> String {
    let mut text = format!("{OURS}\n{}", OUR_NAMESERVERS.trim_end());
    for nameserver in &apex.nameservers {
        // Writing to a string cannot fail.
        let _ = write!(text, " {}", nameserver.name.fqdn());
    }
    text.push('\n');
    text.push_str(&render(zone));
    text
}

/// The whole zone: SOA, apex, then all other names in canonical order (RFC 4034, section 6.1), types by number, data by octets.
pub fn render(zone: &ZoneSnapshot) -> String {
    let mut text = String::with_capacity(80 * (zone.records.len() + 2));
    // Writing to a string cannot fail.
    let _ = write_zone(&mut text, zone);
    text
}

fn write_zone(out: &mut String, zone: &ZoneSnapshot) -> fmt::Result {
    writeln!(out, "$ORIGIN {}", zone.name.name().fqdn())?;
    writeln!(out, "@ {} IN SOA {}", zone.soa.ttl, zone.soa)?;
    let mut sorted: Vec<(&OwnerName, RecordType, Vec<u8>, &ResourceRecord)> = zone
        .records
        .iter()
        .map(|record| (&record.owner, record.data.record_type(), record.data.wire(), record))
        .collect();
    sorted.sort_unstable_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    for (owner, record_type, wire, record) in sorted {
        if record_type.is_late() {
            let form = GenericForm(&wire);
            writeln!(out, "{owner} {} IN TYPE{} {form}", record.ttl, record_type.code())?;
        } else {
            writeln!(out, "{owner} {} IN {record_type} {}", record.ttl, record.data)?;
        }
    }
    Ok(())
}
