//! Deleting the own account with everything in it.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use store::AccountError;

use crate::cookies;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::say;
use crate::visit::{Proved, SignedIn};

#[derive(Template)]
#[template(path = "close.html")]
struct ClosePage {
    page: Page,
    problems: Problems,
    email: Field,
}

impl ClosePage {
    fn new(who: &SignedIn, typed: &str, problems: Problems) -> ClosePage {
        let page = who.page(Section::Account);
        let label = say(page.t.close_type, &[&who.account.email]);
        let email = Field::text("email", &label).value(typed).required().problem(&problems);
        ClosePage { page, problems, email }
    }
}

pub(crate) async fn show(Proved(who): Proved) -> Result<Response, Failure> {
    show_page(&ClosePage::new(&who, "", Problems::default()))
}

pub(crate) async fn submit(Proved(who): Proved, form: Form) -> Result<Response, Failure> {
    let t = who.visit.language.texts();
    let typed = form.text("email");
    let mut problems = Problems::new(t.problems);
    if typed == who.account.email {
        match who.person().close().await {
            Ok(()) => return Ok(closed(&who)),
            Err(AccountError::LastOperator) => problems.add("", t.problem_last_operator),
            Err(AccountError::NoAccount) => return Err(Failure::NotFound),
            Err(AccountError::Store(error)) => return Err(error.into()),
        }
    } else {
        problems.add("email", t.problem_close_type);
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &ClosePage::new(&who, typed, problems))
}

fn closed(who: &SignedIn) -> Response {
    let settings = &who.visit.shared.settings;
    let mut response = go("/sign-in/", Some(Notice::AccountClosed), settings);
    let is_https = who.visit.is_https;
    if let Some(cookie) = cookies::remove(cookies::session_name(is_https), is_https) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
