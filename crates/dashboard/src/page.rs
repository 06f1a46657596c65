//! What every page shows around its content, and the conversion of a page to a response.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use store::Role;

use crate::assets;
use crate::cookies;
use crate::failure::Failure;
use crate::language::Language;
use crate::notice::Notice;
use crate::settings::Settings;
use crate::texts::Texts;
use crate::visit::{SignedIn, Visit};

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// None: pages before sign-in, and failures.
    None,
    Zones,
    Account,
    Developers,
    Accounts,
    Events,
}

/// What the layout shows. Every template that extends `layout.html` has a field `page` of this type.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The texts in the visitor's language.
    pub(crate) t: &'static Texts,
    pub(crate) language: Language,
    /// The e-mail address of the signed-in user.
    pub(crate) email: Option<String>,
    pub(crate) is_operator: bool,
    /// What every form carries in its field `csrf`: `{% include "csrf.html" %}`.
    pub(crate) csrf: String,
    pub(crate) notice: Option<String>,
    pub(crate) section: Section,
    /// Where the links to other languages lead.
    pub(crate) path: String,
}

impl Page {
    /// The page for a request whose session could not be read.
    pub(crate) fn of_nobody(language: Language) -> Page {
        Page {
            t: language.texts(),
            language,
            email: None,
            is_operator: false,
            csrf: String::new(),
            notice: None,
            section: Section::None,
            path: "/".to_owned(),
        }
    }

    /// The languages that this page could be in.
    pub(crate) fn languages(&self) -> [Language; 3] {
        Language::EVERY
    }

    pub(crate) fn stylesheet(&self) -> &'static str {
        &assets::STYLE.path
    }

    pub(crate) fn htmx(&self) -> &'static str {
        &assets::HTMX.path
    }

    pub(crate) fn script(&self) -> &'static str {
        &assets::SCRIPT.path
    }

    pub(crate) fn icon(&self) -> &'static str {
        &assets::ICON.path
    }

    pub(crate) fn is(&self, section: Section) -> bool {
        self.section == section
    }
}

impl Visit {
    /// What every page shows around its own content.
    pub(crate) fn page(&self, section: Section) -> Page {
        let t = self.language.texts();
        let signed_in = self.session.as_ref().filter(|(session, _)| !session.waits_for_code);
        Page {
            t,
            language: self.language,
            email: signed_in.map(|(_, account)| account.email.clone()),
            is_operator: signed_in.is_some_and(|(_, account)| account.role == Role::Operator),
            csrf: self.csrf.clone(),
            notice: self.notice.map(|notice| notice.text(t)),
            section,
            path: self.path.clone(),
        }
    }
}

impl SignedIn {
    /// What every page shows around its own content.
    pub(crate) fn page(&self, section: Section) -> Page {
        self.visit.page(section)
    }
}

/// The page as an answer.
pub(crate) fn show(page: &impl Template) -> Result<Response, Failure> {
    show_with(StatusCode::OK, page)
}

/// The page as an answer with that status: 422 for a form with mistakes.
pub(crate) fn show_with(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
    Ok((status, kind, page.render()?).into_response())
}

/// To another page, which says what was done.
pub(crate) fn go(to: &str, notice: Option<Notice>, settings: &Settings) -> Response {
    let mut response = Redirect::to(to).into_response();
    // Ten minutes: later, the message is out of date. It is not secret, and need not be `Secure` if only a proxy says that the
    // connection is HTTPS.
    let cookie = notice.and_then(|notice| cookies::set(cookies::NOTICE, &notice.word(), 600, settings.https));
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
