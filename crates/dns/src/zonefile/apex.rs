//! The zone of a file, as far as the file names it.

use std::str;

use super::duration;
use super::lexer::Lexer;
use super::maker::Maker;
use super::words::is_class;
use crate::presentation::Token;
use crate::{Name, RecordType};

/// The owner of the first SOA record, where the file gives it as a full name; otherwise the first full name that `$ORIGIN` has, or the
/// one in Cloudflare's header. `None` where the file can be read as any zone's.
///
/// Looks no further than the SOA record, and reports no faults: [`parse`](super::parse) does.
pub fn apex_of(text: &[u8]) -> Option<Name> {
    in_records(text).or_else(|| match Maker::of(text) {
        Maker::Cloudflare { domain } => domain,
        Maker::Zonewright { .. } | Maker::Unknown => None,
    })
}

fn in_records(text: &[u8]) -> Option<Name> {
    let mut lexer = Lexer::new(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
    let mut tokens = Vec::new();
    let mut first_origin = None;
    let mut origin: Option<Name> = None;
    let mut owner: Option<Name> = None;
    while let Some(entry) = lexer.entry(&mut tokens) {
        let Ok(entry) = entry else { continue };
        let Some((first, rest)) = tokens.split_first() else { continue };
        if !entry.indented && first.raw.eq_ignore_ascii_case(b"$ORIGIN") {
            origin = rest.first().and_then(|token| full_name(token, origin.as_ref()));
            first_origin = first_origin.or_else(|| origin.clone());
        } else if entry.indented || !first.raw.starts_with(b"$") {
            if !entry.indented {
                owner = full_name(first, origin.as_ref());
            }
            if is_soa(if entry.indented { &tokens } else { rest }) {
                return owner.or(first_origin);
            }
        }
    }
    first_origin
}

fn full_name(token: &Token<'_>, origin: Option<&Name>) -> Option<Name> {
    let is_full = token.raw.ends_with(b".") && !token.raw.ends_with(b"\\.");
    let read = |origin: &Name| Name::from_presentation(token.raw, origin).ok().map(|(name, _)| name);
    match origin {
        Some(origin) => read(origin),
        None if is_full => read(&Name::root()),
        None => None,
    }
}

fn is_soa(tokens: &[Token<'_>]) -> bool {
    let head = tokens.iter().find(|token| is_class(token.raw).is_none() && duration::parse(token.raw).is_none());
    let code = head.and_then(|token| RecordType::code_of(str::from_utf8(token.raw).ok()?));
    code == Some(RecordType::Soa.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_of_a_file() {
        for (text, zone) in [
            ("$TTL 1h\n@ SOA a. b. 1 2 3 4 5\n", None),
            ("example SOA a. b. 1 2 3 4 5\n", None),
            ("", None),
            ("; $ORIGIN example.com.\n@ SOA", None),
            ("a \"\n)\n", None),
            ("$ORIGIN Example.com.\n@ SOA a. b. 1 2 3 4 5\n", Some("example.com")),
            ("$ORIGIN example.com.\n$ORIGIN sub\nwww A 192.0.2.1\n", Some("example.com")),
            ("$ORIGIN com.\nexample 1h IN SOA a. b. 1 2 3 4 5\n", Some("example.com")),
            ("$ORIGIN .\nexample.com IN 1h SOA (\n a. b. 1 2 3 4 5 )\n", Some("example.com")),
            ("example.com.\tIN\tsoa a. b. 1 2 3 4 5\n", Some("example.com")),
            ("example.com. NS a.\n TYPE6 a. b. 1 2 3 4 5\n", Some("example.com")),
            ("\u{feff}$ORIGIN example.com.\n", Some("example.com")),
            (
                ";; Domain:     example.com.\n;; Exported:   x\nexample.com\t60\tIN\tSOA\ta. b. 1 2 3 4 5\n",
                Some("example.com"),
            ),
        ] {
            assert_eq!(apex_of(text.as_bytes()).map(|name| name.to_string()).as_deref(), zone, "{text:?}");
        }
    }
}
