//! The part of the HTTP API of the PowerDNS Authoritative Server that its clients use.
//!
//! There is one server, `localhost`, with the zones of the key. Zones are of kind `Native`: there is no primary to notify.
//! The members of an RRset have the same order as in PowerDNS, because shell scripts parse the text.
//!
//! Decided against: writing zone metadata, cryptokeys and settings. Clients only ask whether there are any.

mod request;
mod view;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use dns::{Name, RecordType, ZoneName, ZoneSnapshot, zonefile};
use http_server::Client;
use serde::Deserialize;
use serde_json::json;
use store::{HistoryError, NewZone, Permission, Source, Zone};

use crate::caller::{Caller, Shared};
use crate::json::read;
use crate::refusal::{Refusal, in_form};
use crate::sets::{content, label};
use request::{NewZoneBody, PatchBody};
use view::{ListedZone, WholeZone};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const SERVER: &str = "/api/v1/servers/localhost";
/// How many zones are read at a time.
const PAGE: u32 = 500;
/// The approximate size of a record in a response, in octets.
const RECORD_OCTETS: u64 = 200;

pub(crate) fn router() -> Router<Arc<Shared>> {
    let nothing = || get(async |_: Key| Json(json!([])));
    let zone = format!("{SERVER}/zones/{{zone}}");
    Router::new()
        .route("/api", get(async |_: Key| Json(json!([{"url": "/api/v1", "version": 1}]))))
        .route("/api/v1/servers", get(async |_: Key| Json(json!([server()]))))
        .route(SERVER, get(async |_: Key| Json(server())))
        .route(&format!("{SERVER}/config"), nothing())
        .route(&format!("{SERVER}/statistics"), nothing())
        .route(&format!("{SERVER}/zones"), get(list).post(create))
        .route(&zone, get(show).patch(patch).put(put_settings).delete(delete))
        .route(&format!("{zone}/notify"), put(notify))
        .route(&format!("{zone}/export"), get(export))
        .route(&format!("{zone}/cryptokeys"), get(nothing_of_zone))
        .route(&format!("{zone}/metadata"), get(nothing_of_zone))
        .layer(from_fn(refusals))
}

