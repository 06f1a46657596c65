//! Absolute domain names, in one form only: lower case, A-labels.
//!
//! A name is stored in wire form (RFC 1035, section 3.1), in lower case, so that equal octets are equal names. Only this module
//! parses names; Unicode is converted with UTS 46. The small parser is our own, because errors must say which label is wrong and
//! why, and because an unescaped `;` or `"` is an error here, not a label.

use std::fmt;
use std::net::Ipv4Addr;
use std::str;
use std::sync::Arc;

use idna::AsciiDenyList;

use crate::key;
use crate::presentation::escape;
use crate::{Message, message};

/// The longest name in wire form, the root's zero octet included (RFC 1035, section 2.3.4).
pub(crate) const MAX_WIRE: usize = 255;
/// The longest label (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;
/// The longest text that can be a name: every octet written as `\DDD`. Spares UTS 46 and error messages from longer ones.
const MAX_TEXT: usize = 4 * MAX_WIRE;

/// An absolute domain name in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Arc<[u8]>);

impl Name {
    /// Reads a name in presentation form; the final dot is optional and makes no difference. `.` is the root.
    ///
    /// Escapes (`\.`, `\DDD`) are understood, Unicode is converted (UTS 46).
    pub fn parse(text: &str) -> Result<Name, NameError> {
        if text == "." {
            return Ok(Name::root());
        }
        let labels = parse_labels(text)?;
        Name::from_labels(labels.labels.iter().map(Vec::as_slice))
    }

    /// Reads a name as a zone file writes it (RFC 1035, section 5.1): relative to `origin` without a final dot, `@` for the
    /// origin itself. In ASCII every octet but the dot and the backslash means itself, as in BIND.
    ///
    /// What BIND reads as a name that no resolver asks for is read as it is meant, and the second part of the result says so:
    /// Unicode is converted (UTS 46), and a final label `@` stands for the origin.
    pub(crate) fn from_presentation(raw: &[u8], origin: &Name) -> Result<(Name, Option<Reading>), NameError> {
        match raw {
            b"" => return Err(NameError::Empty),
            b"@" => return Ok((origin.clone(), None)),
            b"." => return Ok((Name::root(), None)),
            _ => {}
        }
        let (relative, at_sign) = match raw.strip_suffix(b"@").filter(|before| ends_with_dot(before)) {
            Some(before) => (before.strip_suffix(b".").unwrap_or(before), true),
            None => (raw, false),
        };
        if at_sign && (relative.is_empty() || ends_with_dot(relative)) {
            return Err(NameError::EmptyLabel);
        }
        let (name, reading) = match str::from_utf8(relative) {
            _ if relative.is_ascii() => (Name::from_octets(relative, origin)?, None),
            Ok(text) if !text.contains('\\') => {
                let parsed = parse_labels(text)?;
                let origin = origin.labels().filter(|_| !parsed.absolute);
                let name = Name::from_labels(parsed.labels.iter().map(Vec::as_slice).chain(origin))?;
                (name, Some(Reading::Converted))
            }
            // Names of services (RFC 6763, section 4.1) are UTF-8 in DNS too, and are written with escapes.
            _ => (Name::from_octets(relative, origin)?, Some(Reading::Octets)),
        };
        Ok((name, if at_sign { Some(Reading::AtSign) } else { reading }))
    }

    /// [`Name::from_presentation`] where nothing is converted.
    fn from_octets(raw: &[u8], origin: &Name) -> Result<Name, NameError> {
        let mut wire = Vec::with_capacity(raw.len() + origin.0.len() + 1);
        // Where the octet of length of the label in the making is.
        let mut start = 0;
        wire.push(0);
        let mut rest = raw;
        while let Some((&octet, tail)) = rest.split_first() {
            rest = tail;
            match octet {
                b'.' => {
                    close_label(&mut wire, start)?;
                    start = wire.len();
                    wire.push(0);
                    continue;
                }
                b'\\' => {
                    let (escaped, tail) = escape(rest).ok_or(NameError::Escape)?;
                    rest = tail;
                    wire.push(escaped.to_ascii_lowercase());
                }
                plain => wire.push(plain.to_ascii_lowercase()),
            }
        }
        // After a final dot the open label is the root's.
        if start + 1 < wire.len() {
            close_label(&mut wire, start)?;
            wire.extend(&*origin.0);
        }
        if wire.len() > MAX_WIRE { Err(NameError::TooLong) } else { Ok(Name(wire.into())) }
    }

