//! The first start on an empty data directory: creates an account, and prints how to sign in.
//!
//! Secrets are printed on a terminal only. The output of a service ends up in a log, which others can read and which is kept for
//! years; there, the text names the commands that print the secrets.

use std::io::IsTerminal;
use std::net::SocketAddr;

use deploy::bind9::config::reached_at;
use jiff::SignedDuration;
use store::{Account, CreateAccountError, NewAccount, NewToken, Permission, PlainSecret, Role, Store};

use crate::config::{Config, SetBy};
use crate::failure::{Failure, chain};
use crate::shell;

/// How long a link from the command line is valid.
pub(crate) const LINK_GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long the token of the first start is valid; it is for trials.
const TOKEN_GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);
/// The account of the first start.
const EMAIL: &str = "admin@localhost";

/// Creates the first account if there is none, and returns the text to show once. Only if standard output is a terminal, the text
/// has a token and a sign-in link.
pub(crate) async fn welcome(
    store: &Store,
    config: &Config,
    http: SocketAddr,
    dns: Option<SocketAddr>,
) -> Result<Option<String>, Failure> {
    if !store.command_line().accounts().await?.is_empty() {
        return Ok(None);
    }
    let account = NewAccount { email: EMAIL.to_owned(), role: Role::Operator, ..NewAccount::default() };
    let account = match store.command_line().create_account(account).await {
        Ok(account) => account,
        // Another server that started at this moment on the same data was first.
        Err(CreateAccountError::Exists(_)) => return Ok(None),
        Err(error) => return Err(Failure::Other(chain(&error))),
    };
    if !std::io::stdout().is_terminal() {
        return Ok(Some(text_without_secrets(config)));
    }
    let (token, link) = secrets_of(store, config, &account, http).await?;
    Ok(Some(text(config, &token, &link, reached_at(http), dns.map(reached_at))))
}

/// A token for trying things out, and a sign-in link.
async fn secrets_of(
    store: &Store,
    config: &Config,
    account: &Account,
    http: SocketAddr,
) -> Result<(String, String), Failure> {
    let mut token = NewToken::unlimited("first start", [Permission::All].into_iter().collect());
    token.expires_at = store.now().checked_add(TOKEN_GOOD_FOR).ok();
    let token = store.command_line().person(account.id).create_token(token).await?;
    let link = store.command_line().create_link(account.id, LINK_GOOD_FOR).await?;
    let link = link.map(|secret| link_to(config, http, &secret)).unwrap_or_default();
    Ok((token.plain.reveal().to_owned(), link))
}

/// A one-time link, as it is to be opened in a browser. `http` is where the server listens.
pub(crate) fn link_to(config: &Config, http: SocketAddr, secret: &PlainSecret) -> String {
    format!("{}/link/{}/", base(config, http), secret.reveal())
}

/// The address of the dashboard, without a final slash.
pub(crate) fn base(config: &Config, http: SocketAddr) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    config.dashboard.url.clone().unwrap_or_else(|| format!("{scheme}://{}", reached_at(http)))
}

fn text(config: &Config, token: &str, link: &str, http: SocketAddr, dns: Option<SocketAddr>) -> String {
    let data = data_flag(config);
    // Certificates are not issued for loopback addresses, so curl must not verify it (-k).
    let (base, curl) = if config.tls.is_some() {
        (format!("https://{http}/api/v1"), "curl -sk")
    } else {
        (format!("http://{http}/api/v1"), "curl -s")
    };
    let purpose =
        if dns.is_some() { "to create a zone and a record, and to query it" } else { "to create a zone and a record" };
    let ask = match dns {
        Some(dns) => format!("  dig @{} -p {} example.com A\n", dns.ip(), dns.port()),
        None => "\nThere is no nameserver (--nameserver none): zones are stored, but not served.\n".to_owned(),
    };
    format!(
        r#"
Welcome to Zonewright. This is shown once.

  account    {EMAIL}
  dashboard  {link}
  token      {token}

The link is valid for one sign-in within a day; then choose a password. (To get another: zonewright account link {EMAIL}{data})
The token is valid for a day. (To get another: zonewright token create --account {EMAIL} --name NAME --permission 'dns:*'{data})

Paste these into another terminal {purpose}:

  TOKEN={token}; export TOKEN
  ZONE=$({curl} {base}/dns-zones/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"domain": "example.com"}}' | sed 's/.*"uuid": *"\([^"]*\)".*/\1/')
  {curl} {base}/dns-zones/$ZONE/records/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"record_type": "A", "name": "@", "value": "192.0.2.1"}}'
{ask}"#
    )
}

/// For a log: nothing in it is secret.
fn text_without_secrets(config: &Config) -> String {
    let data = data_flag(config);
    format!(
        r#"
Welcome to Zonewright. This is shown once.

  account    {EMAIL}

A sign-in link and a token are printed only on a terminal. To get them, run:

  zonewright account link {EMAIL}{data}
  zonewright token create --account {EMAIL} --name NAME --permission 'dns:*' --expires 1d{data}
"#
    )
}

/// What a command needs to find the data directory; empty for the default one.
fn data_flag(config: &Config) -> String {
    match config.set_by("data") {
        SetBy::Default => String::new(),
        _ => format!(" --data {}", shell::word(&config.data.display())),
    }
}
