//! Parameters of the query part of a URL, and the identifiers in its path.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::uri::Uri;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::error::{ErrorCode, Problem};

/// The parameters of a request, each name once, decoded.
#[derive(Debug)]
pub(crate) struct Parameters {
    list: Vec<(String, String)>,
    path: String,
}

/// Why a query cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("The query part of the URL is malformed")]
    Malformed,
    #[error("The parameter is given more than once")]
    Twice(String),
    #[error("This parameter is not known here; known are {}", .known.join(", "))]
    Unknown { name: String, known: &'static [&'static str] },
    #[error("page_size must be an integer from 1 to {max}")]
    PageSize { max: u32 },
    #[error("The cursor is not valid for this list; use the one in the Link header unchanged")]
    Cursor,
    #[error("zone must be a zone's UUID")]
    Zone,
    #[error("{0} must be true or false")]
    Flag(&'static str),
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Problem {
        let detail = error.to_string();
        match error {
            QueryError::Malformed => Problem::new(ErrorCode::ValidationError, detail),
            QueryError::Twice(name) | QueryError::Unknown { name, .. } => Problem::validation(name, detail),
            QueryError::PageSize { .. } => Problem::validation("page_size", detail),
            QueryError::Cursor => Problem::validation("cursor", detail),
            QueryError::Zone => Problem::validation("zone", detail),
            QueryError::Flag(name) => Problem::validation(name, detail),
        }
    }
}

impl IntoResponse for QueryError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = QueryError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, QueryError> {
        Parameters::read(&parts.uri)
    }
}

impl Parameters {
    fn read(uri: &Uri) -> Result<Parameters, QueryError> {
        let Query(list) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| QueryError::Malformed)?;
        for (index, (name, _)) in list.iter().enumerate() {
            if list.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(QueryError::Twice(name.clone()));
            }
        }
        Ok(Parameters { list, path: uri.path().to_owned() })
    }

    /// Refuses every parameter that is not among `known`: a filter that is misspelt would otherwise select everything.
    pub(crate) fn refuse_unknown(&self, known: &'static [&'static str]) -> Result<(), QueryError> {
        match self.list.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(QueryError::Unknown { name: name.clone(), known }),
            None => Ok(()),
        }
    }

    /// One parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// One parameter that is `true` or `false`; false where it is not given.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, QueryError> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(QueryError::Flag(name)),
        }
    }

    /// The same request with another cursor, as an absolute path.
    pub(crate) fn with_cursor(&self, cursor: &str) -> String {
        let mut url = format!("{}?", self.path);
        for (name, value) in self.list.iter().filter(|(name, _)| name != "cursor") {
            push_encoded(&mut url, name);
            url.push('=');
            push_encoded(&mut url, value);
            url.push('&');
        }
        url.push_str("cursor=");
        push_encoded(&mut url, cursor);
        url
    }
}

/// Everything but the unreserved characters of RFC 3986, section 2.3, is percent-encoded.
fn push_encoded(url: &mut String, text: &str) {
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            url.push(octet.into());
        } else {
            url.push_str(&format!("%{octet:02X}"));
        }
    }
}

/// The identifier in a path. What is no UUID names nothing, so it is `None` and answered as an unknown one is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathId(pub(crate) Option<Uuid>);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let text: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        Ok(PathId(text.ok().and_then(|Path(text)| parse_uuid(&text))))
    }
}

/// Reads a UUID as RFC 9562 writes it: with hyphens, in any letter case.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    (text.len() == uuid::fmt::Hyphenated::LENGTH).then(|| Uuid::try_parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_unknown_parameters_are_refused() {
        let twice = Parameters::read(&Uri::from_static("/x?zone=a&zone=b")).unwrap_err();
        assert_eq!(twice, QueryError::Twice("zone".to_owned()));
        let unknown = Parameters::read(&Uri::from_static("/x?type=MX")).unwrap().refuse_unknown(&["zone"]).unwrap_err();
        assert!(matches!(unknown, QueryError::Unknown { name, .. } if name == "type"));
    }

    #[test]
    fn the_next_page_keeps_the_other_parameters() {
        let parameters =
            Parameters::read(&Uri::from_static("/x/?name=a%26b%20c%C3%A9&cursor=old&page_size=2")).unwrap();
        assert_eq!(parameters.with_cursor("new"), "/x/?name=a%26b%20c%C3%A9&page_size=2&cursor=new");
        assert_eq!(Parameters::read(&Uri::from_static("/x")).unwrap().with_cursor("c"), "/x?cursor=c");
    }

    #[test]
    fn only_the_hyphenated_form_is_an_identifier() {
        let id = Uuid::from_u128(0x0192_aaaa_bbbb_7ccc_8ddd_eeee_ffff_0000);
        assert_eq!(parse_uuid(&id.hyphenated().to_string()), Some(id));
        assert_eq!(parse_uuid(&id.hyphenated().to_string().to_uppercase()), Some(id));
        for text in ["", "1", &id.simple().to_string(), &id.urn().to_string(), &id.braced().to_string()] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }
}
