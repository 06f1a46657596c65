//! What every handler works with.

use std::sync::Arc;

use claims::Claims;
use deploy::Deployment;
use http_server::Gate;
use store::{AccountId, Store};

use crate::delays::Delays;
use crate::letters::Post;
use crate::settings::Settings;

/// The store, the nameservers and the settings, and what is counted for all visitors together.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    /// The nameservers, to be asked what they serve.
    pub(crate) deployment: Deployment,
    pub(crate) settings: Settings,
    pub(crate) delays: Delays,
    /// How letters leave; `None` where mail is not configured.
    pub(crate) post: Option<Post>,
    pub(crate) letter_delays: Delays,
    /// What looks for claims in the public DNS.
    pub(crate) claims: Arc<Claims>,
    /// Zone files that are being read and stored.
    pub(crate) files: Gate<AccountId>,
}
