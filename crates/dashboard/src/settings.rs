//! The operator's settings of the dashboard.

use std::net::SocketAddr;

use http_server::Client;
use store::AccountLimits;

/// What the pages need to know of how the server is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Who can create an account.
    pub registration: Registration,
    /// The public address of the server, without a path: `https://dns.example.net`. If `None`, the `Host` of requests is used.
    pub url: Option<String>,
    /// What accounts may have that people made by themselves, also by invitation.
    pub registered: AccountLimits,
    /// Whether browsers always reach the server over TLS, by itself or through a proxy before it.
    pub https: bool,
    /// Where the nameserver answers, if the server runs one: for the examples of the reference.
    pub dns: Option<SocketAddr>,
    /// Where clients reach the address for dynamic updates and transfers, if they are taken: for the configurations of programs.
    pub updates: Option<SocketAddr>,
}

impl Settings {
    /// Whether a client uses TLS: from the public address, or without one, from its connection or a trusted proxy.
    pub(crate) fn is_https(&self, client: Option<&Client>) -> bool {
        match &self.url {
            Some(url) => url.starts_with("https://"),
            None => client.map_or(self.https, |client| client.is_https),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            registration: Registration::Closed,
            url: None,
            registered: AccountLimits::default(),
            https: false,
            dns: None,
            updates: None,
        }
    }
}

/// Who can create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everyone.
    Open,
    /// People whom an operator invited.
    Invitation,
    /// Only the operator, on the command line.
    #[default]
    Closed,
}
