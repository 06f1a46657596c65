//! acme-dns: a zone for ACME challenges, to which customers' `_acme-challenge` names are aliases.
//!
//! Each path belongs to an update key for this door. A registration is a name in the zone `doors.acme_dns_zone`, with a password.
//! Registrations are not stored: the password is the HMAC-SHA-256 of the name, with the secret of the path as the key. So any
//! number of registrations costs nothing, and all registrations of a path end when its key is revoked. The key must be for the
//! zone, and its scope must contain the names.
//!
//! lego can store its accounts on a server (`ACME_DNS_STORAGE_BASE_URL`). The account of a domain is found through the alias of its
//! challenge. It is stored by creating that alias, if the key is also for the zone of the domain.
//!
//! Decided against: networks for single registrations (`allowfrom`), which would have to be stored. The key has networks.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::BASE64URL_NOPAD;
use dns::change::TtlChoice;
use dns::{HostName, Name, OwnerName, RecordData, RecordType};
use hmac::{Hmac, Mac};
use http_server::Client;
use serde_json::{Value, json};
use sha2::Sha256;
use store::{Door, RecordFilter, Source, StoredRecord, Zone};
use subtle::ConstantTimeEq;

use crate::caller::{Caller, Shared};
use crate::json::read;
use crate::refusal::{Refusal, in_form};
use crate::sets::{How, WantedSet};

/// The largest body, in octets.
const BODY: usize = 64 * 1024;
/// The TTL of challenges, in seconds.
const TTL: u32 = 1;
/// The TTL of aliases, in seconds.
const ALIAS_TTL: u32 = 300;
/// The maximum number of values of a name: the protocol has no call that removes one.
const MOST_VALUES: usize = 10;
/// How long a value is kept beside newer ones, in milliseconds.
const VALUES_KEPT: i64 = 24 * 3600 * 1000;
/// The length of a password, in characters of 6 bits.
const PASSWORD: usize = 40;
/// The length of a value: a SHA-256 in base64url (RFC 8555, section 8.4).
const VALUE: usize = 43;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/acme-dns/{secret}/register", post(register))
        .route("/acme-dns/{secret}/update", post(update))
        .route("/acme-dns/{secret}/health", get(async |_: Key| StatusCode::OK))
        .route("/acme-dns/{secret}/{domain}", get(fetch).post(keep))
        .layer(map_response(refusals))
}

/// The error words of acme-dns, which clients know.
async fn refusals(response: Response) -> Response {
    in_form(response, |refusal| {
        let (status, word) = match refusal {
            Refusal::Unauthorized
            | Refusal::Lacks(_)
            | Refusal::OutOfScope(..)
            | Refusal::Bound
            | Refusal::NotFound => (StatusCode::UNAUTHORIZED, "forbidden".to_owned()),
            Refusal::BadJson => (StatusCode::BAD_REQUEST, "malformed_json_payload".to_owned()),
            Refusal::Rules(_) => (StatusCode::BAD_REQUEST, refusal.text()),
            _ => (refusal.status(), refusal.text()),
        };
        (status, Json(json!({ "error": word }))).into_response()
    })
}

/// The caller with the key of the path.
struct Key {
    caller: Caller,
    secret: String,
}

impl FromRequestParts<Arc<Shared>> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Key, Refusal> {
        let secret = path_secret(parts).await;
        let client = parts.extensions.get::<Client>();
        let caller = shared.caller_by_path(Door::AcmeDns, &secret, client, Source::Acme).await?;
        Ok(Key { caller, secret })
    }
}

/// The secret in the path of a request to a door.
pub(crate) async fn path_secret(parts: &mut Parts) -> String {
    let path = Path::<HashMap<String, String>>::from_request_parts(parts, &()).await;
    path.ok().and_then(|Path(mut parameters)| parameters.remove("secret")).unwrap_or_default()
}

