//! `Prefer: wait=N` (RFC 7240): how long a request waits for the deployment of its change.

use axum::http::{HeaderMap, HeaderName};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The longest wait, in seconds; longer waits are shortened to it.
const LONGEST_WAIT: u32 = 60;

/// The seconds that the request prefers to wait, at most 60. Only the first `wait` counts (section 2); what is malformed is
/// ignored as if it were not there, and so are other preferences and parameters.
pub(crate) fn wait(headers: &HeaderMap) -> Option<u32> {
    let preferences = headers.get_all(PREFER).iter().flat_map(|header| split(header.as_bytes(), b','));
    let mut values = preferences.filter_map(|preference| {
        let without_parameters = split(preference, b';').next()?;
        let (name, value) = without_parameters.split_at_checked(without_parameters.iter().position(|o| *o == b'=')?)?;
        name.trim_ascii().eq_ignore_ascii_case(b"wait").then(|| value[1..].trim_ascii())
    });
    seconds(values.next()?)
}

/// The parts of a list. Separators inside quoted strings (RFC 9110, section 5.6.4) separate nothing.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |octet| {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            octet => return !quoted && *octet == separator,
        }
        false
    })
}

/// `delta-seconds`, which may stand in quotes (RFC 7240, section 2: both forms mean the same).
fn seconds(word: &[u8]) -> Option<u32> {
    let digits = match word {
        [b'"', inner @ .., b'"'] => inner,
        token => token,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(digits).ok()?.parse().unwrap_or(LONGEST_WAIT);
    Some(number.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn preferences() {
        for (headers, expected) in [
            (&[][..], None),
            (&["wait=10"], Some(10)),
            (&["WAIT=10"], Some(10)),
            (&["wait=\"10\""], Some(10)),
            (&[" wait \t=  10 "], Some(10)),
            (&["wait=0"], Some(0)),
            (&["wait=007"], Some(7)),
            (&["wait=60"], Some(60)),
            (&["wait=61"], Some(60)),
            (&["wait=99999999999999999999"], Some(60)),
            (&["respond-async, wait=10"], Some(10)),
            (&["respond-async", "wait=10"], Some(10)),
            (&["return=minimal; foo=\"a, wait=1; \\\", wait=2\", wait=10; bar"], Some(10)),
            (&["wait=10; wait=20"], Some(10)),
            (&[",, ,wait=10,"], Some(10)),
            (&["foo; wait=10"], None),
            (&["wait=10, wait=20"], Some(10)),
            (&["wait=10", "wait=20"], Some(10)),
            (&["wait=x, wait=20"], None),
            (&["wait"], None),
            (&["wait="], None),
            (&["wait=\"\""], None),
            (&["wait=-1"], None),
            (&["wait=+1"], None),
            (&["wait=1.5"], None),
            (&["wait=1 0"], None),
            (&["wait=10s"], None),
            (&["wait=\"10"], None),
            (&["wait=\""], None),
            (&["foo=\"wait=10"], None),
            (&["waiting=10"], None),
            (&["=10"], None),
            (&["\u{e9}, wait=10"], Some(10)),
        ] {
            let map = headers.iter().map(|text| (PREFER, HeaderValue::from_str(text).unwrap())).collect();
            assert_eq!(wait(&map), expected, "{headers:?}");
        }
    }
}
