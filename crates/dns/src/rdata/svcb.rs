//! SVCB: how to reach a service (RFC 9460).
//!
//! The parameters are stored in the order of their numbers, which is their wire form, and written by name if BIND 9.18 has a name
//! for them. A list in a parameter is escaped twice (appendix A.1): once as a string of a zone file, once for its commas.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::{fmt, str};

use base64::Engine;

use super::fields::{BASE64, FieldError, Fields, error, excerpt, number};
use super::form::{Field, FieldKind, Form, Style, anything};
use super::kinds::{Host, U16};
use super::{WireError, text};
use crate::presentation::{Token, unescape};
use crate::{Message, Name, message};

pub(super) const FORM: Form = Form {
    code: 64,
    name: "SVCB",
    rfc: "RFC 9460",
    description: "How to reach a service.",
    fields: &[
        Field::new("priority", &U16, "Lower is tried first; 0 makes the record an alias of the target."),
        Field::new("target", &Host, "The host; \".\" for the owner itself."),
        Field::new(
            "parameters",
            &Parameters,
            "Any number of key=value: mandatory, alpn, no-default-alpn, port, ipv4hint, ech, ipv6hint, dohpath, or key and a number.",
        ),
    ],
    example: "1 svc.example.com. alpn=h2,h3 port=8443 ipv4hint=192.0.2.1",
    check: anything,
};

/// The parameters, to the end (RFC 9460, section 2.1).
struct Parameters;

const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6HINT: u16 = 6;
/// RFC 9461, section 5.
const DOHPATH: u16 = 7;

/// The names of the keys (RFC 9460, section 14.3.2).
const KEYS: [(&str, u16); 8] = [
    ("mandatory", MANDATORY),
    ("alpn", ALPN),
    ("no-default-alpn", NO_DEFAULT_ALPN),
    ("port", PORT),
    ("ipv4hint", IPV4HINT),
    ("ech", ECH),
    ("ipv6hint", IPV6HINT),
    ("dohpath", DOHPATH),
];

impl FieldKind for Parameters {
    fn name(&self) -> &'static str {
        "parameters"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let mut parameters = BTreeMap::new();
        let start = fields.clone();
        while !fields.is_empty() {
            let (key, value, token) = parameter(fields, what)?;
            if value.len() > usize::from(u16::MAX) {
                return Err(error(token, "svcb-value", message!("the value of a parameter has at most 65535 octets")));
            }
            if parameters.insert(key, value).is_some() {
                return Err(error(
                    token,
                    "svcb-twice",
                    message!("the parameter {key} is given twice", key = key_name(key)),
                ));
            }
        }
        check(&parameters).map_err(|reason| start.fault("svcb-parameters", reason))?;
        for (key, value) in parameters {
            wire.extend(key.to_be_bytes());
            wire.extend((value.len() as u16).to_be_bytes());
            wire.extend(value);
        }
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let parameters = split(wire)?;
        let in_order = parameters.is_sorted_by(|(before, _), (after, _)| before < after);
        let parameters: BTreeMap<u16, Vec<u8>> =
            parameters.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
        let sound = parameters.iter().all(|(key, value)| is_value(*key, value));
        if !in_order || !sound || check(&parameters).is_err() {
            return Err(WireError);
        }
        canonical.extend(wire);
        Ok(&[])
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let parameters = split(octets).map_err(|_| fmt::Error)?;
        for (index, (key, value)) in parameters.into_iter().enumerate() {
            write!(out, "{}{}", if index > 0 { " " } else { "" }, key_name(key))?;
            if !value.is_empty() {
                out.write_char('=')?;
                write_value(out, key, value)?;
            }
        }
        Ok(())
    }
}

/// The parameters in wire form, in their order there.
fn split(wire: &[u8]) -> Result<Vec<(u16, &[u8])>, WireError> {
    let mut parameters = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let (&[a, b, c, d], tail) = rest.split_first_chunk().ok_or(WireError)?;
        let (value, tail) = tail.split_at_checked(u16::from_be_bytes([c, d]).into()).ok_or(WireError)?;
        parameters.push((u16::from_be_bytes([a, b]), value));
        rest = tail;
    }
    Ok(parameters)
}

