//! The second step of signing in: a one-time code or a recovery code.

use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use store::CodeOutcome;

use super::sign_in::{ended, signed_in, too_early};
use crate::addresses::{next, next_of_query};
use crate::delays::Wait;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::page::{Page, Section, show as show_page, show_with};
use crate::texts::say;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage {
    page: Page,
    problems: Problems,
    code: Field,
    next: String,
}

impl CodePage {
    fn new(visit: &Visit, next: String, problems: Problems) -> CodePage {
        let page = visit.page(Section::None);
        let code = Field::text("code", page.t.code).hint(page.t.code_hint).autocomplete("one-time-code");
        let code = code.required().autofocus().problem(&problems);
        CodePage { page, problems, code, next }
    }
}

pub(crate) async fn show(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let next = next_of_query(query.as_deref());
    if visit.waiting().is_none() {
        return Err(Failure::SignIn { next });
    }
    show_page(&CodePage::new(&visit, next, Problems::default()))
}

pub(crate) async fn submit(visit: Visit, form: Form) -> Result<Response, Failure> {
    let t = visit.language.texts();
    let next = next(form.text("next")).to_owned();
    let (Some(waiting), Some((_, account))) = (visit.waiting(), &visit.session) else {
        return Err(Failure::SignIn { next });
    };
    let mut problems = Problems::new(t.problem_sign_in);
    match visit.people().complete_session(waiting, form.text("code"), visit.origin.clone()).await? {
        CodeOutcome::Right(session) => Ok(signed_in(&visit, &session, &next, None)),
        CodeOutcome::Wrong => {
            problems.add("code", t.problem_code);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &CodePage::new(&visit, next, problems))
        }
        CodeOutcome::Ended => ended(&visit, &account.email, next),
        CodeOutcome::TooEarly { seconds } => {
            problems.add("", say(t.problem_codes_wait, &[&seconds.div_ceil(60).to_string()]));
            too_early(Wait(seconds), &CodePage::new(&visit, next, problems))
        }
        CodeOutcome::Gone => Err(Failure::SignIn { next }),
    }
}
