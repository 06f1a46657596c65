//! The state that all requests share. The extractors use it; handlers reach the store only through their `Caller`.

use std::sync::Arc;

use claims::Claims;
use deploy::Deployment;
use http_server::{Gate, Limiter, Limits};
use store::{AccountId, Store};

use crate::settings::Settings;

/// What every path of the API begins with.
pub const BASE: &str = "/api/v1";

/// The store and its deployment, with the limits that requests are held to.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) deployment: Deployment,
    pub(crate) settings: Settings,
    pub(crate) limits: Arc<Limits<AccountId>>,
    pub(crate) claims: Arc<Claims>,
}

impl Shared {
    pub(crate) fn new(store: Store, deployment: Deployment, claims: Arc<Claims>, settings: Settings) -> Shared {
        let limits = Limits {
            failed_attempts: Limiter::new(settings.failed_auth_burst, settings.failed_auth_per_second),
            requests: settings.requests_per_second.map(|most| Limiter::new(most, most)),
            bulk: Gate::new(settings.bulk_per_account, settings.bulk_in_all),
            unread: Gate::new(settings.unread_per_account, settings.unread_in_all),
        };
        Shared { store, deployment, settings, limits: Arc::new(limits), claims }
    }
}
