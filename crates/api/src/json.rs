//! A JSON body, read within limits, as a list of members.
//!
//! Decided against: `axum::Json` with a struct for each request. serde stops at the first problem and words the error itself.
//! Here, members are read one by one, so that each error names its member and says what would be valid, and so that duplicate and
//! unknown members are refused.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dns::Message;
use forms::MemberError;
use http_server::{Permit, ReadError, read_body};
use hyper::body::Body as _;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use store::AccountId;

use crate::answers::refusal;
use crate::error::{ErrorCode, Problem};
use crate::shared::Shared;

/// The members of the object that a request's body is. Each name is there once.
#[derive(Debug)]
pub(crate) struct Members {
    list: Vec<(String, Json)>,
    octets: Bytes,
    /// For a large body: its place in the gate.
    _place: Option<Permit<AccountId>>,
}

/// A value of a member.
#[derive(Debug)]
pub(crate) enum Json {
    Null,
    Boolean,
    /// A number; `None` where it is no integer from 0 to 2^64 - 1, written as one.
    Number(Option<u64>),
    String(String),
    Array(Vec<Json>),
    Object(Members),
}

/// Why a body cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("The body must be JSON: send Content-Type: application/json (in UTF-8, without a Content-Encoding)")]
    MediaType,
    #[error("The body must be a zone file: send Content-Type: text/dns (without a Content-Encoding)")]
    NotAZoneFile,
    #[error("{error}")]
    Unread { error: ReadError, version: Version },
    #[error("The body is empty; send a JSON object")]
    Empty,
    #[error("The body is not valid JSON: {0}")]
    Syntax(serde_json::Error),
    #[error("The body must be a JSON object")]
    NotAnObject,
    #[error("The member \"{0}\" is given more than once")]
    Twice(String),
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        let problem = match self {
            Self::MediaType | Self::NotAZoneFile => Problem::new(ErrorCode::UnsupportedMediaType, detail),
            Self::Unread { error: ReadError::TooLarge { .. }, .. } => Problem::new(ErrorCode::PayloadTooLarge, detail),
            Self::Unread { error: ReadError::Full(full), .. } => refusal(full),
            Self::Unread { error: ReadError::TimedOut { .. }, version } => {
                let problem = Problem::new(ErrorCode::InvalidJson, detail);
                // Of HTTP/2, only the stream ends.
                if version > Version::HTTP_11 {
                    problem
                } else {
                    problem.with(header::CONNECTION, HeaderValue::from_static("close"))
                }
            }
            Self::Unread { error: ReadError::BrokeOff, .. } | Self::Empty | Self::Syntax(_) => {
                Problem::new(ErrorCode::InvalidJson, detail)
            }
            Self::NotAnObject => Problem::new(ErrorCode::ValidationError, detail),
            Self::Twice(member) => Problem::validation(member, detail),
        };
        problem.into_response()
    }
}

impl FromRequest<Arc<Shared>> for Members {
    type Rejection = BodyError;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, BodyError> {
        Members::receive(request, shared, shared.settings.body_limit).await
    }
}

/// [`Members`] of a body that may be as long as a whole zone.
#[derive(Debug)]
pub(crate) struct Bulk(pub(crate) Members);

impl FromRequest<Arc<Shared>> for Bulk {
    type Rejection = BodyError;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, BodyError> {
        Members::receive(request, shared, shared.settings.bulk_limit).await.map(Bulk)
    }
}

impl Members {
    async fn receive(request: Request, shared: &Shared, limit: usize) -> Result<Members, BodyError> {
        let (parts, body) = request.into_parts();
        check_media_type(&parts.headers, &body)?;
        let (octets, place) = read_within(body, limit, &parts, shared).await?;
        let members = Members::parse(&octets)?;
        Ok(Members { octets, _place: place, ..members })
    }
}

/// The whole body, of at most `limit` octets, where it arrives in time and there is room for it.
pub(crate) async fn read_within(
    body: Body,
    limit: usize,
    parts: &Parts,
    shared: &Shared,
) -> Result<(Bytes, Option<Permit<AccountId>>), BodyError> {
    // Every operation that has a body has a caller.
    let gate = parts.extensions.get::<AccountId>().map(|account| (&shared.limits.bulk, *account));
    let read = read_body(body, limit, shared.settings.body_timeout, gate).await;
    read.map_err(|error| BodyError::Unread { error, version: parts.version })
}

