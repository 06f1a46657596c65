//! The cookies, and how they are set.
//!
//! Over HTTPS, the name of the session's cookie begins with `__Host-`: browsers then accept it only with `Secure`, for this host
//! and for every path (RFC 6265bis, section 4.1.3.2), so that no neighbouring host can set one. Over plain HTTP, on loopback,
//! `Secure` is not possible, so the name is different and the attribute is missing.

use axum::http::{HeaderMap, HeaderValue, header};
use store::{KNOWN_FOR, NewSession, SESSION};

/// The chosen language.
pub(crate) const LANGUAGE: &str = "zonewright_language";
/// What the next page is to say, once.
pub(crate) const NOTICE: &str = "zonewright_notice";

/// The cookie of a known browser. It outlives sessions, and does not sign anyone in by itself.
pub(crate) fn browser_name(is_https: bool) -> &'static str {
    if is_https { "__Host-zonewright-browser" } else { "zonewright-browser" }
}

/// The session's cookie.
pub(crate) fn session_name(is_https: bool) -> &'static str {
    if is_https { "__Host-zonewright" } else { "zonewright" }
}

/// The value of the first cookie of that name.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Sets the session's cookie, which lasts as long as a session can, and that of the browser, where it is known from now on.
pub(crate) fn signed_in(new: &NewSession, is_https: bool) -> impl Iterator<Item = HeaderValue> {
    let browser = new.browser.as_ref();
    let browser =
        browser.and_then(|secret| set(browser_name(is_https), secret.reveal(), KNOWN_FOR.as_secs(), is_https));
    session(new.secret.reveal(), is_https).into_iter().chain(browser)
}

fn session(secret: &str, is_https: bool) -> Option<HeaderValue> {
    set(session_name(is_https), secret, SESSION.as_secs(), is_https)
}

/// Removes a cookie.
pub(crate) fn remove(name: &str, is_https: bool) -> Option<HeaderValue> {
    set(name, "", 0, is_https)
}

/// Sets a cookie for so many seconds. `None` where the value could not stand in a header: none of ours cannot.
pub(crate) fn set(name: &str, value: &str, seconds: i64, is_https: bool) -> Option<HeaderValue> {
    let secure = if is_https { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_cookie_is_secure_and_has_no_domain() {
        assert_eq!(
            session("abc", true).unwrap(),
            "__Host-zonewright=abc; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax; Secure"
        );
        let plain = session("abc", false).unwrap();
        assert_eq!(plain, "zonewright=abc; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("xzonewright=1; zonewright=2;zonewright_language=es"));
        headers.append(header::COOKIE, HeaderValue::from_static("other=3"));
        assert_eq!(read(&headers, "zonewright"), Some("2"));
        assert_eq!(read(&headers, LANGUAGE), Some("es"));
        assert_eq!(read(&headers, "other"), Some("3"));
        assert_eq!(read(&headers, "wright"), None);
    }
}