/// A body whose members may be in any letter case: clients of Go send `SubDomain` and `Txt`.
async fn members(shared: &Shared, caller: &Caller, request: Request) -> Result<HashMap<String, Value>, Refusal> {
    let (octets, _place) = shared.body(request, BODY, caller).await?;
    if octets.iter().all(u8::is_ascii_whitespace) {
        return Ok(HashMap::new());
    }
    let body: HashMap<String, Value> = read(&octets).map_err(|_| Refusal::BadJson)?;
    Ok(body.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
}

fn word(word: &str) -> Refusal {
    Refusal::Rules(vec![word.to_owned()])
}

async fn register(State(shared): State<Arc<Shared>>, key: Key, request: Request) -> Result<Response, Refusal> {
    let answer = key.register(&shared, request).await;
    key.caller.noted(|| "register".to_owned(), answer)
}

async fn update(
    State(shared): State<Arc<Shared>>,
    key: Key,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let answer = key.update(&shared, &headers, request).await;
    key.caller.noted(|| "update".to_owned(), answer)
}

async fn fetch(
    State(shared): State<Arc<Shared>>,
    key: Key,
    Path((_, domain)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let zone = key.zone(&shared).await?;
    let found = key.alias_of(&domain, &zone).await?;
    match found {
        Some(subdomain) => Ok(Json(key.account(&zone, &subdomain)).into_response()),
        // Not a refusal: lego registers the domain then.
        None => Ok((StatusCode::NOT_FOUND, Json(json!({"error": "no account for this domain"}))).into_response()),
    }
}

async fn keep(
    State(shared): State<Arc<Shared>>,
    key: Key,
    Path((_, domain)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let answer = key.keep(&shared, &domain, request).await;
    key.caller.noted(|| format!("alias of _acme-challenge.{domain}"), answer)
}

impl Key {
    /// The zone of the challenges, if the server has one and the key is for it.
    async fn zone(&self, shared: &Shared) -> Result<Zone, Refusal> {
        let name = shared.settings.acme_dns_zone.clone().ok_or(Refusal::NotFound)?;
        self.caller.zone(name).await?.ok_or(Refusal::NotFound)
    }

    /// The password of a registration.
    fn password(&self, subdomain: &str) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()) else { return String::new() };
        mac.update(b"acme-dns registration ");
        mac.update(subdomain.as_bytes());
        let mut text = BASE64URL_NOPAD.encode(&mac.finalize().into_bytes());
        text.truncate(PASSWORD);
        text
    }

    fn account(&self, zone: &Zone, subdomain: &str) -> Value {
        json!({
            "username": subdomain, "password": self.password(subdomain),
            "fulldomain": format!("{subdomain}.{}", zone.name), "subdomain": subdomain, "allowfrom": [],
        })
    }

    /// Whether these are the user name and the password of a registration.
    fn is_registered(&self, subdomain: &str, user: &str, password: &str) -> bool {
        let expected = self.password(subdomain);
        let is_password = expected.len() == PASSWORD && bool::from(expected.as_bytes().ct_eq(password.as_bytes()));
        is_password && user == subdomain
    }

    async fn register(&self, shared: &Shared, request: Request) -> Result<Response, Refusal> {
        let zone = self.zone(shared).await?;
        let members = members(shared, &self.caller, request).await?;
        let is_everywhere = match members.get("allowfrom") {
            None | Some(Value::Null) => true,
            Some(Value::Array(networks)) => networks.is_empty(),
            Some(_) => return Err(Refusal::BadJson),
        };
        if !is_everywhere {
            return Err(word("invalid_allowfrom_cidr"));
        }
        let subdomain = self.caller.zones.new_record_id().0.to_string();
        self.owner(&zone, &subdomain)?;
        Ok((StatusCode::CREATED, Json(self.account(&zone, &subdomain))).into_response())
    }

    /// The name of a registration, where it is in the scope of the key.
    fn owner(&self, zone: &Zone, subdomain: &str) -> Result<OwnerName, Refusal> {
        let owner = OwnerName::parse(subdomain, &zone.name).map_err(|_| word("bad_subdomain"))?;
        let in_scope = self.caller.in_scope(&owner, RecordType::Txt);
        in_scope.map_err(|outside| Refusal::OutOfScope(outside, zone.name.clone()))?;
        Ok(owner)
    }

    async fn update(&self, shared: &Shared, headers: &HeaderMap, request: Request) -> Result<Response, Refusal> {
        let zone = self.zone(shared).await?;
        let members = members(shared, &self.caller, request).await?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let subdomain = text("subdomain").unwrap_or_default();
        if !self.is_registered(subdomain, header("x-api-user"), header("x-api-key")) {
            return Err(shared.refused(self.caller.zones.author().address));
        }
        let is_value = |value: &&str| {
            value.len() == VALUE && value.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
        };
        let value = text("txt").filter(is_value).ok_or_else(|| word("bad_txt"))?;
        let owner = self.owner(&zone, subdomain)?;
        let data = RecordData::parse_whole(RecordType::Txt, value, &zone.name).map_err(|_| word("bad_txt"))?;
        let old = self.superseded(shared, &zone, &owner, &data).await?;
        let set = |values, how| WantedSet {
            owner: owner.clone(),
            record_type: RecordType::Txt,
            ttl: shared.short_ttl(TTL),
            values,
            how,
        };
        self.caller.change(&zone, &[set(vec![data], How::With), set(old, How::Without)]).await?;
        Ok(Json(json!({ "txt": value })).into_response())
    }

    /// The values to remove when a value is added: those that are too old, and the oldest if there are too many.
    async fn superseded(
        &self,
        shared: &Shared,
        zone: &Zone,
        owner: &OwnerName,
        new: &RecordData,
    ) -> Result<Vec<RecordData>, Refusal> {
        let filter = RecordFilter { record_type: Some(RecordType::Txt), owner: Some(owner.clone()) };
        let most = u32::try_from(2 * MOST_VALUES).unwrap_or(u32::MAX);
        let mut there = self.caller.zones.records(Some(zone.id), filter, None, most).await?.unwrap_or_default();
        there.retain(|stored| stored.record.data.wire() != new.wire());
        there.sort_by_key(|stored| std::cmp::Reverse(stored.created_at));
        let oldest = shared.store.doors().now().as_millisecond() - VALUES_KEPT;
        let is_old = |(number, stored): &(usize, StoredRecord)| {
            number + 1 >= MOST_VALUES || stored.created_at.as_millisecond() < oldest
        };
        Ok(there.into_iter().enumerate().filter(is_old).map(|(_, stored)| stored.record.data).collect())
    }

    /// The registration to which the challenge of a domain is an alias.
    async fn alias_of(&self, domain: &str, zone: &Zone) -> Result<Option<String>, Refusal> {
        let Some((customers, owner)) = self.challenge(domain).await? else { return Ok(None) };
        let filter = RecordFilter { record_type: Some(RecordType::Cname), owner: Some(owner) };
        let found = self.caller.zones.records(Some(customers.id), filter, None, 1).await?.unwrap_or_default();
        let target = found.first().and_then(|stored| stored.record.data.target());
        let within = target.and_then(|target| OwnerName::of(target.name(), &zone.name));
        Ok(within.filter(|owner| !owner.is_apex()).map(|owner| owner.to_string()))
    }

    /// The zone and the owner name of a domain's challenges.
    async fn challenge(&self, domain: &str) -> Result<Option<(Zone, OwnerName)>, Refusal> {
        let domain = domain.strip_prefix("*.").unwrap_or(domain);
        match Name::parse(&format!("_acme-challenge.{domain}")) {
            Ok(name) => Ok(self.caller.zone_of(&name).await?),
            Err(_) => Err(word("bad_domain")),
        }
    }

    /// Creates the alias of a domain and responds with 201, if the key allows it and no other record is in its place. Otherwise
    /// it responds with 200, and lego asks its user to create the alias.
    async fn keep(&self, shared: &Shared, domain: &str, request: Request) -> Result<Response, Refusal> {
        let zone = self.zone(shared).await?;
        let members = members(shared, &self.caller, request).await?;
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
        let subdomain = text("subdomain");
        if !self.is_registered(subdomain, text("username"), text("password")) {
            return Err(shared.refused(self.caller.zones.author().address));
        }
        let target = self.owner(&zone, subdomain)?.in_zone(&zone.name);
        let Some((customers, owner)) = self.challenge(domain).await? else { return Ok(StatusCode::OK.into_response()) };
        let data = RecordData::parse_whole(RecordType::Cname, &HostName::from(target).to_string(), &customers.name);
        let values = vec![data.map_err(|fault| word(&fault.to_string()))?];
        let ttl = TtlChoice::Join(shared.ttl(ALIAS_TTL));
        // If there is another alias, a rule refuses this one, and the other one stays.
        let alias = WantedSet { owner, record_type: RecordType::Cname, ttl, values, how: How::With };
        match self.caller.change(&customers, &[alias]).await {
            Ok(_) => Ok(StatusCode::CREATED.into_response()),
            Err(refusal @ (Refusal::Lacks(_) | Refusal::OutOfScope(..) | Refusal::Rules(_))) => {
                // Only the log of the key gets the refusal: the user can create the alias in another way.
                let _ = self.caller.noted::<()>(|| format!("alias of _acme-challenge.{domain}"), Err(refusal));
                Ok(StatusCode::OK.into_response())
            }
            Err(refusal) => Err(refusal),
        }
    }
}
