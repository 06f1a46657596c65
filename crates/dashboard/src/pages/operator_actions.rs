//! The operator's actions on an account: suspend, reactivate, limit, invite, help its owner to sign in.
//!
//! Each action has a page that shows its effects, with a button that performs it. Both need a recently entered password, and both
//! work without JavaScript. If a form is submitted too late, the visitor enters the password and gets back to its page.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use store::{Account, AccountError, AccountId, AccountLimits, Suspension};

use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::settings::Registration;
use crate::texts::{Texts, say};
use crate::visit::{ProvedOperator, SignedIn};

/// How long a link made here is valid, in hours.
const LINK_HOURS: i64 = 24;
/// How long an invitation is valid, in hours.
const INVITATION_HOURS: i64 = 24 * 7;
/// The field of a form whose review was confirmed.
const CONFIRMED: (&str, &str) = ("confirmed", "yes");

/// What will happen, and the button that does it.
#[derive(Template)]
#[template(path = "operator_confirm.html")]
struct ConfirmPage {
    page: Page,
    problems: Problems,
    heading: &'static str,
    text: String,
    /// More of it, one line each.
    lines: Vec<String>,
    hidden: Vec<(&'static str, String)>,
    button: &'static str,
    is_bad: bool,
    back: String,
}

/// What is done at the press of one button.
#[derive(Debug, Clone, Copy)]
enum Action {
    Suspend,
    Resume,
    Link,
    SecondFactorOff,
}

impl ConfirmPage {
    fn new(who: &SignedIn, action: Action, account: &Account, problems: Problems) -> ConfirmPage {
        let page = who.page(Section::Accounts);
        let t = page.t;
        let (heading, text, button, is_bad) = match action {
            Action::Suspend => (t.suspend, t.suspend_ask, t.suspend, true),
            Action::Resume => (t.resume, t.resume_ask, t.resume, false),
            Action::Link => (t.operator_link, t.operator_link_ask, t.operator_link_make, false),
            Action::SecondFactorOff => (t.operator_codes_off, t.operator_codes_off_ask, t.turn_off, true),
        };
        let (text, back) = (say(text, &[&account.email]), address(account));
        ConfirmPage { page, problems, heading, text, lines: Vec::new(), hidden: Vec::new(), button, is_bad, back }
    }
}

fn address(account: &Account) -> String {
    format!("/operator/accounts/{}/", account.id.number())
}

pub(super) async fn find(operator: &store::Operator, number: &str) -> Result<Account, Failure> {
    let number = number.parse().map_err(|_| Failure::NotFound)?;
    operator.account(AccountId::from_number(number)).await?.ok_or(Failure::NotFound)
}

async fn ask(who: &SignedIn, operator: &store::Operator, number: &str, action: Action) -> Result<Response, Failure> {
    let account = find(operator, number).await?;
    show_page(&ConfirmPage::new(who, action, &account, Problems::default()))
}

pub(crate) async fn ask_suspend(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    ask(&who, &operator, &id, Action::Suspend).await
}

pub(crate) async fn suspend(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let account = find(&operator, &id).await?;
    match operator.suspend_account(account.id, Suspension::SignIn).await {
        Ok(()) => Ok(done(&who, &account, Notice::Suspended)),
        Err(AccountError::NoAccount) => Err(Failure::NotFound),
        Err(AccountError::LastOperator) => {
            let t = who.visit.language.texts();
            let mut problems = Problems::new(t.problems);
            problems.add("", t.problem_last_operator);
            show_with(StatusCode::CONFLICT, &ConfirmPage::new(&who, Action::Suspend, &account, problems))
        }
        Err(AccountError::Store(error)) => Err(error.into()),
    }
}

pub(crate) async fn ask_resume(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    ask(&who, &operator, &id, Action::Resume).await
}

pub(crate) async fn resume(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let account = find(&operator, &id).await?;
    operator.resume_account(account.id).await.map_err(failure)?;
    Ok(done(&who, &account, Notice::Resumed))
}

pub(crate) async fn ask_codes_off(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    ask(&who, &operator, &id, Action::SecondFactorOff).await
}

/// For an owner who has lost phone and recovery codes.
pub(crate) async fn codes_off(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let account = find(&operator, &id).await?;
    operator.person(account.id).turn_second_factor_off().await?;
    Ok(done(&who, &account, Notice::OperatorCodesOff))
}

/// A failure where none of the operator's doing is possible.
fn failure(error: AccountError) -> Failure {
    match error {
        AccountError::NoAccount => Failure::NotFound,
        AccountError::Store(error) => error.into(),
        other @ AccountError::LastOperator => Failure::server(other),
    }
}

fn done(who: &SignedIn, account: &Account, notice: Notice) -> Response {
    go(&address(account), Some(notice), &who.visit.shared.settings)
}

#[derive(Template)]
#[template(path = "operator_limits.html")]
struct LimitsPage {
    page: Page,
    problems: Problems,
    email: String,
    limits: Vec<Field>,
    back: String,
}

/// The limits: the field's name, its label, and where it stands.
struct Limit {
    name: &'static str,
    label: &'static str,
    value: fn(&mut AccountLimits) -> &mut Option<u32>,
}

fn limits(t: &Texts) -> [Limit; 5] {
    [
        Limit { name: "zones", label: t.limit_zones, value: |limits| &mut limits.zones },
        Limit { name: "records", label: t.limit_records, value: |limits| &mut limits.records },
        Limit { name: "tokens", label: t.limit_tokens, value: |limits| &mut limits.tokens },
        Limit { name: "changes_per_day", label: t.limit_changes, value: |limits| &mut limits.changes_per_day },
        Limit { name: "stored_records", label: t.limit_stored, value: |limits| &mut limits.stored_records },
    ]
}

fn typed(limit: Option<u32>) -> String {
    limit.map(|limit| limit.to_string()).unwrap_or_default()
}

/// The limits of an account as they are shown, each with its label.
pub(super) fn shown(mut account: AccountLimits, t: &Texts) -> Vec<(&'static str, String)> {
    let shown = |limit: Option<u32>| limit.map_or_else(|| t.no_limit.to_owned(), |limit| limit.to_string());
    limits(t).into_iter().map(|limit| (limit.label, shown(*(limit.value)(&mut account)))).collect()
}

impl LimitsPage {
    fn new(who: &SignedIn, account: &Account, form: Option<&Form>, problems: Problems) -> LimitsPage {
        let page = who.page(Section::Accounts);
        let mut current = account.limits;
        let field = |limit: Limit| {
            let value =
                form.map_or_else(|| typed(*(limit.value)(&mut current)), |form| form.text(limit.name).to_owned());
            Field::text(limit.name, limit.label).value(&value).numeric().problem(&problems)
        };
        let limits = limits(page.t).into_iter().map(field).collect();
        LimitsPage { limits, page, problems, email: account.email.clone(), back: address(account) }
    }
}

pub(crate) async fn ask_limits(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let account = find(&operator, &id).await?;
    show_page(&LimitsPage::new(&who, &account, None, Problems::default()))
}

/// Shows what was typed beside what is, and sets it where that was confirmed.
pub(crate) async fn set_limits(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let account = find(&operator, &id).await?;
    let page = who.page(Section::Accounts);
    let t = page.t;
    let mut problems = Problems::new(t.problems);
    let mut wanted = AccountLimits::default();
    for limit in limits(t) {
        let text = form.text(limit.name);
        let number = text.parse().ok();
        if !text.is_empty() && number.is_none() {
            problems.add(limit.name, t.problem_limit);
        }
        *(limit.value)(&mut wanted) = number;
    }
    if !problems.is_empty() {
        let page = LimitsPage::new(&who, &account, Some(&form), problems);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    if form.has(CONFIRMED.0, CONFIRMED.1) {
        operator.set_limits(account.id, wanted).await.map_err(failure)?;
        return Ok(done(&who, &account, Notice::LimitsSet));
    }
    let rows = shown(account.limits, t).into_iter().zip(shown(wanted, t));
    let mut hidden: Vec<_> =
        limits(t).into_iter().map(|limit| (limit.name, typed(*(limit.value)(&mut wanted)))).collect();
    hidden.push((CONFIRMED.0, CONFIRMED.1.to_owned()));
    show_page(&ConfirmPage {
        problems,
        heading: t.limits,
        text: say(t.limits_ask, &[&account.email]),
        lines: rows.map(|((label, before), (_, after))| format!("{label}: {before} → {after}")).collect(),
        hidden,
        button: t.save,
        is_bad: false,
        back: address(&account),
        page,
    })
}

#[derive(Template)]
#[template(path = "operator_link.html")]
struct LinkPage {
    page: Page,
    heading: &'static str,
    text: String,
    link: String,
}

impl LinkPage {
    fn new(who: &SignedIn, heading: &'static str, text: &str, email: &str, secret: &str) -> LinkPage {
        let link = format!("{}/link/{secret}/", who.visit.base);
        LinkPage { page: who.page(Section::Accounts), heading, text: say(text, &[email]), link }
    }
}

pub(crate) async fn ask_link(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    ask(&who, &operator, &id, Action::Link).await
}

/// Creates a one-time link into an account, to be handed to its owner.
pub(crate) async fn make_link(
    ProvedOperator(who, operator): ProvedOperator,
    Path(id): Path<String>,
    _: Form,
) -> Result<Response, Failure> {
    let account = find(&operator, &id).await?;
    let valid_for = jiff::SignedDuration::from_hours(LINK_HOURS);
    let link = operator.create_link(account.id, valid_for).await?;
    let secret = link.ok_or(Failure::NotFound)?;
    let t = who.visit.language.texts();
    show_page(&LinkPage::new(&who, t.operator_link, t.operator_link_text, &account.email, secret.reveal()))
}

#[derive(Template)]
#[template(path = "operator_invite.html")]
struct InvitePage {
    page: Page,
    problems: Problems,
    email: Field,
}

impl InvitePage {
    fn new(who: &SignedIn, typed: &str, problems: Problems) -> InvitePage {
        let page = who.page(Section::Accounts);
        let email = Field::text("email", page.t.email).value(typed).required().autofocus().problem(&problems);
        InvitePage { page, problems, email }
    }
}

pub(crate) async fn ask_invite(ProvedOperator(who, _): ProvedOperator) -> Result<Response, Failure> {
    allow_invitations(&who)?;
    show_page(&InvitePage::new(&who, "", Problems::default()))
}

/// Shows who would be invited to what, and invites them where that was confirmed.
pub(crate) async fn invite(ProvedOperator(who, operator): ProvedOperator, form: Form) -> Result<Response, Failure> {
    allow_invitations(&who)?;
    let page = who.page(Section::Accounts);
    let t = page.t;
    let email = form.text("email");
    let mut problems = Problems::new(t.problems);
    if form.has(CONFIRMED.0, CONFIRMED.1) {
        let valid_for = jiff::SignedDuration::from_hours(INVITATION_HOURS);
        match operator.invite(email, valid_for).await {
            Ok(secret) => {
                let text = t.operator_invitation_text;
                return show_page(&LinkPage::new(&who, t.operator_invitation, text, email, secret.reveal()));
            }
            Err(error) => super::register::note(error, t, &mut problems)?,
        }
    } else if !store::is_email_address(email) {
        problems.add("email", t.problem_email);
    } else if operator.account_by_email(email).await?.is_some() {
        problems.add("email", t.problem_email_taken);
    } else {
        return show_page(&ConfirmPage {
            problems,
            heading: t.operator_invitation,
            text: say(t.invite_ask, &[email]),
            lines: Vec::new(),
            hidden: vec![("email", email.to_owned()), (CONFIRMED.0, CONFIRMED.1.to_owned())],
            button: t.invite_make,
            is_bad: false,
            back: "/operator/accounts/".to_owned(),
            page,
        });
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &InvitePage::new(&who, email, problems))
}

fn allow_invitations(who: &SignedIn) -> Result<(), Failure> {
    match who.visit.shared.settings.registration {
        Registration::Invitation => Ok(()),
        Registration::Open | Registration::Closed => Err(Failure::NotFound),
    }
}
