//! The settings of a zone by name.

use forms::TypedSettings;

use crate::texts::zones::ZoneTexts;

/// Each setting with its name in the API, borrowed as `typed` is.
macro_rules! named {
    ($typed:expr) => {{
        let TypedSettings { default_ttl, refresh, retry, expire, minimum, comment } = $typed;
        [
            ("default_ttl", default_ttl),
            ("refresh", refresh),
            ("retry", retry),
            ("expire", expire),
            ("minimum", minimum),
            ("comment", comment),
        ]
    }};
}

/// Each setting with its name in the API.
pub(super) fn members(typed: &TypedSettings) -> [(&'static str, &String); 6] {
    named!(typed)
}

/// As [`members`], to be changed.
pub(super) fn members_mut(typed: &mut TypedSettings) -> [(&'static str, &mut String); 6] {
    named!(typed)
}

/// The label of a setting on pages.
pub(super) fn label(name: &str, z: &'static ZoneTexts) -> &'static str {
    match name {
        "default_ttl" => z.default_ttl,
        "refresh" => z.refresh,
        "retry" => z.retry,
        "expire" => z.expire,
        "minimum" => z.minimum,
        _ => z.comment,
    }
}
