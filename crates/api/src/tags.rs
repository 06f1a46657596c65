//! Entity tags (RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2). A tag is a serial, with which a client can ask only for newer
//! versions, or change only the version that it has read.
//!
//! A zone's tag is the serial of its newest version, a record's tag the serial of the version that last changed it. Serials
//! increase with every change and are never reused, so every tag is strong.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dns::Serial;

use crate::error::Problem;

/// The tags that a header lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`: whatever there is.
    Any,
    /// These. A tag that was never given out here is no serial, matches nothing, and is left out.
    Listed(Vec<Serial>),
}

/// An invalid header of entity tags.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be *, or a list of entity tags as they were read, each in double quotes: \"1705314600\"")]
pub(crate) struct TagError {
    name: &'static str,
}

impl From<TagError> for Problem {
    fn from(error: TagError) -> Problem {
        Problem::validation(error.name, error.to_string())
    }
}

impl IntoResponse for TagError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl Tags {
    /// `If-Match`.
    pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<Tags>, TagError> {
        Tags::read(headers, header::IF_MATCH, "If-Match")
    }

    /// All lines of the header are one list (RFC 9110, section 5.3); empty members do not count (section 5.6.1). A weak mark, which
    /// proxies add when they compress an answer, says nothing about a zone and is ignored.
    fn read(headers: &HeaderMap, header: HeaderName, name: &'static str) -> Result<Option<Tags>, TagError> {
        let mut found = false;
        let mut any = false;
        let mut members = 0;
        let mut listed = Vec::new();
        for line in headers.get_all(header) {
            found = true;
            let mut rest = line.as_bytes().trim_ascii();
            while !rest.is_empty() {
                if let Some(after) = rest.strip_prefix(b",") {
                    rest = after.trim_ascii_start();
                    continue;
                }
                members += 1;
                rest = if let Some(after) = rest.strip_prefix(b"*") {
                    any = true;
                    after
                } else {
                    let (tag, after) = opaque_tag(rest).ok_or(TagError { name })?;
                    listed.extend(serial(tag));
                    after
                }
                .trim_ascii_start();
                if !rest.is_empty() && !rest.starts_with(b",") {
                    return Err(TagError { name });
                }
            }
        }
        match (found, any, members) {
            (false, ..) => Ok(None),
            (true, true, 1) => Ok(Some(Tags::Any)),
            (true, true, _) | (true, false, 0) => Err(TagError { name }),
            (true, false, _) => Ok(Some(Tags::Listed(listed))),
        }
    }

    fn has(&self, serial: Serial) -> bool {
        match self {
            Tags::Any => true,
            Tags::Listed(serials) => serials.contains(&serial),
        }
    }
}

/// What stands in the quotes, and what comes after them.
fn opaque_tag(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = text.strip_prefix(b"W/").unwrap_or(text).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|octet| *octet == b'"')?;
    let (tag, rest) = quoted.split_at(end);
    let is_tag = tag.iter().all(|octet| *octet == 0x21 || (0x23..=0x7e).contains(octet) || *octet >= 0x80);
    is_tag.then_some((tag, &rest[1..]))
}

/// A tag of ours is a serial as [`etag`] writes it.
fn serial(tag: &[u8]) -> Option<Serial> {
    let number: u32 = std::str::from_utf8(tag).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == tag).then_some(Serial(number))
}

/// The value of an `ETag` header.
pub(crate) fn etag(serial: Serial) -> HeaderValue {
    // Digits in quotes are always a header's value.
    HeaderValue::try_from(format!("\"{serial}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// `If-None-Match` of a request that only reads.
#[derive(Debug)]
pub(crate) struct IfNoneMatch(Option<Tags>);

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = TagError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, TagError> {
        Tags::read(&parts.headers, header::IF_NONE_MATCH, "If-None-Match").map(IfNoneMatch)
    }
}

impl IfNoneMatch {
    /// Whether the client said what it has, so that it may be spared an answer.
    pub(crate) fn anything(&self) -> bool {
        self.0.is_some()
    }

    /// 304 where the client has this already.
    pub(crate) fn unchanged(&self, serial: Serial) -> Option<Response> {
        let has_it = self.0.as_ref().is_some_and(|tags| tags.has(serial));
        has_it.then(|| (StatusCode::NOT_MODIFIED, [(header::ETAG, etag(serial))]).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Option<Tags>, TagError> {
        let headers = lines.iter().map(|line| (header::IF_MATCH, HeaderValue::from_bytes(line.as_bytes()).unwrap()));
        Tags::if_match(&headers.collect())
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for line in [
            "",
            " ",
            ",",
            "1",
            "\"1",
            "1\"",
            "\"1\" \"2\"",
            "\"1\"2",
            "*, \"1\"",
            "\"1\", *",
            "**",
            "*,*",
            "w/\"1\"",
            "W/1",
            "W/ \"1\"",
            "\"a b\"",
            "\"1\";",
            "\"1\\\"\"",
        ] {
            assert!(read(&[line]).is_err(), "{line:?}");
        }
        assert!(read(&["*", "\"1\""]).is_err());
    }

    #[test]
    fn lists() {
        let listed = |serials: &[u32]| Ok(Some(Tags::Listed(serials.iter().copied().map(Serial).collect())));
        for (lines, expected) in [
            (&[][..], Ok(None)),
            (&["*"], Ok(Some(Tags::Any))),
            (&[" * ,"], Ok(Some(Tags::Any))),
            (&["\"17\""], listed(&[17])),
            (&["W/\"17\""], listed(&[17])),
            (&["\"1\",\"2\" ,, W/\"3\","], listed(&[1, 2, 3])),
            (&["\"1\"", "\"2\""], listed(&[1, 2])),
            (&["\"4294967295\""], listed(&[u32::MAX])),
            (&["\"\", \"abc\", \"017\", \"+17\", \"4294967296\", \"é\", \"a,b\""], listed(&[])),
        ] {
            assert_eq!(read(lines), expected, "{lines:?}");
        }
    }
}
