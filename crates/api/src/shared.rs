//! The state that all requests share. The extractors use it; handlers reach the store only through their `Caller`.

use std::net::IpAddr;
use std::sync::Arc;

use claims::Claims;
use deploy::Deployment;
use http_server::Gate;
use store::{AccountId, Store};

use crate::limiter::Limiter;
use crate::settings::Settings;

/// What every path of the API begins with.
pub const BASE: &str = "/api/v1";

/// The store and its deployment, with the limits that requests are held to.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) deployment: Deployment,
    pub(crate) settings: Settings,
    /// By the client's network.
    pub(crate) failed_attempts: Limiter<IpAddr>,
    /// By account; `None`: not limited.
    pub(crate) requests: Option<Limiter<AccountId>>,
    pub(crate) claims: Arc<Claims>,
    /// Large requests in progress.
    pub(crate) bulk: Gate<AccountId>,
    /// Large answers that their clients have not taken yet.
    pub(crate) unread: Gate<AccountId>,
}

impl Shared {
    pub(crate) fn new(store: Store, deployment: Deployment, claims: Arc<Claims>, settings: Settings) -> Shared {
        let failed_attempts = Limiter::new(settings.failed_auth_burst, settings.failed_auth_per_second);
        let requests = settings.requests_per_second.map(|most| Limiter::new(most, most));
        let bulk = Gate::new(settings.bulk_per_account, settings.bulk_in_all);
        let unread = Gate::new(settings.unread_per_account, settings.unread_in_all);
        Shared { store, deployment, settings, failed_attempts, requests, claims, bulk, unread }
    }
}
