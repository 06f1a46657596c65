//! The webhook provider of external-dns.
//!
//! external-dns retries only after a status from 500 to 510. After any other error status it exits, so that one refused record
//! would restart its pod for ever and stop all other records. So a refused record (no such zone, a name outside the key's scope, a
//! rule) is left out and logged, and the others are applied. Only failures of the server itself get an error status.
//!
//! Values of TXT are returned as they came, quoted or not. Names and other values are returned in their stored form.
//! `adjustendpoints` converts to that form; otherwise external-dns would find differences for ever.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use dns::change::TtlChoice;
use dns::{Name, OwnerName, RecordData, RecordType, ZoneId, ZoneName};
use http_server::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{ChangeError, Door, Permission, RecordFilter, Source, Zone};

use crate::acme_dns::path_secret;
use crate::caller::{Caller, Shared};
use crate::json::read;
use crate::refusal::{Refusal, in_form};
use crate::sets::{How, WantedSet};

/// external-dns compares it octet by octet.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/external.dns.webhook+json;version=1");
/// How many zones or records are read at a time.
const PAGE: u32 = 1000;
/// The approximate size of a record in a response, in octets.
const RECORD_OCTETS: u64 = 200;
/// How often a change is retried without the refused parts.
const ROUNDS: usize = 5;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/external-dns/{secret}", get(negotiate))
        .route("/external-dns/{secret}/", get(negotiate))
        .route("/external-dns/{secret}/records", get(records).post(apply))
        .route("/external-dns/{secret}/adjustendpoints", post(adjust))
        .layer(map_response(refusals))
}

async fn refusals(response: Response) -> Response {
    in_form(response, |refusal| {
        let status = match refusal {
            // external-dns tries again in its next loop.
            Refusal::TooMany(_) | Refusal::DailyLimit(_) | Refusal::Full(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => refusal.status(),
        };
        (status, refusal.text()).into_response()
    })
}

/// The caller with the key of the path.
struct Key(Caller);

impl FromRequestParts<Arc<Shared>> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Key, Refusal> {
        let secret = path_secret(parts).await;
        let client = parts.extensions.get::<Client>();
        Ok(Key(shared.caller_by_path(Door::ExternalDns, &secret, client, Source::Webhook).await?))
    }
}

/// An RRset. Labels and settings of providers are returned as they came.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    #[serde(default)]
    dns_name: String,
    #[serde(default)]
    targets: Option<Vec<String>>,
    #[serde(default)]
    record_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set_identifier: Option<String>,
    #[serde(default, rename = "recordTTL", skip_serializing_if = "Option::is_none")]
    record_ttl: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_specific: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Changes {
    #[serde(alias = "Create")]
    create: Option<Vec<Endpoint>>,
    #[serde(alias = "UpdateOld")]
    update_old: Option<Vec<Endpoint>>,
    #[serde(alias = "UpdateNew")]
    update_new: Option<Vec<Endpoint>>,
    #[serde(alias = "Delete")]
    delete: Option<Vec<Endpoint>>,
}

fn rule(reason: String) -> Refusal {
    Refusal::Rules(vec![reason])
}

impl Endpoint {
    fn name(&self) -> Result<Name, Refusal> {
        if self.set_identifier.as_deref().is_some_and(|id| !id.is_empty()) {
            return Err(rule("records with a set identifier (weights, regions) are not supported".to_owned()));
        }
        Name::parse(&self.dns_name).map_err(|error| rule(error.message().to_string()))
    }

    fn values(&self, record_type: RecordType, zone: &ZoneName) -> Result<Vec<RecordData>, Refusal> {
        let targets = self.targets.as_deref().unwrap_or_default();
        let parse = |target: &String| match record_type {
            // As it came: quoted or not.
            RecordType::Txt => RecordData::parse(record_type, target, None, zone),
            _ => RecordData::parse_whole(record_type, target, zone),
        };
        targets.iter().map(|target| parse(target).map_err(|fault| rule(fault.to_string()))).collect()
    }

    /// Its name in the log.
    fn label(&self) -> String {
        format!("{} {}", self.dns_name, self.record_type)
    }
}

/// A value as external-dns writes it.
fn target(data: &RecordData) -> String {
    match data.priority() {
        Some(priority) => format!("{priority} {}", data.value()),
        None => data.value(),
    }
}

