//! httpreq: the protocol with which lego and Traefik ask a self-hosted server for TXT records of ACME challenges.
//!
//! A challenge is one value among others of its name. Adding a value that exists and removing one that does not exist succeed.
//! The token is the password of the Basic scheme; the user name can be anything.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use data_encoding::BASE64URL_NOPAD;
use dns::{Name, RecordData, RecordType};
use http_server::Client;
use serde::Deserialize;
use serde::de::Deserializer;
use sha2::{Digest, Sha256};
use store::Source;

use crate::caller::{Caller, Shared, basic};
use crate::json::{member, read};
use crate::refusal::{Refusal, in_form};
use crate::sets::{How, WantedSet};

/// The largest body, in octets.
const BODY: usize = 64 * 1024;
/// The TTL of a new set, in seconds.
const TTL: u32 = 60;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/httpreq/present", post(present))
        .route("/httpreq/cleanup", post(cleanup))
        .layer(map_response(refusals))
}

/// lego shows the body of an error.
async fn refusals(response: Response) -> Response {
    in_form(response, |refusal| {
        let text = match refusal {
            Refusal::NotFound => "No zone of this key contains the name".to_owned(),
            _ => refusal.text(),
        };
        let mut response = (refusal.status(), text).into_response();
        if matches!(refusal, Refusal::Unauthorized) {
            let scheme = HeaderValue::from_static("Basic realm=\"httpreq\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    })
}

/// The caller, whose password is the token.
struct Key(Caller);

impl FromRequestParts<Arc<Shared>> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Key, Refusal> {
        let token = basic(&parts.headers).map(|(_, password)| password);
        Ok(Key(shared.caller(token.as_deref(), parts.extensions.get::<Client>(), Source::Acme).await?))
    }
}

/// A name and a value; or, in lego's raw mode, the domain and the key authorization that they are computed from.
#[derive(Deserialize)]
struct Challenge {
    #[serde(default, deserialize_with = "fqdn")]
    fqdn: Option<String>,
    #[serde(default, deserialize_with = "value")]
    value: Option<String>,
    #[serde(default, deserialize_with = "domain")]
    domain: Option<String>,
    #[serde(default, rename = "keyAuth", deserialize_with = "key_auth")]
    key_auth: Option<String>,
}

fn fqdn<'de, D: Deserializer<'de>>(text: D) -> Result<Option<String>, D::Error> {
    member("fqdn", text)
}

fn value<'de, D: Deserializer<'de>>(text: D) -> Result<Option<String>, D::Error> {
    member("value", text)
}

fn domain<'de, D: Deserializer<'de>>(text: D) -> Result<Option<String>, D::Error> {
    member("domain", text)
}

fn key_auth<'de, D: Deserializer<'de>>(text: D) -> Result<Option<String>, D::Error> {
    member("keyAuth", text)
}

impl Challenge {
    /// The record's name and value (RFC 8555, section 8.4).
    fn record(self) -> Result<(String, String), Refusal> {
        match self {
            Challenge { fqdn: Some(fqdn), value: Some(value), .. } => Ok((fqdn, value)),
            Challenge { domain: Some(domain), key_auth: Some(key_auth), .. } => {
                let domain = domain.strip_prefix("*.").unwrap_or(&domain);
                Ok((format!("_acme-challenge.{domain}"), BASE64URL_NOPAD.encode(&Sha256::digest(key_auth))))
            }
            _ => Err(Refusal::Rules(vec!["send fqdn and value, or domain and keyAuth".to_owned()])),
        }
    }
}

async fn present(State(shared): State<Arc<Shared>>, key: Key, request: Request) -> Result<Response, Refusal> {
    let answer = act(&shared, &key.0, request, How::With).await;
    key.0.noted(|| "present".to_owned(), answer)
}

async fn cleanup(State(shared): State<Arc<Shared>>, key: Key, request: Request) -> Result<Response, Refusal> {
    let answer = act(&shared, &key.0, request, How::Without).await;
    key.0.noted(|| "cleanup".to_owned(), answer)
}

async fn act(shared: &Shared, caller: &Caller, request: Request, how: How) -> Result<Response, Refusal> {
    let (octets, _place) = shared.body(request, BODY, caller).await?;
    let (name, value) = read::<Challenge>(&octets)?.record()?;
    let rule = |field: &str, reason: String| Refusal::Rules(vec![format!("{field}: {reason}")]);
    let name = Name::parse(&name).map_err(|error| rule("fqdn", error.message().to_string()))?;
    let (zone, owner) = caller.zone_of(&name).await?.ok_or(Refusal::NotFound)?;
    let data = RecordData::parse_whole(RecordType::Txt, &value, &zone.name);
    let values = vec![data.map_err(|fault| rule("value", fault.to_string()))?];
    let set = WantedSet { owner, record_type: RecordType::Txt, ttl: shared.short_ttl(TTL), values, how };
    caller.change(&zone, &[set]).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], "{}").into_response())
}
