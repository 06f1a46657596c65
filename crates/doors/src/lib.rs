//! Doors for existing clients: the HTTP protocols of other DNS services, so that programs which speak them work unchanged.
//!
//! A door translates a request into RRsets as they are wanted (`sets`), and these into one change of the store: all or nothing,
//! one version, with the door as its source and the name of the key as its author. It adds no rules. It reaches zones only through
//! [`store::Tenant`].
//!
//! | module | clients |
//! |---|---|
//! | `powerdns` | of the PowerDNS HTTP API: octoDNS, lexicon, lego, acme.sh, external-dns, DNSControl, Terraform |
//!
//! Doors differ from the API in two ways. They ignore unknown members, parameters and headers, because clients send many. And they
//! are idempotent: adding what is there and deleting what is not there succeeds, without a new version.
//!
//! Decided against: doors as rows of the API's table of operations. Their paths, credentials and errors are those of other
//! programs, and the API's description should contain none of them.

mod caller;
mod powerdns;
mod refusal;
mod sets;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http_server::Limits;
use store::{AccountId, Store};

use caller::Shared;

/// Limits of requests at the doors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The largest body of a request that may change a whole zone, in octets.
    pub bulk_limit: usize,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
}

/// The doors over one store.
#[derive(Debug, Clone)]
pub struct Doors {
    shared: Arc<Shared>,
}

impl Doors {
    /// The doors, with the limits that they count together with the API.
    pub fn new(store: Store, limits: Arc<Limits<AccountId>>, settings: Settings) -> Doors {
        Doors { shared: Arc::new(Shared { store, limits, settings }) }
    }

    /// All doors. To be merged with the router of the API, whose fallback answers unknown paths.
    pub fn router(&self) -> Router {
        powerdns::router().with_state(Arc::clone(&self.shared))
    }
}
