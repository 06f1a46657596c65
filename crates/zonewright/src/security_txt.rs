//! `/.well-known/security.txt` (RFC 9116): the contact for vulnerabilities of this server.
//!
//! It exists only if the operator has set `security_contact`: the authors of this program are the wrong contact for an operator's
//! machine. `SECURITY.md` in the repository is about the program.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use jiff::SignedDuration;
use store::{Clock, Timestamp};

/// For how long what is answered may be believed. RFC 9116, section 2.5.5, recommends less than a year.
const VALID_FOR: SignedDuration = SignedDuration::from_hours(24 * 180);

/// Where the file is, at RFC 8615's place for such files.
const PATH: &str = "/.well-known/security.txt";

/// The route; nothing where there is no contact. `url` is the address at which people reach the server, where it is set.
pub(crate) fn router(contact: Option<String>, url: Option<String>, clock: Clock) -> Router {
    let Some(contact) = contact else { return Router::new() };
    let answer = move || {
        let text = text(&contact, url.as_deref(), clock.now());
        async move { ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response() }
    };
    Router::new().route(PATH, get(answer))
}

fn text(contact: &str, url: Option<&str>, now: Timestamp) -> String {
    let expires = now.checked_add(VALID_FOR).unwrap_or(now);
    let canonical = url.map(|url| format!("Canonical: {url}{PATH}\n")).unwrap_or_default();
    format!("Contact: {contact}\nExpires: {expires:.0}\n{canonical}")
}

/// A contact as the file wants it: a URI. An e-mail address becomes one.
pub(crate) fn contact(text: &str) -> Result<String, &'static str> {
    let is_plain = text.chars().all(|c| c.is_ascii_graphic());
    if is_plain && (text.starts_with("https://") || text.starts_with("mailto:") || text.starts_with("tel:")) {
        return Ok(text.to_owned());
    }
    if is_plain && store::is_email_address(text) && !text.contains(['?', '#', '%', ':', '/']) {
        return Ok(format!("mailto:{text}"));
    }
    Err("is neither an e-mail address nor an https:, mailto: or tel: address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_an_address_that_adds_no_line() {
        for text in [
            "",
            "security",
            "http://example.net/",
            "javascript:alert(1)",
            "a@b\nContact: mailto:c@d",
            "mailto:a@b c",
            "https://ex\u{202e}ample.net",
        ] {
            assert!(contact(text).is_err(), "{text:?}");
        }
        assert_eq!(contact("security@example.net").unwrap(), "mailto:security@example.net");
        for uri in ["mailto:security@example.net", "https://example.net/security?x=%20", "tel:+34-600-000000"] {
            assert_eq!(contact(uri).unwrap(), uri);
        }
    }

    #[test]
    fn the_file_expires_within_a_year() {
        let now = "2026-01-31T10:20:30.5Z".parse().unwrap();
        assert_eq!(
            text("mailto:a@b", Some("https://dns.example.net"), now),
            "Contact: mailto:a@b\nExpires: 2026-07-30T10:20:30Z\nCanonical: https://dns.example.net/.well-known/security.txt\n"
        );
        assert_eq!(text("mailto:a@b", None, now).lines().count(), 2);
    }
}