impl Key {
    /// All zones of the key: an update key has at most 100.
    async fn zones(&self) -> Result<Vec<Zone>, Refusal> {
        Ok(self.0.zones.zones(None, None, PAGE).await?)
    }

    /// Logs an endpoint that is left out.
    fn leave_out(&self, label: &str, refusal: Refusal) {
        // Only the log gets the refusal; external-dns does not.
        let _ = self.0.noted::<()>(|| label.to_owned(), Err(refusal));
    }

    /// The zone and the name of an endpoint, if the key may change it.
    fn place<'z>(&self, zones: &'z [Zone], endpoint: &Endpoint) -> Result<(&'z Zone, OwnerName, RecordType), Refusal> {
        let name = endpoint.name()?;
        let record_type = RecordType::parse(&endpoint.record_type).map_err(|fault| rule(fault.to_string()))?;
        let within = zones.iter().filter_map(|zone| Some((zone, OwnerName::of(&name, &zone.name)?)));
        let longest = within.max_by_key(|(zone, _)| zone.name.name().labels().count());
        let (zone, owner) = longest.ok_or(Refusal::NotFound)?;
        let in_scope = self.0.in_scope(&owner, record_type);
        in_scope.map_err(|outside| Refusal::OutOfScope(outside, zone.name.clone()))?;
        Ok((zone, owner, record_type))
    }

    /// The endpoint as a later read returns it; or why it can never be applied.
    fn adjusted(&self, shared: &Shared, zones: &[Zone], mut endpoint: Endpoint) -> Result<Endpoint, Refusal> {
        let (zone, _, record_type) = self.place(zones, &endpoint)?;
        endpoint.targets = Some(endpoint.values(record_type, &zone.name)?.iter().map(target).collect());
        // 0: not set.
        let floor = |seconds: u32| if seconds == 0 { 0 } else { shared.ttl(seconds).seconds() };
        endpoint.record_ttl = endpoint.record_ttl.map(floor);
        Ok(endpoint)
    }

    /// The set of an endpoint, with its targets; deleted unless `is_there`.
    fn wanted<'z>(
        &self,
        shared: &Shared,
        zones: &'z [Zone],
        endpoint: &Endpoint,
        is_there: bool,
    ) -> Result<(&'z Zone, WantedSet), Refusal> {
        let (zone, owner, record_type) = self.place(zones, endpoint)?;
        let values = if is_there { endpoint.values(record_type, &zone.name)? } else { Vec::new() };
        let ttl = endpoint.record_ttl.filter(|seconds| *seconds > 0);
        let ttl = ttl.map_or(TtlChoice::Default, |seconds| TtlChoice::Set(shared.ttl(seconds)));
        Ok((zone, WantedSet { owner, record_type, ttl, values, how: How::Exactly }))
    }

    /// Applies all sets that the rules accept. The others are logged and left out.
    async fn change(&self, zone: &Zone, mut sets: Vec<WantedSet>) -> Result<(), Refusal> {
        for _ in 0..ROUNDS {
            if sets.is_empty() {
                return Ok(());
            }
            let faults = match self.0.try_change(zone, &sets).await {
                Ok(_) => return Ok(()),
                Err(ChangeError::Faults(faults)) => faults,
                Err(error) => {
                    let refusal = Refusal::changing(error, &zone.name, |_| None);
                    return match refusal.rule() {
                        // The key lacks a permission, or a limit is reached.
                        Some(_) => {
                            self.leave_out(&format!("change {}", zone.name), refusal);
                            Ok(())
                        }
                        None => Err(refusal),
                    };
                }
            };
            let mut reasons: HashMap<usize, String> = HashMap::new();
            for (index, fault) in faults {
                reasons.entry(index).or_insert_with(|| fault.to_string());
            }
            let mut accepted = Vec::new();
            for (index, set) in sets.into_iter().enumerate() {
                match reasons.remove(&index) {
                    Some(reason) => self.leave_out(&set.label(&zone.name), rule(reason)),
                    None => accepted.push(set),
                }
            }
            sets = accepted;
        }
        self.leave_out(&format!("change {}", zone.name), rule("the changes contradict each other".to_owned()));
        Ok(())
    }
}

