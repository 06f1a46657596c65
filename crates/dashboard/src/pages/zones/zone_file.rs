//! Download of the zone as a BIND zone file.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dns::zonefile;
use store::HistoryError;

use super::zone_of;
use crate::failure::Failure;
use crate::visit::SignedIn;

pub(crate) async fn download(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let zones = who.zones();
    let read = async {
        let apex = zones.apex_at(zone.id, zone.serial).await?;
        Ok((zones.snapshot_at(zone.id, zone.serial).await?, apex))
    };
    let (snapshot, apex) = match read.await {
        Ok(read) => read,
        Err(HistoryError::NoZone | HistoryError::NoVersion(_)) => return Err(Failure::NotFound),
        Err(HistoryError::Store(error)) => return Err(error.into()),
    };
    // A zone's name may have a slash (RFC 2317), which no file's may.
    let file = zone.name.to_string().replace('/', "-");
    let headers = [
        (header::CONTENT_TYPE, "text/dns; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}.zone\"")),
    ];
    Ok((headers, zonefile::export(&snapshot, &apex)).into_response())
}