    /// The root, `.`.
    pub fn root() -> Name {
        Name(Arc::from([0u8]))
    }

    /// A name from its labels, leftmost first, the root not among them.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Result<Name, NameError> {
        let mut wire = Vec::with_capacity(64);
        for label in labels {
            if label.is_empty() {
                return Err(NameError::EmptyLabel);
            }
            if label.len() > MAX_LABEL {
                return Err(NameError::LongLabel(label_text(label)));
            }
            wire.push(label.len() as u8);
            wire.extend(label.iter().map(u8::to_ascii_lowercase));
        }
        wire.push(0);
        if wire.len() > MAX_WIRE {
            return Err(NameError::TooLong);
        }
        Ok(Name(wire.into()))
    }

    /// Reads an uncompressed name at the start of `wire`; gives the name and what follows it.
    pub fn from_wire(wire: &[u8]) -> Result<(Name, &[u8]), NameError> {
        let mut at = 0;
        loop {
            match wire.get(at) {
                Some(0) => break,
                Some(&length) if usize::from(length) <= MAX_LABEL => at += 1 + usize::from(length),
                _ => return Err(NameError::Wire),
            }
        }
        if at + 1 > MAX_WIRE {
            return Err(NameError::TooLong);
        }
        let (name, rest) = wire.split_at(at + 1);
        Ok((Name(name.to_ascii_lowercase().into()), rest))
    }

    /// The uncompressed wire form, which ends with the root's zero octet.
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels, leftmost first, without the root's.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> + Clone {
        Labels(&self.0)
    }

    /// Whether this is the root, `.`.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Whether `self` is `ancestor` or below it.
    pub fn is_within(&self, ancestor: &Name) -> bool {
        self.suffix_start(ancestor).is_some()
    }

    /// Where in the wire form `ancestor` begins, if `self` ends with it.
    pub(crate) fn suffix_start(&self, ancestor: &Name) -> Option<usize> {
        let mut at = 0;
        loop {
            if self.0[at..] == ancestor.0[..] {
                return Some(at);
            }
            match self.0[at] {
                0 => return None,
                length => at += 1 + usize::from(length),
            }
        }
    }

    /// The name without its leftmost label; `None` for the root.
    pub fn parent(&self) -> Option<Name> {
        match self.0[0] {
            0 => None,
            length => Some(Name(self.0[1 + usize::from(length)..].into())),
        }
    }

    /// A byte string that sorts names in canonical order (RFC 4034, section 6.1) and in which a name below another starts
    /// with the other's.
    pub fn key(&self) -> Vec<u8> {
        let labels: Vec<&[u8]> = self.labels().collect();
        let mut bytes = Vec::with_capacity(self.0.len());
        for label in labels.iter().rev() {
            key::push_label(&mut bytes, label);
        }
        bytes
    }

    /// The name whose [`Name::key`] this is.
    pub fn from_key(bytes: &[u8]) -> Result<Name, NameError> {
        let labels: Vec<Vec<u8>> = key::raw_labels(bytes).map(key::unescape).collect();
        Name::from_labels(labels.iter().rev().map(Vec::as_slice))
    }

    /// Whether every label has only letters, digits, hyphens and underscores. Underscores are not allowed in host names (RFC
    /// 952), but many hosts in use have them.
    pub fn is_host_like(&self) -> bool {
        self.labels()
            .all(|label| label.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')))
    }

    /// Refuses what cannot be the name of a host: an address, a URL, a port, a wildcard. `written` is how the user wrote it.
    pub(crate) fn check_host(&self, written: &str) -> Result<(), NameError> {
        if written.strip_suffix('.').unwrap_or(written).parse::<Ipv4Addr>().is_ok() {
            return Err(NameError::Address(written.to_owned()));
        }
        if self.is_host_like() {
            return Ok(());
        }
        let advice = match host_in(written) {
            _ if self.labels().any(|label| label == b"*") => {
                message!("a wildcard is not a host, because it stands for other names")
            }
            Some(host) => message!("enter only the name, {host}", host),
            None => message!("host names consist of letters, digits and hyphens"),
        };
        Err(NameError::NotAHost { written: written.to_owned(), advice })
    }

    /// The presentation form with the final dot, as zone files and `dig` have it.
    pub fn fqdn(&self) -> impl fmt::Display + '_ {
        Fqdn(self)
    }
}

