//! Quoting of words in printed commands. Users choose e-mail addresses, and an operator pastes the commands into a shell.

use std::fmt::Display;

/// The text of a value as one word of a POSIX shell, in quotes if it needs them.
pub(crate) fn word(value: &impl Display) -> String {
    let text = value.to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::word;

    #[test]
    fn a_shell_reads_a_word_as_it_was() {
        for text in ["ada@example.org", "`id`@x", "$(id)@x", "a'b\"c@x", "a;b|c&d<e>f@x", "*~#!\\@x", "", "bücher@x"] {
            let printed = Command::new("sh").arg("-c").arg(format!("printf %s {}", word(&text))).output().unwrap();
            assert_eq!(String::from_utf8(printed.stdout).unwrap(), text);
        }
        assert_eq!(word(&"ada@example.org"), "ada@example.org");
    }
}
