//! Zones and RRsets as PowerDNS shows them.

use dns::{OwnerName, RecordType, ResourceRecord, ZoneSnapshot};
use serde::Serialize;
use store::Zone;

use super::SERVER;

/// A zone in a list.
#[derive(Serialize)]
pub(super) struct ListedZone {
    account: &'static str,
    catalog: &'static str,
    dnssec: bool,
    edited_serial: u32,
    id: String,
    /// Decoders know Native, Master, Slave, Producer and Consumer.
    kind: &'static str,
    last_check: u32,
    masters: [(); 0],
    name: String,
    notified_serial: u32,
    serial: u32,
    url: String,
}

impl ListedZone {
    pub(super) fn new(zone: &Zone) -> ListedZone {
        let name = zone.name.name().fqdn().to_string();
        ListedZone {
            account: "",
            catalog: "",
            dnssec: false,
            edited_serial: zone.serial.0,
            id: name.replace('/', "=2F"),
            kind: "Native",
            last_check: 0,
            masters: [],
            notified_serial: 0,
            serial: zone.serial.0,
            url: format!("{SERVER}/zones/{}", name.replace('/', "=2F")),
            name,
        }
    }
}

/// One zone.
#[derive(Serialize)]
pub(super) struct WholeZone {
    #[serde(flatten)]
    zone: ListedZone,
    api_rectify: bool,
    master_tsig_key_ids: [(); 0],
    nsec3narrow: bool,
    nsec3param: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rrsets: Option<Vec<RrSetView>>,
    slave_tsig_key_ids: [(); 0],
    soa_edit: &'static str,
    soa_edit_api: &'static str,
}

impl WholeZone {
    pub(super) fn new(zone: &Zone, rrsets: Option<Vec<RrSetView>>) -> WholeZone {
        WholeZone {
            zone: ListedZone::new(zone),
            api_rectify: false,
            master_tsig_key_ids: [],
            nsec3narrow: false,
            nsec3param: "",
            rrsets,
            slave_tsig_key_ids: [],
            soa_edit: "",
            soa_edit_api: "DEFAULT",
        }
    }
}

/// An RRset. acme.sh finds its records by a pattern that begins at `name` and ends at the first `]`: no other list may stand
/// between them.
#[derive(Serialize)]
pub(super) struct RrSetView {
    comments: [(); 0],
    name: String,
    records: Vec<RecordView>,
    ttl: u32,
    #[serde(rename = "type")]
    record_type: String,
}

#[derive(Serialize)]
struct RecordView {
    content: String,
    disabled: bool,
}

impl RecordView {
    fn new(content: impl ToString) -> RecordView {
        RecordView { content: content.to_string(), disabled: false }
    }
}

impl RrSetView {
    /// Whether it has this name, written with the final dot, and this type.
    pub(super) fn is(&self, name: &str, record_type: Option<&str>) -> bool {
        self.name == name && record_type.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&self.record_type))
    }
}

/// All RRsets of a zone, in the order of their names, the SOA first.
pub(super) fn rrsets(zone: ZoneSnapshot) -> Vec<RrSetView> {
    let ZoneSnapshot { name: zone_name, soa, mut records, .. } = zone;
    let key = |record: &ResourceRecord| (record.owner.clone(), record.data.record_type(), record.data.wire());
    records.sort_by_cached_key(key);
    let set = |owner: &OwnerName, record_type: RecordType, ttl: u32, records| RrSetView {
        comments: [],
        name: owner.in_zone(&zone_name).fqdn().to_string(),
        records,
        ttl,
        record_type: record_type.to_string(),
    };
    let soa = set(&OwnerName::apex(), RecordType::Soa, soa.ttl.seconds(), vec![RecordView::new(&soa)]);
    let same = |one: &ResourceRecord, other: &ResourceRecord| {
        one.owner == other.owner && one.data.record_type() == other.data.record_type()
    };
    let sets = records.chunk_by(same).filter_map(|records| {
        let first = records.first()?;
        let values = records.iter().map(|record| RecordView::new(&record.data)).collect();
        Some(set(&first.owner, first.data.record_type(), first.ttl.seconds(), values))
    });
    [soa].into_iter().chain(sets).collect()
}