/// Without the final dot, as the API answers names; the root is `.`.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        write_labels(f, self.labels())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fqdn())
    }
}

struct Fqdn<'a>(&'a Name);

impl fmt::Display for Fqdn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        if self.0.is_root() { Ok(()) } else { f.write_str(".") }
    }
}

#[derive(Clone)]
struct Labels<'a>(&'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.0.split_first()?;
        if length == 0 {
            return None;
        }
        let (label, rest) = rest.split_at(usize::from(length));
        self.0 = rest;
        Some(label)
    }
}

/// How a name of a zone file was read, where that is not how BIND reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Its Unicode was converted to A-labels.
    Converted,
    /// Its last label, `@`, was taken for the origin.
    AtSign,
    /// It has octets beyond ASCII that were kept: they are not UTF-8, or stand beside an escape.
    Octets,
}

/// Why a text is no domain name. `Display` is the English of [`NameError::message`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// Nothing at all.
    Empty,
    /// Two dots in a row, or one at the start.
    EmptyLabel,
    /// A label over 63 octets (RFC 1035, section 2.3.4).
    LongLabel(String),
    /// A name over 255 octets (RFC 1035, section 2.3.4).
    TooLong,
    /// A character that has to be escaped to stand in a name.
    Character(char),
    /// A backslash that begins no escape.
    Escape,
    /// UTS 46 refuses it.
    Idna(String),
    /// Octets that are no uncompressed name.
    Wire,
    /// A target of one label, without the final dot.
    SingleLabel {
        /// The label as it was read.
        label: String,
        /// The zone it was probably meant to be in.
        zone: String,
    },
    /// An address where a name is needed.
    Address(String),
    /// A name that no host can have, where a host is needed.
    NotAHost {
        /// As it was written.
        written: String,
        /// What would be right.
        advice: Message,
    },
    /// A character that is not seen, and that UTS 46 would drop or that turns the direction of text.
    Invisible(char),
    /// An owner outside its zone.
    OutsideZone {
        /// The owner as it was read.
        name: String,
        /// The zone.
        zone: String,
    },
}

