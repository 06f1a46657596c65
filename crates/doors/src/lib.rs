//! Doors for existing clients: the HTTP protocols of other DNS services, so that programs that speak them work unchanged.
//!
//! A door translates a request into the RRsets that the client wants (`sets`), and these into one change of the store. The change is
//! applied completely or not at all, as one version; its source is the door, and its author is the name of the key. A door adds no
//! rules, and reaches zones only through [`store::Tenant`].
//!
//! | module | clients |
//! |---|---|
//! | `powerdns` | clients of the PowerDNS HTTP API: octoDNS, lexicon, lego, acme.sh, external-dns, DNSControl, Terraform |
//! | `httpreq` | lego and Traefik, for certificates |
//! | `dyndns` | clients of dyndns2: routers, ddclient, inadyn |
//! | `acme_dns` | clients of acme-dns: acme.sh, lego, cert-manager, Caddy |
//! | `webhook` | external-dns |
//!
//! Doors differ from the API in two ways. They ignore unknown members, parameters and headers, because clients send many. And they
//! are idempotent: adding a record that exists and deleting one that does not exist succeed, without a new version.
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
    /// Whether dynamic DNS clients may send their credentials in the query. Proxies may log queries.
    pub dyndns_query_credentials: bool,
    /// The zone for the challenges of acme-dns; `None`: clients of acme-dns cannot register.
    pub acme_dns_zone: Option<Name>,
}

/// The doors over one store.
#[derive(Debug, Clone)]
pub struct Doors {
    shared: Arc<Shared>,
}

impl Doors {
    /// Creates the doors. `limits` are shared with the API.
    pub fn new(store: Store, limits: Arc<Limits<AccountId>>, settings: Settings) -> Doors {
        Doors { shared: Arc::new(Shared { store, limits, settings }) }
    }

    /// The routes of all doors. Merge it with the router of the API, whose fallback answers unknown paths.
    pub fn router(&self) -> Router {
        let doors = [powerdns::router(), httpreq::router(), dyndns::router(), acme_dns::router(), webhook::router()];
        doors.into_iter().fold(Router::new(), Router::merge).with_state(Arc::clone(&self.shared))
    }

    /// The door for dynamic DNS alone, for routers that do not speak TLS. It accepts only update keys for addresses of single
    /// hosts, so that an intercepted key can change only one host.
    pub fn plain_dyndns(&self) -> Router {
        dyndns::plain_router().with_state(Arc::clone(&self.shared))
    }
}
