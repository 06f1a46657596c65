//! Texts that people choose freely and others read: names of accounts and tokens, comments, addresses.
//!
//! Control characters could forge lines in logs and lists. Invisible characters (`dns::is_invisible`) make two texts look the same, and
//! the controls of text direction make one read as another (CVE-2021-42574). Everything else may be written, in every script.

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// It has a control character, such as a line break.
    #[error("control characters and line breaks are not allowed")]
    Control,
    /// It has a character that nobody sees.
    #[error("it has the invisible character U+{:04X}; delete it (it often comes along when text is copied)", u32::from(*.0))]
    Invisible(char),
}

/// Refuses control characters, line breaks and invisible characters: for every text of one line that others read.
pub fn check_text(text: &str) -> Result<(), TextProblem> {
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            return Err(TextProblem::Control);
        }
        if dns::is_invisible(c) {
            return Err(TextProblem::Invisible(c));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_refused_and_every_script_is_taken() {
        for c in [
            '\u{200b}', '\u{2060}', '\u{feff}', '\u{200e}', '\u{200f}', '\u{61c}', '\u{202a}', '\u{202e}', '\u{2066}',
            '\u{2069}',
        ] {
            let text = format!("Ann{c}");
            assert_eq!(check_text(&text), Err(TextProblem::Invisible(c)), "{text:?}");
        }
        for text in ["a\nb", "a\rb", "a\u{2028}b", "a\u{2029}b", "a\u{85}b", "\u{1b}[31m", "\0"] {
            assert_eq!(check_text(text), Err(TextProblem::Control), "{text:?}");
        }
        // Persian and Hindi need the joiners, and emoji too.
        for text in [
            "",
            "Ann O\u{2019}Neil",
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{5d0}\u{5d1}",
            "日本語",
        ] {
            assert_eq!(check_text(text), Ok(()), "{text:?}");
        }
    }
}
