//! Update keys: the list, one key with what it was refused, and deleting it. `key_new` creates one.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use store::{KeyPurpose, KeyTypes, NetworkScope, Permission, Permissions, Refusal, RefusedBy, UpdateKey, UpdateKeyId};

use crate::failure::Failure;
use crate::form::Form;
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page};
use crate::texts::keys::KeyTexts;
use crate::texts::{Texts, minute, say};
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "keys/list.html")]
struct ListPage {
    page: Page,
    k: &'static KeyTexts,
    keys: Vec<KeyRow>,
}

/// A key as the list and its own page show it.
struct KeyRow {
    link: String,
    name: String,
    wire_name: String,
    algorithm: String,
    limits: Vec<String>,
    created: String,
    last_used: String,
    last_error: String,
    expires: String,
    is_over: bool,
}

impl KeyRow {
    fn new(key: UpdateKey, now: store::Timestamp, t: &Texts, k: &KeyTexts) -> KeyRow {
        KeyRow {
            link: format!("/account/keys/{}/", key.id.0),
            wire_name: key.key_name.to_string(),
            algorithm: algorithm(&key, k),
            limits: limits(&key, k),
            created: minute(key.created_at),
            last_used: key.last_used_at.map_or_else(|| t.never.to_owned(), minute),
            last_error: key.last_error.unwrap_or_default(),
            expires: key.expires_at.map_or_else(|| t.never.to_owned(), minute),
            is_over: key.expires_at.is_some_and(|end| end <= now),
            name: key.name,
        }
    }
}

/// The algorithm; for a key with a path, which has none, the protocol.
pub(super) fn algorithm(key: &UpdateKey, k: &KeyTexts) -> String {
    match key.door {
        Some(door) => say(k.door_path, &[door.name()]),
        None if key.algorithm.is_weak() => say(k.weak, &[key.algorithm.name()]),
        None => key.algorithm.to_string(),
    }
}

/// What the key may do: each a few words.
fn limits(key: &UpdateKey, k: &KeyTexts) -> Vec<String> {
    let mut limits: Vec<String> = key.zones.iter().map(|zone| zone.name.to_string()).collect();
    if key.scope.purpose == KeyPurpose::Transfer {
        limits.push(k.transfers.to_owned());
    } else {
        match &key.scope.names {
            None => limits.push(k.all_names.to_owned()),
            Some(names) => limits.extend(names.iter().map(ToString::to_string)),
        }
        match &key.scope.types {
            KeyTypes::Usual => limits.push(k.usual_types.to_owned()),
            KeyTypes::Any => limits.push(k.all_types.to_owned()),
            KeyTypes::Only(types) => limits.extend(types.iter().map(ToString::to_string)),
        }
        let all: Permissions = [Permission::All].into_iter().collect();
        if key.scope.permissions != all {
            limits.extend(key.scope.permissions.iter().map(|permission| permission.to_string()));
        }
    }
    if let NetworkScope::Only(networks) = &key.networks {
        limits.extend(networks.iter().map(ToString::to_string));
    }
    limits
}

pub(crate) async fn list(who: SignedIn) -> Result<Response, Failure> {
    let page = who.page(Section::Developers);
    let (t, k, now) = (page.t, who.visit.language.key_texts(), who.visit.now());
    let keys = who.zones().update_keys().await?;
    let keys = keys.into_iter().rev().map(|key| KeyRow::new(key, now, t, k)).collect();
    show_page(&ListPage { page, k, keys })
}

#[derive(Template)]
#[template(path = "keys/show.html")]
struct ShowPage {
    page: Page,
    k: &'static KeyTexts,
    key: KeyRow,
    refusals: Vec<RefusalRow>,
}

/// A refused request.
struct RefusalRow {
    time: String,
    times: String,
    asked: String,
    rule: &'static str,
    detail: String,
    source: String,
    transport: &'static str,
}

impl RefusalRow {
    fn new(refusal: Refusal, k: &'static KeyTexts) -> RefusalRow {
        let count = refusal.count;
        RefusalRow {
            time: minute(refusal.time),
            times: if count > 1 { say(k.times, &[&count.to_string()]) } else { String::new() },
            asked: refusal.asked,
            rule: reason(refusal.rule, k),
            detail: refusal.detail,
            source: refusal.source.map(|address| address.to_string()).unwrap_or_default(),
            transport: refusal.transport.name(),
        }
    }
}

fn reason(rule: RefusedBy, k: &'static KeyTexts) -> &'static str {
    match rule {
        RefusedBy::Zone => k.rule_zone,
        RefusedBy::Name => k.rule_name,
        RefusedBy::Type => k.rule_type,
        RefusedBy::Permission => k.rule_permission,
        RefusedBy::Purpose => k.rule_purpose,
        RefusedBy::Network => k.rule_network,
        RefusedBy::Signature => k.rule_signature,
        RefusedBy::Clock => k.rule_clock,
        RefusedBy::Algorithm => k.rule_algorithm,
        RefusedBy::Malformed => k.rule_malformed,
        RefusedBy::Content => k.rule_content,
        RefusedBy::Limit => k.rule_limit,
    }
}

pub(crate) async fn show(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    let (zones, id) = (who.zones(), key_id(&id)?);
    // First, so that the key shows the newest of them.
    let refusals = zones.refusals(id).await?.ok_or(Failure::NotFound)?;
    let key = zones.update_key(id).await?.ok_or(Failure::NotFound)?;
    let page = who.page(Section::Developers);
    let k = who.visit.language.key_texts();
    let refusals = refusals.into_iter().map(|refusal| RefusalRow::new(refusal, k)).collect();
    let key = KeyRow::new(key, who.visit.now(), page.t, k);
    show_page(&ShowPage { page, k, key, refusals })
}

#[derive(Template)]
#[template(path = "keys/delete.html")]
struct DeletePage {
    page: Page,
    k: &'static KeyTexts,
    text: String,
}

/// Asks before it is done: nothing brings a deleted key back.
pub(crate) async fn ask(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    let key = who.zones().update_key(key_id(&id)?).await?.ok_or(Failure::NotFound)?;
    let (page, k) = (who.page(Section::Developers), who.visit.language.key_texts());
    let text = say(k.delete_text, &[&key.name]);
    show_page(&DeletePage { page, k, text })
}

pub(crate) async fn delete(who: SignedIn, Path(id): Path<String>, _: Form) -> Result<Response, Failure> {
    if !who.zones().revoke_update_key(key_id(&id)?).await? {
        return Err(Failure::NotFound);
    }
    Ok(go("/account/keys/", Some(Notice::KeyDeleted), &who.visit.shared.settings))
}

fn key_id(text: &str) -> Result<UpdateKeyId, Failure> {
    text.parse().map(UpdateKeyId).map_err(|_| Failure::NotFound)
}