/// The protocols that the data of an SVCB or HTTPS record names; none where it is no such data.
pub(crate) fn alpn(wire: &[u8]) -> Vec<&[u8]> {
    let parameters = || {
        let (_, rest) = Name::from_wire(wire.get(2..)?).ok()?;
        let (_, list) = split(rest).ok()?.into_iter().find(|(key, _)| *key == ALPN)?;
        items(list)
    };
    parameters().unwrap_or_default()
}

/// What must hold between parameters (RFC 9460, sections 7.1.1 and 8).
fn check(parameters: &BTreeMap<u16, Vec<u8>>) -> Result<(), Message> {
    if parameters.contains_key(&NO_DEFAULT_ALPN) && !parameters.contains_key(&ALPN) {
        return Err(message!("no-default-alpn needs alpn beside it"));
    }
    for key in parameters.get(&MANDATORY).into_iter().flat_map(|value| pairs(value)) {
        if key == MANDATORY {
            return Err(message!("mandatory cannot name itself"));
        }
        if !parameters.contains_key(&key) {
            return Err(message!("every key that mandatory names must be there"));
        }
    }
    Ok(())
}

/// Whether octets are a value of a parameter.
fn is_value(key: u16, value: &[u8]) -> bool {
    match key {
        MANDATORY => !value.is_empty() && value.len().is_multiple_of(2) && pairs(value).is_sorted_by(|a, b| a < b),
        ALPN => !value.is_empty() && items(value).is_some(),
        NO_DEFAULT_ALPN => value.is_empty(),
        PORT => value.len() == 2,
        IPV4HINT => !value.is_empty() && value.len().is_multiple_of(4),
        IPV6HINT => !value.is_empty() && value.len().is_multiple_of(16),
        DOHPATH => is_dohpath(value),
        _ => true,
    }
}

fn pairs(value: &[u8]) -> impl Iterator<Item = u16> {
    value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// The strings of a list, each of which has an octet of length before it and is not empty.
fn items(value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut items = Vec::new();
    let mut rest = value;
    while let Some((&length, tail)) = rest.split_first() {
        let (item, tail) = tail.split_at_checked(length.into()).filter(|(item, _)| !item.is_empty())?;
        items.push(item);
        rest = tail;
    }
    Some(items)
}

/// A path with a variable `dns` (RFC 9461, section 5): a URI template (RFC 6570).
fn is_dohpath(value: &[u8]) -> bool {
    let Ok(path) = str::from_utf8(value) else { return false };
    let mut found = false;
    let mut rest = path;
    while let Some((literal, tail)) = rest.split_once('{') {
        let Some((expression, tail)) = tail.split_once('}') else { return false };
        let variables = expression.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']);
        let plain = |name: &str| !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if literal.contains('}') || expression.len() > variables.len() + 1 || !variables.split(',').all(plain) {
            return false;
        }
        found |= variables.split(',').any(|name| name == "dns");
        rest = tail;
    }
    let literals_are_plain =
        !path.contains(['%', '"', '\\', '<', '>', '^', '`', '|', ' ']) && !path.contains(char::is_control);
    path.starts_with('/') && !rest.contains('}') && literals_are_plain && found
}

/// Reads one parameter: its number, its value in wire form, and where it stands.
fn parameter<'a>(fields: &mut Fields<'a>, what: &Message) -> Result<(u16, Vec<u8>, &'a Token<'a>), FieldError> {
    let token = fields.word(what)?;
    let (name, mut raw) = match token.raw.iter().position(|octet| *octet == b'=') {
        Some(at) => (token.raw.get(..at).unwrap_or_default(), token.raw.get(at + 1..).unwrap_or_default()),
        None => (token.raw, &b""[..]),
    };
    let numbered = name.starts_with(b"key");
    let key = str::from_utf8(name).ok().and_then(|name| key(name, false)).ok_or_else(|| {
        let detail =
            message!("\"{name}\" is not the key of a parameter, such as alpn, port or key65280", name = excerpt(name));
        error(token, "svcb-key", detail)
    })?;
    if let Some(next) = fields.peek().filter(|next| next.quoted && token.touches(next)) {
        if !raw.is_empty() || name.len() == token.raw.len() {
            return Err(error(next, "svcb-value", message!("a quoted value follows the equals sign at once")));
        }
        fields.token(what)?;
        raw = next.raw;
    }
    // Behind a number stand the octets of the wire form (RFC 9460, section 2.1).
    let value = if numbered { unescape(raw) } else { value(key, raw) };
    let value = value.filter(|value| is_value(key, value)).ok_or_else(|| {
        let (name, expected) = (key_name(key), expected(key));
        let detail = if numbered {
            message!("the parameter {name} needs {expected} in wire form", name, expected)
        } else {
            message!("the parameter {name} needs {expected}", name, expected)
        };
        error(token, "svcb-value", detail)
    })?;
    Ok((key, value, token))
}

