//! Warnings: the zone is valid for every nameserver, but may not do what its owner wants.
//!
//! Warnings never refuse anything. They are computed at the names that a change touches, in the zone after the change, so that
//! their cost does not grow with the zone. Each has a stable code, with a section in `docs/warnings.md`.
//!
//! At most [`MAX_NAMES`] names of a change are checked, and at most [`MAX_WARNINGS`] warnings returned; the last one then says
//! so. The cost of a name is limited by its own records: their targets are looked up once, and chains of aliases are followed a
//! few steps.
//!
//! Decided against: rules instead of warnings (the owner may know better: the host may be added tomorrow), and queries outside
//! the zone (slow, and with changing results).

mod aliases;
mod dmarc;
mod mail;
mod places;
mod spf;
mod values;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::change::Lookup;
use crate::{Apex, Message, OwnerName, Record, RecordData, RecordType, Ttl, ZoneName, message};

use places::{Found, Target};

/// The maximum number of names that are checked for one change, in canonical order.
pub const MAX_NAMES: usize = 10_000;
/// The most warnings that are given for one change, one of which then says that there may be more.
pub const MAX_WARNINGS: usize = 1000;

/// Something unwise at one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind; never changes its meaning.
    pub code: Code,
    /// The member of the record that it is about.
    pub field: &'static str,
    /// The name it stands at.
    pub owner: OwnerName,
    /// A sentence for people.
    pub detail: Message,
}

