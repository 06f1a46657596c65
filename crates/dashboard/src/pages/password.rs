//! Setting the first password, or changing it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use store::{Lane, TokensAfterwards};

use super::check_new_password;
use crate::addresses::HOME;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::say;
use crate::visit::{Proved, SignedIn};

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    page: Page,
    problems: Problems,
    email: String,
    password: Field,
    /// The label of the check box that revokes all tokens and update keys; `None` if there are none.
    tokens: Option<String>,
    revokes_tokens: bool,
}

impl PasswordPage {
    async fn new(who: &SignedIn, form: &Form, problems: Problems) -> Result<PasswordPage, Failure> {
        let page = who.page(Section::Account);
        let hint = say(page.t.password_hint, &["10"]);
        let password = Field::password("password", page.t.new_password, "new-password").hint(&hint);
        let password = password.required().autofocus().problem(&problems);
        let counts = [who.person().tokens().await?.len(), who.zones().update_keys().await?.len()];
        let [tokens, keys] = counts.map(|count| count.to_string());
        let is_any = counts.iter().any(|count| *count > 0);
        let tokens = is_any.then(|| say(page.t.password_revoke_tokens, &[&tokens, &keys]));
        let (email, revokes_tokens) = (who.account.email.clone(), revokes_tokens(form));
        Ok(PasswordPage { page, problems, email, password, tokens, revokes_tokens })
    }
}

fn revokes_tokens(form: &Form) -> bool {
    form.has("tokens", "revoke")
}

pub(crate) async fn show(Proved(who): Proved) -> Result<Response, Failure> {
    show_page(&PasswordPage::new(&who, &Form::default(), Problems::default()).await?)
}

pub(crate) async fn submit(Proved(who): Proved, form: Form) -> Result<Response, Failure> {
    let t = who.visit.language.texts();
    let password = form.raw("password");
    let mut problems = Problems::new(t.problems);
    check_new_password(password, &who.account.email, t, &mut problems);
    if !problems.is_empty() {
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &PasswordPage::new(&who, &form, problems).await?);
    }
    let hash = who.visit.people().hash_password(password, Lane::Known(who.account.id)).await?;
    let tokens = if revokes_tokens(&form) { TokensAfterwards::Revoked } else { TokensAfterwards::Kept };
    who.person().set_password(hash, who.keep(), tokens).await?;
    Ok(go(HOME, Some(Notice::PasswordSet), &who.visit.shared.settings))
}
