//! A zone's records, grouped by name, and the editing of them before the changes are applied.
//!
//! One page with three kinds of forms (the filter, the open editor, all other buttons), each with the collected changes. Each
//! button names its action in `do`; the response is the page after the action. Nothing is stored until the changes are applied
//! (`review`).

use axum::extract::{Path, RawQuery};
use axum::http::HeaderMap;
use axum::response::Response;
use dns::RecordId;

use super::draft::Draft;
use super::work::Work;
use super::{review, serial_of, zone_of};
use crate::addresses::of_query;
use crate::failure::Failure;
use crate::form::Form;
use crate::visit::SignedIn;

pub(crate) async fn show(
    who: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let query = query.as_deref();
    let work = Work {
        query: of_query(query, "q"),
        after: of_query(query, "after"),
        is_for_table: is_for_table(&headers),
        ..Work::default()
    };
    work.page(&who, &zone).await
}

fn is_for_table(headers: &HeaderMap) -> bool {
    headers.get("hx-target").is_some_and(|target| target == "table")
}

pub(crate) async fn act(
    who: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let draft = Draft::decode(form.raw("draft")).ok_or(Failure::NoForm)?;
    let base = serial_of(&form)?;
    let mut work = Work {
        query: form.text("q").to_owned(),
        after: form.text("after").to_owned(),
        base: if draft.is_empty() { None } else { Some(base) },
        draft,
        is_for_table: is_for_table(&headers),
        ..Work::default()
    };
    let (verb, what) = form.text("do").split_once(' ').unwrap_or((form.text("do"), ""));
    match verb {
        "show" => {}
        "filter" => work.after.clear(),
        "from" => what.clone_into(&mut work.after),
        "add" => work.open_new(form.text("type"), &zone),
        "edit" => work.open(&who, &zone, record_id(what)?).await?,
        "change" => work.open_item(place(what)?),
        "remove" => {
            work.base = Some(base);
            work.remove(&who, &zone, record_id(what)?).await?;
        }
        "undo" => {
            work.draft.remove(place(what)?);
            work.base = work.base.filter(|_| !work.draft.is_empty());
        }
        "keep" | "keep-anyway" => {
            // The editor was opened on this version, whether something was collected before or not.
            work.base = Some(base);
            work.keep(&who, &zone, &form, verb == "keep-anyway").await?;
        }
        "review" => return review::show(&who, &zone, &work, None).await,
        "apply" => return review::apply(&who, &zone, work, &form).await,
        _ => return Err(Failure::NoForm),
    }
    work.page(&who, &zone).await
}

fn record_id(text: &str) -> Result<RecordId, Failure> {
    text.parse().map(RecordId).map_err(|_| Failure::NoForm)
}

fn place(text: &str) -> Result<usize, Failure> {
    text.parse().map_err(|_| Failure::NoForm)
}
