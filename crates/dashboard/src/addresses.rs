//! Addresses within the server: redirect targets, and the values in the query of a URL.

use std::borrow::Cow;

/// Default redirect target after sign-in.
pub(crate) const HOME: &str = "/";

/// Redirect target after sign-in: `wanted` if it is a path on this server, otherwise [`HOME`].
pub(crate) fn next(wanted: &str) -> &str {
    let is_path = wanted.starts_with('/') && !wanted.starts_with("//") && !wanted.contains(['\\', '\r', '\n', '\t']);
    if is_path { wanted } else { HOME }
}

/// [`next`] as a query asks for it.
pub(crate) fn next_of_query(query: Option<&str>) -> String {
    next(&of_query(query, "next")).to_owned()
}

/// The value of a name in a query; empty where it is missing.
pub(crate) fn of_query(query: Option<&str>, name: &str) -> String {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.into_iter().find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The address of a page that leads on to `next`.
pub(crate) fn with_next(path: &str, next: &str) -> String {
    let query: Cow<'_, str> = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish().into();
    if next == HOME { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_never_led_to_another_server() {
        for wanted in
            ["", "x", "https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "/a\r\nb"]
        {
            assert_eq!(next(wanted), HOME, "{wanted:?}");
        }
        assert_eq!(next("/account/?a=b"), "/account/?a=b");
        assert_eq!(next_of_query(Some("x=1&next=%2Faccount%2F")), "/account/");
        assert_eq!(next_of_query(None), HOME);
    }
}
