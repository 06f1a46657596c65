//! dyndns2: the addresses of hosts, as routers, ddclient and inadyn send them.
//!
//! Each host gets one line with one word, in the order of the request. Most clients read only the word, so the status is 200
//! except for a wrong password and for failures of the server. All hosts of a zone are changed together.
//!
//! Decided against: an error for updates that change nothing; and deleting an address because its parameter is empty, since
//! routers send an empty value for an address that they do not know.

mod request;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use dns::rdata::{A, Aaaa};
use dns::{Name, OwnerName, RecordData, RecordType};
use http_server::Client;
use store::{Committed, KeyScope, KeyTypes, NamePattern, Source, Zone};

use crate::caller::{Caller, Shared, basic};
use crate::refusal::{Refusal, in_form};
use crate::sets::{How, WantedSet};
use request::{Addresses, Update, Word};

const PATHS: [&str; 4] = ["/nic/update", "/update", "/dyndns/update", "/v3/update"];
/// The TTL of addresses, in seconds: a router that checks the DNS after its update should see it soon.
const TTL: u32 = 60;

pub(crate) fn router() -> Router<Arc<Shared>> {
    let routes = PATHS.into_iter().fold(Router::new(), |router, path| router.route(path, get(update).post(update)));
    routes.layer(map_response(refusals))
}

/// The same for a listener without TLS.
pub(crate) fn plain_router() -> Router<Arc<Shared>> {
    router().layer(Extension(Plain))
}

/// Marks requests that came to the listener without TLS.
#[derive(Clone, Copy)]
struct Plain;

/// One word for the whole request.
async fn refusals(response: Response) -> Response {
    in_form(response, |refusal| match refusal {
        Refusal::Unauthorized | Refusal::Unencrypted => {
            let scheme = HeaderValue::from_static("Basic realm=\"dyndns\"");
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, scheme)], "badauth\n").into_response()
        }
        // After this word, clients stop until a person acts. It needs many failed attempts, or too many requests of the account.
        Refusal::TooMany(_) => (StatusCode::OK, "abuse\n").into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "911\n").into_response(),
    })
}

/// The caller, whose password is the token; and the user name, which may be the host.
struct Key {
    caller: Caller,
    user: String,
    address: Option<IpAddr>,
}

impl FromRequestParts<Arc<Shared>> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Key, Refusal> {
        let in_query = || {
            let (user, password) = request::credentials(parts.uri.query())?;
            shared.settings.dyndns_query_credentials.then_some((user, password))
        };
        let given = basic(&parts.headers).or_else(in_query);
        let token = given.as_ref().map(|(_, password)| password.as_str());
        let client = parts.extensions.get::<Client>();
        let caller = shared.caller(token, client, Source::DynDns).await?;
        if parts.extensions.get::<Plain>().is_some() && !is_for_hosts(&caller) {
            return caller.noted(|| "update without TLS".to_owned(), Err(Refusal::Unencrypted));
        }
        let user = given.map(|(user, _)| user).unwrap_or_default();
        Ok(Key { caller, user, address: client.map(|client| client.address) })
    }
}

/// Whether a key can change only addresses of single hosts.
fn is_for_hosts(caller: &Caller) -> bool {
    let is_host = |pattern: &NamePattern| matches!(pattern, NamePattern::Exact(_));
    let is_address = |record_type: &RecordType| matches!(record_type, RecordType::A | RecordType::Aaaa);
    caller.zones.scope().is_some_and(|KeyScope { names, types, .. }| {
        let is_narrow = names.as_ref().is_some_and(|names| names.iter().all(is_host));
        is_narrow && matches!(types, KeyTypes::Only(types) if types.iter().all(is_address))
    })
}

