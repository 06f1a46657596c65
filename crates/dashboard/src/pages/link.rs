//! One-time links. Opening one only shows a page, so that mail programs that open links do not use it up; the button on the page
//! uses it.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use store::Link;

use super::register;
use super::sign_in::signed_in;
use crate::failure::Failure;
use crate::form::Form;
use crate::notice::Notice;
use crate::page::{Page, Section, show as show_page, show_with};
use crate::settings::Registration;
use crate::texts::say;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    page: Page,
    text: String,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct UsedPage {
    page: Page,
    heading: &'static str,
    text: &'static str,
}

/// 410: the link was used or has expired, or it never existed, which cannot be distinguished.
fn used(visit: &Visit) -> Result<Response, Failure> {
    let page = visit.page(Section::None);
    let text = if visit.shared.post.is_some() { page.t.link_used_mail_text } else { page.t.link_used_text };
    let heading = page.t.link_used;
    show_with(StatusCode::GONE, &UsedPage { page, heading, text })
}

/// Invitations end when registration closes.
fn is_closed(visit: &Visit) -> bool {
    visit.shared.settings.registration == Registration::Closed
}

pub(crate) async fn show(visit: Visit, Path(secret): Path<String>) -> Result<Response, Failure> {
    match visit.people().link(&secret).await? {
        None => used(&visit),
        Some(Link::SignIn(account)) => {
            let page = visit.page(Section::None);
            let text = say(page.t.link_text, &[&account.email]);
            show_page(&LinkPage { page, text })
        }
        Some(Link::Invitation(_)) if is_closed(&visit) => used(&visit),
        Some(Link::Invitation(email)) => register::show_invited(&visit, email),
    }
}

pub(crate) async fn submit(visit: Visit, Path(secret): Path<String>, form: Form) -> Result<Response, Failure> {
    let answer = match visit.people().link(&secret).await? {
        None => None,
        Some(Link::Invitation(_)) if is_closed(&visit) => None,
        Some(Link::Invitation(email)) => register::accept(&visit, &secret, email, &form).await?,
        Some(Link::SignIn(_)) => {
            let session = visit.people().sign_in_by_link(&secret, visit.origin.clone()).await?;
            session.map(|session| signed_in(&visit, &session, "/account/password/", Some(Notice::ChoosePassword)))
        }
    };
    answer.map_or_else(|| used(&visit), Ok)
}
