//! Pages of a list: keyset paging with an opaque cursor, the next page in the `Link` header (RFC 8288).
//!
//! A cursor names the last item of the previous page, not a position. If items are created or deleted meanwhile, each item that
//! existed throughout is still listed exactly once, also if the item of the cursor was deleted.

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::VersionNumber;
use uuid::Uuid;

use crate::query::{Parameters, QueryError};

/// The most items on a page.
const MAX_SIZE: u32 = 1000;
/// The default number of items per page.
const DEFAULT_SIZE: u32 = 100;

/// Which list a cursor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Zones,
    Records,
    Versions,
}

/// What a cursor says of the last item of a page.
pub(crate) trait Key: Sized {
    /// Its one form in a cursor.
    fn write(&self) -> String;

    /// What has that form.
    fn read(text: &str) -> Option<Self>;
}

impl Key for Uuid {
    fn write(&self) -> String {
        self.simple().to_string()
    }

    fn read(text: &str) -> Option<Uuid> {
        (text.len() == uuid::fmt::Simple::LENGTH).then(|| Uuid::try_parse(text).ok()).flatten()
    }
}

impl Key for VersionNumber {
    fn write(&self) -> String {
        format!("{:016x}", self.0)
    }

    fn read(text: &str) -> Option<VersionNumber> {
        let number = u64::from_str_radix(text, 16).ok().map(VersionNumber)?;
        (number.write() == text).then_some(number)
    }
}

/// The requested page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page<K = Uuid> {
    list: List,
    size: u32,
    after: Option<K>,
}

impl<K: Key + Copy> Page<K> {
    /// Reads `page_size` and `cursor`.
    pub(crate) fn read(parameters: &Parameters, list: List) -> Result<Self, QueryError> {
        let size = match parameters.get("page_size") {
            None => DEFAULT_SIZE,
            Some(text) => {
                let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
                let number = if digits { text.parse().ok() } else { None };
                number.filter(|size| (1..=MAX_SIZE).contains(size)).ok_or(QueryError::PageSize { max: MAX_SIZE })?
            }
        };
        let after =
            parameters.get("cursor").map(|text| list.read_cursor(text).ok_or(QueryError::Cursor)).transpose()?;
        Ok(Page { list, size, after })
    }

    /// The same, but `None` where neither parameter is given.
    pub(crate) fn if_asked(parameters: &Parameters, list: List) -> Result<Option<Self>, QueryError> {
        let asked = parameters.get("page_size").is_some() || parameters.get("cursor").is_some();
        asked.then(|| Page::read(parameters, list)).transpose()
    }

    /// The number of items to read: one more than shown, to know whether there is another page.
    pub(crate) fn limit(&self) -> u32 {
        self.size + 1
    }

    /// The item after which the page begins.
    pub(crate) fn after(&self) -> Option<K> {
        self.after
    }

    /// The answer: what was read, cut to the page, each item as `view` shows it.
    pub(crate) fn answer<T, V: Serialize>(
        &self,
        mut items: Vec<T>,
        parameters: &Parameters,
        key: impl Fn(&T) -> K,
        view: impl Fn(&T) -> V,
    ) -> Response {
        let size = self.size as usize;
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(|last| parameters.with_cursor(&self.list.cursor(&key(last))));
        let views: Vec<V> = items.iter().map(view).collect();
        let mut response = Json(views).into_response();
        // The URL is made of unreserved and percent-encoded characters, and of a path that a request had.
        if let Some(link) = next.and_then(|url| HeaderValue::try_from(format!("<{url}>; rel=\"next\"")).ok()) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

impl List {
    fn mark(self) -> char {
        match self {
            Self::Zones => 'z',
            Self::Records => 'r',
            Self::Versions => 'v',
        }
    }

    fn cursor<K: Key>(self, last: &K) -> String {
        format!("{}{}", self.mark(), last.write())
    }

    fn read_cursor<K: Key>(self, text: &str) -> Option<K> {
        K::read(text.strip_prefix(self.mark())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_belong_to_one_list() {
        let id = Uuid::from_u128(7);
        let cursor = List::Zones.cursor(&id);
        assert_eq!(List::Zones.read_cursor(&cursor), Some(id));
        assert_eq!(List::Records.read_cursor::<Uuid>(&cursor), None);
        for text in ["", "z", "z7", "zé", &id.to_string(), &format!("z{id}"), &format!("{cursor}0")] {
            assert_eq!(List::Zones.read_cursor::<Uuid>(text), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_of_versions_has_one_form() {
        let cursor = List::Versions.cursor(&VersionNumber(0xa7));
        assert_eq!(cursor, "v00000000000000a7");
        assert_eq!(List::Versions.read_cursor(&cursor), Some(VersionNumber(0xa7)));
        for text in ["v", "va7", "v00000000000000A7", "v+0000000000000a7", "z00000000000000a7", "v00000000000000a7 "] {
            assert_eq!(List::Versions.read_cursor::<VersionNumber>(text), None, "{text}");
        }
    }
}