/// `application/json`, its charset UTF-8 where one is said (RFC 8259, section 8.1). Without a body, there is nothing to name.
fn check_media_type(headers: &HeaderMap, body: &Body) -> Result<(), BodyError> {
    let encoding = single_header(headers, header::CONTENT_ENCODING)?;
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(BodyError::MediaType);
    }
    let Some(media_type) = single_header(headers, header::CONTENT_TYPE)? else {
        return if body.is_end_stream() { Ok(()) } else { Err(BodyError::MediaType) };
    };
    let mut parts = media_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        let value = value.trim().trim_matches('"');
        // `utf8` is not the registered name, but what many clients send.
        !name.trim().eq_ignore_ascii_case("charset")
            || ["utf-8", "utf8"].iter().any(|utf8| value.eq_ignore_ascii_case(utf8))
    });
    if essence.eq_ignore_ascii_case("application/json") && utf8 { Ok(()) } else { Err(BodyError::MediaType) }
}

/// The value of a header that may be given once; `None` where it is absent.
///
/// # Errors
///
/// It is there twice, or not printable ASCII.
pub(crate) fn single_header(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, BodyError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| BodyError::MediaType),
        (Some(_), Some(_)) => Err(BodyError::MediaType),
    }
}

impl Members {
    fn parse(octets: &[u8]) -> Result<Members, BodyError> {
        // Some programs write a byte order mark; RFC 8259, section 8.1, lets a reader ignore it.
        let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
        if octets.iter().all(u8::is_ascii_whitespace) {
            return Err(BodyError::Empty);
        }
        let members: Members = serde_json::from_slice(octets).map_err(|error| match error.classify() {
            Category::Data => BodyError::NotAnObject,
            Category::Syntax | Category::Eof | Category::Io => BodyError::Syntax(error),
        })?;
        match members.twice() {
            Some(name) => Err(BodyError::Twice(name.to_owned())),
            None => Ok(members),
        }
    }

    /// A name that is given more than once, here or in an object within.
    fn twice(&self) -> Option<&str> {
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        let here = names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        here.or_else(|| self.list.iter().find_map(|(_, value)| value.twice()))
    }