/// The number of a key. Letter case counts, but not in the list of mandatory ones, where BIND ignores it.
fn key(name: &str, any_case: bool) -> Option<u16> {
    let is = |known: &str| known == name || any_case && known.eq_ignore_ascii_case(name);
    if let Some((_, key)) = KEYS.iter().find(|(known, _)| is(known)) {
        return Some(*key);
    }
    let digits = name.strip_prefix("key")?;
    let plain = digits == "0" || !digits.starts_with('0');
    number(digits.as_bytes()).filter(|_| plain).and_then(|key| u16::try_from(key).ok())
}

/// As BIND writes it, which has no name for the later ones.
fn key_name(key: u16) -> String {
    match KEYS.iter().find(|(_, known)| *known == key && key != DOHPATH) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("key{key}"),
    }
}

/// A value in wire form. Only texts are unescaped: numbers and addresses are written without escapes.
fn value(key: u16, raw: &[u8]) -> Option<Vec<u8>> {
    let list = || str::from_utf8(raw).ok().map(|text| text.split(','));
    match key {
        MANDATORY => {
            let mut keys = list()?.map(|name| self::key(name, true)).collect::<Option<Vec<u16>>>()?;
            keys.sort_unstable();
            Some(keys.iter().flat_map(|key| key.to_be_bytes()).collect())
        }
        ALPN => alpn_list(&unescape(raw)?),
        PORT => Some(u16::try_from(number(raw)?).ok()?.to_be_bytes().to_vec()),
        IPV4HINT => {
            let addresses = list()?.map(|text| text.parse::<Ipv4Addr>().ok()).collect::<Option<Vec<_>>>()?;
            Some(addresses.iter().flat_map(Ipv4Addr::octets).collect())
        }
        IPV6HINT => {
            let addresses = list()?.map(|text| text.parse::<Ipv6Addr>().ok()).collect::<Option<Vec<_>>>()?;
            Some(addresses.iter().flat_map(Ipv6Addr::octets).collect())
        }
        ECH => BASE64.decode(raw).ok(),
        _ => unescape(raw),
    }
}

/// A list with commas between, in which a backslash makes the next octet plain.
fn alpn_list(list: &[u8]) -> Option<Vec<u8>> {
    let mut items = vec![Vec::new()];
    let mut octets = list.iter();
    while let Some(&octet) = octets.next() {
        match octet {
            b',' => items.push(Vec::new()),
            b'\\' => items.last_mut()?.push(*octets.next()?),
            plain => items.last_mut()?.push(plain),
        }
    }
    let mut wire = Vec::with_capacity(list.len() + 1);
    for item in items {
        wire.push(u8::try_from(item.len()).ok()?);
        wire.extend(item);
    }
    Some(wire)
}

/// What a value must be, for messages.
fn expected(key: u16) -> Message {
    match key {
        MANDATORY => message!("a list of keys such as alpn,port, none of them twice"),
        ALPN => message!("a list of protocols such as h2,h3, each of 1 to 255 octets"),
        NO_DEFAULT_ALPN => message!("no value"),
        PORT => message!("a number from 0 to 65535"),
        IPV4HINT => message!("a list of IPv4 addresses"),
        ECH => message!("base64"),
        IPV6HINT => message!("a list of IPv6 addresses"),
        DOHPATH => message!("a path with the variable dns, such as {example}", example = "/dns-query{?dns}".to_owned()),
        _ => message!("a text with valid escapes"),
    }
}