async fn update(
    State(shared): State<Arc<Shared>>,
    key: Key,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let lines = match Update::read(uri.query(), &key.user, key.address) {
        Ok(update) => key.apply(&shared, &update).await?,
        Err(word) => vec![word.name().to_owned()],
    };
    let is_good = lines.iter().all(|line| line.starts_with("good") || line.starts_with("nochg"));
    let agent = headers.get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
    // OPNsense takes every 2xx for a success, whatever the word is.
    let status =
        if !is_good && agent.starts_with(b"OPNsense-dyndns") { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok((status, lines.into_iter().map(|line| line + "\n").collect::<String>()).into_response())
}

impl Key {
    /// Changes the hosts of an update. Returns one line for each host, in their order.
    async fn apply(&self, shared: &Shared, update: &Update) -> Result<Vec<String>, Refusal> {
        let Update { hosts, addresses } = update;
        let mut words = vec![Word::Dnserr; hosts.len()];
        let mut by_zone: Vec<(Zone, Vec<(usize, OwnerName)>)> = Vec::new();
        for (index, host) in hosts.iter().enumerate() {
            match self.find(host, addresses).await? {
                Ok((zone, owner)) => match by_zone.iter_mut().find(|(known, _)| known.id == zone.id) {
                    Some((_, of_zone)) => of_zone.push((index, owner)),
                    None => by_zone.push((zone, vec![(index, owner)])),
                },
                Err(word) => words[index] = word,
            }
        }
        for (zone, of_zone) in by_zone {
            let sets: Vec<WantedSet> = of_zone.iter().flat_map(|(_, owner)| sets(shared, owner, addresses)).collect();
            let names = || of_zone.iter().map(|(index, _)| hosts[*index].as_str()).collect::<Vec<_>>().join(" ");
            let changed = self.caller.change(&zone, &sets).await;
            let made = match self.caller.noted(|| format!("update {}", names()), changed) {
                Ok(made) => made,
                Err(Refusal::Lacks(_) | Refusal::OutOfScope(..)) => {
                    of_zone.iter().for_each(|(index, _)| words[*index] = Word::NotYours);
                    continue;
                }
                // A rule of the zone: the words stay as they are.
                Err(Refusal::Rules(_)) => continue,
                Err(refusal) => return Err(refusal),
            };
            for (index, owner) in of_zone {
                words[index] = if touches(&made, &owner) { Word::Good } else { Word::Nochg };
            }
        }
        let line = |word: Word| match word {
            Word::Good | Word::Nochg => format!("{} {}", word.name(), addresses.first),
            _ => word.name().to_owned(),
        };
        Ok(words.into_iter().map(line).collect())
    }

    /// The zone and the owner name of a host, if the key may change it.
    async fn find(&self, host: &str, addresses: &Addresses) -> Result<Result<(Zone, OwnerName), Word>, Refusal> {
        let refuse = |refusal: Refusal, word: Word| {
            // The client gets only the word; the reason goes to the log.
            let _ = self.caller.noted::<()>(|| format!("update {host}"), Err(refusal));
            Ok(Err(word))
        };
        let Some(name) = Name::parse(host).ok().filter(|name| name.labels().count() > 1) else {
            return refuse(Refusal::Rules(vec!["the host is not a full name".to_owned()]), Word::Notfqdn);
        };
        let Some((zone, owner)) = self.caller.zone_of(&name).await? else {
            return refuse(Refusal::NotFound, Word::Nohost);
        };
        match addresses.types().try_for_each(|record_type| self.caller.in_scope(&owner, record_type)) {
            Ok(()) => Ok(Ok((zone, owner))),
            Err(outside) => refuse(Refusal::OutOfScope(outside, zone.name), Word::NotYours),
        }
    }
}

/// The address sets of a host, for each family that the update contains.
fn sets(shared: &Shared, owner: &OwnerName, addresses: &Addresses) -> Vec<WantedSet> {
    let set = |record_type, values| WantedSet {
        owner: owner.clone(),
        record_type,
        ttl: shared.short_ttl(TTL),
        values,
        how: How::Exactly,
    };
    let of = |record_type| {
        let values = addresses.all.iter().map(|address| match address {
            IpAddr::V4(address) => RecordData::A(A(*address)),
            IpAddr::V6(address) => RecordData::Aaaa(Aaaa(*address)),
        });
        set(record_type, values.filter(|data| data.record_type() == record_type).collect())
    };
    addresses.types().map(of).collect()
}

/// Whether a change added or removed records of a host.
fn touches(made: &Committed, owner: &OwnerName) -> bool {
    made.removed.iter().chain(&made.added).any(|stored| stored.record.owner == *owner)
}
