//! The first start on an empty data directory: an account, a token, and lines to paste.

use std::net::SocketAddr;

use deploy::bind9::config::reached_at;
use jiff::SignedDuration;
use store::{Actor, CreateAccountError, NewAccount, NewToken, Permission, PlainSecret, Role, Store};

use crate::Failure;
use crate::config::Config;

/// How long a link of the command line is good.
pub(crate) const LINK_GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);
/// The account of the first start.
const EMAIL: &str = "admin@localhost";

/// Makes the first account and its token where there is no account yet, and gives the text to show, once.
pub(crate) async fn welcome(
    store: &Store,
    config: &Config,
    http: SocketAddr,
    dns: Option<SocketAddr>,
) -> Result<Option<String>, Failure> {
    if !store.accounts().await?.is_empty() {
        return Ok(None);
    }
    let account = NewAccount { email: EMAIL.to_owned(), role: Role::Operator, ..NewAccount::default() };
    let account = match store.create_account_by(account, &Actor::command_line()).await {
        Ok(account) => account,
        // Another server that started at this moment on the same data was first.
        Err(CreateAccountError::Exists(_)) => return Ok(None),
        Err(error) => return Err(Failure::Other(crate::chain(&error))),
    };
    let token = NewToken::unlimited("first start", [Permission::All].into_iter().collect());
    let token = store.create_token(account.id, token).await?;
    let link = store.create_link(account.id, LINK_GOOD_FOR, &Actor::command_line()).await?;
    let link = link.map(|secret| link_to(config, http, &secret)).unwrap_or_default();
    Ok(Some(text(token.plain.reveal(), &link, reached_at(http), config.tls.is_some(), dns.map(reached_at))))
}

/// A one-time link, as it is to be opened in a browser. `http` is where the server listens.
pub(crate) fn link_to(config: &Config, http: SocketAddr, secret: &PlainSecret) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let base = config.dashboard.url.clone().unwrap_or_else(|| format!("{scheme}://{}", reached_at(http)));
    format!("{base}/link/{}/", secret.reveal())
}

fn text(token: &str, link: &str, http: SocketAddr, https: bool, dns: Option<SocketAddr>) -> String {
    // No certificate is made for a loopback address, so curl is told not to compare (-k).
    let (base, curl) = if https {
        (format!("https://{http}/api/v1"), "curl -sk")
    } else {
        (format!("http://{http}/api/v1"), "curl -s")
    };
    let purpose =
        if dns.is_some() { "to make a zone and a record, and to ask for it" } else { "to make a zone and a record" };
    let ask = match dns {
        Some(dns) => format!("  dig @{} -p {} example.com A\n", dns.ip(), dns.port()),
        None => "\nThere is no nameserver (--nameserver none): zones are kept here, and nobody answers for them.\n"
            .to_owned(),
    };
    format!(
        r#"
Welcome to Zonewright. This is shown once.

  account    {EMAIL}
  dashboard  {link}
  token      {token}

The link signs you in, once, within a day; you choose a password there. (Another: zonewright account link {EMAIL})

Paste these into another terminal {purpose}:

  TOKEN={token}
  ZONE=$({curl} {base}/dns-zones/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"domain": "example.com"}}' | sed 's/.*"uuid": *"\([^"]*\)".*/\1/')
  {curl} {base}/dns-zones/$ZONE/records/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"record_type": "A", "name": "@", "value": "192.0.2.1"}}'
{ask}"#
    )
}