impl NameError {
    /// What is wrong, as a sentence.
    pub fn message(&self) -> Message {
        match self {
            Self::Empty => message!("a name may not be empty"),
            Self::EmptyLabel => {
                message!("a name may not have an empty label (two dots in a row, or a dot at the start)")
            }
            Self::LongLabel(label) => message!("the label \"{label}\" is longer than 63 octets", label),
            Self::TooLong => message!("the full name is longer than 255 octets"),
            Self::Character(' ') => message!("a domain name cannot contain spaces"),
            Self::Character(character) => message!(
                "the character {character} is not allowed in a name; if you mean it, write it as \\DDD (three decimal digits)",
                character = format!("{character:?}")
            ),
            Self::Escape => {
                message!("a backslash must be followed by one character or by three decimal digits from 000 to 255")
            }
            Self::Idna(name) => {
                message!("\"{name}\" is not a valid internationalized domain name (UTS 46)", name)
            }
            Self::Wire => message!("not a domain name in wire form"),
            Self::SingleLabel { label, zone } => message!(
                "\"{label}\" is not a full name: did you mean \"{label}.{zone}\"? (for the top-level name itself write \"{label}.\")",
                label,
                zone
            ),
            Self::Address(address) => message!(
                "{address} is an address, but a host name is needed here: enter the name that has this address",
                address
            ),
            Self::NotAHost { written, advice } => {
                message!("\"{written}\" is not a host name: {advice}", written, advice)
            }
            Self::Invisible(character) => message!(
                "the name has the invisible character {character}; delete it (it often comes along when text is copied)",
                character = format!("U+{:04X}", u32::from(*character))
            ),
            Self::OutsideZone { name, zone } => message!("\"{name}\" is not inside the zone {zone}", name, zone),
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl std::error::Error for NameError {}

/// The labels of a text, leftmost first, and whether it ended with a dot.
pub(crate) struct ParsedLabels {
    pub(crate) labels: Vec<Vec<u8>>,
    pub(crate) absolute: bool,
}

/// Splits a name in presentation form into its labels, in lower case; the caller checks the lengths.
pub(crate) fn parse_labels(text: &str) -> Result<ParsedLabels, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_TEXT {
        return Err(NameError::TooLong);
    }
    if text.is_ascii() {
        return parse_ascii(text);
    }
    if let Some(invisible) = text.chars().find(|c| is_invisible(*c)) {
        return Err(NameError::Invisible(invisible));
    }
    // An escape beside Unicode would be read by UTS 46 as a literal backslash.
    if text.contains('\\') {
        return Err(NameError::Character('\\'));
    }
    if let Some(odd) = text.chars().find(|c| c.is_ascii() && !is_plain(*c) && *c != '.') {
        return Err(NameError::Character(odd));
    }
    let ascii = idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::EMPTY)
        .map_err(|_| NameError::Idna(text.to_owned()))?;
    // UTS 46 makes a backslash of the fullwidth one, which must not begin an escape now.
    if ascii.contains('\\') {
        return Err(NameError::Character('\\'));
    }
    parse_ascii(&ascii)
}

/// Zero-width space, word joiner and byte order mark, and the controls of text direction (UAX 9). Not the joiners U+200C and
/// U+200D, which some scripts need: UTS 46 says where they may stand.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text ends with a dot that is not escaped.
fn ends_with_dot(raw: &[u8]) -> bool {
    let Some(before) = raw.strip_suffix(b".") else { return false };
    before.iter().rev().take_while(|octet| **octet == b'\\').count().is_multiple_of(2)
}

/// The host of a URL, or of a host with a port or a path behind it.
pub(crate) fn host_in(written: &str) -> Option<Name> {
    let rest = written.split_once("://").map_or(written, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next()?;
    Name::parse(host).ok().filter(|name| name.labels().count() > 1 && name.is_host_like() && host != written)
}

fn parse_ascii(text: &str) -> Result<ParsedLabels, NameError> {
    let mut labels = Vec::new();
    let mut label = Vec::new();
    let mut absolute = false;
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        absolute = false;
        match octet {
            b'.' => {
                if label.is_empty() {
                    return Err(NameError::EmptyLabel);
                }
                labels.push(std::mem::take(&mut label));
                absolute = true;
            }
            b'\\' => label.push(parse_escape(&mut octets)?.to_ascii_lowercase()),
            plain if is_plain(plain.into()) => label.push(plain.to_ascii_lowercase()),
            other => return Err(NameError::Character(other.into())),
        }
    }
    if !label.is_empty() {
        labels.push(label);
    }
    if labels.is_empty() { Err(NameError::EmptyLabel) } else { Ok(ParsedLabels { labels, absolute }) }
}

/// Writes the length of the label that begins at `start` and ends with `wire`.
fn close_label(wire: &mut [u8], start: usize) -> Result<(), NameError> {
    let label = wire.get(start + 1..).unwrap_or_default();
    match label.len() {
        0 => Err(NameError::EmptyLabel),
        length if length > MAX_LABEL => Err(NameError::LongLabel(label_text(label))),
        length => {
            if let Some(octet) = wire.get_mut(start) {
                *octet = length as u8;
            }
            Ok(())
        }
    }
}

/// The octet an escape stands for; the backslash has been read (RFC 1035, section 5.1).
pub(crate) fn parse_escape(octets: &mut std::str::Bytes<'_>) -> Result<u8, NameError> {
    let first = octets.next().ok_or(NameError::Escape)?;
    if !first.is_ascii_digit() {
        return if first.is_ascii_graphic() || first == b' ' { Ok(first) } else { Err(NameError::Escape) };
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        match octets.next() {
            Some(digit @ b'0'..=b'9') => value = value * 10 + u32::from(digit - b'0'),
            _ => return Err(NameError::Escape),
        }
    }
    u8::try_from(value).map_err(|_| NameError::Escape)
}

/// Whether a character means itself in a name, in a zone file as well as here.
fn is_plain(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '.' | '\\' | '"' | ';' | '(' | ')' | '@' | '$')
}

pub(crate) fn write_labels<'a>(f: &mut fmt::Formatter<'_>, labels: impl Iterator<Item = &'a [u8]>) -> fmt::Result {
    for (index, label) in labels.enumerate() {
        if index > 0 {
            f.write_str(".")?;
        }
        f.write_str(&label_text(label))?;
    }
    Ok(())
}

/// One label in presentation form: what a zone file could misread is escaped.
fn label_text(label: &[u8]) -> String {
    let mut text = String::with_capacity(label.len());
    for &octet in label {
        if is_plain(octet.into()) {
            text.push(octet.into());
        } else if octet.is_ascii_graphic() {
            text.extend(['\\', octet.into()]);
        } else {
            text.push_str(&format!("\\{octet:03}"));
        }
    }
    text
}