/// The kinds of warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A mail exchange that is an alias (RFC 5321, section 5.1; RFC 2181, section 10.3).
    MxToCname,
    /// A nameserver that is an alias (RFC 2181, section 10.3).
    NsToCname,
    /// A target inside the zone that does not exist.
    DanglingTarget,
    /// An SPF record that needs more than ten look-ups (RFC 7208, section 4.6.4).
    SpfLookups,
    /// More than one SPF record at a name (RFC 7208, section 3.2).
    SpfMultiple,
    /// A DMARC record at a name where receivers do not look for it (RFC 7489, section 6.1).
    DmarcName,
    /// An underscore in the name of a host (RFC 952; RFC 1123, section 2.1).
    UnderscoreHost,
    /// A TTL of less than a minute.
    LowTtl,
    /// A record that a delegation hides (RFC 1034, section 4.2.1).
    HiddenByDelegation,
    /// "No mail here" beside other mail exchanges (RFC 7505, section 3).
    NullMxNotAlone,
    /// "No such service here" beside other targets (RFC 2782).
    NoServiceNotAlone,
    /// Typographic quotes in text that programs read.
    CurlyQuotes,
    /// A property of CAA that no authority knows (RFC 8659, section 4.1).
    CaaUnknownTag,
    /// An issuer that is not a domain name (RFC 8659, section 4.2).
    CaaIssuer,
    /// An address for reports that is not a URL (RFC 8659, section 4.4).
    CaaIodef,
    /// A protocol with a space or a comma in its name (RFC 9460, section 7.1).
    AlpnSpace,
    /// An alias that leads to itself.
    CnameLoop,
    /// A name that ends with the zone's name twice.
    DoubledName,
    /// A DMARC record that receivers cannot read (RFC 7489, section 6.3).
    DmarcSyntax,
    /// More than one DMARC record at a name (RFC 7489, section 6.6.3).
    DmarcMultiple,
    /// An SPF record that receivers cannot read (RFC 7208, section 4.6).
    SpfSyntax,
    /// A target that cannot be the name of a host, where DNS allows any name.
    NotAHostName,
    /// A mailbox in a name whose at sign is not written as a dot (RFC 1183, section 2.2).
    MailboxAtSign,
    /// A URI without a scheme (RFC 7553, section 4.4).
    UriScheme,
    /// There may be more warnings than are given.
    MoreWarnings,
    /// An NS record at the apex that names another provider's nameserver.
    ForeignApexNs,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 26] = [
        Code::MxToCname,
        Code::NsToCname,
        Code::DanglingTarget,
        Code::SpfLookups,
        Code::SpfMultiple,
        Code::DmarcName,
        Code::UnderscoreHost,
        Code::LowTtl,
        Code::HiddenByDelegation,
        Code::NullMxNotAlone,
        Code::NoServiceNotAlone,
        Code::CurlyQuotes,
        Code::CaaUnknownTag,
        Code::CaaIssuer,
        Code::CaaIodef,
        Code::AlpnSpace,
        Code::CnameLoop,
        Code::DoubledName,
        Code::DmarcSyntax,
        Code::DmarcMultiple,
        Code::SpfSyntax,
        Code::NotAHostName,
        Code::MailboxAtSign,
        Code::UriScheme,
        Code::MoreWarnings,
        Code::ForeignApexNs,
    ];

    /// What programs compare, and the anchor in `docs/warnings.md`.
    pub fn name(self) -> &'static str {
        match self {
            Code::MxToCname => "mx-to-cname",
            Code::NsToCname => "ns-to-cname",
            Code::DanglingTarget => "dangling-target",
            Code::SpfLookups => "spf-lookups",
            Code::SpfMultiple => "spf-multiple",
            Code::DmarcName => "dmarc-name",
            Code::UnderscoreHost => "underscore-host",
            Code::LowTtl => "low-ttl",
            Code::HiddenByDelegation => "hidden-by-delegation",
            Code::NullMxNotAlone => "null-mx-not-alone",
            Code::NoServiceNotAlone => "no-service-not-alone",
            Code::CurlyQuotes => "curly-quotes",
            Code::CaaUnknownTag => "caa-unknown-tag",
            Code::CaaIssuer => "caa-issuer",
            Code::CaaIodef => "caa-iodef",
            Code::AlpnSpace => "alpn-space",
            Code::CnameLoop => "cname-loop",
            Code::DoubledName => "doubled-name",
            Code::DmarcSyntax => "dmarc-syntax",
            Code::DmarcMultiple => "dmarc-multiple",
            Code::SpfSyntax => "spf-syntax",
            Code::NotAHostName => "not-a-host-name",
            Code::MailboxAtSign => "mailbox-at-sign",
            Code::UriScheme => "uri-scheme",
            Code::MoreWarnings => "more-warnings",
            Code::ForeignApexNs => "foreign-apex-ns",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The most nameservers that one warning names.
const NAMED: usize = 4;
/// Under this, resolvers ask again more often than most changes need, and some keep answers longer all the same.
const LOW_TTL: Ttl = match Ttl::new(60) {
    Some(ttl) => ttl,
    None => Ttl::MIN,
};

/// Looks at the names that a change touched, in the zone as it is after it. At the apex, also whether its records still find
/// their targets, because mail and nameservers hang on that.
///
/// # Errors
///
/// Those of the look-up.
pub fn check<L: Lookup>(
    zone: &ZoneName,
    apex: &Apex,
    touched: &BTreeSet<OwnerName>,
    lookup: &mut L,
) -> Result<Vec<Warning>, L::Error> {
    let mut search = Search { zone, apex, lookup, targets: HashMap::new(), found: Vec::new() };
    for (index, owner) in touched.iter().enumerate() {
        if index == MAX_NAMES || search.found.len() >= MAX_WARNINGS {
            return Ok(search.ended_at(owner, touched.len() - index));
        }
        let records = search.lookup.at(owner)?;
        search.hosts(owner, &records);
        search.values(owner, &records);
        search.times(owner, &records);
        search.mail(owner, &records)?;
        search.targets(owner, &records, |_| true)?;
        search.aliases(owner, &records)?;
        search.hidden(owner, &records)?;
        search.nameservers(owner, &records);
    }
    let root = OwnerName::apex();
    if !touched.contains(&root) {
        let records = search.lookup.at(&root)?;
        search.targets(&root, &records, |target| touched.contains(target))?;
    }
    Ok(search.found)
}

/// The work of [`check`].
struct Search<'a, L> {
    zone: &'a ZoneName,
    apex: &'a Apex,
    lookup: &'a mut L,
    /// What was found out about targets: many records share one.
    targets: HashMap<OwnerName, Found>,
    found: Vec<Warning>,
}

