//! The grammar of SPF records (RFC 7208, sections 4.6 and 5): after one mistake, receivers treat the record as an error.

use crate::{Message, message};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What is wrong with a record that begins with `v=spf1 `; `None` where it can be read.
pub(super) fn fault(text: &str) -> Option<Message> {
    if let Some(odd) = text.chars().find(|c| !c.is_ascii() || c.is_ascii_control()) {
        return Some(message!(
            "has the character {character}, and only printable ASCII is allowed there",
            character = format!("{odd:?}")
        ));
    }
    let mut seen_all = false;
    let mut once = Vec::new();
    for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
        let end = term.find([':', '=', '/']).unwrap_or(term.len());
        let (name, argument) = term.split_at(end);
        if argument.starts_with('=') {
            match modifier(name, argument.get(1..).unwrap_or_default(), &mut once) {
                Some(reason) => return Some(message!("has \"{term}\": {reason}", term = shown(term), reason)),
                None => continue,
            }
        }
        if seen_all {
            return Some(message!("has \"{term}\" after \"all\", where receivers ignore it", term = shown(term)));
        }
        let name = name.strip_prefix(['+', '-', '~', '?']).unwrap_or(name).to_ascii_lowercase();
        if let Some(reason) = mechanism(&name, argument) {
            return Some(message!("has \"{term}\": {reason}", term = shown(term), reason));
        }
        seen_all = name == "all";
    }
    None
}

fn modifier(name: &str, value: &str, once: &mut Vec<String>) -> Option<Message> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "redirect" | "exp" if once.contains(&name) => Some(message!("{name} is allowed only once", name)),
        "redirect" | "exp" => {
            let reason = domain(value);
            once.push(name);
            reason
        }
        "all" | "include" | "a" | "mx" | "ptr" | "ip4" | "ip6" | "exists" => {
            Some(message!("a colon follows \"{name}\", not an equals sign", name))
        }
        // Others are for later versions, and ignored (section 6).
        other => {
            let letter = other.starts_with(|c: char| c.is_ascii_alphabetic());
            let plain = other.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'));
            (!letter || !plain).then(|| message!("this is neither a mechanism nor a modifier"))
        }
    }
}

fn mechanism(name: &str, argument: &str) -> Option<Message> {
    let after_colon = argument.strip_prefix(':');
    match (name, after_colon) {
        ("all", _) => (!argument.is_empty()).then(|| message!("\"all\" stands alone")),
        ("include" | "exists", Some(of)) => domain(of),
        ("include" | "exists", None) => {
            Some(message!("{name} needs a domain, such as {name}:example.com", name = name.to_owned()))
        }
        ("ptr", Some(of)) => domain(of),
        ("ptr", None) => (!argument.is_empty()).then(|| message!("a colon and a domain follow \"ptr\", or nothing")),
        ("a" | "mx", _) => {
            let (of, lengths) = argument.split_once('/').map_or((argument, None), |(of, rest)| (of, Some(rest)));
            let named = of.strip_prefix(':').and_then(domain);
            named.or_else(|| lengths.filter(|lengths| !are_lengths(lengths)).map(|_| LENGTHS))
        }
        ("ip4", Some(network)) => (!is_network::<Ipv4Addr>(network, 32))
            .then(|| message!("ip4 needs an IPv4 address or network, such as ip4:192.0.2.0/24")),
        ("ip6", Some(network)) => (!is_network::<Ipv6Addr>(network, 128))
            .then(|| message!("ip6 needs an IPv6 address or network, such as ip6:2001:db8::/32")),
        ("ip4" | "ip6", None) => Some(message!("a colon and an address follow \"{name}\"", name = name.to_owned())),
        _ => Some(message!("known mechanisms are all, include, a, mx, ip4, ip6, exists and ptr")),
    }
}

const LENGTHS: Message = message!("a slash is followed by a prefix length: /0 to /32 for IPv4, //0 to //128 for IPv6");

/// `24`, `24//64` or `/64`: what stands behind the first slash.
fn are_lengths(text: &str) -> bool {
    let (four, six) = match text.split_once('/') {
        None => (Some(text), None),
        Some(("", six)) => (None, Some(six)),
        Some((four, six)) => (Some(four), six.strip_prefix('/').or(Some("x"))),
    };
    four.is_none_or(|length| is_length(length, 32)) && six.is_none_or(|length| is_length(length, 128))
}

fn is_network<A: std::str::FromStr>(text: &str, most: u8) -> bool {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    address.parse::<A>().is_ok() && length.is_none_or(|length| is_length(length, most))
}

fn is_length(text: &str, most: u8) -> bool {
    crate::rdata::text::number::<u8>(text).is_some_and(|length| length <= most)
}

/// What is wrong with a domain. One with macros (`%{i}`) is only known when mail comes.
fn domain(text: &str) -> Option<Message> {
    if text.contains('%') {
        return None;
    }
    let sound = crate::Name::parse(text).is_ok_and(|name| name.is_host_like() && name.labels().count() > 1);
    (!sound).then(|| message!("a domain is needed, such as example.com"))
}

/// A term for a message.
fn shown(term: &str) -> String {
    term.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_receivers_can_read() {
        for terms in [
            "",
            "-all",
            "mx a:b.example.com/24 a/24//64 mx//64 ip4:192.0.2.0/24 ip4:192.0.2.1 ip6:2001:db8::/32 ?all",
            "include:_spf.example.com ~all",
            "  +MX   -ALL ",
            "exists:%{i}._spf.%{d2} ptr ptr:example.com redirect=_spf.example.com exp=explain.example.com",
            "ra=postmaster rp=100 -all",
            "-all exp=explain.example.com",
        ] {
            assert_eq!(fault(&format!("v=spf1 {terms}")), None, "{terms}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (terms, says) in [
            ("mx ~al", "\"~al\": known mechanisms are all"),
            ("mx --all", "\"--all\": known mechanisms"),
            ("mx; -all", "known mechanisms"),
            ("ipv4:192.0.2.1 -all", "known mechanisms"),
            ("ip4:192.0.2 -all", "ip4 needs"),
            ("ip4:192.0.2.0/33 -all", "ip4 needs"),
            ("ip4:2001:db8::1 -all", "ip4 needs"),
            ("ip6:192.0.2.1 -all", "ip6 needs"),
            ("ip6:2001:db8::/129 -all", "ip6 needs"),
            ("ip4 -all", "a colon and an address follow"),
            ("ip4=192.0.2.1 -all", "a colon follows \"ip4\""),
            ("include=example.com -all", "a colon follows \"include\""),
            ("include -all", "include needs a domain"),
            ("include: -all", "a domain is needed"),
            ("include:https://example.com -all", "a domain is needed"),
            ("include:google -all", "a domain is needed"),
            ("a:mail.example.com/x -all", "a slash is followed by"),
            ("a/24/64 -all", "a slash is followed by"),
            ("mx/33 -all", "a slash is followed by"),
            ("all:example.com", "\"all\" stands alone"),
            ("-all mx", "\"mx\" after \"all\""),
            ("redirect=a.example.com redirect=b.example.com", "only once"),
            ("-redirect=a.example.com", "neither a mechanism nor a modifier"),
            ("mx \u{201c}-all\u{201d}", "only printable ASCII"),
            ("mx\t-all", "only printable ASCII"),
        ] {
            let found = fault(&format!("v=spf1 {terms}")).unwrap_or_else(|| panic!("{terms} has a fault"));
            assert!(found.to_string().contains(says), "{terms}: {found}");
        }
    }
}
