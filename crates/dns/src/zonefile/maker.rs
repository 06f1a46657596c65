//! The program that wrote a file, if its comments name it: some programs give values a special meaning.

use crate::Name;

/// The first line of our own exports.
pub(super) const OURS: &str = "; Zonewright zone file, format 1";
/// How the second line begins, which names the nameservers of the server that wrote the file.
pub(super) const OUR_NAMESERVERS: &str = "; Nameservers of the server: ";
/// Headers stand within so many lines.
const HEADER_LINES: usize = 12;

/// The program that wrote a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Maker {
    /// This program. The nameservers are those of the server that wrote the file.
    Zonewright { nameservers: Vec<Name> },
    /// Cloudflare, with the domain that its header names. It writes the TTL 1 for "automatic", and forgets the final dot of the SOA's
    /// owner.
    Cloudflare { domain: Option<Name> },
    /// Another one, or one that does not say so.
    Unknown,
}

impl Maker {
    pub(super) fn of(text: &[u8]) -> Maker {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut lines = text.split(|octet| matches!(octet, b'\n' | b'\r')).filter(|line| !line.is_empty());
        let mut header = lines.by_ref().take(HEADER_LINES).map(|line| line.trim_ascii_end());
        if text.starts_with(OURS.as_bytes()) {
            let names = header.nth(1).and_then(|line| line.strip_prefix(OUR_NAMESERVERS.as_bytes()));
            let names = names.and_then(|names| str::from_utf8(names).ok()).unwrap_or_default();
            let nameservers = names.split(' ').filter_map(|name| Name::parse(name).ok()).collect();
            return Maker::Zonewright { nameservers };
        }
        let mut domain = None;
        let mut exported = false;
        for line in header {
            let value = |key: &str| Some(line.strip_prefix(key.as_bytes())?.trim_ascii_start());
            // GoDaddy's header has the same words behind one semicolon.
            domain = domain.or_else(|| value(";; Domain:"));
            exported |= value(";; Exported:").is_some();
        }
        let has_header = domain.is_some() && exported;
        if has_header || has_tags(text) {
            let domain = domain.filter(|_| has_header).and_then(|name| str::from_utf8(name).ok());
            return Maker::Cloudflare { domain: domain.and_then(|name| Name::parse(name).ok()) };
        }
        Maker::Unknown
    }
}

/// Whether a line ends with a comment that begins with Cloudflare's tags.
fn has_tags(text: &[u8]) -> bool {
    text.split(|octet| *octet == b';').skip(1).any(|comment| comment.trim_ascii_start().starts_with(b"cf_tags="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_are_known_by_their_comments() {
        let name = |text: &str| Name::parse(text).unwrap();
        let ours =
            |nameservers: &[&str]| Maker::Zonewright { nameservers: nameservers.iter().map(|n| name(n)).collect() };
        let cloudflare = |domain: Option<&str>| Maker::Cloudflare { domain: domain.map(name) };
        for (text, maker) in [
            ("", Maker::Unknown),
            ("; Zonewright zone file, format 1", ours(&[])),
            ("\u{feff}; Zonewright zone file, format 1\r\n$ORIGIN x.\r\n", ours(&[])),
            (
                "; Zonewright zone file, format 1\n; Nameservers of the server: ns1.a. ns2.a.\n",
                ours(&["ns1.a", "ns2.a"]),
            ),
            ("$TTL 1\n; Zonewright zone file, format 1\n", Maker::Unknown),
            (
                ";;\n;; Domain:     cf.example.\n;; Exported:   2024-05-01 10:00:00\n;;\n",
                cloudflare(Some("cf.example")),
            ),
            (";; Domain: cf.example\n", Maker::Unknown),
            ("; Domain: go.example\n; Exported (y-m-d hh:mm:ss): 2021-01-01 00:00:00\n", Maker::Unknown),
            ("a 1 A 192.0.2.1 ; cf_tags=cf-proxied:true\n", cloudflare(None)),
            ("a 1 TXT cf_tags=x\n", Maker::Unknown),
        ] {
            assert_eq!(Maker::of(text.as_bytes()), maker, "{text:?}");
        }
    }
}
