//! The operator's view of accounts: the list, and one with its limits, its suspension and its trail.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use store::{Account, AccountError, AccountLimits, Role};

use super::of_query;
use super::operator_events::EventRow;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, minute, show as show_page, show_with};
use crate::texts::Texts;
use crate::texts::zones::ZoneTexts;
use crate::visit::{Operator, Proved};

/// How many accounts stand on a page.
const PAGE: u32 = 50;
/// How much of an account's trail its page shows.
const EVENTS: u32 = 20;
/// The longest that a link made here is good, in hours.
const LINK_HOURS: i64 = 24;

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
    fn of(account: &Account) -> AccountRow {
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

pub(crate) async fn list(Operator(who): Operator, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let text = of_query(query.as_deref(), "q").trim().to_owned();
    let after = Some(of_query(query.as_deref(), "after")).filter(|after| !after.is_empty());
    let is_first = after.is_none();
    let found = who.store().find_accounts(&text, after, PAGE).await?;
    let page = who.page(Section::Accounts);
    show_page(&AccountsPage {
        z: page.language.zone_texts(),
        first: address(&text, ""),
        next: found.next.map(|email| address(&text, &email)),
        query: text,
        is_first,
        accounts: found.accounts.iter().map(AccountRow::of).collect(),
        may_invite: who.visit.shared.settings.registration == crate::Registration::Invitation,
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
    problems: Problems,
    row: AccountRow,
    suspended_since: String,
    zones: String,
    limits: [Field; 4],
    events: Vec<EventRow>,
    is_oneself: bool,
}

impl AccountPage {
    async fn of(
        Operator(who): &Operator,
        account: &Account,
        limits: [&str; 4],
        problems: Problems,
    ) -> Result<AccountPage, Failure> {
        let page = who.page(Section::Accounts);
        let t = page.t;
        let field = |name, label, value: &str| Field::text(name, label).value(value).numeric().problem(&problems);
        let limits = [
            field("zones", t.limit_zones, limits[0]),
            field("records", t.limit_records, limits[1]),
            field("tokens", t.limit_tokens, limits[2]),
            field("changes_per_day", t.limit_changes, limits[3]),
        ];
        let events = who.store().events(Some(account.id), None, EVENTS).await?;
        Ok(AccountPage {
            row: AccountRow::of(account),
            suspended_since: account.suspended_at.map(minute).unwrap_or_default(),
            zones: who.store().count_zones(account.id).await?.to_string(),
            limits,
            events: events.into_iter().map(|event| EventRow::of(event, t)).collect(),
            is_oneself: account.id == who.account.id,
            page,
            problems,
        })
    }
}

async fn find(who: &Operator, number: &str) -> Result<Account, Failure> {
    let number = number.parse().map_err(|_| Failure::NotFound)?;
    who.0.store().account_by_number(number).await?.ok_or(Failure::NotFound)
}

/// The limits as they are typed, in the order of the fields.
fn typed(limits: AccountLimits) -> [String; 4] {
    let AccountLimits { zones, records, tokens, changes_per_day } = limits;
    [zones, records, tokens, changes_per_day].map(|limit| limit.map(|limit| limit.to_string()).unwrap_or_default())
}

pub(crate) async fn show(who: Operator, Path(number): Path<String>) -> Result<Response, Failure> {
    let account = find(&who, &number).await?;
    let limits = typed(account.limits);
    show_page(&AccountPage::of(&who, &account, limits.each_ref().map(String::as_str), Problems::default()).await?)
}

pub(crate) async fn set_limits(who: Operator, Path(number): Path<String>, form: Form) -> Result<Response, Failure> {
    let account = find(&who, &number).await?;
    let t = who.0.visit.language.texts();
    let mut problems = Problems::new(t.problems);
    let mut read = |name: &'static str| match form.text(name) {
        "" => None,
        text => {
            let number = text.parse().ok();
            if number.is_none() {
                problems.add(name, t.problem_limit);
            }
            number
        }
    };
    let limits = AccountLimits {
        zones: read("zones"),
        records: read("records"),
        tokens: read("tokens"),
        changes_per_day: read("changes_per_day"),
    };
    if !problems.is_empty() {
        let typed = ["zones", "records", "tokens", "changes_per_day"].map(|name| form.text(name));
        let page = AccountPage::of(&who, &account, typed, problems).await?;
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let set = who.0.store().set_limits(account.id, limits, &who.0.actor()).await;
    done(&who, &account, set, Notice::LimitsSet).await
}

pub(crate) async fn suspend(who: Operator, Path(number): Path<String>, _: Form) -> Result<Response, Failure> {
    let account = find(&who, &number).await?;
    let suspended = who.0.store().suspend_account(account.id, &who.0.actor()).await;
    done(&who, &account, suspended, Notice::Suspended).await
}

pub(crate) async fn resume(who: Operator, Path(number): Path<String>, _: Form) -> Result<Response, Failure> {
    let account = find(&who, &number).await?;
    let resumed = who.0.store().resume_account(account.id, &who.0.actor()).await;
    done(&who, &account, resumed, Notice::Resumed).await
}

async fn done(
    who: &Operator,
    account: &Account,
    outcome: Result<(), AccountError>,
    notice: Notice,
) -> Result<Response, Failure> {
    let t = who.0.visit.language.texts();
    match outcome {
        Ok(()) => {
            let to = format!("/operator/accounts/{}/", account.id.number());
            Ok(go(&to, Some(notice), &who.0.visit.shared.settings))
        }
        Err(AccountError::NoAccount) => Err(Failure::NotFound),
        Err(AccountError::LastOperator) => {
            let mut problems = Problems::new(t.problems);
            problems.add("", t.problem_last_operator);
            let limits = typed(account.limits);
            let page = AccountPage::of(who, account, limits.each_ref().map(String::as_str), problems).await?;
            show_with(StatusCode::CONFLICT, &page)
        }
        Err(AccountError::Store(error)) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "operator_link.html")]
struct LinkPage {
    page: Page,
    heading: &'static str,
    text: String,
    link: String,
}

/// Makes a one-time link into an account, to be handed to its owner.
pub(crate) async fn make_link(
    who: Operator,
    _: Proved,
    Path(number): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let account = find(&who, &number).await?;
    let good_for = jiff::SignedDuration::from_hours(LINK_HOURS);
    let link = who.0.store().create_link(account.id, good_for, &who.0.actor()).await?;
    let secret = link.ok_or(Failure::NotFound)?;
    let t = who.0.visit.language.texts();
    link_page(&who, t.operator_link, t.operator_link_text, &account.email, secret.reveal())
}

fn link_page(
    Operator(who): &Operator,
    heading: &'static str,
    text: &'static str,
    email: &str,
    secret: &str,
) -> Result<Response, Failure> {
    let text = crate::page::say(text, &[email]);
    let link = format!("{}/link/{secret}/", who.visit.base);
    show_page(&LinkPage { page: who.page(Section::Accounts), heading, text, link })
}

#[derive(Template)]
#[template(path = "operator_invite.html")]
struct InvitePage {
    page: Page,
    problems: Problems,
    email: Field,
}

impl InvitePage {
    fn of(Operator(who): &Operator, typed: &str, problems: Problems, t: &Texts) -> InvitePage {
        let email = Field::text("email", t.email).value(typed).required().autofocus().problem(&problems);
        InvitePage { page: who.page(Section::Accounts), problems, email }
    }
}

/// How long an invitation is good, in hours.
const INVITATION_HOURS: i64 = 24 * 7;

pub(crate) async fn ask_invite(who: Operator) -> Result<Response, Failure> {
    allow_invitations(&who)?;
    let t = who.0.visit.language.texts();
    show_page(&InvitePage::of(&who, "", Problems::default(), t))
}

pub(crate) async fn invite(who: Operator, form: Form) -> Result<Response, Failure> {
    allow_invitations(&who)?;
    let t = who.0.visit.language.texts();
    let email = form.text("email");
    let good_for = jiff::SignedDuration::from_hours(INVITATION_HOURS);
    let mut problems = Problems::new(t.problems);
    match who.0.store().invite(email, good_for, &who.0.actor()).await {
        Ok(secret) => {
            return link_page(&who, t.operator_invitation, t.operator_invitation_text, email, secret.reveal());
        }
        Err(error) => super::register::note(error, t, &mut problems)?,
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &InvitePage::of(&who, email, problems, t))
}

fn allow_invitations(who: &Operator) -> Result<(), Failure> {
    match who.0.visit.shared.settings.registration {
        crate::Registration::Invitation => Ok(()),
        crate::Registration::Open | crate::Registration::Closed => Err(Failure::NotFound),
    }
}
