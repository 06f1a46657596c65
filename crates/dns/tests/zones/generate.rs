//! Random zones: what clients send, mild and wild, and the changes they send it in.

use dns::change::{Amendment, Edit, NewRecord, NewSet, PlanError, TtlChoice};
use dns::{Apex, RecordId, RecordType, Ttl};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::memory::{Given, Zone, apex};

/// One change of a zone: steps that stand or fall together.
pub(crate) type Change = Vec<Step>;

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Create(Given),
    /// As many records as one RRset may have, or nearly.
    Fill {
        name: String,
        record_type: RecordType,
        count: u8,
    },
    /// A nameserver at a name, with or without its address. At the apex it is the customer's second provider.
    Nameserver {
        name: String,
        host: String,
        address: bool,
    },
    /// A signed delegation.
    Delegation {
        name: String,
        key: Given,
    },
    Replace(Index, Given),
    /// The name, the value or the TTL of a record, as another record has it.
    Amend(Index, Given, [bool; 3]),
    Delete(Index),
    /// What the given records make of the set that the first of them belongs to.
    Set(fn(NewSet) -> Edit, Vec<Given>),
    DeleteSet(Index),
}

/// A zone without records, and what happens to it.
pub(crate) fn history() -> impl Strategy<Value = (Zone, Vec<Change>)> {
    (empty_zone(), vec(vec(step(), 1..8), 1..8))
}

/// Makes the edits of a change; what the parsers refuse is left out.
pub(crate) fn edits(zone: &mut Zone, change: &[Step]) -> Vec<Edit> {
    let ids: Vec<RecordId> = zone.records().map(|record| record.id).collect();
    let mut edits = Vec::new();
    for step in change {
        match step {
            Step::Create(given) => create(zone, given, &mut edits),
            Step::Fill { name, record_type, count } => {
                (0..*count).for_each(|index| create(zone, &numbered(name, *record_type, index), &mut edits));
            }
            Step::Nameserver { name, host, address } => {
                if *address {
                    create(zone, &numbered(host, RecordType::A, 1), &mut edits);
                }
                let value = format!("{host}.{}.", zone.name);
                let ns = Given { record_type: RecordType::Ns, name: name.clone(), value, priority: None, ttl: None };
                create(zone, &ns, &mut edits);
            }
            Step::Delegation { name, key } => {
                create(zone, &numbered(name, RecordType::Ns, 1), &mut edits);
                create(zone, &Given { name: name.clone(), ..key.clone() }, &mut edits);
            }
            Step::Replace(which, given) if !ids.is_empty() => {
                edits.extend(given.parse(&zone.name).map(|record| Edit::Replace(*which.get(&ids), record)));
            }
            Step::Amend(which, given, [owner, value, ttl]) if !ids.is_empty() => {
                let Some(parsed) = given.parse(&zone.name) else { continue };
                let record_type = parsed.data.record_type();
                let amendment = Amendment {
                    record_type: value.then_some(record_type),
                    owner: owner.then_some(parsed.owner),
                    value: value.then(|| parsed.data.value()),
                    ttl: ttl.then(|| given.ttl.and_then(Ttl::new).map_or(TtlChoice::Default, TtlChoice::Set)),
                    priority: value.then(|| parsed.data.priority()),
                };
                edits.push(Edit::Amend(*which.get(&ids), amendment));
            }
            Step::Delete(which) if !ids.is_empty() => edits.push(Edit::Delete(*which.get(&ids))),
            Step::Set(edit, given) => {
                let parsed: Vec<_> = given.iter().filter_map(|given| given.parse(&zone.name)).collect();
                let Some(NewRecord { owner, data, ttl }) = parsed.first().cloned() else { continue };
                let record_type = data.record_type();
                let of_type = parsed.into_iter().filter(|record| record.data.record_type() == record_type);
                let records = of_type.map(|record| (zone.new_id(), record.data)).collect();
                edits.push(edit(NewSet { owner, record_type, ttl, records }));
            }
            Step::DeleteSet(which) if !ids.is_empty() => {
                let id = which.get(&ids);
                let record = zone.records().find(|record| record.id == *id).unwrap();
                let (owner, record_type) = (record.owner.clone(), record.data.record_type());
                let ttl = TtlChoice::Join(Ttl::DEFAULT);
                edits.push(Edit::ReplaceSet(NewSet { owner, record_type, ttl, records: Vec::new() }));
            }
            Step::Replace(..) | Step::Amend(..) | Step::Delete(_) | Step::DeleteSet(_) => {}
        }
    }
    edits
}

