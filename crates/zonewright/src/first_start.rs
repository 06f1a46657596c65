//! The first start on an empty data directory: an account, a token, and lines to paste.

use std::net::SocketAddr;

use store::{NewAccount, NewToken, Permission, Store};

use crate::Failure;

/// The account of the first start.
const EMAIL: &str = "admin@localhost";

/// Makes the first account and its token where there is no account yet, and gives the text to show, once.
pub(crate) async fn welcome(
    store: &Store,
    http: SocketAddr,
    https: bool,
    dns: Option<SocketAddr>,
) -> Result<Option<String>, Failure> {
    if !store.accounts().await?.is_empty() {
        return Ok(None);
    }
    let account = NewAccount { email: EMAIL.to_owned(), ..NewAccount::default() };
    let account = store.create_account(account).await.map_err(|error| Failure::Other(crate::chain(&error)))?;
    let token = NewToken {
        name: "first start".to_owned(),
        permissions: [Permission::All].into_iter().collect(),
        expires_at: None,
    };
    let token = store.create_token(account.id, token).await?;
    let base = format!("{}://{http}/api/v1", if https { "https" } else { "http" });
    let dig = match dns {
        Some(dns) => format!("dig @{} -p {} example.com A", dns.ip(), dns.port()),
        None => "# and ask your nameserver".to_owned(),
    };
    let secret = token.plain.reveal();
    Ok(Some(format!(
        r#"
Welcome to Zonewright. This is shown once.

  account  {EMAIL}
  token    {secret}

Paste these into another terminal to make a zone and a record, and to ask for it:

  TOKEN={secret}
  ZONE=$(curl -s {base}/dns-zones/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"domain": "example.com"}}' | sed 's/.*"uuid": *"\([^"]*\)".*/\1/')
  curl -s {base}/dns-zones/$ZONE/records/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"record_type": "A", "name": "@", "value": "192.0.2.1"}}'
  {dig}
"#
    )))
}
