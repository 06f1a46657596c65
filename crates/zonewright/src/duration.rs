//! Durations as people write them: `90d`.

use std::time::Duration;

/// Reads a whole number followed by `s`, `m`, `h`, `d` or `w`; `None` for anything else, and for nothing at all.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    let number: u32 = number.bytes().all(|c| c.is_ascii_digit()).then(|| number.parse().ok()).flatten()?;
    (number > 0).then(|| Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for bad in ["", "d", "90", "90 d", "-1d", "+1d", "0d", "1.5h", "90days", "é", "99999999999d"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(parse("90d"), Some(Duration::from_secs(90 * 86_400)));
        assert_eq!(parse("45s"), Some(Duration::from_secs(45)));
        assert_eq!(parse("2w"), Some(Duration::from_secs(14 * 86_400)));
    }
}
