//! Entering the password again before a change that affects who can sign in.

use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use store::Lane;

use super::sign_in::too_early;
use crate::addresses::{next, next_of_query};
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::say;
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "prove.html")]
struct ProvePage {
    page: Page,
    problems: Problems,
    /// Missing where the account has no password: then only a new link helps.
    password: Option<Field>,
    next: String,
}

impl ProvePage {
    async fn new(who: &SignedIn, next: String, problems: Problems) -> Result<ProvePage, Failure> {
        let page = who.page(Section::Account);
        let has_password = who.person().has_password().await?;
        let field = Field::password("password", page.t.password, "current-password");
        let password = has_password.then(|| field.required().autofocus().problem(&problems));
        Ok(ProvePage { page, problems, password, next })
    }
}

pub(crate) async fn show(who: SignedIn, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    show_page(&ProvePage::new(&who, next_of_query(query.as_deref()), Problems::default()).await?)
}

pub(crate) async fn submit(who: SignedIn, form: Form) -> Result<Response, Failure> {
    let t = who.visit.language.texts();
    let (delays, settings) = (&who.visit.shared.delays, &who.visit.shared.settings);
    let lane = Lane::Known(who.account.id);
    let next = next(form.text("next")).to_owned();
    let mut problems = Problems::new(t.problem_sign_in);
    let attempt = match who.visit.try_password(&who.account.email).await? {
        Ok((attempt, _)) => attempt,
        Err(wait) => {
            problems.add("", say(t.problem_wait, &[&wait.0.to_string()]));
            return too_early(wait, &ProvePage::new(&who, next, problems).await?);
        }
    };
    if who.visit.people().check_password(&who.account.email, form.raw("password"), lane).await?.is_some() {
        delays.succeed(&attempt);
        who.person().prove_session(who.session.id).await?;
        return Ok(go(&next, None, settings));
    }
    problems.add("password", t.problem_password_wrong);
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &ProvePage::new(&who, next, problems).await?)
}
