//! The visitor: the frame reads it once per request, and handlers request it as the type that states what they need.
//!
//! | extractor | who has access | others get |
//! |---|---|---|
//! | [`Visit`] | anyone | |
//! | [`SignedIn`] | users with a session | the sign-in page |
//! | [`Proved`] | users who entered their password in the last ten minutes | the page that asks for the password |
//! | [`Operator`] | operators | 404, as for a page that does not exist |
//! | [`ProvedOperator`] | operators who entered their password in the last ten minutes | as the two above |

pub(crate) mod doors;

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, header};
use data_encoding::HEXLOWER;
use dns::Apex;
use http_server::Client;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use store::{
    Account, AccountId, Actor, Author, Keep, Lane, Origin, People, Person, PlainSecret, Session, Source, Store, Tenant,
    Timestamp, ZoneScope,
};

use crate::cookies;
use crate::delays::{Attempt, Wait};
use crate::failure::Failure;
use crate::language::Language;
use crate::letters::MailRequest;
use crate::notice::Notice;
use crate::settings::Settings;
use crate::shared::Shared;

/// How long an entered password counts as recent.
const PROVED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// A request, and who makes it.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) shared: Arc<Shared>,
    pub(crate) language: Language,
    pub(crate) origin: Origin,
    /// Whether the visitor's browser uses TLS.
    pub(crate) is_https: bool,
    /// The server's address as this visitor reaches it, without a path.
    pub(crate) base: String,
    /// The path, without what follows it.
    pub(crate) path: String,
    /// The session and its account, where there is one; it may still wait for a code.
    pub(crate) session: Option<(Session, Account)>,
    /// What forms of this session carry; empty without one.
    pub(crate) csrf: String,
    /// What this page is to say of the one before.
    pub(crate) notice: Option<Notice>,
}

impl Visit {
    /// Reads the visitor from the request.
    pub(crate) async fn read(parts: &Parts, shared: &Arc<Shared>) -> Result<Visit, Failure> {
        let client = parts.extensions.get::<Client>();
        let is_https = shared.settings.is_https(client);
        let secret = cookies::read(&parts.headers, cookies::session_name(is_https));
        let session = match secret {
            Some(secret) => shared.doors.store().people().session(secret).await?,
            None => None,
        };
        let csrf = secret.filter(|_| session.is_some()).map(csrf).unwrap_or_default();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let notice = cookies::read(&parts.headers, cookies::NOTICE).and_then(Notice::of_word);
        let language = Language::of_query(parts.uri.query()).unwrap_or_else(|| Language::of_headers(&parts.headers));
        let browser = cookies::read(&parts.headers, cookies::browser_name(is_https));
        Ok(Visit {
            shared: Arc::clone(shared),
            language,
            origin: Origin {
                address: client.map(|client| client.address),
                agent: agent.to_owned(),
                browser: browser.and_then(PlainSecret::presented),
                language: Some(language.tag()),
            },
            is_https,
            base: base(parts, &shared.settings, is_https),
            path: parts.uri.path().to_owned(),
            session,
            csrf,
            notice,
        })
    }

    fn store(&self) -> &Store {
        self.shared.doors.store()
    }

    /// What anyone may do.
    pub(crate) fn people(&self) -> People {
        self.store().people()
    }

    /// The server's own records in every zone.
    pub(crate) fn apex(&self) -> &Apex {
        self.store().apex()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.store().now()
    }

    /// The anonymous visitor, for the audit log.
    pub(crate) fn stranger(&self) -> Actor {
        self.actor(None)
    }

    /// The visitor with this account, for the audit log.
    fn actor(&self, account: Option<AccountId>) -> Actor {
        Actor { account, address: self.origin.address }
    }

    /// The visitor's own account.
    fn person(&self, account: &Account) -> Person {
        self.store().person(account.id, self.actor(Some(account.id)))
    }

    /// Ends the session, if there is one.
    pub(crate) async fn sign_out(&self) -> Result<(), Failure> {
        if let Some((session, account)) = &self.session {
            self.person(account).end_session(session.id).await?;
        }
        Ok(())
    }

    /// A request for mail to that address.
    pub(crate) fn mail_request(&self, email: &str) -> MailRequest {
        MailRequest { language: self.language, by: self.stranger(), email: email.to_owned() }
    }

    /// The session of a visitor who entered the password, but not yet the one-time code.
    pub(crate) fn waiting(&self) -> Option<&Session> {
        self.session.as_ref().map(|(session, _)| session).filter(|session| session.waits_for_code)
    }

