//! The operator's pages of accounts: the list, and one account with its limits, its suspension and its events. The actions are in
//! `operator_actions`.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use store::{Account, Displacement, Role};

use super::operator_actions::{find, shown};
use super::operator_events::EventRow;
use crate::addresses::of_query;
use crate::failure::Failure;
use crate::page::{Page, Section, show as show_page};
use crate::settings::Registration;
use crate::texts::Texts;
use crate::texts::minute;
use crate::texts::zones::ZoneTexts;
use crate::visit::Operator;

/// How many accounts stand on a page.
const PAGE: u32 = 50;
/// How many zones that are to be displaced are shown.
const CLAIMS: u32 = 50;
/// How much of an account's trail its page shows.
const EVENTS: u32 = 20;

#[derive(Template)]
#[template(path = "operator_accounts.html")]
struct AccountsPage {
    page: Page,
    z: &'static ZoneTexts,
    query: String,
    is_first: bool,
    /// Where the list begins.
    first: String,
    accounts: Vec<AccountRow>,
    /// Where the next page is.
    next: Option<String>,
    may_invite: bool,
    /// Zones that are to be displaced, on the first page of all accounts.
    claims: Vec<ClaimRow>,
}

/// A zone that is to be displaced.
struct ClaimRow {
    name: String,
    owner: String,
    by: String,
    when: String,
}

impl ClaimRow {
    fn new(displacement: Displacement, t: &Texts) -> ClaimRow {
        let Displacement { name, email, by_name, by_email, due, .. } = displacement;
        ClaimRow {
            by: if by_name == name { by_email } else { format!("{by_email} ({by_name})") },
            name: name.to_string(),
            owner: email,
            when: due.map_or_else(|| t.claims_undecided.to_owned(), minute),
        }
    }
}

/// An account as the list shows it.
struct AccountRow {
    number: String,
    email: String,
    name: String,
    is_operator: bool,
    is_suspended: bool,
    has_second_factor: bool,
    since: String,
}

impl AccountRow {
    fn new(account: &Account) -> AccountRow {
        let names = [&account.first_name, &account.last_name, &account.company_name];
        let names: Vec<&str> = names.into_iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        AccountRow {
            number: account.id.number().to_string(),
            email: account.email.clone(),
            name: names.join(" "),
            is_operator: account.role == Role::Operator,
            is_suspended: account.suspended_at.is_some(),
            has_second_factor: account.has_second_factor,
            since: account.created_at.strftime("%Y-%m-%d").to_string(),
        }
    }
}

pub(crate) async fn list(Operator(who, operator): Operator, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let text = of_query(query.as_deref(), "q").trim().to_owned();
    let after = Some(of_query(query.as_deref(), "after")).filter(|after| !after.is_empty());
    let is_first = after.is_none();
    let found = operator.find_accounts(&text, after, PAGE).await?;
    let page = who.page(Section::Accounts);
    let claims = if is_first && text.is_empty() { operator.displacements(CLAIMS).await? } else { Vec::new() };
    show_page(&AccountsPage {
        claims: claims.into_iter().map(|claim| ClaimRow::new(claim, page.t)).collect(),
        z: page.language.zone_texts(),
        first: address(&text, ""),
        next: found.next.map(|email| address(&text, &email)),
        query: text,
        is_first,
        accounts: found.accounts.iter().map(AccountRow::new).collect(),
        may_invite: who.visit.shared.settings.registration == Registration::Invitation,
        page,
    })
}

fn address(text: &str, after: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([("q", text), ("after", after)].into_iter().filter(|(_, value)| !value.is_empty()));
    format!("/operator/accounts/?{}", query.finish())
}

#[derive(Template)]
#[template(path = "operator_account.html")]
struct AccountPage {
    page: Page,
    row: AccountRow,
    suspended_since: String,
    zones: String,
    /// Each with its label.
    limits: Vec<(&'static str, String)>,
    events: Vec<EventRow>,
    is_oneself: bool,
}

pub(crate) async fn show(Operator(who, operator): Operator, Path(number): Path<String>) -> Result<Response, Failure> {
    let account = find(&operator, &number).await?;
    let page = who.page(Section::Accounts);
    let t = page.t;
    let events = operator.events(Some(account.id), None, EVENTS).await?;
    show_page(&AccountPage {
        row: AccountRow::new(&account),
        suspended_since: account.suspended_at.map(minute).unwrap_or_default(),
        zones: operator.count_zones(account.id).await?.to_string(),
        limits: shown(account.limits, t),
        events: events.into_iter().map(|event| EventRow::new(event, t)).collect(),
        is_oneself: account.id == who.account.id,
        page,
    })
}
