//! Setting a password: the first one, or another.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use store::PasswordHash;

use super::{HOME, check_new_password};
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, say, show as show_page, show_with};
use crate::visit::{Proved, SignedIn};

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    page: Page,
    problems: Problems,
    email: String,
    password: Field,
}

impl PasswordPage {
    fn of(who: &SignedIn, problems: Problems) -> PasswordPage {
        let page = who.page(Section::Account);
        let hint = say(page.t.password_hint, &["10"]);
        let password = Field::password("password", page.t.new_password, "new-password").hint(&hint);
        let password = password.required().autofocus().problem(&problems);
        PasswordPage { page, problems, email: who.account.email.clone(), password }
    }
}

pub(crate) async fn show(Proved(who): Proved) -> Result<Response, Failure> {
    show_page(&PasswordPage::of(&who, Problems::default()))
}

pub(crate) async fn submit(Proved(who): Proved, form: Form) -> Result<Response, Failure> {
    let t = who.visit.language.texts();
    let password = form.raw("password");
    let mut problems = Problems::new(t.problems);
    check_new_password(password, &who.account.email, t, &mut problems);
    if !problems.is_empty() {
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &PasswordPage::of(&who, problems));
    }
    let hash = PasswordHash::new(password).await?;
    who.store().set_password(who.account.id, hash, Some(who.session.id), &who.actor()).await?;
    Ok(go(HOME, Some(Notice::PasswordSet), &who.visit.shared.settings))
}