fn create(zone: &mut Zone, given: &Given, edits: &mut Vec<Edit>) {
    if let Some(record) = given.parse(&zone.name) {
        edits.push(Edit::Create(zone.new_id(), record));
    }
}

/// Plans and commits every change; of one that is refused, the edits that are accepted alone.
pub(crate) fn live_through(zone: &mut Zone, changes: &[Change]) {
    for change in changes {
        let edits = edits(zone, change);
        match zone.plan(&edits) {
            Ok(plan) => zone.commit(&plan),
            Err(_) => {
                for edit in edits {
                    match zone.plan(&[edit]) {
                        Ok(plan) => zone.commit(&plan),
                        Err(PlanError::Faults(_) | PlanError::NoRecord { .. }) => {}
                        Err(PlanError::Lookup(never)) => match never {},
                    }
                }
            }
        }
    }
}

fn empty_zone() -> impl Strategy<Value = Zone> {
    let long = ["x".repeat(63), "y".repeat(63), "z".repeat(57), "example.com".to_owned()].join(".");
    let usual = || apex(&[("ns1.zonewright.test", &[]), ("ns2.zonewright.test", &[])]);
    // The operator's own zone, with a nameserver at its apex too.
    let operators: Apex = apex(&[
        ("ns1.example.net", &["192.0.2.53", "2001:db8::53"]),
        ("ns.deep.example.net", &["192.0.2.54"]),
        ("example.net", &["192.0.2.55"]),
    ]);
    prop_oneof![
        4 => Just(Zone::new("example.com", usual())),
        2 => Just(Zone::new("example.net", operators.clone())),
        1 => Just(Zone::new("example.com", operators)),
        1 => Just(Zone::new("bücher.example", usual())),
        1 => Just(Zone::new("0/25.2.0.192.in-addr.arpa", usual())),
        1 => Just(Zone::new(&long, usual())),
    ]
}

const SET_EDITS: [fn(NewSet) -> Edit; 3] = [Edit::ReplaceSet, Edit::ExtendSet, Edit::PruneSet];

fn step() -> impl Strategy<Value = Step> {
    let full = prop_oneof![1..5u8, Just(98u8), Just(100u8), Just(101u8)];
    let types = select(vec![RecordType::A, RecordType::Aaaa, RecordType::Mx, RecordType::Txt, RecordType::Ns]);
    prop_oneof![
        20 => given().prop_map(Step::Create),
        1 => (name(), types, full).prop_map(|(name, record_type, count)| Step::Fill { name, record_type, count }),
        4 => (prop_oneof![Just("@".to_owned()), plain_name()], plain_name(), any::<bool>())
            .prop_map(|(name, host, address)| Step::Nameserver { name, host, address }),
        1 => (plain_name(), given_of(RecordType::Ds)).prop_map(|(name, key)| Step::Delegation { name, key }),
        4 => (any::<Index>(), given()).prop_map(|(which, given)| Step::Replace(which, given)),
        4 => (any::<Index>(), given(), any::<[bool; 3]>())
            .prop_map(|(which, given, members)| Step::Amend(which, given, members)),
        3 => any::<Index>().prop_map(Step::Delete),
        5 => (select(SET_EDITS.to_vec()), vec(given(), 1..4)).prop_map(|(edit, given)| Step::Set(edit, given)),
        1 => any::<Index>().prop_map(Step::DeleteSet),
    ]
}

fn numbered(name: &str, record_type: RecordType, index: u8) -> Given {
    let value = match record_type {
        RecordType::A => format!("192.0.2.{index}"),
        RecordType::Aaaa => format!("2001:db8::{index:x}"),
        RecordType::Mx => format!("mx{index}.example.org"),
        RecordType::Ns => format!("ns{index}.example.org"),
        _ => format!("text {index}"),
    };
    let priority = record_type.has_priority().then_some(10);
    Given { record_type, name: name.to_owned(), value, priority, ttl: None }
}

