//! Who forgot their password has a link sent by mail.
//!
//! The answer is the same, and comes at the same time, whether there is such an account, it is suspended, or mail fails: nothing
//! is looked for before it is given.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::sign_in::too_early;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::page::{Page, Section, say, show as show_page, show_with};
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
    fn of(visit: &Visit, typed: &str, problems: Problems) -> ForgottenPage {
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
    show_page(&ForgottenPage::of(&visit, "", Problems::default()))
}

pub(crate) async fn submit(visit: Visit, form: Form) -> Result<Response, Failure> {
    let post = visit.shared.post.as_ref().ok_or(Failure::NotFound)?;
    let t = visit.language.texts();
    let email = form.text("email");
    let mut problems = Problems::new(t.problems);
    if !store::is_email_address(email) {
        problems.add("email", t.problem_email);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &ForgottenPage::of(&visit, email, problems));
    }
    if let Err(wait) = visit.shared.letter_delays.begin(email, visit.origin.address) {
        problems.add("", say(t.problem_wait, &[&wait.0.to_string()]));
        return too_early(wait, &ForgottenPage::of(&visit, email, problems));
    }
    post.send_reset(&visit, email);
    show_page(&SentPage { page: visit.page(Section::None), heading: t.forgot_sent, text: t.forgot_sent_text })
}
