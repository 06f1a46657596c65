//! Values that nameservers serve but programs do not understand, and names that look like a mistake.

use std::str;

use super::{Code, Search};
use crate::change::Lookup;
use crate::rdata::{Caa, alpn};
use crate::reverse::is_reverse;
use crate::{Name, OwnerName, Record, RecordData, RecordType, ZoneName, message};

/// The properties of CAA that are registered with IANA (RFC 8659, RFC 9495) or asked for by certification authorities.
const CAA_TAGS: [&str; 7] = ["issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone"];

impl<L: Lookup> Search<'_, L> {
    /// What can be said of a name and its records alone.
    pub(super) fn values(&mut self, owner: &OwnerName, records: &[Record]) {
        if !records.is_empty() && is_doubled(&owner.in_zone(self.zone), self.zone) {
            let detail = message!(
                "{owner} ends with the zone's name, so the full name is {name}; did you mean a name without it?",
                owner,
                name = owner.in_zone(self.zone)
            );
            self.warn(Code::DoubledName, "name", owner, detail);
        }
        self.nothing_beside_others(owner, records);
        for record in records {
            match &record.data {
                RecordData::Caa(caa) => self.caa(owner, caa),
                RecordData::Txt(txt) => {
                    let text = txt.strings().collect::<Vec<_>>().concat();
                    self.quotes(owner, RecordType::Txt, &text);
                }
                RecordData::Generic(data) => match data.record_type() {
                    RecordType::Svcb | RecordType::Https => self.protocols(owner, data.record_type(), data.wire()),
                    RecordType::Ptr | RecordType::Dname => self.name(owner, data.record_type(), data.wire()),
                    RecordType::Rp => self.mailbox(owner, data.wire()),
                    RecordType::Uri => self.uri(owner, data.wire().get(4..).unwrap_or_default()),
                    RecordType::Spf => self.quotes(owner, RecordType::Spf, data.wire()),
                    _ => {}
                },
                data => {
                    if let Some(target) = data.target() {
                        self.name(owner, data.record_type(), target.name().wire());
                    }
                }
            }
        }
    }

    /// A target of `.` says that there is nothing; beside others it contradicts them.
    fn nothing_beside_others(&mut self, owner: &OwnerName, records: &[Record]) {
        for (record_type, code, nothing) in [
            (RecordType::Mx, Code::NullMxNotAlone, message!("no mail is accepted here (RFC 7505)")),
            (RecordType::Srv, Code::NoServiceNotAlone, message!("the service is not offered here (RFC 2782)")),
        ] {
            let set = records.iter().filter(|record| record.data.record_type() == record_type);
            let is_nothing = |record: &&Record| record.data.target().is_some_and(|host| host.name().is_root());
            if set.clone().count() > 1 && set.clone().any(|record| is_nothing(&record)) {
                let detail = message!(
                    "an {record_type} record at {owner} has the target \".\", which says that {nothing}, but there are others beside it",
                    record_type,
                    owner,
                    nothing
                );
                self.warn(code, "value", owner, detail);
            }
        }
    }

    /// The target of a record, as a name in wire form.
    fn name(&mut self, owner: &OwnerName, record_type: RecordType, wire: &[u8]) {
        let Ok((target, _)) = Name::from_wire(wire) else { return };
        if is_doubled(&target, self.zone) {
            let detail = message!(
                "the {record_type} record at {owner} names {target}, which ends with the zone's name twice; a name without its final \
                 dot is relative in a zone file",
                record_type,
                owner,
                target
            );
            self.warn(Code::DoubledName, "value", owner, detail);
        }
        // Other types refuse such targets.
        if matches!(record_type, RecordType::Cname | RecordType::Ptr | RecordType::Dname) && !is_usual(&target) {
            let detail = message!(
                "the {record_type} record at {owner} names {target}, which is not a host name",
                record_type,
                owner,
                target
            );
            self.warn(Code::NotAHostName, "value", owner, detail);
        }
    }

    fn caa(&mut self, owner: &OwnerName, caa: &Caa) {
        self.quotes(owner, RecordType::Caa, &caa.value);
        let value = String::from_utf8_lossy(&caa.value);
        let tag = &*caa.tag;
        if !CAA_TAGS.contains(&tag) {
            let detail = message!(
                "no authority knows the CAA property \"{tag}\"; known are {known}",
                tag = tag.to_owned(),
                known = CAA_TAGS.join(", ")
            );
            self.warn(Code::CaaUnknownTag, "value", owner, detail);
        } else if tag.starts_with("issue") {
            let issuer = value.split(';').next().unwrap_or_default().trim();
            let is_domain = Name::parse(issuer).is_ok_and(|name| name.is_host_like() && name.labels().count() > 1);
            if !issuer.is_empty() && !is_domain {
                let issuer: String = issuer.chars().take(100).collect();
                let detail = message!(
                    "\"{issuer}\" is not the domain name of an authority, such as letsencrypt.org; parameters follow a semicolon",
                    issuer
                );
                self.warn(Code::CaaIssuer, "value", owner, detail);
            }
        } else if tag == "iodef" && !["mailto:", "https://", "http://"].iter().any(|scheme| starts_with(&value, scheme))
        {
            let detail = message!(
                "reports (CAA iodef) go to a URL, such as mailto:security@example.com or https://example.com/report"
            );
            self.warn(Code::CaaIodef, "value", owner, detail);
        }
    }

    /// Quotes that a word processor made of straight ones: around the text, or anywhere in text that programs read.
    fn quotes(&mut self, owner: &OwnerName, record_type: RecordType, text: &[u8]) {
        let Ok(text) = str::from_utf8(text) else { return };
        if text.is_ascii() {
            return;
        }
        let is_curly = |c: char| matches!(c, '\u{2018}'..='\u{201f}');
        let for_programs = record_type == RecordType::Caa || starts_with(text, "v=");
        if text.starts_with(is_curly) || text.ends_with(is_curly) || (for_programs && text.contains(is_curly)) {
            let detail = message!(
                "the {record_type} record at {owner} has typographic quotes, which are part of the value; delete them, or put \
                 straight ones (\") around the value",
                record_type,
                owner
            );
            self.warn(Code::CurlyQuotes, "value", owner, detail);
        }
    }

    fn mailbox(&mut self, owner: &OwnerName, wire: &[u8]) {
        let Ok((mailbox, _)) = Name::from_wire(wire) else { return };
        if mailbox.labels().any(|label| label.contains(&b'@')) {
            let detail = message!(
                "the RP record at {owner} has the mailbox {mailbox}; write its at sign as a dot",
                owner,
                mailbox
            );
            self.warn(Code::MailboxAtSign, "value", owner, detail);
        }
    }

    fn uri(&mut self, owner: &OwnerName, target: &[u8]) {
        // RFC 3986, section 3.1.
        let scheme = target.iter().position(|octet| *octet == b':').and_then(|end| target.get(..end));
        let sound = scheme.is_some_and(|scheme| {
            scheme.first().is_some_and(u8::is_ascii_alphabetic)
                && scheme.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'))
        });
        if !sound {
            let detail = message!("the URI record at {owner} has a target without a scheme, such as https:", owner);
            self.warn(Code::UriScheme, "value", owner, detail);
        }
    }

    fn protocols(&mut self, owner: &OwnerName, record_type: RecordType, wire: &[u8]) {
        if let Some(protocol) =
            alpn(wire).into_iter().find(|protocol| protocol.iter().any(|c| matches!(c, b' ' | b',')))
        {
            let detail = message!(
                "the {record_type} record at {owner} has the protocol \"{protocol}\"; protocols are separated by commas without spaces, such as \
                 alpn=h2,h3",
                record_type,
                owner,
                protocol = protocol.escape_ascii().to_string()
            );
            self.warn(Code::AlpnSpace, "value", owner, detail);
        }
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Whether a name ends with the zone's name, and again before that.
fn is_doubled(name: &Name, zone: &ZoneName) -> bool {
    let zone: Vec<&[u8]> = zone.name().labels().collect();
    let labels: Vec<&[u8]> = name.labels().collect();
    let before = labels.strip_suffix(zone.as_slice());
    before.is_some_and(|labels| labels.ends_with(&zone))
}

/// Whether a name is of the kind that aliases lead to: a host, a name of the reverse tree (RFC 2317), or a service, whose instance may
/// have any name (RFC 6763).
fn is_usual(name: &Name) -> bool {
    let allowed = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'/');
    name.is_host_like()
        || (is_reverse(name) && name.labels().all(|label| label.iter().all(allowed)))
        || name.labels().any(|label| label.starts_with(b"_"))
}
