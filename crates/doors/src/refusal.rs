//! Why a request is refused, at any door. Each door returns it in the form that its clients know.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dns::{Fault, ZoneName};
use http_server::{Cause, Full, ReadError, TooMany};
use store::{Chain, ChangeError, CreateZoneError, DailyLimit, Health, OutOfScope, Permission, RefusedBy, StoreError};
use tokio::task::JoinError;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No key, or one that is unknown, expired, revoked, or used from an address outside its networks.
    Unauthorized,
    /// Too many failed authentications from this address, or too many requests of this account.
    TooMany(TooMany),
    Lacks(Permission),
    /// A key for certain zones cannot create others.
    Bound,
    OutOfScope(OutOfScope, ZoneName),
    /// A key that allows more than addresses of single hosts was sent over plain HTTP.
    Unencrypted,
    /// The zone does not exist, or belongs to another account.
    NotFound,
    /// The zone exists already.
    Conflict,
    BadJson,
    Body(ReadError),
    /// Errors of the request or of the resulting zone. At least one text.
    Rules(Vec<String>),
    DailyLimit(DailyLimit),
    /// There is no memory for the request or its response at the moment.
    Full(Full),
    Store(StoreError),
    Ended(JoinError),
}

impl Refusal {
    /// Why a change of a zone was refused. `label` names the part of the request with that number.
    pub(crate) fn changing(error: ChangeError, zone: &ZoneName, label: impl Fn(usize) -> Option<String>) -> Refusal {
        match error {
            ChangeError::NoZone => Refusal::NotFound,
            ChangeError::Forbidden(permission) => Refusal::Lacks(permission),
            ChangeError::OutOfScope(outside) => Refusal::OutOfScope(outside, zone.clone()),
            ChangeError::Faults(faults) => Refusal::faults(faults, label),
            ChangeError::DailyLimit(limit) => Refusal::DailyLimit(limit),
            ChangeError::Store(error) => Refusal::Store(error),
            // The doors set no condition and name no record by its id.
            ChangeError::NoRecord { .. } | ChangeError::Moved | ChangeError::Unmet(_) | ChangeError::Condition => {
                Refusal::Store(StoreError::Bug("a change without conditions was refused for one"))
            }
        }
    }

    /// Why a zone was not created.
    pub(crate) fn creating(
        error: CreateZoneError,
        zone: &ZoneName,
        label: impl Fn(usize) -> Option<String>,
    ) -> Refusal {
        match error {
            CreateZoneError::Exists => Refusal::Conflict,
            CreateZoneError::Faults(faults) => Refusal::faults(faults, label),
            CreateZoneError::OutOfScope(outside) => Refusal::OutOfScope(outside, zone.clone()),
            CreateZoneError::DailyLimit(limit) => Refusal::DailyLimit(limit),
            CreateZoneError::Store(error) => Refusal::Store(error),
            error @ (CreateZoneError::Reserved(_)
            | CreateZoneError::Related
            | CreateZoneError::Apex(_)
            | CreateZoneError::OnHold
            | CreateZoneError::Contested) => Refusal::Rules(vec![format!("{}: {error}", zone.name().fqdn())]),
        }
    }

    fn faults(faults: Vec<(usize, Fault)>, label: impl Fn(usize) -> Option<String>) -> Refusal {
        let text = |(index, fault): (usize, Fault)| match label(index) {
            Some(label) => format!("{label}: {fault}"),
            None => fault.to_string(),
        };
        Refusal::Rules(faults.into_iter().map(text).collect())
    }

