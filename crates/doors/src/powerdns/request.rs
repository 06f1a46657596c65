//! The bodies of requests.
//!
//! Members that are not listed here are ignored: clients send back everything that they have read, and members of their own.

use dns::change::TtlChoice;
use dns::{Name, OwnerName, RecordData, RecordType, Ttl, ZoneName};
use serde::de::Deserializer;

use crate::json::{member, required};
use crate::sets::{How, WantedSet, label};

/// `PATCH` of a zone.
#[derive(serde::Deserialize)]
pub(super) struct PatchBody {
    #[serde(default, deserialize_with = "rrsets")]
    rrsets: Vec<SetBody>,
}

impl PatchBody {
    /// The sets that the client wants; or the errors of all sets.
    pub(super) fn sets(&self, zone: &ZoneName) -> Result<Vec<WantedSet>, Vec<String>> {
        all(self.rrsets.iter().map(|set| set.wanted(zone, None)))
    }
}

/// `POST` of a zone.
#[derive(serde::Deserialize)]
pub(super) struct NewZoneBody {
    #[serde(deserialize_with = "name")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "nameservers")]
    nameservers: Vec<String>,
    #[serde(default, deserialize_with = "rrsets")]
    rrsets: Vec<SetBody>,
}

impl NewZoneBody {
    pub(super) fn sets(&self, zone: &ZoneName) -> Result<Vec<WantedSet>, Vec<String>> {
        let mut sets = all(self.rrsets.iter().map(|set| set.wanted(zone, Some(How::Exactly))))?;
        let is_ns = |set: &&WantedSet| set.owner.is_apex() && set.record_type == RecordType::Ns;
        let ttl = sets.iter().find(is_ns).map_or(TtlChoice::Default, |set| set.ttl);
        let parse = |host: &String| {
            let data = RecordData::parse_whole(RecordType::Ns, host, zone);
            data.map(Some).map_err(|fault| format!("nameservers: {fault}"))
        };
        let listed = all(self.nameservers.iter().map(parse))?;
        let known = |data: &RecordData| sets.iter().filter(is_ns).any(|set| set.values.contains(data));
        let values: Vec<RecordData> = listed.into_iter().filter(|data| !known(data)).collect();
        let (owner, record_type, how) = (OwnerName::apex(), RecordType::Ns, How::Exactly);
        sets.push(WantedSet { owner, record_type, ttl, values, how });
        Ok(sets)
    }
}

/// One RRset.
#[derive(serde::Deserialize)]
struct SetBody {
    #[serde(deserialize_with = "name")]
    name: String,
    #[serde(rename = "type", deserialize_with = "record_type")]
    record_type: String,
    #[serde(default, deserialize_with = "changetype")]
    changetype: Option<String>,
    #[serde(default, deserialize_with = "ttl")]
    ttl: Option<u64>,
    #[serde(default, deserialize_with = "records")]
    records: Vec<RecordBody>,
}

#[derive(serde::Deserialize)]
struct RecordBody {
    #[serde(deserialize_with = "content")]
    content: String,
    #[serde(default, deserialize_with = "disabled")]
    disabled: bool,
}

impl SetBody {
    /// The set that the client wants; `None` for the SOA, which the server maintains. `how` is for bodies without `changetype`.
    fn wanted(&self, zone: &ZoneName, how: Option<How>) -> Result<Option<WantedSet>, String> {
        let SetBody { name, record_type, .. } = self;
        self.read(zone, how).map_err(|reason| format!("{}: {reason}", label(name, &record_type.to_ascii_uppercase())))
    }

    fn read(&self, zone: &ZoneName, how: Option<How>) -> Result<Option<WantedSet>, String> {
        let changetype = self.changetype.as_deref().unwrap_or_default().to_ascii_uppercase();
        let (how, has_values) = match (changetype.as_str(), how) {
            ("", Some(how)) => (how, true),
            ("REPLACE", _) => (How::Exactly, true),
            ("DELETE", _) => (How::Exactly, false),
            ("EXTEND", _) => (How::With, true),
            ("PRUNE", _) => (How::Without, true),
            _ => return Err("changetype must be REPLACE, DELETE, EXTEND or PRUNE".to_owned()),
        };
        let name = Name::parse(&self.name).map_err(|error| format!("name: {}", error.message()))?;
        let owner = OwnerName::of(&name, zone).ok_or("name is outside the zone")?;
        if self.record_type.eq_ignore_ascii_case("SOA") {
            return Ok(None);
        }
        let record_type = RecordType::parse(&self.record_type).map_err(|fault| fault.to_string())?;
        if !has_values {
            return Ok(Some(WantedSet { owner, record_type, ttl: TtlChoice::Default, values: Vec::new(), how }));
        }
        let ttl = |seconds: u64| {
            let ttl = u32::try_from(seconds).ok().and_then(Ttl::new);
            ttl.map(TtlChoice::Set).ok_or("ttl must be from 0 to 2147483647 seconds")
        };
        let parse = |record: &RecordBody| {
            if record.disabled {
                return Err("disabled records are not supported; delete the record instead".to_owned());
            }
            RecordData::parse_whole(record_type, &record.content, zone).map_err(|fault| fault.to_string())
        };
        let values = self.records.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let ttl = self.ttl.map(ttl).transpose()?.unwrap_or(TtlChoice::Default);
        Ok(Some(WantedSet { owner, record_type, ttl, values, how }))
    }
}

/// All items; or all errors.
fn all<T>(items: impl Iterator<Item = Result<Option<T>, String>>) -> Result<Vec<T>, Vec<String>> {
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Ok(item) => good.extend(item),
            Err(reason) => wrong.push(reason),
        }
    }
    if wrong.is_empty() { Ok(good) } else { Err(wrong) }
}

fn rrsets<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<SetBody>, D::Error> {
    member("rrsets", value).map(Option::unwrap_or_default)
}

fn nameservers<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
    member("nameservers", value).map(Option::unwrap_or_default)
}

fn name<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    required("name", value)
}

fn record_type<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    required("type", value)
}

fn changetype<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    member("changetype", value)
}

fn ttl<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    member("ttl", value)
}

fn records<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<RecordBody>, D::Error> {
    member("records", value).map(Option::unwrap_or_default)
}

fn content<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    required("content", value)
}

fn disabled<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    member("disabled", value).map(Option::unwrap_or_default)
}