impl<L: Lookup> Search<'_, L> {
    fn warn(&mut self, code: Code, field: &'static str, owner: &OwnerName, detail: Message) {
        self.found.push(Warning { code, field, owner: owner.clone(), detail });
    }

    /// The warnings so far; the last says that names from `owner` on were not checked.
    fn ended_at(mut self, owner: &OwnerName, names: usize) -> Vec<Warning> {
        self.found.truncate(MAX_WARNINGS - 1);
        let detail =
            message!("there may be more warnings: {names} names from {owner} on were not checked", names, owner);
        self.warn(Code::MoreWarnings, "name", owner, detail);
        self.found
    }

    /// Addresses at names that are not host names, and targets that are not host names.
    fn hosts(&mut self, owner: &OwnerName, records: &[Record]) {
        let has_address = records.iter().any(|record| matches!(record.data, RecordData::A(_) | RecordData::Aaaa(_)));
        if has_address && owner.in_zone(self.zone).labels().any(has_underscore) {
            let detail =
                message!("{owner} has an address and an underscore; many programs reject such a host name", owner);
            self.warn(Code::UnderscoreHost, "name", owner, detail);
        }
        for record in records.iter().filter(|record| !matches!(record.data, RecordData::Cname(_))) {
            if let Some(target) = record.data.target().map(|host| host.name().clone())
                && target.labels().any(has_underscore)
            {
                let record_type = record.data.record_type();
                let detail = message!(
                    "the {record_type} record names {target}, and host names have no underscores",
                    record_type,
                    target
                );
                self.warn(Code::UnderscoreHost, "value", owner, detail);
            }
        }
    }

    /// Other nameservers than the operator's at the apex: right for two providers of one zone, and a leftover after a move.
    fn nameservers(&mut self, owner: &OwnerName, records: &[Record]) {
        let hosts = records.iter().filter_map(|record| match &record.data {
            RecordData::Ns(ns) if owner.is_apex() => Some(ns.host.name()),
            _ => None,
        });
        let others: Vec<String> =
            hosts.filter(|host| !self.apex.has_nameserver(host)).take(NAMED).map(ToString::to_string).collect();
        if !others.is_empty() {
            let detail = message!(
                "resolvers also ask {others}, which this server does not update; delete these NS records unless another provider serves the same zone",
                others = others.join(", ")
            );
            self.warn(Code::ForeignApexNs, "value", owner, detail);
        }
    }

    /// One warning for each RRset.
    fn times(&mut self, owner: &OwnerName, records: &[Record]) {
        let mut low: Vec<(RecordType, Ttl)> = records
            .iter()
            .filter(|record| record.ttl < LOW_TTL)
            .map(|record| (record.data.record_type(), record.ttl))
            .collect();
        low.sort_unstable();
        low.dedup();
        for (record_type, ttl) in low {
            let detail = message!(
                "resolvers cache the {record_type} records at {owner} for only {ttl} seconds; 60 or more is usual",
                record_type,
                owner,
                ttl
            );
            self.warn(Code::LowTtl, "ttl", owner, detail);
        }
    }

    /// Targets inside the zone that are aliases where none may be, or that are not there.
    fn targets(
        &mut self,
        owner: &OwnerName,
        records: &[Record],
        concerns: impl Fn(&OwnerName) -> bool,
    ) -> Result<(), L::Error> {
        for record in records {
            let record_type = record.data.record_type();
            let Some(name) = record.data.target().map(|host| host.name().clone()) else { continue };
            let Some(target) = OwnerName::of(&name, self.zone).filter(&concerns) else { continue };
            match (self.target(&target)?, record_type) {
                (Target::Alias, RecordType::Mx) => {
                    let detail =
                        message!("{name} is an alias (CNAME); a mail exchange must have its addresses itself", name);
                    self.warn(Code::MxToCname, "value", owner, detail);
                }
                (Target::Alias, RecordType::Ns) => {
                    let detail =
                        message!("{name} is an alias (CNAME); a nameserver must have its addresses itself", name);
                    self.warn(Code::NsToCname, "value", owner, detail);
                }
                (Target::Missing, _) => {
                    let detail = message!(
                        "the {record_type} record names {name}, which this zone does not have",
                        record_type,
                        name
                    );
                    self.warn(Code::DanglingTarget, "value", owner, detail);
                }
                (Target::NoAddress, RecordType::Mx | RecordType::Ns | RecordType::Srv) => {
                    let detail = message!(
                        "the {record_type} record names {name}, which has no address in this zone",
                        record_type,
                        name
                    );
                    self.warn(Code::DanglingTarget, "value", owner, detail);
                }
                (Target::Alias | Target::Address | Target::NoAddress | Target::Elsewhere, _) => {}
            }
        }
        Ok(())
    }
}

fn has_underscore(label: &[u8]) -> bool {
    label.contains(&b'_')
}
