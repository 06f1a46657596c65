//! The state that all handlers share.

use std::sync::Arc;

use claims::Claims;
use deploy::Deployment;
use http_server::Gate;
use store::AccountId;

use crate::delays::Delays;
use crate::letters::Letters;
use crate::settings::Settings;
use crate::visit::doors::Doors;

/// The store, the nameservers and the settings, and what is counted for all visitors together.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) doors: Doors,
    /// The nameservers, to be asked what they serve.
    pub(crate) deployment: Deployment,
    pub(crate) settings: Settings,
    pub(crate) delays: Delays,
    /// How letters leave; `None` where mail is not configured.
    pub(crate) post: Option<Letters>,
    pub(crate) letter_delays: Delays,
    /// Looks up claims in the public DNS.
    pub(crate) claims: Arc<Claims>,
    /// Zone files that are being read and stored.
    pub(crate) files: Gate<AccountId>,
}
