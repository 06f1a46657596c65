//! The audit log of accounts, for the operator.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use store::{AccountEvent, EventId, EventKind};

use crate::failure::Failure;
use crate::page::{Page, Section, show as show_page};
use crate::texts::Texts;
use crate::texts::minute;
use crate::visit::Operator;

/// How many stand on a page.
const PAGE: u32 = 100;

#[derive(Template)]
#[template(path = "operator_events.html")]
struct EventsPage {
    page: Page,
    events: Vec<EventRow>,
    /// Where older ones are.
    older: Option<i64>,
}

/// An event as a list shows it.
pub(crate) struct EventRow {
    pub(crate) time: String,
    pub(crate) what: &'static str,
    pub(crate) is_bad: bool,
    pub(crate) email: String,
    pub(crate) actor: String,
    pub(crate) address: String,
    pub(crate) detail: String,
}

impl EventRow {
    pub(crate) fn new(event: AccountEvent, t: &Texts) -> EventRow {
        EventRow {
            time: minute(event.time),
            what: what(event.kind, t),
            is_bad: matches!(event.kind, EventKind::SignInFailed | EventKind::CodeFailed | EventKind::CodesGuessed),
            email: event.email.unwrap_or_default(),
            actor: event.actor.unwrap_or_default(),
            address: event.address.map(|address| address.to_string()).unwrap_or_default(),
            detail: event.detail,
        }
    }
}

fn what(kind: EventKind, t: &Texts) -> &'static str {
    match kind {
        EventKind::AccountMade => t.event_account_made,
        EventKind::SignedIn => t.event_signed_in,
        EventKind::SignInFailed => t.event_sign_in_failed,
        EventKind::CodeFailed => t.event_code_failed,
        EventKind::SignedOut => t.event_signed_out,
        EventKind::SessionsEnded => t.event_sessions_ended,
        EventKind::PasswordSet => t.event_password_set,
        EventKind::LinkMade => t.event_link_made,
        EventKind::LinkUsed => t.event_link_used,
        EventKind::SecondFactorOn => t.event_second_factor_on,
        EventKind::SecondFactorOff => t.event_second_factor_off,
        EventKind::RecoveryCodeUsed => t.event_recovery_code_used,
        EventKind::TokenMade => t.event_token_made,
        EventKind::TokenRevoked => t.event_token_revoked,
        EventKind::UpdateKeyMade => t.event_update_key_made,
        EventKind::UpdateKeyRevoked => t.event_update_key_revoked,
        EventKind::Suspended => t.event_suspended,
        EventKind::Resumed => t.event_resumed,
        EventKind::LimitsSet => t.event_limits_set,
        EventKind::NamesChanged => t.event_names_changed,
        EventKind::Invited => t.event_invited,
        EventKind::AccountClosed => t.event_account_closed,
        EventKind::RoleSet => t.event_role_set,
        EventKind::NewBrowser => t.event_new_browser,
        EventKind::CodesGuessed => t.event_codes_guessed,
        EventKind::ZoneClaimed => t.event_zone_claimed,
    }
}

pub(crate) async fn list(Operator(who, operator): Operator, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page = who.page(Section::Events);
    let t = page.t;
    let pairs = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
    let before = pairs.into_iter().find(|(name, _)| name == "before").and_then(|(_, value)| value.parse().ok());
    let events = operator.events(None, before.map(EventId), PAGE).await?;
    let is_full = events.len() == PAGE as usize;
    let older = events.last().filter(|_| is_full).map(|event| event.id.0);
    let events = events.into_iter().map(|event| EventRow::new(event, t)).collect();
    show_page(&EventsPage { page, events, older })
}
