//! The dashboard: server-rendered pages, usable without JavaScript, in three languages.
//!
//! | module | purpose |
//! |---|---|
//! | `routes` | the table of pages; the router is built from it, and the tests iterate over it |
//! | `frame` | the middleware of every page: session, headers, refusal of foreign origins, failures shown as pages |
//! | `visit`, `cookies`, `language` | the visitor, and the language |
//! | `page`, `form`, `notice`, `failure` | the parts of pages |
//! | `addresses` | redirect targets, and the query of a URL |
//! | `shared` | what every handler uses: the store, the nameservers, the settings |
//! | `pages` | one file per page, with its template at the same path in `templates/` |
//! | `reference` | the API reference |
//! | `texts` | every text, per language |
//! | `catalogue` | translations that are keyed by their English |
//! | `delays` | growing delays for sign-in attempts and requested e-mails |
//! | `letters` | e-mails that visitors request |
//! | `owner_mail` | e-mails to owners about their accounts |
//! | `assets` | the stylesheet and scripts, compiled in |
//!
//! Pages use the same operations of `store` as the API, so there is only one set of rules. A handler gets the account only
//! through `visit::SignedIn`, `visit::Operator` or `visit::Proved`, and the fields of a form only through `form::Form`, which has
//! checked the session's token.
//!
//! Decided against: a client-side application (a second program on top of the API, slower to the first page, and useless without
//! JavaScript), signed cookies instead of stored sessions (they cannot be revoked), and a framework's stylesheet.

mod addresses;
mod assets;
mod catalogue;
mod cookies;
mod delays;
mod failure;
mod form;
mod frame;
mod language;
mod letters;
mod notice;
mod owner_mail;
mod page;
mod pages;
mod reference;
mod routes;
mod settings;
mod shared;
mod texts;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use claims::Claims;
use deploy::Deployment;
use http_server::Gate;
use store::{Outbox, Store};

pub use letters::Post;
pub use routes::{Access, ROUTES, Route};
pub use settings::{Registration, Settings};

use delays::Delays;
use letters::Letters;
use shared::Shared;
use visit::doors::Doors;

/// The pages over one store.
#[derive(Debug, Clone)]
pub struct Dashboard {
    shared: Arc<Shared>,
    /// What the mail to owners needs, where mail is configured. Pages do not have it.
    mail: Option<(Post, Outbox)>,
}

impl Dashboard {
    /// The pages that show and change what is in `store`. Without `post`, who forgot a password is sent to the operator.
    pub fn new(
        store: Store,
        deployment: Deployment,
        claims: Arc<Claims>,
        settings: Settings,
        post: Option<Post>,
    ) -> Dashboard {
        let (delays, letter_delays) = (Delays::of_passwords(store.clock()), Delays::of_letters(store.clock()));
        let mail = post.map(|post| (post, store.outbox()));
        let post = mail.clone().map(|(post, outbox)| Letters::new(post, outbox));
        let doors = Doors::new(store);
        let files = Gate::new(2 * form::LARGEST_FILE, 8 * form::LARGEST_FILE);
        Dashboard {
            mail,
            shared: Arc::new(Shared { doors, deployment, settings, delays, post, letter_delays, claims, files }),
        }
    }

    /// Writes to owners about what happens to their accounts, for ever. Without mail it only waits.
    pub async fn write_to_owners(&self) {
        match &self.mail {
            Some((post, outbox)) => owner_mail::follow(post, outbox).await,
            None => std::future::pending().await,
        }
    }

    /// `rest` with the pages: the paths of the table, the assets, and a page for what a browser asks for in vain.
    pub fn over(&self, rest: Router) -> Router {
        let framed = |router: Router| router.layer(from_fn_with_state(Arc::clone(&self.shared), frame::frame));
        let pages = framed(routes::router().with_state(Arc::clone(&self.shared)));
        rest.merge(pages)
            .merge(assets::router())
            .layer(from_fn_with_state(Arc::clone(&self.shared), frame::pages_for_browsers))
    }
}
