//! One file per page. Each has the same order: the template, what is typed and what is wrong with it, the handlers.

pub(crate) mod account;
pub(crate) mod close;
pub(crate) mod developers;
pub(crate) mod forgotten;
pub(crate) mod home;
pub(crate) mod link;
pub(crate) mod operator_accounts;
pub(crate) mod operator_actions;
pub(crate) mod operator_events;
pub(crate) mod password;
pub(crate) mod prove;
pub(crate) mod reference;
pub(crate) mod register;
pub(crate) mod second_factor;
pub(crate) mod sign_in;
pub(crate) mod sign_in_code;
pub(crate) mod sign_out;
pub(crate) mod token_new;
pub(crate) mod zones;

use crate::form::Problems;
use crate::page::say;
use crate::texts::Texts;

/// Where somebody is led who wanted nowhere else.
pub(crate) const HOME: &str = "/";

/// The shortest password that is taken, in characters.
const SHORTEST_PASSWORD: usize = 10;
/// The longest, in octets: hashing takes no longer for it, but its transport would.
const LONGEST_PASSWORD: usize = 1024;

/// Notes what is wrong with a password that somebody chose.
pub(crate) fn check_new_password(password: &str, email: &str, t: &Texts, problems: &mut Problems) {
    if password.chars().count() < SHORTEST_PASSWORD {
        problems.add("password", say(t.problem_password_short, &[&SHORTEST_PASSWORD.to_string()]));
    } else if password.len() > LONGEST_PASSWORD {
        problems.add("password", t.problem_password_long);
    } else if password.eq_ignore_ascii_case(email) {
        problems.add("password", t.problem_password_is_email);
    }
}

/// Where to go on: a path on this server, whatever somebody wrote there.
pub(crate) fn next(wanted: &str) -> &str {
    let is_path = wanted.starts_with('/') && !wanted.starts_with("//") && !wanted.contains(['\\', '\r', '\n', '\t']);
    if is_path { wanted } else { HOME }
}

/// [`next`] as a query asks for it.
pub(crate) fn next_of_query(query: Option<&str>) -> String {
    next(&of_query(query, "next")).to_owned()
}

/// The value of a name in a query; empty where it is missing.
fn of_query(query: Option<&str>, name: &str) -> String {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.into_iter().find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
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