/// A record of any type, mostly of one that has rules of its own.
pub(crate) fn given() -> impl Strategy<Value = Given> {
    use RecordType::{A, Aaaa, Caa, Cname, Dname, Ds, Mx, Ns, Srv, Txt};
    let unknown = RecordType::from_code(65280).unwrap();
    prop_oneof![
        6 => select(vec![A, Aaaa, Cname, Mx, Txt, Ns, Srv, Caa]),
        1 => select(vec![Dname, Ds, unknown]),
        5 => select(&RecordType::EDITABLE[..]),
    ]
    .prop_flat_map(given_of)
}

fn given_of(record_type: RecordType) -> impl Strategy<Value = Given> {
    let priority = if record_type.has_priority() { any::<u16>().prop_map(Some).boxed() } else { Just(None).boxed() };
    let ttl = prop_oneof![
        6 => Just(None),
        1 => select(vec![0, 1, 300, 86_400, 0x7fff_fffe, 0x7fff_ffff]).prop_map(Some),
    ];
    (name(), value(record_type), priority, ttl).prop_map(move |(name, value, priority, ttl)| Given {
        record_type,
        name,
        value,
        priority,
        ttl,
    })
}

fn value(record_type: RecordType) -> BoxedStrategy<String> {
    match record_type {
        RecordType::A => any::<[u8; 4]>().prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()).boxed(),
        RecordType::Aaaa => prop_oneof![
            any::<u128>(),
            any::<u32>().prop_map(|low| 0xffff_0000_0000 | u128::from(low)),
            any::<u32>().prop_map(u128::from),
        ]
        .prop_map(|number| std::net::Ipv6Addr::from(number).to_string())
        .boxed(),
        RecordType::Cname | RecordType::Ns | RecordType::Mx => target().boxed(),
        RecordType::Srv => (any::<u16>(), any::<u16>(), target()).prop_map(|(w, p, t)| format!("{w} {p} {t}")).boxed(),
        RecordType::Txt => text().boxed(),
        RecordType::Caa => (any::<u8>(), "[a-zA-Z0-9]{1,15}", vec(any::<u8>(), 0..40))
            .prop_map(|(flags, tag, value)| format!("{flags} {tag} {}", quoted(&value)))
            .boxed(),
        RecordType::Unknown(_) => vec(any::<u8>(), 0..40).prop_map(|data| generic(&data)).boxed(),
        RecordType::Soa => Just(String::new()).boxed(),
        RecordType::Naptr => {
            let rule = select(vec![r#""" ."#, r#""!^.*$!sip:info@example.com!" ."#, r#""" www.example.org."#]);
            (any::<u16>(), any::<u16>(), vec(any::<u8>(), 0..20), rule)
                .prop_map(|(order, preference, text, rule)| {
                    format!("{order} {preference} \"\" {} {rule}", quoted(&text))
                })
                .boxed()
        }
        RecordType::Loc => {
            (0..=90u8, any::<bool>(), 0..=179u8, 0..60u8, 0..60_000u32, -9999..99_999i32, 0..90_000_000u32)
                .prop_map(|(latitude, north, longitude, minutes, thousandths, altitude, size)| {
                    let direction = if north { 'N' } else { 'S' };
                    let seconds = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
                    format!("{latitude} {direction} {longitude} {minutes} {seconds} W {altitude}.05m {size}m 0.1m")
                })
                .boxed()
        }
        RecordType::Ds | RecordType::Cds => (any::<u16>(), any::<u8>(), digest(&[(1, 20), (2, 32), (4, 48), (9, 7)]))
            .prop_map(|(tag, algorithm, digest)| format!("{tag} {algorithm} {digest}"))
            .boxed(),
        RecordType::Sshfp => (any::<u8>(), digest(&[(1, 20), (2, 32), (9, 1)]))
            .prop_map(|(algorithm, digest)| format!("{algorithm} {digest}"))
            .boxed(),
        RecordType::Zonemd => (any::<u32>(), any::<u8>(), digest(&[(1, 48), (2, 64), (240, 12)]))
            .prop_map(|(serial, scheme, digest)| format!("{serial} {scheme} {digest}"))
            .boxed(),
        other => by_form(other),
    }
}

/// One value for each field, by its kind.
fn by_form(record_type: RecordType) -> BoxedStrategy<String> {
    let form = record_type.form().unwrap();
    let fields = form.fields.iter().map(|field| match field.kind() {
        "u8" => any::<u8>().prop_map(|number| number.to_string()).boxed(),
        "u16" => any::<u16>().prop_map(|number| number.to_string()).boxed(),
        "u32" => any::<u32>().prop_map(|number| number.to_string()).boxed(),
        "name" => target().boxed(),
        "ipv4" => any::<[u8; 4]>().prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()).boxed(),
        "string" | "text" => vec(any::<u8>(), 0..=255).prop_map(|octets| quoted(&octets)).boxed(),
        "strings" => vec(vec(any::<u8>(), 0..=255), 1..4)
            .prop_map(|strings| strings.iter().map(|string| quoted(string)).collect::<Vec<_>>().join(" "))
            .boxed(),
        "hex" => vec(any::<u8>(), 1..80).prop_map(|octets| hex(&octets)).boxed(),
        // Without padding, so that any digits will do.
        "base64" => "[a-zA-Z0-9+/]{4}( [a-zA-Z0-9+/]{4}){0,40}".boxed(),
        "gateway" => gateway().prop_map(|(kind, gateway)| format!("{kind} 2 {gateway}")).boxed(),
        "relay" => (0..=1u8, gateway()).prop_map(|(flag, (kind, relay))| format!("{flag} {kind} {relay}")).boxed(),
        "identity" => (any::<u8>(), vec(any::<u8>(), 1..=255), "[a-zA-Z0-9+/]{4,400}")
            .prop_map(|(algorithm, tag, key)| format!("{algorithm} {} {}", hex(&tag), &key[..key.len() / 4 * 4]))
            .boxed(),
        "names" => vec(target(), 0..4).prop_map(|names| names.join(" ")).boxed(),
        "locator64" => any::<[u16; 4]>().prop_map(|[a, b, c, d]| format!("{a:x}:{b:x}:{c:x}:{d:04x}")).boxed(),
        "eui48" => any::<[u8; 6]>().prop_map(|octets| dashed(&octets)).boxed(),
        "eui64" => any::<[u8; 8]>().prop_map(|octets| dashed(&octets)).boxed(),
        "types" => vec(any::<u16>(), 0..20)
            .prop_map(|codes| codes.iter().map(|code| format!("TYPE{code}")).collect::<Vec<_>>().join(" "))
            .boxed(),
        "prefixes" => vec((any::<bool>(), any::<u128>(), 0..=32u8), 0..4)
            .prop_map(|prefixes| {
                let prefix = |(not, address, bits): &(bool, u128, u8)| {
                    let address = std::net::Ipv6Addr::from(*address);
                    format!("{}2:{address}/{bits}", if *not { "!" } else { "" })
                };
                prefixes.iter().map(prefix).collect::<Vec<_>>().join(" ")
            })
            .boxed(),
        "parameters" => (any::<u16>(), 8..=u16::MAX, vec(any::<u8>(), 0..60), vec(any::<u8>(), 1..30))
            .prop_map(|(port, key, value, protocol)| {
                format!(
                    "mandatory=port key{key}={} port={port} ech=AAAA key1=\\00{}{}",
                    quoted(&value),
                    protocol.len().min(9),
                    "x".repeat(protocol.len().min(9))
                )
            })
            .boxed(),
        other => panic!("no values of the kind {other}"),
    });
    fields.collect::<Vec<_>>().prop_map(|fields| fields.join(" ")).boxed()
}

