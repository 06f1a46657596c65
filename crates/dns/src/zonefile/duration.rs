//! Times as zone files write them: seconds, or numbers with units (`1d2h`), as BIND 9.18 reads them.

/// The seconds that `raw` stands for; `None` where it is no time, or more than 32 bits.
///
/// Units are `w`, `d`, `h`, `m` and `s` in any letter case and any order, and add up. A number without a unit stands alone, or,
/// like BIND's, at the end of units that make 0.
pub(crate) fn parse(raw: &[u8]) -> Option<u32> {
    // BIND's limit. It also bounds the look at what is a type or a value and no time.
    if raw.is_empty() || raw.len() > 63 {
        return None;
    }
    let mut total: u32 = 0;
    let mut number: Option<u32> = None;
    for &octet in raw {
        if octet.is_ascii_digit() {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u32::from(octet - b'0'))?);
            continue;
        }
        let unit = match octet.to_ascii_lowercase() {
            b'w' => 7 * 24 * 3600,
            b'd' => 24 * 3600,
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    match number {
        None => Some(total),
        Some(plain) if total == 0 => Some(plain),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("3600", Some(3600)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("00000000000000000000000000000000000000000000000000000000000001", Some(1)),
            ("0000000000000000000000000000000000000000000000000000000000000001", None),
            ("1h", Some(3600)),
            ("1d2h", Some(93_600)),
            ("2H1D", Some(93_600)),
            ("1h1h", Some(7200)),
            ("1w2d3h4m5s", Some(788_645)),
            ("0h30", Some(30)),
            ("7101w", Some(4_294_684_800)),
            ("7102w", None),
            ("8000w", None),
            ("1h30", None),
            ("h", None),
            ("1hh", None),
            ("h1", None),
            ("1x", None),
            ("+1", None),
            ("-1", None),
            ("1 ", None),
            ("", None),
            ("A", None),
            ("\\049", None),
        ] {
            assert_eq!(parse(text.as_bytes()), seconds, "{text:?}");
        }
    }
}
