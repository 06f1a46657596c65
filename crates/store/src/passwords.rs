//! Which passwords people may choose.
//!
//! Rules about kinds of characters are decided against (NIST SP 800-63B, section 3.1.1.2): people answer them with `Password1!`. Instead a
//! password has a minimum length and must not be one that everybody tries first. The list (`common_passwords.txt`) has some 20,000
//! passwords found in public breaches, compiled by Royce Williams for Django, whose licence (BSD) stands beside it. It is compared in lower
//! case and without spaces, also with up to five digits or signs around it, and repeated.
//!
//! Decided against: asking a service over the network (the server may have no way out, and it need not know), and the crate `zxcvbn`, which
//! refuses by an estimate that nobody can explain to the person who chose the password.

use std::sync::LazyLock;

/// The shortest password, in characters.
pub const SHORTEST_PASSWORD: usize = 10;
/// The longest, in octets: hashing takes no longer for it, but its transport would.
pub const LONGEST_PASSWORD: usize = 1024;

/// How many digits or signs around a common password do not make it another.
const AFFIX: usize = 5;

/// In lower case, sorted.
static COMMON: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// It is too short.
    #[error("the password needs at least {SHORTEST_PASSWORD} characters")]
    Short,
    /// It is too long.
    #[error("the password may have at most {LONGEST_PASSWORD} octets")]
    Long,
    /// It is the account's address.
    #[error("the password must not be the e-mail address")]
    IsAddress,
    /// It is one that is tried first.
    #[error(
        "the password is on the list of common passwords, or only repeats or extends one; choose another, such as four random words"
    )]
    Common,
}

/// Whether the owner of an account with that address may choose a password.
pub fn check_password(password: &str, email: &str) -> Result<(), PasswordProblem> {
    if password.chars().count() < SHORTEST_PASSWORD {
        Err(PasswordProblem::Short)
    } else if password.len() > LONGEST_PASSWORD {
        Err(PasswordProblem::Long)
    } else if password.trim().to_lowercase() == email.to_lowercase() {
        Err(PasswordProblem::IsAddress)
    } else if is_common(password) {
        Err(PasswordProblem::Common)
    } else {
        Ok(())
    }
}

fn is_common(password: &str) -> bool {
    let plain: String =
        password.to_lowercase().chars().filter(|c| !c.is_whitespace() && !dns::is_invisible(*c)).collect();
    let core = plain.trim_matches(|c: char| !c.is_alphabetic());
    let is_extended = plain.chars().count() - core.chars().count() <= AFFIX;
    is_listed(&plain) || is_repeated(&plain) || is_extended && (is_listed(core) || is_repeated(core))
}

/// Empty counts: it is what spaces alone come to.
fn is_listed(plain: &str) -> bool {
    plain.is_empty() || COMMON.binary_search(&plain).is_ok()
}

/// Whether it is one character, or one listed password, over and over.
fn is_repeated(plain: &str) -> bool {
    (1..=plain.len() / 2).filter(|length| plain.len().is_multiple_of(*length) && plain.is_char_boundary(*length)).any(
        |length| {
            let (part, rest) = plain.split_at(length);
            let repeats = rest.as_bytes().chunks(length).all(|other| other == part.as_bytes());
            repeats && (part.chars().count() <= 2 || is_listed(part))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: &str = "ann@example.com";

    #[test]
    fn the_list_is_sorted_and_in_lower_case() {
        assert!(COMMON.is_sorted() && COMMON.len() > 19_000);
        assert!(COMMON.iter().all(|word| word.to_lowercase() == **word && !word.contains(' ')));
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for (password, problem) in [
            ("", PasswordProblem::Short),
            ("zKq4!vPw", PasswordProblem::Short),
            ("ann@example.com", PasswordProblem::IsAddress),
            (" Ann@Example.Com ", PasswordProblem::IsAddress),
            ("1234567890", PasswordProblem::Common),
            ("          ", PasswordProblem::Common),
            ("\u{a0}\u{2003}\t\t\t\t\t\t\t\t\t\t", PasswordProblem::Common),
            ("1234 5678 90", PasswordProblem::Common),
            ("QWERTYUIOP", PasswordProblem::Common),
            ("PassWord123", PasswordProblem::Common),
            ("password      ", PasswordProblem::Common),
            ("p a s s w o r d", PasswordProblem::Common),
            ("pass\u{200b}word\u{200b}\u{200b}", PasswordProblem::Common),
            ("passwordpassword", PasswordProblem::Common),
            ("ChangeMe123", PasswordProblem::Common),
            ("!!changeme!!", PasswordProblem::Common),
            ("aaaaaaaaaaaa", PasswordProblem::Common),
            ("abababababab", PasswordProblem::Common),
            ("ééééééééééé", PasswordProblem::Common),
            ("administrator", PasswordProblem::Common),
        ] {
            assert_eq!(check_password(password, EMAIL), Err(problem), "{password:?}");
        }
        assert_eq!(check_password(&"x1".repeat(600), EMAIL), Err(PasswordProblem::Long));
    }

    #[test]
    fn what_is_not_common_may_be_chosen() {
        for password in [
            "correct horse battery",
            "another long one",
            "hunter2 and some more",
            "zKq4!vPw92",
            "日本語のパスワードです",
            "metallica-kelapa",
        ] {
            assert_eq!(check_password(password, EMAIL), Ok(()), "{password:?}");
        }
    }
}
