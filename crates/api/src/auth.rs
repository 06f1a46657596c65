//! Authentication and permissions.
//!
//! The checks have the same order for every operation, so that they reveal nothing about what exists: the token must be valid
//! (401), then have the permission (403), and only then is the request itself examined. A token used from an address outside its
//! networks is treated as unknown (401), so that a thief learns nothing. A token that is limited to some zones sees no others
//! ([`Tenant`]) and cannot create zones (403).
//!
//! Requests with a valid token are limited per account if the operator set a limit. Failed authentications are counted per client
//! address, so that the server cannot be used to try tokens in bulk or to fill its log. An IPv6 client is counted by its /64,
//! which usually belongs to one customer.

use std::marker::PhantomData;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use claims::Claims;
use deploy::Deployment;
use http_server::{Client, TooMany, network_of};
use store::{
    AccountId, Author, Identity, People, Permission, Permissions, Source, StoreError, Tenant, Timestamp, ZoneScope,
};

use crate::answers::ForWhom;
use crate::error::{ErrorCode, Problem};
use crate::json;
use crate::shared::Shared;

/// A caller who was authenticated and may do what the operation needs.
pub(crate) struct Caller<P> {
    identity: Arc<Identity>,
    zones: Tenant,
    shared: Arc<Shared>,
    needs: PhantomData<P>,
}

/// The permission that an operation needs, as a type.
pub(crate) trait Needs: Send + Sync {
    /// `None`: any valid token.
    const PERMISSION: Option<Permission>;
    /// Whether a token that may change nothing at all is refused. What it needs beyond that depends on what the request changes.
    const ANY_CHANGE: bool = false;
    /// Whether a token that is bound to some zones is refused, because what is done is done to none of them.
    const EVERY_ZONE: bool = false;
}

/// Any valid token.
pub(crate) enum AnyToken {}

impl Needs for AnyToken {
    const PERMISSION: Option<Permission> = None;
}

/// Any of `dns:create`, `dns:update` and `dns:delete`.
pub(crate) enum AnyChange {}

impl Needs for AnyChange {
    const PERMISSION: Option<Permission> = None;
    const ANY_CHANGE: bool = true;
}

/// `dns:list`.
pub(crate) enum List {}

impl Needs for List {
    const PERMISSION: Option<Permission> = Some(Permission::List);
}

/// `dns:create`.
pub(crate) enum Create {}

impl Needs for Create {
    const PERMISSION: Option<Permission> = Some(Permission::Create);
}

/// `dns:create`, for making a zone.
pub(crate) enum CreateZones {}

impl Needs for CreateZones {
    const PERMISSION: Option<Permission> = Some(Permission::Create);
    const EVERY_ZONE: bool = true;
}

/// `dns:update`.
pub(crate) enum Update {}

impl Needs for Update {
    const PERMISSION: Option<Permission> = Some(Permission::Update);
}

/// `dns:delete`.
pub(crate) enum Delete {}

impl Needs for Delete {
    const PERMISSION: Option<Permission> = Some(Permission::Delete);
}

impl<P> Caller<P> {
    /// The account's zones, as the token may see and change them.
    pub(crate) fn zones(&self) -> &Tenant {
        &self.zones
    }

    /// The nameservers, to be asked what they serve.
    pub(crate) fn deployment(&self) -> &Deployment {
        &self.shared.deployment
    }

    /// Looks up claims in the public DNS.
    pub(crate) fn claims(&self) -> &Claims {
        &self.shared.claims
    }

    /// Whose zones they are.
    pub(crate) fn account(&self) -> AccountId {
        self.identity.account.id
    }

    /// Who the caller is.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.store.now()
    }

    /// Refuses what the token does not allow, where the operation alone does not say what it needs.
    pub(crate) fn check(&self, needed: Permission) -> Result<(), AuthError> {
        if self.identity.token.permissions.allows(needed) { Ok(()) } else { Err(AuthError::Lacks(needed)) }
    }

    /// What the token allows.
    pub(crate) fn permissions(&self) -> Permissions {
        self.identity.token.permissions
    }
}