/// Shows refusals as PowerDNS does: some as text to clients that do not accept JSON.
async fn refusals(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_json = accept.is_some_and(|accept| accept.contains("application/json"));
    in_form(next.run(request).await, |refusal| {
        let status = match refusal {
            // PowerDNS has no keys with limits, and so no status for them.
            Refusal::Lacks(_) | Refusal::Bound | Refusal::OutOfScope(..) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => refusal.status(),
        };
        let text = refusal.text();
        let mut response = match refusal {
            Refusal::Unauthorized | Refusal::NotFound | Refusal::Conflict if !wants_json => {
                (status, text).into_response()
            }
            Refusal::Rules(reasons) => (status, Json(json!({"error": text, "errors": reasons}))).into_response(),
            _ => (status, Json(json!({ "error": text }))).into_response(),
        };
        if matches!(refusal, Refusal::Unauthorized) {
            let scheme = HeaderValue::from_static("X-API-Key realm=\"PowerDNS\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    })
}

/// The caller with the key in `X-API-Key`.
struct Key(Caller);

impl FromRequestParts<Arc<Shared>> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Key, Refusal> {
        let key = parts.headers.get(X_API_KEY).and_then(|key| key.to_str().ok());
        let client = parts.extensions.get::<Client>();
        Ok(Key(shared.caller(key, client, Source::Pdns).await?))
    }
}

impl Key {
    /// The zone that a path names, with or without the final dot. PowerDNS writes some octets in hexadecimal, such as `=2F`.
    async fn zone(&self, id: &str) -> Result<Zone, Refusal> {
        let name = Name::parse(&unescape(id)).map_err(|_| Refusal::NotFound)?;
        self.0.zone(name).await?.ok_or(Refusal::NotFound)
    }

    /// The part of a zone that the key may read: the records in its scope, the SOA and the nameservers at the apex.
    async fn snapshot(&self, zone: &Zone) -> Result<ZoneSnapshot, Refusal> {
        let snapshot = self.0.zones.snapshot_at(zone.id, zone.serial).await;
        let mut snapshot = snapshot.map_err(|error| match error {
            // The zone was deleted after it was looked up, or the version is already forgotten.
            HistoryError::NoZone | HistoryError::NoVersion(_) => Refusal::NotFound,
            HistoryError::Store(error) => Refusal::Store(error),
        })?;
        snapshot.records.retain(|record| {
            let record_type = record.data.record_type();
            (record.owner.is_apex() && record_type == RecordType::Ns)
                || self.0.in_scope(&record.owner, record_type).is_ok()
        });
        Ok(snapshot)
    }
}

fn unescape(id: &str) -> String {
    let mut parts = id.split('=');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let octet = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
        match octet {
            Some(octet) => text.extend([char::from(octet)].into_iter().chain(part[2..].chars())),
            None => text.extend(["=", part]),
        }
    }
    text
}

/// The server's description. octoDNS and Terraform know the API of this version.
fn server() -> serde_json::Value {
    json!({
        "type": "Server", "id": "localhost", "daemon_type": "authoritative", "version": "4.9.0", "url": SERVER,
        "config_url": format!("{SERVER}/config{{/config_setting}}"), "zones_url": format!("{SERVER}/zones{{/zone}}"),
    })
}

#[derive(Deserialize)]
struct ListQuery {
    zone: Option<String>,
}

async fn list(
    State(shared): State<Arc<Shared>>,
    key: Key,
    Query(query): Query<ListQuery>,
) -> Result<Response, Refusal> {
    key.0.check(Permission::List)?;
    let mut zones = Vec::new();
    match query.zone {
        Some(name) => match key.zone(&name).await {
            Ok(zone) => zones.push(zone),
            Err(Refusal::NotFound) => {}
            Err(refusal) => return Err(refusal),
        },
        // PowerDNS has no pages here.
        None => loop {
            let page = key.0.zones.zones(None, zones.last().map(|zone: &Zone| zone.id), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            zones.extend(page);
            if is_last {
                break;
            }
        },
    }
    let listed: Vec<ListedZone> = zones.iter().map(ListedZone::new).collect();
    let octets = zones.len() as u64 * RECORD_OCTETS;
    let permit = shared.room(&key.0, octets)?;
    Ok(Json(listed).into_response().map(|body| permit.hold(body)))
}

#[derive(Deserialize)]
struct ShowQuery {
    rrsets: Option<String>,
    rrset_name: Option<String>,
    rrset_type: Option<String>,
}

async fn show(
    State(shared): State<Arc<Shared>>,
    key: Key,
    Path(id): Path<String>,
    Query(query): Query<ShowQuery>,
) -> Result<Response, Refusal> {
    key.0.check(Permission::List)?;
    let zone = key.zone(&id).await?;
    if query.rrsets.as_deref() == Some("false") {
        return Ok(Json(WholeZone::new(&zone, None)).into_response());
    }
    let permit = shared.room(&key.0, zone.record_count * RECORD_OCTETS)?;
    let snapshot = key.snapshot(&zone).await?;
    let render = move || {
        let mut rrsets = view::rrsets(snapshot);
        if let Some(name) = query.rrset_name.as_deref().and_then(|name| Name::parse(name).ok()) {
            let (name, record_type) = (name.fqdn().to_string(), query.rrset_type);
            rrsets.retain(|set| set.is(&name, record_type.as_deref()));
        }
        Json(WholeZone::new(&zone, Some(rrsets))).into_response()
    };
    let response = tokio::task::spawn_blocking(render).await.map_err(Refusal::Ended)?;
    Ok(response.map(|body| permit.hold(body)))
}

async fn create(State(shared): State<Arc<Shared>>, key: Key, request: Request) -> Result<Response, Refusal> {
    let answer = key.create(&shared, request).await;
    key.0.noted(|| "create a zone".to_owned(), answer)
}

async fn patch(
    State(shared): State<Arc<Shared>>,
    key: Key,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let answer = key.patch(&shared, &id, request).await;
    key.0.noted(|| format!("change {id}"), answer)
}

impl Key {
    async fn create(&self, shared: &Shared, request: Request) -> Result<Response, Refusal> {
        self.0.check(Permission::Create)?;
        if !self.0.has_every_zone {
            return Err(Refusal::Bound);
        }
        let (octets, _place) = shared.body(request, shared.settings.bulk_limit, &self.0).await?;
        let body: NewZoneBody = read(&octets)?;
        let name = ZoneName::parse(&body.name).map_err(|fault| Refusal::Rules(vec![format!("name: {fault}")]))?;
        let sets = body.sets(&name).map_err(Refusal::Rules)?;
        let content = content(&sets, &self.0.own_records(None, &name).await?);
        let new = NewZone { content: content.clone(), ..NewZone::named(name.clone()) };
        let zone = self.0.zones.create_zone(new).await;
        let of_record = |index: usize| {
            let new = content.get(index)?;
            Some(label(&new.owner.in_zone(&name).fqdn(), &new.data.record_type()))
        };
        let zone = zone.map_err(|error| Refusal::creating(error, &name, of_record))?;
        let rrsets = view::rrsets(self.snapshot(&zone).await?);
        Ok((StatusCode::CREATED, Json(WholeZone::new(&zone, Some(rrsets)))).into_response())
    }

    async fn patch(&self, shared: &Shared, id: &str, request: Request) -> Result<StatusCode, Refusal> {
        let zone = self.zone(id).await?;
        let (octets, _place) = shared.body(request, shared.settings.bulk_limit, &self.0).await?;
        let body: PatchBody = read(&octets)?;
        let sets = body.sets(&zone.name).map_err(Refusal::Rules)?;
        self.0.change(&zone, &sets).await?;
        Ok(StatusCode::NO_CONTENT)
    }

    async fn delete(&self, id: &str) -> Result<StatusCode, Refusal> {
        self.0.check(Permission::Delete)?;
        let zone = self.zone(id).await?;
        let deleted = self.0.zones.delete_zone(zone.id, Vec::new()).await;
        deleted.map_err(|error| Refusal::changing(error, &zone.name, |_| None))?;
        Ok(StatusCode::NO_CONTENT)
    }
}

async fn delete(key: Key, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let answer = key.delete(&id).await;
    key.0.noted(|| format!("delete {id}"), answer)
}

/// Kind, account and SOA-EDIT of a zone: accepted without effect, because Terraform sends the values that it has read.
async fn put_settings(key: Key, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    key.zone(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Does nothing: changes are published without a request.
async fn notify(key: Key, Path(id): Path<String>) -> Result<Response, Refusal> {
    key.zone(&id).await?;
    Ok(Json(json!({"result": "Notification queued"})).into_response())
}

async fn export(State(shared): State<Arc<Shared>>, key: Key, Path(id): Path<String>) -> Result<Response, Refusal> {
    key.0.check(Permission::List)?;
    let zone = key.zone(&id).await?;
    let permit = shared.room(&key.0, zone.record_count * RECORD_OCTETS)?;
    let snapshot = key.snapshot(&zone).await?;
    let text = tokio::task::spawn_blocking(move || zonefile::render(&snapshot)).await.map_err(Refusal::Ended)?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text).into_response().map(|body| permit.hold(body)))
}

async fn nothing_of_zone(key: Key, Path(id): Path<String>) -> Result<Response, Refusal> {
    key.0.check(Permission::List)?;
    key.zone(&id).await?;
    Ok(Json(json!([])).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_zones_may_have_octets_in_hexadecimal() {
        for (id, name) in [
            ("example.com.", "example.com."),
            ("0=2F26.2.0.192.in-addr.arpa.", "0/26.2.0.192.in-addr.arpa."),
            ("=65xample.com", "example.com"),
            ("a=", "a="),
            ("a=2", "a=2"),
            ("a=zz", "a=zz"),
            ("a=é", "a=é"),
            ("a=ff", "a=ff"),
        ] {
            assert_eq!(unescape(id), name, "{id}");
        }
    }
}
