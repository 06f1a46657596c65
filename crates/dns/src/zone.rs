//! Valid names of zones.

use std::fmt;

use crate::name::host_in;
use crate::{Fault, Name, Suffix, message, reverse};

/// The name of a zone that an account may be given: never a top-level domain or a public suffix, but for those that
/// [`ZoneName::parse_for_operator`] reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ZoneName(Name);

impl ZoneName {
    /// Reads the name of a zone, Unicode or A-labels, any case, the final dot optional.
    ///
    /// Labels are letters, digits, hyphens inside, underscores, and below in-addr.arpa and ip6.arpa the slash of RFC 2317; what
    /// else DNS would allow is a slip of the keyboard here. A name whose last label is a number is refused: browsers and
    /// resolvers take it for an address, and no such top-level domain exists (RFC 3696, section 2).
    ///
    /// # Errors
    ///
    /// The text is no such name, or it is a name for local networks (`lan`), which only the operator may create.
    pub fn parse(text: &str) -> Result<ZoneName, Fault> {
        let name = ZoneName::parse_for_operator(text)?;
        if name.suffix() == Some(Suffix::Local) {
            let detail =
                message!("{name} is a name for local networks; only the operator of this server can create it", name);
            return Err(Fault::of("domain", "domain-local", detail));
        }
        Ok(name)
    }

    /// As [`ZoneName::parse`], and reads the names for local networks too (`lan`, `internal`, `home.arpa`).
    ///
    /// # Errors
    ///
    /// The text is no such name.
    pub fn parse_for_operator(text: &str) -> Result<ZoneName, Fault> {
        let fault = |check, detail| Fault::of("domain", check, detail);
        if let Some(zones) = reverse::zones_of(text) {
            return Err(fault(
                "domain-address",
                message!(
                    "{text} is a network or an address, not a domain name; {zones}",
                    text = text.to_owned(),
                    zones
                ),
            ));
        }
        let name = Name::parse(text).map_err(|error| fault("domain-name", error.message()))?;
        // Also what becomes an address when it is converted, such as fullwidth digits.
        if let Some(zones) = reverse::zones_of(&name.to_string()) {
            return Err(fault(
                "domain-address",
                message!("{name} is an address, not a domain name; {zones}", name, zones),
            ));
        }
        let slash_allowed = reverse::is_reverse(&name);
        for label in name.labels() {
            let sound = label
                .iter()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_') || (*c == b'/' && slash_allowed));
            if !sound || label.starts_with(b"-") || label.ends_with(b"-") {
                let rule = message!(
                    "the labels of a zone's name consist of letters, digits and hyphens, with a hyphen only inside"
                );
                let detail = match host_in(text).filter(|host| ZoneName::parse(&host.to_string()).is_ok()) {
                    Some(host) => message!("{rule}; enter only the name, {host}", rule, host),
                    None if label.contains(&b'/') => {
                        message!(
                            "{rule}; a slash is allowed only in a name below in-addr.arpa or ip6.arpa (RFC 2317)",
                            rule
                        )
                    }
                    None => rule,
                };
                return Err(fault("domain-label", detail));
            }
        }
        if name.labels().last().is_some_and(|label| label.iter().all(u8::is_ascii_digit)) {
            let detail =
                message!("{name} ends with a number, and no domain name does; enter a name such as example.com", name);
            return Err(fault("domain-number", detail));
        }
        if Suffix::of(&name) == Some(Suffix::Public) {
            return Err(if name.labels().count() < 2 {
                let detail = message!("{name} is a top-level name; enter a name below it, such as example.com", name);
                fault("domain-top-level", detail)
            } else {
                let detail =
                    message!("{name} is a public suffix under which names are registered; enter a name below it", name);
                fault("domain-public-suffix", detail)
            });
        }
        Ok(ZoneName(name))
    }

    /// A name that was a zone's when it was stored: the list of public suffixes may have changed since, and does not count.
    pub fn from_stored(name: Name) -> ZoneName {
        ZoneName(name)
    }

    /// The absolute name.
    pub fn name(&self) -> &Name {
        &self.0
    }

