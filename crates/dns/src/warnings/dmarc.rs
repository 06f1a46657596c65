//! The tags of DMARC records (RFC 7489, section 6.3): receivers ignore a record with an error in the policy.

use crate::{Message, message};

/// What is wrong with a record that says that it is DMARC; `None` where it can be read.
pub(super) fn fault(text: &str) -> Option<Message> {
    let mut tags: Vec<(String, &str)> = Vec::new();
    let mut parts: Vec<&str> = text.split(';').map(str::trim).collect();
    // A semicolon may end the last tag.
    parts.pop_if(|last| last.is_empty());
    for part in parts {
        let Some((tag, value)) = part.split_once('=') else {
            return Some(message!(
                "has \"{part}\" where a tag and a value are expected, such as p=none",
                part = shown(part)
            ));
        };
        let (tag, value) = (tag.trim().to_ascii_lowercase(), value.trim());
        if tags.iter().any(|(known, _)| *known == tag) {
            return Some(message!("has the tag {tag} twice", tag = shown(&tag)));
        }
        tags.push((tag, value));
    }
    if tags.first().is_none_or(|(tag, value)| tag != "v" || *value != "DMARC1") {
        return Some(message!("must begin with v=DMARC1 and a semicolon"));
    }
    if !tags.iter().any(|(tag, _)| tag == "p") {
        return Some(message!("has no policy; add p=none, p=quarantine or p=reject"));
    }
    tags.iter().find_map(|(tag, value)| {
        let expected = expected(tag, value)?;
        Some(message!("has \"{tag}={value}\", and {tag} is {expected}", tag, value = shown(value), expected))
    })
}

/// What the value of a tag must be, where it is something else. Unknown tags are ignored by receivers.
fn expected(tag: &str, value: &str) -> Option<Message> {
    let value = value.to_ascii_lowercase();
    let one_of = |words: &[&str]| words.contains(&value.as_str());
    let number = |most: u32| crate::rdata::text::number::<u32>(&value).is_some_and(|number| number <= most);
    let (is_valid, expected) = match tag {
        "p" | "sp" | "np" => (one_of(&["none", "quarantine", "reject"]), message!("none, quarantine or reject")),
        "adkim" | "aspf" => (one_of(&["r", "s"]), message!("r (relaxed) or s (strict)")),
        "pct" => (number(100), message!("a number from 0 to 100")),
        "ri" => (number(u32::MAX), message!("a number of seconds")),
        "fo" => (
            value.split(':').all(|one| matches!(one.trim(), "0" | "1" | "d" | "s")),
            message!("0, 1, d, s, or several with colons between"),
        ),
        "rf" => (value.split(':').all(|one| matches!(one.trim(), "afrf" | "iodef")), message!("afrf")),
        "t" => (one_of(&["y", "n"]), message!("y or n")),
        "psd" => (one_of(&["y", "n", "u"]), message!("y, n or u")),
        "rua" | "ruf" => (
            value.split(',').all(|uri| {
                uri.trim().split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty())
            }),
            message!("a list of URIs with commas between, such as mailto:dmarc@example.com"),
        ),
        _ => return None,
    };
    (!is_valid).then_some(expected)
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'))
}

/// A part for a message.
fn shown(part: &str) -> String {
    part.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_receivers_can_read() {
        for text in [
            "v=DMARC1; p=none",
            "v=DMARC1;p=reject;",
            " v = DMARC1 ; P = Quarantine ; sp=none; np=reject; adkim=s; aspf=R; pct=0; ri=86400; fo=1:d:s; rf=afrf; t=y; psd=u",
            "v=DMARC1; p=none; rua=mailto:a@example.com!10m, mailto:b@example.org; ruf=https://example.com/x; x=y",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("v=DMARC1; p=nonee", "\"p=nonee\", and p is none, quarantine or reject"),
            ("v=DMARC1 p=none", "must begin with v=DMARC1"),
            ("v=dmarc1; p=none", "must begin with v=DMARC1"),
            ("p=none; v=DMARC1", "must begin with v=DMARC1"),
            ("v=DMARC1", "has no policy"),
            ("v=DMARC1; rua=mailto:a@example.com", "has no policy"),
            ("v=DMARC1; p=none; p=reject", "has the tag p twice"),
            ("v=DMARC1; p", "where a tag and a value are expected"),
            ("v=DMARC1;; p=none", "where a tag and a value are expected"),
            ("v=DMARC1; p=none; sp=no", "sp is none"),
            ("v=DMARC1; p=none; pct=101", "pct is a number from 0 to 100"),
            ("v=DMARC1; p=none; pct=50%", "pct is a number"),
            ("v=DMARC1; p=none; adkim=strict", "adkim is r"),
            ("v=DMARC1; p=none; fo=2", "fo is 0, 1, d, s"),
            ("v=DMARC1; p=none; rua=a@example.com", "rua is a list of URIs"),
            ("v=DMARC1; p=none; rua=mailto:a@example.com,", "rua is a list of URIs"),
        ] {
            let found = fault(text).unwrap_or_else(|| panic!("{text} has a fault"));
            assert!(found.to_string().contains(says), "{text}: {found}");
        }
    }
}