fn answer(body: &impl Serialize) -> Result<Response, Refusal> {
    let text = serde_json::to_vec(body).map_err(|_| Refusal::BadJson)?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// The zones that external-dns may change. Versions before 0.15 read `filters`.
async fn negotiate(key: Key) -> Result<Response, Refusal> {
    let names: Vec<String> = key.zones().await?.iter().map(|zone| zone.name.to_string()).collect();
    answer(&json!({"include": names, "exclude": [], "filters": names}))
}

async fn records(State(shared): State<Arc<Shared>>, key: Key) -> Result<Response, Refusal> {
    key.0.check(Permission::List)?;
    let zones = key.zones().await?;
    let count: u64 = zones.iter().map(|zone| zone.record_count).sum();
    let permit = shared.room(&key.0, count * RECORD_OCTETS)?;
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for zone in &zones {
        let mut sets: HashMap<(OwnerName, RecordType), usize> = HashMap::new();
        let mut after = None;
        loop {
            let page = key.0.zones.records(Some(zone.id), RecordFilter::default(), after, PAGE).await?;
            let page = page.unwrap_or_default();
            for stored in &page {
                let (owner, data) = (&stored.record.owner, &stored.record.data);
                let record_type = data.record_type();
                if key.0.in_scope(owner, record_type).is_err() {
                    continue;
                }
                let number = *sets.entry((owner.clone(), record_type)).or_insert_with(|| {
                    endpoints.push(Endpoint {
                        dns_name: owner.in_zone(&zone.name).to_string(),
                        targets: Some(Vec::new()),
                        record_type: record_type.to_string(),
                        set_identifier: None,
                        record_ttl: Some(stored.record.ttl.seconds()),
                        labels: Some(json!({})),
                        provider_specific: None,
                    });
                    endpoints.len() - 1
                });
                if let Some(targets) = &mut endpoints[number].targets {
                    targets.push(target(data));
                }
            }
            after = page.last().map(|stored| stored.record.id);
            if page.len() < PAGE as usize {
                break;
            }
        }
    }
    Ok(answer(&endpoints)?.map(|body| permit.hold(body)))
}

async fn adjust(State(shared): State<Arc<Shared>>, key: Key, request: Request) -> Result<Response, Refusal> {
    let (octets, _place) = shared.body(request, shared.settings.bulk_limit, &key.0).await?;
    let endpoints: Option<Vec<Endpoint>> = read(&octets)?;
    let zones = key.zones().await?;
    let mut adjusted = Vec::new();
    for endpoint in endpoints.unwrap_or_default() {
        let label = endpoint.label();
        match key.adjusted(&shared, &zones, endpoint) {
            Ok(endpoint) => adjusted.push(endpoint),
            Err(refusal) => key.leave_out(&label, refusal),
        }
    }
    answer(&adjusted)
}

/// An update replaces a set. The old set is deleted only if its name or type differs from the new one's.
async fn apply(State(shared): State<Arc<Shared>>, key: Key, request: Request) -> Result<StatusCode, Refusal> {
    let (octets, _place) = shared.body(request, shared.settings.bulk_limit, &key.0).await?;
    let Changes { create, update_old, update_new, delete } = read(&octets)?;
    let zones = key.zones().await?;
    let new: HashSet<String> = update_new.iter().flatten().map(Endpoint::label).collect();
    let replaced = update_old.unwrap_or_default().into_iter().filter(|old| !new.contains(&old.label()));
    let gone = delete.unwrap_or_default().into_iter().chain(replaced).map(|endpoint| (endpoint, false));
    let there = [create, update_new].into_iter().flatten().flatten().map(|endpoint| (endpoint, true));
    // The last entry of a set counts: one request may delete and create it.
    let mut wanted: BTreeMap<(ZoneId, OwnerName, RecordType), WantedSet> = BTreeMap::new();
    for (endpoint, is_there) in gone.chain(there) {
        match key.wanted(&shared, &zones, &endpoint, is_there) {
            Ok((zone, set)) => {
                wanted.insert((zone.id, set.owner.clone(), set.record_type), set);
            }
            Err(refusal) => key.leave_out(&endpoint.label(), refusal),
        }
    }
    for zone in &zones {
        let sets = wanted.extract_if(.., |(of, ..), _| *of == zone.id).map(|(_, set)| set).collect();
        key.change(zone, sets).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