/// The number of a kind of gateway, and one of it.
fn gateway() -> impl Strategy<Value = (u8, String)> {
    prop_oneof![
        Just((0, ".".to_owned())),
        any::<[u8; 4]>().prop_map(|octets| (1, std::net::Ipv4Addr::from(octets).to_string())),
        any::<u128>().prop_map(|number| (2, std::net::Ipv6Addr::from(number).to_string())),
        target().prop_map(|target| (3, target)),
    ]
}

/// The number of a kind of digest, and one of its length.
fn digest(kinds: &[(u8, usize)]) -> impl Strategy<Value = String> + use<> {
    select(kinds.to_vec())
        .prop_flat_map(|(kind, length)| (Just(kind), vec(any::<u8>(), length)))
        .prop_map(|(kind, digest)| format!("{kind} {}", hex(&digest)))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn dashed(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join("-")
}

fn text() -> impl Strategy<Value = String> {
    let strings = vec(vec(any::<u8>(), 0..=255), 1..4);
    prop_oneof![
        12 => "\\PC{1,80}",
        3 => "\\PC{200,700}",
        12 => strings.prop_map(|strings| strings.iter().map(|s| quoted(s)).collect::<Vec<_>>().join(" ")),
        // Every octet there is.
        1 => Just(quoted(&(0..=127).collect::<Vec<u8>>()) + &quoted(&(128..=255).collect::<Vec<u8>>())),
        1 => (64_000..=65_000usize, "[\"\\\\;x$]").prop_map(|(length, octet)| octet.repeat(length)),
        1 => (60_000..=65_255usize).prop_map(|count| "\"\"".repeat(count)),
    ]
}

/// The form of RFC 3597.
fn generic(data: &[u8]) -> String {
    format!("\\# {} {}", data.len(), hex(data))
}

/// Quoted, each octet as it is or escaped.
fn quoted(octets: &[u8]) -> String {
    let mut text = String::from("\"");
    for &octet in octets {
        match octet {
            b'"' | b'\\' => text.extend(['\\', octet.into()]),
            b' '..=b'~' => text.push(octet.into()),
            other => text.push_str(&format!("\\{other:03}")),
        }
    }
    text + "\""
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => select(vec![
            "@", ".", "localhost.", "mail.example.org", "Mail.Example.ORG.", "www.example.com", "ns1.example.net",
            "sub.example.com", "*.example.com", "bücher.example", "1.2.", "0x7f.1.", "in.a.", "_x._y.example.org",
        ]).prop_map(str::to_owned),
        2 => wild_label().prop_map(|label| format!("{label}.example.org")),
        1 => wild_label().prop_map(|label| format!("{label}.")),
        1 => (0..8usize).prop_map(|less| long_name(253 - less) + "."),
    ]
}

