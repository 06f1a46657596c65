//! The substitutions of NAPTR (RFC 3402, section 3.2), checked as BIND does: it refuses the zone if one is not valid.

/// Whether `text` is a delimiter, an extended regular expression (POSIX), a replacement that names no group which the expression
/// does not have, and flags, each ended by the delimiter.
pub(super) fn is_substitution(text: &[u8]) -> bool {
    let Some((&delimiter, rest)) = text.split_first() else { return false };
    if delimiter.is_ascii_digit() || matches!(delimiter, b'\\' | b'i' | 0) || rest.contains(&0) {
        return false;
    }
    let Some((expression, rest)) = split_unescaped(rest, delimiter) else { return false };
    let Some((replacement, flags)) = split_unescaped(rest, delimiter) else { return false };
    let named =
        replacement.windows(2).enumerate().filter(|(at, _)| is_escape(replacement, *at)).map(|(_, pair)| pair[1]);
    let mut highest = 0;
    for digit in named.filter(u8::is_ascii_digit) {
        if digit == b'0' {
            return false;
        }
        highest = highest.max(u32::from(digit - b'0'));
    }
    flags.iter().all(|flag| *flag == b'i') && groups(expression).is_some_and(|groups| highest <= groups)
}

/// What stands before the first `delimiter` that no backslash escapes, and after it.
fn split_unescaped(text: &[u8], delimiter: u8) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    while let Some(&octet) = text.get(at) {
        match octet {
            octet if octet == delimiter => return Some((text.get(..at)?, text.get(at + 1..)?)),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// Whether the octet at `at` is a backslash that escapes the next one, and is not escaped itself.
fn is_escape(text: &[u8], at: usize) -> bool {
    let before = text.get(..=at).unwrap_or_default();
    before.iter().rev().take_while(|octet| **octet == b'\\').count() % 2 == 1
}

/// How many groups an extended regular expression has; `None` where it is none.
fn groups(expression: &[u8]) -> Option<u32> {
    let mut reader = Reader { rest: expression, groups: 0, open: 0, atom: false, repeated: false, may_be_empty: false };
    while let Some(octet) = reader.next() {
        reader.take(octet)?;
    }
    (reader.open == 0 && reader.atom).then_some(reader.groups)
}

struct Reader<'a> {
    rest: &'a [u8],
    groups: u32,
    /// How many groups are open.
    open: u32,
    /// Whether the branch so far has something to repeat.
    atom: bool,
    /// Whether that is repeated already, or an anchor.
    repeated: bool,
    /// Whether the group may end here without anything in it.
    may_be_empty: bool,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&octet, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(octet)
    }

    fn take(&mut self, octet: u8) -> Option<()> {
        match octet {
            b'\\' => {
                let escaped = self.next()?;
                let reference = u32::from(escaped.saturating_sub(b'0'));
                if escaped.is_ascii_digit() && reference > self.groups {
                    return None;
                }
                self.set(true, false);
            }
            b'[' => {
                self.bracket()?;
                self.set(true, false);
            }
            b'{' if self.rest.first().is_some_and(u8::is_ascii_digit) => {
                self.may_repeat()?;
                self.bound()?;
                self.set(true, true);
            }
            b'*' | b'+' | b'?' => {
                self.may_repeat()?;
                self.set(true, true);
            }
            b'(' => {
                self.open += 1;
                self.groups += 1;
                self.may_be_empty = true;
                self.set(false, false);
            }
            b')' => {
                if self.open > 0 && !self.atom && !self.may_be_empty {
                    return None;
                }
                self.open = self.open.saturating_sub(1);
                self.set(true, false);
            }
            b'|' => {
                self.atom.then_some(())?;
                self.may_be_empty = false;
                self.set(false, false);
            }
            b'^' | b'$' => self.set(true, true),
            _ => self.set(true, false),
        }
        Some(())
    }

    fn set(&mut self, atom: bool, repeated: bool) {
        (self.atom, self.repeated) = (atom, repeated);
    }

    fn may_repeat(&self) -> Option<()> {
        (self.atom && !self.repeated).then_some(())
    }

    /// `{3}`, `{3,}` or `{3,5}`, at most 255 each; the brace has been read, and a digit follows.
    fn bound(&mut self) -> Option<()> {
        let end = self.rest.iter().position(|octet| *octet == b'}')?;
        let (bound, rest) = (self.rest.get(..end)?, self.rest.get(end + 1..)?);
        let mut numbers = bound.split(|octet| *octet == b',');
        let number = |digits: &[u8]| super::fields::number(digits).filter(|number| *number <= 255);
        let low = number(numbers.next()?)?;
        let sound = match numbers.next() {
            Some(b"") | None => true,
            Some(high) => low <= number(high)?,
        };
        self.rest = rest;
        (sound && numbers.next().is_none()).then_some(())
    }

    /// `[a-z]`, `[^a]`, `[[:alpha:]]`; the bracket has been read.
    fn bracket(&mut self) -> Option<()> {
        let mut seen = false;
        let mut negated = false;
        // 2 while the end of a range is awaited, 1 behind it: no range may begin there.
        let mut range = 0u8;
        let mut start = 0u16;
        loop {
            let octet = self.next()?;
            match octet {
                b'^' if !seen && !negated => negated = true,
                b'-' if seen && range != 2 => {
                    if range == 1 {
                        return None;
                    }
                    range = 2;
                }
                b']' if seen => return Some(()),
                b']' if self.rest.is_empty() => return None,
                b'[' => {
                    seen = true;
                    match self.rest.first() {
                        Some(b'.') => {
                            let element = self.named(b'.')?;
                            range = range.saturating_sub(1);
                            start = if let [only] = element { u16::from(*only) } else { 256 };
                        }
                        Some(b'=') if range != 2 => drop(self.named(b'=')?),
                        Some(b':') if range != 2 => {
                            let class = self.named(b':')?;
                            CLASSES.contains(&class).then_some(())?;
                        }
                        Some(b'=' | b':') => return None,
                        _ => {}
                    }
                }
                octet => {
                    seen = true;
                    if range == 2 && u16::from(octet) < start {
                        return None;
                    }
                    range = range.saturating_sub(1);
                    start = octet.into();
                }
            }
        }
    }

    /// What stands between `[.` and `.]`, or another of the three signs; at least one octet.
    fn named(&mut self, sign: u8) -> Option<&[u8]> {
        let inside = self.rest.get(1..)?;
        let end = inside.windows(2).position(|pair| pair == [sign, b']']).filter(|end| *end > 0)?;
        self.rest = inside.get(end + 2..)?;
        inside.get(..end)
    }
}