    /// The body that they were read from, as it came.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    fn read<'de, A: MapAccess<'de>>(mut object: A) -> Result<Members, A::Error> {
        let mut list = Vec::new();
        while let Some(member) = object.next_entry()? {
            list.push(member);
        }
        Ok(Members { list, octets: Bytes::new(), _place: None })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| name.as_str())
    }

    /// Refuses every member that is not among `known`.
    pub(crate) fn refuse_unknown(&self, known: &'static [&'static str]) -> Result<(), MemberError> {
        match self.names().find(|name| !known.contains(name)) {
            Some(name) => Err(MemberError::Unknown { name: name.to_owned(), known }),
            None => Ok(()),
        }
    }

    /// A member that must be a string, where it is given.
    pub(crate) fn string(&self, name: &'static str) -> Result<Option<&str>, MemberError> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(MemberError::Type { name, expected: Message::untranslated("a string") }),
        }
    }

    /// A member that must be a string or null, where it is given.
    pub(crate) fn string_or_null(&self, name: &'static str) -> Result<Option<Option<&str>>, MemberError> {
        match self.get(name) {
            Some(Json::Null) => Ok(Some(None)),
            _ => self.string(name).map(|text| text.map(Some)),
        }
    }

    /// A member that must be given, and be a string.
    pub(crate) fn required_string(&self, name: &'static str) -> Result<&str, MemberError> {
        self.string(name)?.ok_or(MemberError::Missing(name))
    }

    /// An optional member that must be an integer from 0 to `max`, or null. A number with a fraction or an exponent is not an
    /// integer, whatever its value.
    pub(crate) fn integer(&self, name: &'static str, max: u32) -> Result<Option<Option<u32>>, MemberError> {
        let fault = || MemberError::integer(name, max);
        match self.get(name) {
            None => Ok(None),
            Some(Json::Null) => Ok(Some(None)),
            Some(Json::Number(number)) => {
                let number = number.and_then(|number| u32::try_from(number).ok());
                Ok(Some(Some(number.filter(|number| *number <= max).ok_or_else(fault)?)))
            }
            Some(_) => Err(fault()),
        }
    }

    /// A member that must be an array of strings, or null, where it is given.
    pub(crate) fn strings(&self, name: &'static str) -> Result<Option<Vec<String>>, MemberError> {
        let fault = || MemberError::Type { name, expected: Message::untranslated("an array of strings") };
        match self.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Array(items)) => items
                .iter()
                .map(|item| match item {
                    Json::String(text) => Ok(text.clone()),
                    _ => Err(fault()),
                })
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(fault()),
        }
    }

    /// A member that must be given, and be an array.
    pub(crate) fn required_array(&self, name: &'static str) -> Result<&[Json], MemberError> {
        match self.get(name) {
            None => Err(MemberError::Missing(name)),
            Some(Json::Array(items)) => Ok(items),
            Some(_) => Err(MemberError::Type { name, expected: Message::untranslated("an array") }),
        }
    }

    fn get(&self, name: &str) -> Option<&Json> {
        self.list.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Members, A::Error> {
                Members::read(object)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl Json {
    /// The members, where it is an object.
    pub(crate) fn object(&self) -> Option<&Members> {
        match self {
            Json::Object(members) => Some(members),
            _ => None,
        }
    }

    fn twice(&self) -> Option<&str> {
        match self {
            Json::Object(members) => members.twice(),
            Json::Array(items) => items.iter().find_map(Json::twice),
            Json::Null | Json::Boolean | Json::Number(_) | Json::String(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
                Ok(Json::Boolean)
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(Some(number)))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Number(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Number(None))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::String(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Json, E> {
                Ok(Json::String(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = array.next_element()? {
                    items.push(item);
                }
                Ok(Json::Array(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Json, A::Error> {
                Members::read(object).map(Json::Object)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Problem {
        let detail = error.to_string();
        match error {
            MemberError::Unknown { name, .. } => Problem::validation(name, detail),
            MemberError::Missing(name)
            | MemberError::Type { name, .. }
            | MemberError::ReadOnly { name }
            | MemberError::Uuid { name } => Problem::validation(name, detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_of_distinct_members_is_refused() {
        for (text, expected) in [
            ("", "empty"),
            (" \n", "empty"),
            ("[]", "must be a JSON object"),
            ("null", "must be a JSON object"),
            ("\"a\"", "must be a JSON object"),
            ("{", "line 1 column 1"),
            ("{\n  \"a\": x}", "line 2 column 8"),
            ("{\"a\": 1,}", "line 1 column 9"),
            ("{} {}", "line 1 column 4"),
            ("{\"a\": \"\\ud800\"}", "not valid JSON"),
            ("{\"a\": 1e999}", "not valid JSON"),
            ("\u{feff}", "empty"),
            ("\u{feff}\u{feff}{}", "not valid JSON"),
            ("{\"a\": 1, \"b\": 2, \"a\": 1}", "\"a\" is given more than once"),
            ("{\"a\": [1, {\"b\": {\"c\": 2, \"c\": 3}}]}", "\"c\" is given more than once"),
        ] {
            let error = Members::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
        assert_eq!(Members::parse("\u{feff}{\"a\": 1}".as_bytes()).unwrap().integer("a", 1), Ok(Some(Some(1))));
        let error = Members::parse(b"{\"a\": \"\xff\"}").unwrap_err().to_string();
        assert!(error.contains("line 1 column"), "{error}");
    }

    #[test]
    fn only_integers_are_integers() {
        for text in ["true", "1.0", "1e3", "\"3600\"", "-1", "-0", "65536", "4294967296", "1e99", "[]", "{}"] {
            let members = Members::parse(format!("{{\"n\": {text}}}").as_bytes()).unwrap();
            let error = members.integer("n", 65535).unwrap_err().to_string();
            assert_eq!(error, "n must be an integer from 0 to 65535", "{text}");
        }
        let members = Members::parse(b"{\"n\": 65535, \"z\": null}").unwrap();
        assert_eq!(members.integer("n", 65535), Ok(Some(Some(65535))));
        assert_eq!(members.integer("z", 65535), Ok(Some(None)));
        assert_eq!(members.integer("x", 65535), Ok(None));
    }

    #[test]
    fn media_types() {
        let check = |value: &str| {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_str(value).unwrap())].into_iter().collect();
            check_media_type(&headers, &Body::from("{}")).is_ok()
        };
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; charset=utf8",
        ] {
            assert!(check(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonx",
            "application/json; charset=latin1",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!check(bad), "{bad}");
        }
        assert!(check_media_type(&HeaderMap::new(), &Body::from("{}")).is_err());
        assert!(check_media_type(&HeaderMap::new(), &Body::empty()).is_ok());
    }
}
