//! Sentences with values in them, and times.

use std::borrow::Cow;

use store::Timestamp;

/// A sentence with `{0}`, `{1}`... replaced.
pub(crate) fn say(text: &str, values: &[&str]) -> String {
    dns::message::fill(text, |number| values.get(number.parse::<usize>().ok()?).map(|value| Cow::Borrowed(*value)))
}

/// A time as pages and mails show it: to the minute, in UTC.
pub(crate) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places_and_are_not_read_again() {
        assert_eq!(say("{1} and {0}", &["a", "b"]), "b and a");
        assert_eq!(say("{0}{0}", &["{1}", "x"]), "{1}{1}");
        assert_eq!(say("{2} {x} {", &["a"]), "{2} {x} {");
    }
}
