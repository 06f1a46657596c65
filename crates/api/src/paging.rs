//! Pages of a list: keyset paging with an opaque cursor, the next page in the `Link` header (RFC 8288).
//!
//! A cursor names the last item of the page before, not a position, so that items which are made or deleted meanwhile shift
//! nothing: whatever existed throughout is shown exactly once, also when the item that the cursor names is gone.

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use crate::query::{Parameters, QueryError};

/// The most items on a page.
const MAX_SIZE: u32 = 1000;
/// The items on a page when nobody says how many.
const DEFAULT_SIZE: u32 = 100;

/// Which list a cursor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Zones,
    Records,
}

/// The page that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    list: List,
    size: u32,
    after: Option<Uuid>,
}

impl Page {
    /// Reads `page_size` and `cursor`.
    pub(crate) fn of(parameters: &Parameters, list: List) -> Result<Page, QueryError> {
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
    pub(crate) fn if_asked(parameters: &Parameters, list: List) -> Result<Option<Page>, QueryError> {
        let asked = parameters.get("page_size").is_some() || parameters.get("cursor").is_some();
        asked.then(|| Page::of(parameters, list)).transpose()
    }

    /// How many items to read: one more than are shown, which tells whether there is another page.
    pub(crate) fn limit(&self) -> u32 {
        self.size + 1
    }

    /// The item after which the page begins.
    pub(crate) fn after(&self) -> Option<Uuid> {
        self.after
    }

    /// The answer: what was read, cut to the page, each item as `view` shows it.
    pub(crate) fn answer<T, V: Serialize>(
        &self,
        mut items: Vec<T>,
        parameters: &Parameters,
        id: impl Fn(&T) -> Uuid,
        view: impl Fn(&T) -> V,
    ) -> Response {
        let size = self.size as usize;
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(|last| parameters.with_cursor(&self.list.cursor(id(last))));
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
        }
    }

    fn cursor(self, last: Uuid) -> String {
        format!("{}{}", self.mark(), last.simple())
    }

    fn read_cursor(self, text: &str) -> Option<Uuid> {
        let id = text.strip_prefix(self.mark())?;
        (id.len() == uuid::fmt::Simple::LENGTH).then(|| Uuid::try_parse(id).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_belong_to_one_list() {
        let id = Uuid::from_u128(7);
        let cursor = List::Zones.cursor(id);
        assert_eq!(List::Zones.read_cursor(&cursor), Some(id));
        assert_eq!(List::Records.read_cursor(&cursor), None);
        for text in ["", "z", "z7", "zé", &id.to_string(), &format!("z{id}"), &format!("{cursor}0")] {
            assert_eq!(List::Zones.read_cursor(text), None, "{text}");
        }
    }
}
