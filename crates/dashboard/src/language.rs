//! The language of a visitor: from the URL (`?lang=es`), an earlier choice, or the browser's preference.

use axum::http::{HeaderMap, header};

use crate::cookies;
use crate::texts::keys::{self, KeyTexts};
use crate::texts::zones::{self, ZoneTexts};
use crate::texts::{self, Texts};

/// A language that every text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Spanish,
    Malay,
}

impl Language {
    pub(crate) const EVERY: [Language; 3] = [Self::English, Self::Spanish, Self::Malay];

    /// Its tag (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
            Self::Malay => "ms",
        }
    }

    /// What its readers call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
            Self::Malay => "Bahasa Melayu",
        }
    }

    /// Its texts.
    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &texts::ENGLISH,
            Self::Spanish => &texts::SPANISH,
            Self::Malay => &texts::MALAY,
        }
    }

    /// Its texts of the pages of zones.
    pub(crate) fn zone_texts(self) -> &'static ZoneTexts {
        match self {
            Self::English => &zones::ENGLISH,
            Self::Spanish => &zones::SPANISH,
            Self::Malay => &zones::MALAY,
        }
    }

    /// Its texts of the pages of update keys.
    pub(crate) fn key_texts(self) -> &'static KeyTexts {
        match self {
            Self::English => &keys::ENGLISH,
            Self::Spanish => &keys::SPANISH,
            Self::Malay => &keys::MALAY,
        }
    }

    /// The language of a tag, with or without a region.
    pub(crate) fn of_tag(tag: &str) -> Option<Language> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Language::EVERY.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The language in which the owner of an account last signed in, as it is stored; English where none is.
    pub(crate) fn of_owner(stored: Option<&str>) -> Language {
        stored.and_then(Language::of_tag).unwrap_or(Language::English)
    }

    /// The language that the address asks for.
    pub(crate) fn of_query(query: Option<&str>) -> Option<Language> {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        pairs.filter(|(name, _)| name == "lang").find_map(|(_, value)| Language::of_tag(&value))
    }

    /// The language that was chosen before, or that the browser likes best of ours (RFC 9110, section 12.5.4).
    pub(crate) fn of_headers(headers: &HeaderMap) -> Language {
        let chosen = cookies::read(headers, cookies::LANGUAGE).and_then(Language::of_tag);
        chosen.or_else(|| accepted(headers)).unwrap_or(Language::English)
    }
}

fn accepted(headers: &HeaderMap) -> Option<Language> {
    let text = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(f32, Language)> = None;
    for item in text.split(',') {
        let mut parts = item.split(';');
        let language = parts.next().and_then(Language::of_tag);
        let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        if let Some(language) = language
            && quality > best.map_or(0.0, |(known, _)| known)
        {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_address_counts_over_the_choice_and_the_choice_over_the_browser() {
        assert_eq!(Language::of_query(Some("a=1&lang=ms")), Some(Language::Malay));
        assert_eq!(Language::of_query(Some("lang=de&lang=es")), Some(Language::Spanish));
        assert_eq!(Language::of_query(Some("lang=")), None);
        let headers = |pairs: &[(header::HeaderName, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
        };
        let of = |pairs: &[(header::HeaderName, &'static str)]| Language::of_headers(&headers(pairs));
        assert_eq!(of(&[]), Language::English);
        assert_eq!(of(&[(header::ACCEPT_LANGUAGE, "de, es-MX;q=0.8, en;q=0.9, ms;q=0.1")]), Language::English);
        assert_eq!(of(&[(header::ACCEPT_LANGUAGE, "de, ms-MY, en;q=0.9")]), Language::Malay);
        assert_eq!(of(&[(header::ACCEPT_LANGUAGE, "es;q=0, de")]), Language::English);
        let chosen = [(header::ACCEPT_LANGUAGE, "ms"), (header::COOKIE, "zonewright_language=es")];
        assert_eq!(of(&chosen), Language::Spanish);
    }
}
