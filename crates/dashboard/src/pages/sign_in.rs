//! Signing in with e-mail address and password.
//!
//! The response is the same, and takes the same work, whether the account does not exist, is suspended or has no password, or the
//! password is wrong.

use askama::Template;
use axum::extract::RawQuery;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use store::NewSession;

use crate::addresses::{next, next_of_query, with_next};
use crate::cookies;
use crate::delays::Wait;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::settings::Registration;
use crate::texts::say;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    page: Page,
    problems: Problems,
    email: Field,
    password: Field,
    next: String,
    may_register: bool,
    sends_mail: bool,
}

impl SignInPage {
    fn new(visit: &Visit, email: &str, next: String, problems: Problems) -> SignInPage {
        let page = visit.page(Section::None);
        let t = page.t;
        let email_field = Field::email("email", t.email).value(email).required().problem(&problems);
        let password = Field::password("password", t.password, "current-password").required().problem(&problems);
        let (email, password) = match email {
            "" => (email_field.autofocus(), password),
            _ => (email_field, password.autofocus()),
        };
        let may_register = visit.shared.settings.registration == Registration::Open;
        let sends_mail = visit.shared.post.is_some();
        SignInPage { page, problems, email, password, next, may_register, sends_mail }
    }
}

pub(crate) async fn show(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let next = next_of_query(query.as_deref());
    if visit.session.as_ref().is_some_and(|(session, _)| !session.waits_for_code) {
        return Ok(go(&next, None, &visit.shared.settings));
    }
    show_page(&SignInPage::new(&visit, "", next, Problems::default()))
}

pub(crate) async fn submit(visit: Visit, form: Form) -> Result<Response, Failure> {
    let t = visit.language.texts();
    let (email, next) = (form.text("email"), next(form.text("next")));
    let mut problems = Problems::new(t.problem_sign_in);
    let (attempt, lane) = match visit.try_password(email).await? {
        Ok(begun) => begun,
        Err(wait) => {
            problems.add("", say(t.problem_wait, &[&wait.0.to_string()]));
            return too_early(wait, &SignInPage::new(&visit, email, next.to_owned(), problems));
        }
    };
    let account = visit.people().check_password(email, form.raw("password"), lane).await?;
    let session = match account {
        Some(account) => visit.people().begin_session(account.id, visit.origin.clone()).await?,
        None => None,
    };
    let Some(session) = session else {
        visit.people().note_failed_sign_in(email, visit.stranger()).await?;
        problems.add("", t.problem_sign_in_text);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &SignInPage::new(&visit, email, next.to_owned(), problems));
    };
    visit.shared.delays.succeed(&attempt);
    Ok(signed_in(&visit, &session, next, None))
}

/// With the new session's cookie, on to `next`; by way of the code where one is missing.
pub(crate) fn signed_in(visit: &Visit, new: &NewSession, next: &str, notice: Option<Notice>) -> Response {
    let settings = &visit.shared.settings;
    let to = if new.session.waits_for_code { with_next("/sign-in/code/", next) } else { next.to_owned() };
    let mut response = go(&to, notice, settings);
    for cookie in cookies::signed_in(new, visit.is_https) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The form again, for an owner whose session was ended by wrong codes.
pub(super) fn ended(visit: &Visit, email: &str, next: String) -> Result<Response, Failure> {
    let t = visit.language.texts();
    let mut problems = Problems::new(t.problem_sign_in);
    problems.add("", t.problem_codes_ended);
    let mut response = show_with(StatusCode::UNPROCESSABLE_ENTITY, &SignInPage::new(visit, email, next, problems))?;
    let cookie = cookies::remove(cookies::session_name(visit.is_https), visit.is_https);
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// 429, with the time after which it makes sense again.
pub(crate) fn too_early(wait: Wait, page: &impl Template) -> Result<Response, Failure> {
    let mut response = show_with(StatusCode::TOO_MANY_REQUESTS, page)?;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.0));
    Ok(response)
}