    /// Begins an attempt with a password for the account of that address. Attempts from a known browser are counted apart, so
    /// that others cannot delay them, and wait in a lane of their own.
    pub(crate) async fn try_password(&self, email: &str) -> Result<Result<(Attempt, Lane), Wait>, Failure> {
        let known = self.people().account_of_known_browser(email, self.origin.browser.as_ref()).await?;
        let (counted, lane) = match known {
            // No address has a space.
            Some(account) => (Cow::from(format!("{email} from a known browser")), Lane::Known(account)),
            None => (Cow::from(email), Lane::Anyone),
        };
        Ok(self.shared.delays.begin(&counted, self.origin.address).map(|attempt| (attempt, lane)))
    }

    fn signed_in(&self, next: &str) -> Result<SignedIn, Failure> {
        match &self.session {
            None => Err(Failure::SignIn { next: next.to_owned() }),
            Some((session, _)) if session.waits_for_code => Err(Failure::Code { next: next.to_owned() }),
            Some((session, account)) => {
                Ok(SignedIn { visit: self.clone(), session: session.clone(), account: account.clone() })
            }
        }
    }
}

/// Where the visitor reaches the server: as the operator says, or else as the request does.
fn base(parts: &Parts, settings: &Settings, is_https: bool) -> String {
    if let Some(url) = &settings.url {
        return url.clone();
    }
    let host = parts.uri.authority().map(|authority| authority.as_str());
    let host = host.or_else(|| parts.headers.get(header::HOST)?.to_str().ok()).unwrap_or("localhost");
    let scheme = if is_https { "https" } else { "http" };
    format!("{scheme}://{host}")
}

/// The token in a session's forms: derived from the cookie's secret, which it does not reveal.
fn csrf(secret: &str) -> String {
    let digest = Sha256::digest(format!("form {secret}"));
    HEXLOWER.encode(&digest[..16])
}

impl FromRequestParts<Arc<Shared>> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Visit, Failure> {
        match parts.extensions.get::<Visit>() {
            Some(visit) => Ok(visit.clone()),
            None => Visit::read(parts, shared).await,
        }
    }
}

/// A signed-in user.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) visit: Visit,
    pub(crate) session: Session,
    pub(crate) account: Account,
}

impl SignedIn {
    /// The visitor's own account.
    pub(crate) fn person(&self) -> Person {
        self.visit.person(&self.account)
    }

    /// The zones of the visitor's account.
    pub(crate) fn zones(&self) -> Tenant {
        let author = Author {
            account: self.account.id,
            name: self.account.email.clone(),
            source: Source::Dashboard,
            address: self.visit.origin.address,
        };
        self.visit.store().tenant(author, ZoneScope::All)
    }

    /// This session and this known browser, which continue when all other sign-ins end.
    pub(crate) fn keep(&self) -> Keep {
        Keep { session: Some(self.session.id), browser: self.visit.origin.browser.clone() }
    }
}

impl FromRequestParts<Arc<Shared>> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<SignedIn, Failure> {
        let visit = Visit::from_request_parts(parts, shared).await?;
        visit.signed_in(&wanted(parts))
    }
}

/// A signed-in user who entered the password recently: for changes that affect who can sign in.
#[derive(Debug, Clone)]
pub(crate) struct Proved(pub(crate) SignedIn);

impl FromRequestParts<Arc<Shared>> for Proved {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Proved, Failure> {
        let signed_in = SignedIn::from_request_parts(parts, shared).await?;
        let now = signed_in.visit.now();
        let end = signed_in.session.proved_at.and_then(|proved| proved.checked_add(PROVED_FOR).ok());
        if end.is_some_and(|end| now < end) {
            Ok(Proved(signed_in))
        } else {
            Err(Failure::Prove { next: wanted(parts) })
        }
    }
}

/// An operator, and what operators may do.
#[derive(Debug, Clone)]
pub(crate) struct Operator(pub(crate) SignedIn, pub(crate) store::Operator);

impl FromRequestParts<Arc<Shared>> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Operator, Failure> {
        let signed_in = SignedIn::from_request_parts(parts, shared).await?;
        let is_operator = signed_in.account.role == store::Role::Operator;
        if !is_operator {
            return Err(Failure::NotFound);
        }
        let operator = signed_in.visit.store().operator(signed_in.visit.actor(Some(signed_in.account.id)));
        Ok(Operator(signed_in, operator))
    }
}

/// The redirect target after sign-in. A submitted form is lost and must be filled in again.
fn wanted(parts: &Parts) -> String {
    let path = parts.uri.path();
    match parts.uri.query() {
        Some(query) if parts.method == Method::GET => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}

/// An operator who entered the password recently: for actions on other accounts.
#[derive(Debug, Clone)]
pub(crate) struct ProvedOperator(pub(crate) SignedIn, pub(crate) store::Operator);

impl FromRequestParts<Arc<Shared>> for ProvedOperator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<ProvedOperator, Failure> {
        // In this order: the page does not exist for others, whatever they prove.
        let Operator(_, operator) = Operator::from_request_parts(parts, shared).await?;
        Proved::from_request_parts(parts, shared).await.map(|Proved(who)| ProvedOperator(who, operator))
    }
}
