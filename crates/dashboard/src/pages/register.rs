//! Creating an account, where registration is open, and by invitation.
//!
//! With mail, open registration sends an invitation link, so that the address is confirmed and the page does not reveal who has
//! an account. Without mail, the address is not confirmed.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use store::{AcceptError, CreateAccountError, Lane, NewAccount, Role};

use super::sign_in::{signed_in, too_early};
use super::{check_new_password, forgotten};
use crate::addresses::HOME;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::letters::Letters;
use crate::page::{Page, Section, show as show_page, show_with};
use crate::settings::Registration;
use crate::texts::{Texts, say};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    page: Page,
    problems: Problems,
    /// The address that was invited; otherwise they choose one.
    invited: Option<String>,
    email: Field,
    names: [Field; 3],
    password: Field,
}

impl RegisterPage {
    fn new(visit: &Visit, invited: Option<String>, form: &Form, problems: Problems) -> RegisterPage {
        let page = visit.page(Section::None);
        let t = page.t;
        let name = |name, label| Field::text(name, label).value(form.text(name)).problem(&problems);
        let names = [
            name("first_name", t.first_name).autocomplete("given-name"),
            name("last_name", t.last_name).autocomplete("family-name"),
            name("company_name", t.company_name).autocomplete("organization"),
        ];
        let email = Field::email("email", t.email).value(form.text("email")).required().problem(&problems);
        let hint = say(t.register_password_hint, &["10"]);
        let password = Field::password("password", t.password, "new-password").hint(&hint).required();
        RegisterPage { password: password.problem(&problems), page, problems, invited, email, names }
    }
}

/// Notes what is wrong with an address; a failure of the store is the page's.
pub(crate) fn note(error: CreateAccountError, t: &Texts, problems: &mut Problems) -> Result<(), Failure> {
    match error {
        CreateAccountError::Email(_) => problems.add("email", t.problem_email),
        CreateAccountError::Exists(_) => problems.add("email", t.problem_email_taken),
        CreateAccountError::Store(error) => return Err(error.into()),
    }
    Ok(())
}

/// What was typed, as an account to be made. The password is hashed only where nothing else is wrong.
async fn read(visit: &Visit, form: &Form, email: &str, problems: &mut Problems) -> Result<NewAccount, Failure> {
    let t = visit.language.texts();
    check_new_password(form.raw("password"), email, t, problems);
    for name in ["first_name", "last_name", "company_name"] {
        super::check_name(name, form.text(name), t, problems);
    }
    let password = if problems.is_empty() {
        Some(visit.people().hash_password(form.raw("password"), Lane::Anyone).await?)
    } else {
        None
    };
    Ok(NewAccount {
        email: email.to_owned(),
        first_name: form.text("first_name").to_owned(),
        last_name: form.text("last_name").to_owned(),
        company_name: form.text("company_name").to_owned(),
        password,
        role: Role::User,
        limits: visit.shared.settings.registered,
    })
}

#[derive(Template)]
#[template(path = "register_by_mail.html")]
struct ByMailPage {
    page: Page,
    problems: Problems,
    email: Field,
}

impl ByMailPage {
    fn new(visit: &Visit, typed: &str, problems: Problems) -> ByMailPage {
        let page = visit.page(Section::None);
        let email = Field::email("email", page.t.email).value(typed).required().autofocus().problem(&problems);
        ByMailPage { page, problems, email }
    }
}

fn submit_by_mail(visit: &Visit, form: &Form, post: &Letters) -> Result<Response, Failure> {
    let t = visit.language.texts();
    let email = form.text("email");
    let mut problems = Problems::new(t.problems);
    let checked = forgotten::check(visit, email, &mut problems);
    if !problems.is_empty() {
        return forgotten::refused(checked, &ByMailPage::new(visit, email, problems));
    }
    post.send_invitation(visit.mail_request(email));
    forgotten::sent(visit, t.register_sent_text)
}

pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    only_where_open(&visit)?;
    if visit.shared.post.is_some() {
        return show_page(&ByMailPage::new(&visit, "", Problems::default()));
    }
    show_page(&RegisterPage::new(&visit, None, &Form::default(), Problems::default()))
}

pub(crate) async fn submit(visit: Visit, form: Form) -> Result<Response, Failure> {
    only_where_open(&visit)?;
    if let Some(post) = &visit.shared.post {
        return submit_by_mail(&visit, &form, post);
    }
    let t = visit.language.texts();
    let email = form.text("email").to_owned();
    let mut problems = Problems::new(t.problems);
    // Every attempt counts, also a success, so that clients cannot create accounts, or test which exist, in bulk.
    if let Err(wait) = visit.shared.delays.begin(&email, visit.origin.address) {
        problems.add("", say(t.problem_wait, &[&wait.0.to_string()]));
        return too_early(wait, &RegisterPage::new(&visit, None, &form, problems));
    }
    let new = read(&visit, &form, &email, &mut problems).await?;
    if problems.is_empty() {
        match visit.people().register(new, visit.stranger()).await {
            Ok(account) => {
                let session = visit.people().begin_session(account.id, visit.origin.clone()).await?;
                let session = session.ok_or(Failure::NotFound)?;
                return Ok(signed_in(&visit, &session, HOME, None));
            }
            Err(error) => note(error, t, &mut problems)?,
        }
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &RegisterPage::new(&visit, None, &form, problems))
}

fn only_where_open(visit: &Visit) -> Result<(), Failure> {
    match visit.shared.settings.registration {
        Registration::Open => Ok(()),
        Registration::Invitation | Registration::Closed => Err(Failure::NotFound),
    }
}

/// The form of an invitation's link.
pub(crate) fn show_invited(visit: &Visit, email: String) -> Result<Response, Failure> {
    show_page(&RegisterPage::new(visit, Some(email), &Form::default(), Problems::default()))
}

/// Uses an invitation. `None`: the link is no longer valid.
pub(crate) async fn accept(
    visit: &Visit,
    secret: &str,
    email: String,
    form: &Form,
) -> Result<Option<Response>, Failure> {
    let t = visit.language.texts();
    let mut problems = Problems::new(t.problems);
    let new = read(visit, form, &email, &mut problems).await?;
    if problems.is_empty() {
        match visit.people().accept_invitation(secret, new, visit.origin.clone()).await {
            Ok(session) => return Ok(Some(signed_in(visit, &session, HOME, None))),
            Err(AcceptError::NoLink) => return Ok(None),
            Err(AcceptError::Create(error)) => note(error, t, &mut problems)?,
        }
    }
    let page = RegisterPage::new(visit, Some(email), form, problems);
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &page).map(Some)
}
