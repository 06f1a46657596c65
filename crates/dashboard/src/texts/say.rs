//! Sentences with values in them, and times.

use store::Timestamp;

/// A sentence with `{0}`, `{1}`... replaced.
pub(crate) fn say(text: &str, values: &[&str]) -> String {
    let mut said = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        said.push_str(&rest[..at]);
        let value = rest[at + 1..].split_once('}').and_then(|(number, after)| {
            number.parse::<usize>().ok().and_then(|number| values.get(number)).map(|value| (*value, after))
        });
        match value {
            Some((value, after)) => {
                said.push_str(value);
                rest = after;
            }
            None => {
                said.push('{');
                rest = &rest[at + 1..];
            }
        }
    }
    said.push_str(rest);
    said
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
