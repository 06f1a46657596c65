//! Doors for existing clients: the HTTP protocols of other DNS services, so that programs which speak them work unchanged.
//!
//! A door translates a request into RRsets as they are wanted (`sets`), and these into one change of the store: all or nothing,
//! one version, with the door as its source and the name of the key as its author. It adds no rules. It reaches zones only through
//! [`store::Tenant`].
//!
//! | module | clients |
//! |---|---|
//! | `powerdns` | of the PowerDNS HTTP API: octoDNS, lexicon, lego, acme.sh, external-dns, DNSControl, Terraform |
//! | `httpreq` | lego and Traefik, for certificates |
//! | `dyndns` | of dyndns2: routers, ddclient, inadyn |
//! | `acme_dns` | of acme-dns: acme.sh, lego, cert-manager, Caddy |
//! | `webhook` | external-dns |
//!
//! Doors differ from the API in two ways. They ignore unknown members, parameters and headers, because clients send many. And they
//! are idempotent: adding what is there and deleting what is not there succeeds, without a new version.
//!
//! Decided against: doors as rows of the API's table of operations. Their paths, credentials and errors are those of other
//! programs, and the API's description should contain none of them.

mod acme_dns;
mod caller;
mod dyndns;
mod httpreq;
mod json;
mod powerdns;
mod refusal;
mod sets;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use dns::{Name, Ttl};
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
    /// The smallest TTL that the operator allows.
    pub ttl_min: Ttl,
    /// Whether dynamic DNS clients may send their credentials in the query, where proxies and other servers may log them.
    pub dyndns_query_credentials: bool,
    /// The zone with the challenges of acme-dns, where the server has one.
    pub acme_dns_zone: Option<Name>,
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
        let doors = [powerdns::router(), httpreq::router(), dyndns::router(), acme_dns::router(), webhook::router()];
        doors.into_iter().fold(Router::new(), Router::merge).with_state(Arc::clone(&self.shared))
    }

    /// The door for dynamic DNS alone, for routers that do not speak TLS. It takes only update keys for addresses of single
    /// hosts: one that was overheard moves one host.
    pub fn plain_dyndns(&self) -> Router {
        dyndns::plain_router().with_state(Arc::clone(&self.shared))
    }
}