fn write_value(mut out: &mut dyn fmt::Write, key: u16, value: &[u8]) -> fmt::Result {
    match key {
        MANDATORY => out.write_str(&pairs(value).map(key_name).collect::<Vec<_>>().join(",")),
        ALPN => {
            let escaped: Vec<_> = items(value).unwrap_or_default().into_iter().map(escape_item).collect();
            write!(out, "\"{}\"", escaped.join(","))
        }
        PORT => pairs(value).try_for_each(|port| write!(out, "{port}")),
        IPV4HINT => {
            let octets = value.chunks_exact(4).filter_map(|octets| <[u8; 4]>::try_from(octets).ok());
            out.write_str(&octets.map(|octets| Ipv4Addr::from(octets).to_string()).collect::<Vec<_>>().join(","))
        }
        IPV6HINT => {
            let octets = value.chunks_exact(16).filter_map(|octets| <[u8; 16]>::try_from(octets).ok());
            out.write_str(&octets.map(|octets| Ipv6Addr::from(octets).to_string()).collect::<Vec<_>>().join(","))
        }
        ECH => out.write_str(&BASE64.encode(value)),
        _ => text::write_quoted(&mut out, value),
    }
}

/// One protocol of the list, escaped for its commas and then as a string.
fn escape_item(item: &[u8]) -> String {
    let mut escaped = String::with_capacity(item.len());
    for &octet in item {
        match octet {
            b',' => escaped.push_str("\\\\,"),
            b'\\' => escaped.push_str("\\\\\\\\"),
            b'"' => escaped.push_str("\\\""),
            plain if plain.is_ascii_graphic() => escaped.push(plain.into()),
            other => escaped.push_str(&format!("\\{other:03}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check, from_file};

    /// Text, value, zone file.
    const GOOD: [(&str, &str, &str); 18] = [
        ("1 .", "1 .", "1 ."),
        ("0 Svc.Example.net", "0 svc.example.net", "0 svc.example.net."),
        ("1 . port=065535 alpn=h2", r#"1 . alpn="h2" port=65535"#, r#"1 . alpn="h2" port=65535"#),
        ("1 . port=\"53\"", "1 . port=53", "1 . port=53"),
        ("1 . alpn=h2 no-default-alpn", r#"1 . alpn="h2" no-default-alpn"#, r#"1 . alpn="h2" no-default-alpn"#),
        ("1 . no-default-alpn=\"\" alpn=h2", r#"1 . alpn="h2" no-default-alpn"#, r#"1 . alpn="h2" no-default-alpn"#),
        (
            "1 . mandatory=PORT,alpn port=1 alpn=h2",
            r#"1 . mandatory=alpn,port alpn="h2" port=1"#,
            r#"1 . mandatory=alpn,port alpn="h2" port=1"#,
        ),
        ("1 . mandatory=key65535 key65535", "1 . mandatory=key65535 key65535", "1 . mandatory=key65535 key65535"),
        ("1 . alpn=h2\\,h3", r#"1 . alpn="h2,h3""#, r#"1 . alpn="h2,h3""#),
        ("1 . alpn=\"h2 \\000\"", r#"1 . alpn="h2\032\000""#, r#"1 . alpn="h2\032\000""#),
        ("1 . ipv6hint=2001:DB8::1,::1", "1 . ipv6hint=2001:db8::1,::1", "1 . ipv6hint=2001:db8::1,::1"),
        ("1 . ech=AAAA", "1 . ech=AAAA", "1 . ech=AAAA"),
        ("1 . ech", "1 . ech", "1 . ech"),
        ("1 . dohpath=/q{?dns}", r#"1 . key7="/q{?dns}""#, r#"1 . key7="/q{?dns}""#),
        ("1 . dohpath=/{?x,dns}", r#"1 . key7="/{?x,dns}""#, r#"1 . key7="/{?x,dns}""#),
        (r#"1 . key667="a\"b\\c;d""#, r#"1 . key667="a\"b\\c;d""#, r#"1 . key667="a\"b\\c;d""#),
        ("1 . key1=\\002h2", r#"1 . alpn="h2""#, r#"1 . alpn="h2""#),
        ("1 . key3=\\0005", "1 . port=53", "1 . port=53"),
    ];

    #[test]
    fn examples() {
        let good: Vec<_> = GOOD.iter().map(|(text, value, file)| (*text, None, *value, *file)).collect();
        let bad = [
            "",
            "1",
            "65536 .",
            "1 host",
            "1 . nosuch",
            "1 . =x",
            "1 . ALPN=h2",
            "1 . KEY667=x",
            "1 . key0667=x",
            "1 . key65536",
            "1 . key=x",
            "1 . port",
            "1 . port=",
            "1 . port=65536",
            "1 . port=+1",
            "1 . port=1=2",
            "1 . port=5\\051",
            "1 . port=1 port=2",
            "1 . port=1 key3=00",
            "1 . key1=h2",
            "1 . alpn",
            "1 . alpn=",
            "1 . alpn=h2,,h3",
            "1 . alpn=h2,",
            "1 . alpn=h2\\\\",
            "1 . no-default-alpn",
            "1 . no-default-alpn=x alpn=h2",
            "1 . mandatory=alpn",
            "1 . mandatory",
            "1 . mandatory=",
            "1 . mandatory=alpn,alpn alpn=h2",
            "1 . mandatory=mandatory,alpn alpn=h2",
            "1 . mandatory=foo alpn=h2",
            "1 . ipv4hint=",
            "1 . ipv4hint=1.2.3",
            "1 . ipv4hint=01.2.3.4",
            "1 . ipv4hint=1.2.3.4,",
            "1 . ipv6hint=1",
            "1 . ech=AAA",
            "1 . dohpath=q{?dns}",
            "1 . dohpath=/q",
            "1 . dohpath=/a{?dnsx}",
            "1 . dohpath=/\\255{?dns}",
            "1 . key667=a\"b\"",
            "1 . \"key667=a\"",
            "1 . key667 = a",
            "1 . key667= a",
            "1 . key667\"a\"",
            "1 . key667=\\256",
            "\\# 15 000100000300020035000100020161",
            "\\# 7 00010000030000",
            "\\# 7 00010000020000",
            "\\# 7 00010000000000",
            "\\# 8 0001000003000100",
        ];
        let bad: Vec<_> = bad.iter().map(|text| (*text, None, "value")).collect();
        check(RecordType::Svcb, &good, &bad);
    }

    /// RFC 9460, appendix D: the test vectors, valid ones with their wire form.
    #[test]
    fn the_test_vectors_of_the_rfc() {
        for (text, wire) in [
            ("0 foo.example.com.", "0000 03666f6f 07657861 6d706c65 03636f6d 00"),
            ("1 .", "0001 00"),
            ("16 foo.example.com. port=53", "0010 03666f6f 07657861 6d706c65 03636f6d 00 0003 0002 0035"),
            ("1 foo.example.com. key667=hello", "0001 03666f6f 07657861 6d706c65 03636f6d 00 029b 0005 68656c6c6f"),
            (
                "1 foo.example.com. key667=\"hello\\210qoo\"",
                "0001 03666f6f 07657861 6d706c65 03636f6d 00 029b 0009 68656c6c6f d2716f6f",
            ),
            (
                "1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
                "0001 03666f6f 07657861 6d706c65 03636f6d 00 0006 0020 20010db8 00000000 00000000 00000001 20010db8 00000000 \
                 00000000 00530001",
            ),
            (
                "1 example.com. ipv6hint=\"2001:db8:122:344::192.0.2.33\"",
                "0001 07657861 6d706c65 03636f6d 00 0006 0010 20010db8 01220344 00000000 c0000221",
            ),
            (
                "16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
                "0010 03666f6f 07657861 6d706c65 036f7267 00 0000 0004 0001 0004 0001 0009 026832 0568332d3139 0004 0004 c0000201",
            ),
            (
                "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
                "0010 03666f6f 07657861 6d706c65 036f7267 00 0001 000c 08665c6f6f2c626172 026832",
            ),
            (
                "16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
                "0010 03666f6f 07657861 6d706c65 036f7267 00 0001 000c 08665c6f6f2c626172 026832",
            ),
        ] {
            let data = from_file(RecordType::Svcb, text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let hex: String = data.wire().iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(hex, wire.replace(' ', ""), "{text}");
            assert_eq!(from_file(RecordType::Svcb, &data.to_string()), Ok(data), "{text}");
        }
        for text in [
            "1 foo.example.com. key123=abc key123=def",
            "1 foo.example.com. mandatory",
            "1 foo.example.com. alpn",
            "1 foo.example.com. port",
            "1 foo.example.com. ipv4hint",
            "1 foo.example.com. ipv6hint",
            "1 foo.example.com. no-default-alpn=abc",
            "1 foo.example.com. mandatory=key123",
            "1 foo.example.com. mandatory=mandatory",
            "1 foo.example.com. mandatory=key123,key123 key123=abc",
        ] {
            assert!(from_file(RecordType::Svcb, text).is_err(), "{text}");
        }
    }
}
