//! API tokens: the list, and revoking a token. `token_new` creates one.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use store::{Permission, Token, TokenId, ZoneScope};

use crate::failure::Failure;
use crate::form::Form;
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page};
use crate::texts::{Texts, minute, say};
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "developers.html")]
struct DevelopersPage {
    page: Page,
    tokens: Vec<TokenRow>,
    base: String,
    /// The link to the update keys.
    keys: &'static str,
}

/// A token as the list shows it.
struct TokenRow {
    id: String,
    name: String,
    last_four: String,
    permissions: Vec<&'static str>,
    limits: Vec<String>,
    last_used: String,
    last_address: String,
    expires: String,
    is_over: bool,
    created: String,
}

impl TokenRow {
    fn new(token: Token, now: store::Timestamp, t: &Texts) -> TokenRow {
        let mut limits = Vec::new();
        if let ZoneScope::Only(zones) = &token.zones {
            limits.push(say(t.token_zones_count, &[&zones.len().to_string()]));
        }
        if let store::NetworkScope::Only(networks) = &token.networks {
            limits.extend(networks.iter().map(ToString::to_string));
        }
        TokenRow {
            id: token.id.to_string(),
            name: token.name,
            last_four: token.last_four,
            permissions: token.permissions.iter().map(Permission::name).collect(),
            limits,
            last_used: token.last_used_at.map_or_else(|| t.never.to_owned(), minute),
            last_address: token.last_address.map(|address| address.to_string()).unwrap_or_default(),
            expires: token.expires_at.map_or_else(|| t.never.to_owned(), minute),
            is_over: token.expires_at.is_some_and(|end| end <= now),
            created: minute(token.created_at),
        }
    }
}

pub(crate) async fn show(who: SignedIn) -> Result<Response, Failure> {
    let page = who.page(Section::Developers);
    let (t, now) = (page.t, who.visit.now());
    let tokens = who.person().tokens().await?;
    let tokens = tokens.into_iter().rev().map(|token| TokenRow::new(token, now, t)).collect();
    let keys = who.visit.language.key_texts().keys;
    show_page(&DevelopersPage { page, tokens, base: who.visit.base.clone(), keys })
}

#[derive(Template)]
#[template(path = "token_revoke.html")]
struct RevokePage {
    page: Page,
    text: String,
}

/// Asks before it is done: nothing brings a revoked token back.
pub(crate) async fn ask(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = token_id(&id)?;
    let token = who.person().token(id).await?.ok_or(Failure::NotFound)?;
    let page = who.page(Section::Developers);
    let text = say(page.t.token_revoke_text, &[&token.name, &token.last_four]);
    show_page(&RevokePage { page, text })
}

fn token_id(text: &str) -> Result<TokenId, Failure> {
    text.parse().map(TokenId::from_number).map_err(|_| Failure::NotFound)
}

pub(crate) async fn revoke(who: SignedIn, Path(id): Path<String>, _: Form) -> Result<Response, Failure> {
    let id = token_id(&id)?;
    let revoked = who.person().revoke_token(id).await?;
    if !revoked {
        return Err(Failure::NotFound);
    }
    Ok(go("/account/developers/", Some(Notice::TokenRevoked), &who.visit.shared.settings))
}
