//! Rate limiting, cookies and NSID of BIND: the same settings as in the embedded nameserver, as far as BIND supports them.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

pub use nameserver::RateLimit;

use data_encoding::HEXLOWER;

use super::writer::Writer;
use crate::config_text::ConfigText;

/// What a nameserver says of itself.
#[derive(Clone, Default)]
pub struct Identity {
    /// The secrets of server cookies, the first for new ones. With none, named makes up a secret at every start.
    pub cookie_secrets: Vec<[u8; 16]>,
    /// Whether a client that sends a cookie of its own over UDP has to send a server cookie too.
    pub require_server_cookie: bool,
    /// The answer to the NSID option.
    pub nsid: Option<ConfigText>,
}

/// Without the secrets.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("nsid", &self.nsid).finish_non_exhaustive()
    }
}

impl Writer {
    /// `rate-limit`, with exceptions for servers that have to be answered: a question for a serial may be put many times a
    /// second while a client waits for its change.
    pub(super) fn rate_limit(&mut self, limit: &RateLimit, servers: &[SocketAddr]) -> &mut Self {
        let servers: BTreeSet<IpAddr> =
            servers.iter().map(SocketAddr::ip).filter(|address| !address.is_unspecified()).collect();
        self.gap().comment("A forged question must not make this server flood the address in it.").block(
            |line| {
                line.word("rate-limit");
            },
            |block| {
                for (word, number) in [
                    ("responses-per-second", u32::from(limit.responses_per_second)),
                    ("window", limit.window.into()),
                    ("slip", limit.slip.into()),
                    ("ipv4-prefix-length", limit.ipv4_prefix.into()),
                    ("ipv6-prefix-length", limit.ipv6_prefix.into()),
                    ("max-table-size", limit.table_size),
                ] {
                    block.statement(|line| {
                        line.word(word).number(number);
                    });
                }
                block.statement(|line| {
                    line.word("exempt-clients {");
                    if limit.exempt.is_empty() && servers.is_empty() {
                        line.word("none;");
                    }
                    for network in &limit.exempt {
                        line.network(network.addr(), network.prefix_len()).word(";");
                    }
                    for server in servers {
                        line.address(server).word(";");
                    }
                    line.word("}");
                });
            },
        )
    }

    /// `cookie-secret` and `server-id`, where they are set.
    pub(super) fn identity(&mut self, identity: &Identity) -> &mut Self {
        for secret in &identity.cookie_secrets {
            let hex = HEXLOWER.encode(secret);
            // Digits have a spelling.
            if let Ok(hex) = ConfigText::new(&hex) {
                self.statement(|line| {
                    line.word("cookie-secret").text(&hex);
                });
            }
        }
        if identity.require_server_cookie {
            self.fixed("require-server-cookie yes");
        }
        if let Some(nsid) = &identity.nsid {
            self.statement(|line| {
                line.word("server-id").text(nsid);
            });
        }
        self
    }
}
