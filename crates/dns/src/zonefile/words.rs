//! Classifies the words of a record before its data.

use std::str;

/// Whether a class is IN; `None` where the word is no class. BIND takes class 0 for none given.
pub(super) fn is_class(raw: &[u8]) -> Option<bool> {
    let is = |name: &str| raw.eq_ignore_ascii_case(name.as_bytes());
    if is("IN") || is("RESERVED0") {
        return Some(true);
    }
    if ["CH", "CHAOS", "HS", "HESIOD", "NONE", "ANY"].into_iter().any(is) {
        return Some(false);
    }
    let (prefix, digits) = raw.split_at_checked(5)?;
    if !prefix.eq_ignore_ascii_case(b"CLASS") || digits.len() > 5 {
        return None;
    }
    let number: u16 = str::from_utf8(digits).ok().and_then(crate::rdata::text::number)?;
    Some(number <= 1)
}

/// Whether a word has the form of a type's name: a letter, then letters, digits and hyphens.
pub(super) fn is_type_name(raw: &[u8]) -> bool {
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
    raw.first().is_some_and(u8::is_ascii_alphabetic) && raw.len() <= 16 && raw.iter().all(plain)
}

/// Whether a word is the time stamp that the DNS server of Windows writes before the TTL of records that hosts register
/// themselves: `[AGE:3637620]`.
pub(super) fn is_age(raw: &[u8]) -> bool {
    let stamp = raw.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    let digits = stamp.and_then(|stamp| {
        let (mark, digits) = stamp.split_at_checked(4)?;
        mark.eq_ignore_ascii_case(b"AGE:").then_some(digits)
    });
    digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}
