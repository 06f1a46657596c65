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

use store::{PasswordProblem, SHORTEST_PASSWORD, TextProblem, check_password, check_text};

use crate::form::Problems;
use crate::page::say;
use crate::texts::Texts;

/// Where somebody is led who wanted nowhere else.
pub(crate) const HOME: &str = "/";

/// Notes what is wrong with a password that somebody chose.
pub(crate) fn check_new_password(password: &str, email: &str, t: &Texts, problems: &mut Problems) {
    match check_password(password, email) {
        Ok(()) => {}
        Err(PasswordProblem::Short) => {
            problems.add("password", say(t.problem_password_short, &[&SHORTEST_PASSWORD.to_string()]));
        }
        Err(PasswordProblem::Long) => problems.add("password", t.problem_password_long),
        Err(PasswordProblem::IsAddress) => problems.add("password", t.problem_password_is_email),
        Err(PasswordProblem::Common) => problems.add("password", t.problem_password_common),
    }
}

/// The longest name of an account or a token, in characters.
const LONGEST_NAME: usize = 100;

/// Adds the problem with a name that the user chose.
pub(crate) fn check_name(field: &'static str, name: &str, t: &Texts, problems: &mut Problems) {
    if name.chars().count() > LONGEST_NAME {
        problems.add(field, say(t.problem_name_long, &[&LONGEST_NAME.to_string()]));
    }
    match check_text(name) {
        Ok(()) => {}
        Err(TextProblem::Control) => problems.add(field, t.problem_name_control),
        Err(TextProblem::Invisible(c)) => {
            problems.add(field, say(t.problem_name_invisible, &[&format!("{:04X}", u32::from(c))]));
        }
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