    /// The default status of a refusal; some doors use other ones.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized | Self::Unencrypted => StatusCode::UNAUTHORIZED,
            Self::Lacks(_) | Self::Bound | Self::OutOfScope(..) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::BadJson | Self::Body(ReadError::BrokeOff) => StatusCode::BAD_REQUEST,
            Self::Body(ReadError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(ReadError::TimedOut { .. }) => StatusCode::REQUEST_TIMEOUT,
            Self::Rules(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany(_) | Self::DailyLimit(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Full(full) | Self::Body(ReadError::Full(full)) => match full {
                Full::Account(_) => StatusCode::TOO_MANY_REQUESTS,
                Full::Server => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::Store(error) if passes(error) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Ended(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The reason as text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Unauthorized => "Unauthorized".to_owned(),
            Self::TooMany(too_many) => format!("Too many requests; try again in {} s", too_many.seconds),
            Self::Lacks(permission) => format!("Key lacks {permission} permission"),
            Self::Bound => "Key is bound to certain zones and cannot create others".to_owned(),
            Self::OutOfScope(OutOfScope::Name(owner), zone) => {
                format!("Key may not change {}", owner.in_zone(zone).fqdn())
            }
            Self::OutOfScope(OutOfScope::Type(owner, record_type), zone) => {
                format!("Key may not change {} {record_type}", owner.in_zone(zone).fqdn())
            }
            Self::OutOfScope(outside @ (OutOfScope::Transfer | OutOfScope::Zone), _) => outside.to_string(),
            Self::Unencrypted => "Only update keys for addresses of single hosts may be used without TLS".to_owned(),
            Self::NotFound => "Not Found".to_owned(),
            Self::Conflict => "Conflict".to_owned(),
            Self::BadJson => "Bad Request".to_owned(),
            Self::Body(error) => error.to_string(),
            Self::Rules(reasons) => reasons.first().cloned().unwrap_or_default(),
            Self::DailyLimit(limit) => limit.to_string(),
            Self::Full(full) => full.to_string(),
            Self::Store(error) if passes(error) => "Unavailable".to_owned(),
            Self::Store(_) | Self::Ended(_) => "Internal Server Error".to_owned(),
        }
    }

    /// The rule, for the log of the key; `None` if there is no key or the request is not the cause.
    pub(crate) fn rule(&self) -> Option<RefusedBy> {
        match self {
            Self::Lacks(_) => Some(RefusedBy::Permission),
            Self::Bound | Self::Unencrypted => Some(RefusedBy::Purpose),
            Self::OutOfScope(outside, _) => Some(outside.rule()),
            Self::NotFound | Self::Conflict => Some(RefusedBy::Zone),
            Self::BadJson | Self::Body(_) => Some(RefusedBy::Malformed),
            Self::Rules(_) => Some(RefusedBy::Content),
            Self::DailyLimit(_) | Self::Full(_) => Some(RefusedBy::Limit),
            Self::Unauthorized | Self::TooMany(_) | Self::Store(_) | Self::Ended(_) => None,
        }
    }

    /// After how many seconds the same request may succeed.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(too_many) => Some(too_many.seconds),
            Self::DailyLimit(limit) => Some(limit.resets_in.into()),
            Self::Full(_) | Self::Body(ReadError::Full(_)) => Some(5),
            Self::Store(error) if passes(error) => Some(5),
            _ => None,
        }
    }
}

/// Whether the same request may succeed later.
fn passes(error: &StoreError) -> bool {
    matches!(error, StoreError::Busy | StoreError::Closed)
        || error.health().is_some_and(|health| health != Health::Good)
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Refusal {
        Refusal::Body(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::Store(error)
    }
}

/// Without a body: [`in_form`] adds it.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Gives a refusal the status and the body of a door. The cause of a failure goes to the log.
pub(crate) fn in_form(response: Response, form: impl FnOnce(&Refusal) -> Response) -> Response {
    let Some(refusal) = response.extensions().get::<Arc<Refusal>>() else { return response };
    let mut shown = form(refusal);
    let cause = match &**refusal {
        Refusal::Store(error) => Some(Cause::new(Chain(error))),
        Refusal::Ended(error) => Some(Cause::new(Chain(error))),
        _ => None,
    };
    if let Some(cause) = cause {
        shown.extensions_mut().insert(cause);
    }
    let headers = shown.headers_mut();
    headers.extend(refusal.retry_after().map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
    if let Refusal::Body(ReadError::TimedOut { .. }) = **refusal {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    shown
}
