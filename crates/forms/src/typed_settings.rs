//! A zone's settings from a form, read by the same rules and with the same errors as those of a request.

use dns::{Fault, Ttl};
use store::{Comment, SettingsChange, ZoneSettings};

use crate::typed_record::integer;

/// What stands in the fields of a form. Nothing typed means the server's own value, as `null` does in a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the members of a zone's settings")]
pub struct TypedSettings {
    pub default_ttl: String,
    pub refresh: String,
    pub retry: String,
    pub expire: String,
    pub minimum: String,
    pub comment: String,
}

impl TypedSettings {
    /// A zone's own settings as a form shows them.
    pub fn from_settings(own: &ZoneSettings) -> TypedSettings {
        fn shown(value: Option<impl ToString>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        TypedSettings {
            default_ttl: shown(own.default_ttl),
            refresh: shown(own.refresh),
            retry: shown(own.retry),
            expire: shown(own.expire),
            minimum: shown(own.minimum),
            comment: shown(own.comment.as_ref().map(Comment::as_str)),
        }
    }

    /// The changes to the settings of the form, as `PATCH` reads them: unchanged members are left out, so that changes of other
    /// users to them are kept.
    ///
    /// # Errors
    ///
    /// For each member that cannot be read, the rule that it breaks, with the member's name.
    pub fn change(&self, was: &TypedSettings) -> Result<SettingsChange, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut number = |name, now: &str, was: &str, max| {
            let read = (now != was).then(|| integer(name, now, max));
            read.transpose().unwrap_or_else(|fault| {
                faults.push(fault);
                None
            })
        };
        let default_ttl = number("default_ttl", &self.default_ttl, &was.default_ttl, Ttl::MAX.seconds());
        let mut change = SettingsChange {
            default_ttl: default_ttl.map(|given| given.and_then(Ttl::new)),
            refresh: number("refresh", &self.refresh, &was.refresh, u32::MAX),
            retry: number("retry", &self.retry, &was.retry, u32::MAX),
            expire: number("expire", &self.expire, &was.expire, u32::MAX),
            minimum: number("minimum", &self.minimum, &was.minimum, u32::MAX),
            comment: None,
        };
        if self.comment != was.comment {
            match Comment::parse(&self.comment) {
                Ok(comment) => change.comment = Some(comment),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(change) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(default_ttl: &str, refresh: &str, comment: &str) -> TypedSettings {
        let [default_ttl, refresh, comment] = [default_ttl, refresh, comment].map(str::to_owned);
        TypedSettings { default_ttl, refresh, comment, ..TypedSettings::default() }
    }

    #[test]
    fn everything_that_cannot_be_read_is_told_in_the_words_of_a_request() {
        let faults = typed("1h", "-1", "a\nb").change(&TypedSettings::default()).unwrap_err();
        let told: Vec<_> = faults.iter().map(|fault| (fault.field, fault.detail.to_string())).collect();
        assert_eq!(
            told,
            [
                (Some("default_ttl"), "default_ttl must be an integer from 0 to 2147483647".to_owned()),
                (Some("refresh"), "refresh must be an integer from 0 to 4294967295".to_owned()),
                (Some("comment"), "comment is one line: control characters and line breaks are not allowed".to_owned()),
            ]
        );
    }

    #[test]
    fn only_what_was_changed_is_written() {
        let was = typed("300", "3600", "the shop");
        assert_eq!(was.change(&was), Ok(SettingsChange::default()));
        let change = typed("600", "3600", "").change(&was).unwrap();
        let wanted = SettingsChange { default_ttl: Some(Ttl::new(600)), comment: Some(None), ..Default::default() };
        assert_eq!(change, wanted);
        let empty = typed("", "", "the shop").change(&was).unwrap();
        let wanted = SettingsChange { default_ttl: Some(None), refresh: Some(None), ..Default::default() };
        assert_eq!(empty, wanted, "an empty field is the server's value again");
    }
}