/// The names of character classes.
const CLASSES: [&[u8]; 12] = [
    b"alnum", b"alpha", b"blank", b"cntrl", b"digit", b"graph", b"lower", b"print", b"punct", b"space", b"upper",
    b"xdigit",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bind_refuses_is_no_substitution() {
        for text in [
            "i",
            "0a0b0",
            "!!!",
            "!a!b",
            "!a!b!c",
            "!a!b!!",
            "!a(!b!",
            "!a[!b!",
            "![z-a]!b!",
            "!a{2,1}!b!",
            "!a{256}!b!",
            "!*!b!",
            "!a**!b!",
            "!a||b!b!",
            "!|b!b!",
            "!b|!b!",
            "!(a|)!b!",
            "!^*!b!",
            "!(*a)!b!",
            "!(a)(b)!\\3\\1!i",
            "!(a)(b)!\\0!i",
            "![[:foo:]]!c!",
            "![]!c!",
            "![a-b-c]!c!",
            "!a{1!c!",
            "!{1}!c!",
            "!a+?!c!",
            "!a\\!c!",
            "!a!c\\!",
            "\\a\\b\\",
            "!\0!b!",
            "!a\\1!b!",
            "![[:alpha:]-z]",
            "![a-[:alpha:]]!b!",
            "![[..]]!b!",
            "![a",
        ] {
            assert!(!is_substitution(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_bind_loads_is_one() {
        for text in [
            "!a!!",
            "!a!b!ii",
            "!a)!b!",
            "![a-z]+!b!",
            "!a{2}!b!",
            "!a{,2}!b!",
            "!a{255}!b!",
            "!a|b!b!",
            "!()!b!",
            "!^!b!",
            "!$!b!",
            "!(a)(b)!\\2\\1!i",
            "!a!\\x!",
            "!a\\!b!c!",
            "!\\d!c!",
            "![[:alpha:]]!c!",
            "![[.a.]]!c!",
            "![[=a=]]!c!",
            "![]a]!c!",
            "![^]a]!c!",
            "![a-]!c!",
            "!a{!c!",
            "!a}!c!",
            "!a{1,}!c!",
            "!a{x}!c!",
            "AaAbA",
            "IaIbI",
            "!(a)\\1!b!",
            "!^.*$!sip:info@example.com!",
            "!a!\\\\0!",
        ] {
            assert!(is_substitution(text.as_bytes()), "{text}");
        }
    }
}
