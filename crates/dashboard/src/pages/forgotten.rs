//! Requesting a link for a forgotten password.
//!
//! The response is the same, and comes at the same time, whether the account exists, is suspended, or mail fails: nothing is
//! looked up before the response.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::sign_in::too_early;
use crate::delays::Wait;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::page::{Page, Section, show as show_page, show_with};
use crate::texts::say;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "forgotten.html")]
struct ForgottenPage {
    page: Page,
    problems: Problems,
    email: Field,
    sends_mail: bool,
}

impl ForgottenPage {
    fn new(visit: &Visit, typed: &str, problems: Problems) -> ForgottenPage {
        let page = visit.page(Section::None);
        let email = Field::email("email", page.t.email).value(typed).required().autofocus().problem(&problems);
        ForgottenPage { page, problems, email, sends_mail: visit.shared.post.is_some() }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct SentPage {
    page: Page,
    heading: &'static str,
    text: &'static str,
}

pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    show_page(&ForgottenPage::new(&visit, "", Problems::default()))
}

pub(crate) async fn submit(visit: Visit, form: Form) -> Result<Response, Failure> {
    let post = visit.shared.post.as_ref().ok_or(Failure::NotFound)?;
    let t = visit.language.texts();
    let email = form.text("email");
    let mut problems = Problems::new(t.problems);
    let checked = check(&visit, email, &mut problems);
    if !problems.is_empty() {
        return refused(checked, &ForgottenPage::new(&visit, email, problems));
    }
    post.send_reset(visit.mail_request(email));
    sent(&visit, t.forgot_sent_text)
}

/// Adds the problem if nothing is sent to an address: it is not valid, or there is a delay, which is also the error.
pub(super) fn check(visit: &Visit, email: &str, problems: &mut Problems) -> Result<(), Wait> {
    let t = visit.language.texts();
    if !store::is_email_address(email) {
        problems.add("email", t.problem_email);
        return Ok(());
    }
    let begun = visit.shared.letter_delays.begin(email, visit.origin.address);
    begun.map(drop).inspect_err(|wait| problems.add("", say(t.problem_wait, &[&wait.0.to_string()])))
}

/// The form again, with what [`check`] noted.
pub(super) fn refused(checked: Result<(), Wait>, page: &impl Template) -> Result<Response, Failure> {
    match checked {
        Ok(()) => show_with(StatusCode::UNPROCESSABLE_ENTITY, page),
        Err(wait) => too_early(wait, page),
    }
}

/// The same words, whatever is sent to whomever.
pub(super) fn sent(visit: &Visit, text: &'static str) -> Result<Response, Failure> {
    let page = visit.page(Section::None);
    let heading = page.t.forgot_sent;
    show_page(&SentPage { page, heading, text })
}