    /// Whether other people register names below this one.
    pub fn suffix(&self) -> Option<Suffix> {
        Suffix::of(&self.0)
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_nobody_may_have() {
        let long = format!("{}.com", "a".repeat(64));
        for (text, check) in [
            ("", "domain-name"),
            (".", "domain-top-level"),
            ("com", "domain-top-level"),
            ("com.", "domain-top-level"),
            ("localhost", "domain-top-level"),
            ("co.uk", "domain-public-suffix"),
            ("CO.UK.", "domain-public-suffix"),
            ("公司.cn", "domain-public-suffix"),
            ("in-addr.arpa", "domain-public-suffix"),
            ("ip6.arpa.", "domain-public-suffix"),
            ("lan", "domain-local"),
            ("Internal.", "domain-local"),
            ("home.arpa", "domain-local"),
            ("example..com", "domain-name"),
            ("exa mple.com", "domain-name"),
            ("example.com\n", "domain-name"),
            ("exa\\032mple.com", "domain-label"),
            ("*.example.com", "domain-label"),
            ("-example.com", "domain-label"),
            ("example-.com", "domain-label"),
            ("exa\"mple.com", "domain-name"),
            ("@", "domain-name"),
            ("192.0.2.1", "domain-address"),
            ("192.0.2.1.", "domain-address"),
            ("１９２.0.2.1", "domain-address"),
            ("192.0.2.0/24", "domain-address"),
            ("192.0.2", "domain-address"),
            ("255.255", "domain-address"),
            ("2001:db8::/32", "domain-address"),
            ("2001:db8::1", "domain-address"),
            ("example.123", "domain-number"),
            ("a.1.", "domain-number"),
            ("300.300", "domain-number"),
            ("1.2.3.4.5", "domain-number"),
            ("example.com/", "domain-label"),
            ("www.example.com/index", "domain-label"),
            ("https://example.com", "domain-label"),
            ("https://example.com/", "domain-label"),
            ("example.com:443", "domain-label"),
            ("0/25.example.com", "domain-label"),
            ("0/25.in-addr.arpa.example.com", "domain-label"),
            ("192.0.2.0/33", "domain-label"),
            ("exam\u{200b}ple.com", "domain-name"),
            ("\u{feff}example.com", "domain-name"),
            ("exam\u{2060}ple.com", "domain-name"),
            ("\u{202e}example.com", "domain-name"),
            ("exam\u{2067}ple.com", "domain-name"),
            ("exam\u{200c}ple.com", "domain-name"),
            (long.as_str(), "domain-name"),
        ] {
            let fault = ZoneName::parse(text).unwrap_err();
            assert_eq!((fault.check, fault.field), (check, Some("domain")), "{text:?}: {fault}");
        }
    }

    #[test]
    fn refusals_say_what_would_be_right() {
        for (text, offers) in [
            ("192.0.2.0/24", "2.0.192.in-addr.arpa"),
            ("example.com/", "enter only the name, example.com"),
            ("https://www.example.com:8443/index?a#b", "enter only the name, www.example.com"),
            ("a/b.example.com", "a slash is allowed only in a name below in-addr.arpa"),
            ("exam\u{200b}ple.com", "U+200B"),
        ] {
            let fault = ZoneName::parse(text).unwrap_err();
            assert!(fault.detail.to_string().contains(offers), "{text}: {fault}");
        }
    }

    #[test]
    fn the_operator_may_have_the_names_of_local_networks() {
        for text in ["lan", "Internal.", "home.arpa"] {
            assert_eq!(ZoneName::parse_for_operator(text).unwrap().suffix(), Some(Suffix::Local), "{text}");
        }
        for (text, check) in [("com", "domain-top-level"), ("co.uk", "domain-public-suffix"), ("-lan", "domain-label")]
        {
            assert_eq!(ZoneName::parse_for_operator(text).unwrap_err().check, check, "{text}");
        }
    }

    #[test]
    fn answers_a_labels_in_lower_case() {
        for (text, canonical) in [
            ("Example.COM.", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("食狮.中国", "xn--85x722f.xn--fiqs8s"),
            ("github.io", "github.io"),
            ("example.co.uk", "example.co.uk"),
            ("2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa"),
            ("0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa"),
            ("0-127.2.0.192.in-addr.arpa", "0-127.2.0.192.in-addr.arpa"),
            ("10.in-addr.arpa.", "10.in-addr.arpa"),
            ("0/48.8.b.d.0.1.0.0.2.ip6.arpa", "0/48.8.b.d.0.1.0.0.2.ip6.arpa"),
            ("123.example", "123.example"),
            ("1e100.net", "1e100.net"),
            // Joiners stay where UTS 46 allows them.
            ("نامه\u{200c}ای.example", "xn--mgba3gch31f060k.example"),
            ("8.B.D.0.1.0.0.2.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"),
            ("_acme-challenge.example.com", "_acme-challenge.example.com"),
        ] {
            assert_eq!(ZoneName::parse(text).unwrap().to_string(), canonical);
        }
    }
}
