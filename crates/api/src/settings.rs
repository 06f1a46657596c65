//! The limits of the API that the operator can set.

use std::time::Duration;

/// Limits of the API. The defaults suit a server on the open internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The largest request body, in octets.
    pub body_limit: usize,
    /// The largest body of a request that may change a whole zone at once, in octets.
    pub bulk_limit: usize,
    /// The maximum octets of large request bodies of one account at a time. A body counts until its response is ready; a body
    /// above this limit is accepted only alone.
    pub bulk_per_account: usize,
    /// The same of all accounts together.
    pub bulk_in_all: usize,
    /// How many octets of answers one account may leave unread at a time.
    pub unread_per_account: usize,
    /// The same of all accounts together.
    pub unread_in_all: usize,
    /// How long the body of a request may take, all of it.
    pub body_timeout: Duration,
    /// How many failed authentications one address (IPv6: one /64) may make at once; 0 counts as 1.
    pub failed_auth_burst: u32,
    /// How many more it may make each second; 0 counts as 1.
    pub failed_auth_per_second: u32,
    /// How many requests with valid tokens each account may make each second; `None`: as many as it likes.
    pub requests_per_second: Option<u32>,
    /// The origins whose pages may use the API from a browser (CORS): `https://app.example.net`, or `*` for all of them.
    pub cors_origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            body_limit: 1024 * 1024,
            bulk_limit: 16 * 1024 * 1024,
            bulk_per_account: 16 * 1024 * 1024,
            bulk_in_all: 48 * 1024 * 1024,
            unread_per_account: 32 * 1024 * 1024,
            unread_in_all: 256 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            failed_auth_burst: 200,
            failed_auth_per_second: 10,
            requests_per_second: None,
            cors_origins: Vec::new(),
        }
    }
}