/// Few enough to collide.
fn plain_name() -> impl Strategy<Value = String> {
    select(vec!["www", "a", "b", "a.b", "*", "*.a", "sub", "host.sub", "ns.host.sub", "_dmarc", "_sip._tcp", "ns1"])
        .prop_map(str::to_owned)
}

/// An owner.
pub(crate) fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("@".to_owned()),
        12 => plain_name(),
        3 => select(vec![
            "IN", "TXT", "3600", "1h", "\\@", "\\$origin", "\\\"", "\\;", "\\(", "a\\.b", "\\\\", "\\# 4", "\\*", "-",
            "bücher", "食狮", "_sip.straße", "xn--0", "\\000", "\\010", "\\255.a", "!#%&'*+,/:<=>?[]^_`{|}~",
        ]).prop_map(str::to_owned),
        2 => wild_label(),
        1 => (wild_label(), wild_label()).prop_map(|(left, right)| format!("{left}.{right}")),
        // Around the most that fits below `example.com`, and below the long zone.
        1 => (0..8usize).prop_map(|less| long_name(245 - less)),
        1 => (0..4usize).prop_map(|less| long_name(55 - less)),
    ]
}

/// A label of any octets.
fn wild_label() -> impl Strategy<Value = String> {
    vec(any::<u8>(), 1..=63).prop_map(|octets| octets.iter().map(|octet| format!("\\{octet:03}")).collect())
}

/// A name of so many characters.
fn long_name(length: usize) -> String {
    let mut name = "l".repeat(length);
    for dot in (63..length.saturating_sub(1)).step_by(64) {
        name.replace_range(dot..=dot, ".");
    }
    name
}
