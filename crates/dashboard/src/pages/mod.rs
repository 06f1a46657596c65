//! One file per page. Each has the same order: the template, the form and its problems, the handlers.

pub(crate) mod account;
pub(crate) mod close;
pub(crate) mod developers;
pub(crate) mod forgotten;
pub(crate) mod home;
pub(crate) mod key_new;
pub(crate) mod keys;
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
use crate::texts::{Texts, say};

/// Adds the problems of a chosen password.
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