/// Why there is no caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("No token was given; send it as Authorization: Bearer vps_...")]
    NoToken,
    #[error("The Authorization header is malformed; send Authorization: Bearer vps_...")]
    Malformed,
    #[error("The token is unknown, expired, revoked, or may not be used from this address")]
    Refused,
    #[error("Too many failed authentications from this address; try again in {} s", .0.seconds)]
    TooManyFailed(TooMany),
    #[error("Too many requests of this account: it may make {} per second; try again in {} s", .0.burst, .0.seconds)]
    TooManyRequests(TooMany),
    #[error("Token lacks {0} permission")]
    Lacks(Permission),
    #[error("Token is bound to certain zones and cannot create others")]
    Bound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        let problem = match self {
            Self::NoToken | Self::Malformed | Self::Refused => Problem::new(ErrorCode::AuthenticationFailed, detail)
                .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Self::TooManyFailed(too_many) | Self::TooManyRequests(too_many) => Problem::too_many(too_many, detail),
            Self::Lacks(_) | Self::Bound => Problem::new(ErrorCode::PermissionDenied, detail),
            Self::Store(error) => Problem::store(error),
        };
        problem.into_response()
    }
}

impl<P: Needs> FromRequestParts<Arc<Shared>> for Caller<P> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, AuthError> {
        let address = parts.extensions.get::<Client>().map(|client| client.address);
        let identity = match authenticate(&parts.headers, address, &shared.store.people()).await {
            Ok(identity) => identity,
            Err(refusal @ (AuthError::NoToken | AuthError::Malformed | AuthError::Refused)) => {
                // Connections without an address (tests of the router alone) share one count.
                let network = network_of(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
                shared.limits.failed_attempts.count(&network).map_err(AuthError::TooManyFailed)?;
                return Err(refusal);
            }
            Err(other) => return Err(other),
        };
        if let Some(requests) = &shared.limits.requests {
            requests.count(&identity.account.id).map_err(AuthError::TooManyRequests)?;
        }
        match P::PERMISSION {
            Some(permission) if !identity.token.permissions.allows(permission) => Err(AuthError::Lacks(permission)),
            _ if P::ANY_CHANGE && !may_change(&identity) => Err(AuthError::Lacks(Permission::Update)),
            _ if P::EVERY_ZONE && identity.token.zones != ZoneScope::All => Err(AuthError::Bound),
            _ => {
                let (account, name) = (identity.account.id, identity.token.name.clone());
                let author = Author { account, name, source: Source::Api, address };
                let zones = shared.store.tenant(author, identity.token.zones.clone());
                if let Some(for_whom) = parts.extensions.get::<ForWhom>() {
                    for_whom.is(identity.account.id);
                }
                parts.extensions.insert(identity.account.id);
                Ok(Caller { identity, zones, shared: Arc::clone(shared), needs: PhantomData })
            }
        }
    }
}

fn may_change(identity: &Identity) -> bool {
    let changes = [Permission::Create, Permission::Update, Permission::Delete];
    changes.into_iter().any(|permission| identity.token.permissions.allows(permission))
}

async fn authenticate(
    headers: &HeaderMap,
    address: Option<IpAddr>,
    people: &People,
) -> Result<Arc<Identity>, AuthError> {
    let token = bearer_token(headers)?;
    people.authenticate(token, address).await?.ok_or(AuthError::Refused)
}

/// The token of the only `Authorization` header (RFC 6750, section 2.1; the scheme in any letter case, RFC 9110, section 11.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, AuthError> {
    let header = json::single_header(headers, header::AUTHORIZATION).map_err(|_| AuthError::Malformed)?;
    let text = header.ok_or(AuthError::NoToken)?;
    let (scheme, token) = text.split_once(' ').ok_or(AuthError::Malformed)?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("Bearer") || !token.starts_with("vps_") || token.contains(' ') {
        return Err(AuthError::Malformed);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn malformed_headers_carry_no_token() {
        assert!(matches!(bearer_token(&headers(&[])), Err(AuthError::NoToken)));
        for text in
            ["", "Bearer", "Bearer ", "vps_abc", "Basic vps_abc", "Bearer abc", "Bearer vps_a b", "Bearer VPS_a"]
        {
            assert!(matches!(bearer_token(&headers(&[text])), Err(AuthError::Malformed)), "{text:?}");
        }
        let twice = headers(&["Bearer vps_a", "Bearer vps_b"]);
        assert!(matches!(bearer_token(&twice), Err(AuthError::Malformed)));
        for text in ["Bearer vps_abc", "bearer vps_abc", "BEARER  vps_abc"] {
            assert_eq!(bearer_token(&headers(&[text])).unwrap(), "vps_abc");
        }
    }
}
