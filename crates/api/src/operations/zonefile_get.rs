//! `GET /dns-zones/{uuid}/zonefile/`: a zone as a BIND zone file.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dns::{ZoneId, ZoneName, zonefile};
use serde_json::json;
use store::{HistoryError, StoreError};
use tokio::task::JoinError;

use crate::auth::{Caller, List};
use crate::description::{Description, EXAMPLE_SERIAL, Group, etag, file_name};
use crate::error::Problem;
use crate::query::{Parameters, PathId, QueryError};
use crate::schema::Schema;
use crate::tags::{self, IfNoneMatch};
use crate::versions::{no_version, read_serial};
use crate::zone_file::MEDIA_TYPE;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("serial must be the serial of a version in the history")]
    Serial,
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Rendering(#[from] JoinError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::Query(error) => Problem::from(error),
            Self::Serial => Problem::validation("serial", detail),
            Self::NoZone | Self::History(HistoryError::NoZone) => Problem::no_zone(),
            Self::History(HistoryError::NoVersion(_)) => no_version().at("serial"),
            Self::Store(error) | Self::History(HistoryError::Store(error)) => Problem::store(error),
            Self::Rendering(error) => Problem::internal(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    let serial = "The serial of the version to read. Default: the newest.";
    let example = "; Zonewright zone file, format 1\n; Nameservers of the server: ns1.example.net. ns2.example.net.\n$ORIGIN example.com.\n@ 3600 IN SOA ns1.example.net. hostmaster.example.net. 1705314600 3600 600 1209600 300\n@ 3600 \
                   IN NS ns1.example.net.\n@ 3600 IN MX 10 mail.example.com.\n";
    Description::new("getZoneFile", Group::Zones, "Export zone file")
        .text(
            "The zone in BIND's file format (RFC 1035, section 5; `text/dns`, RFC 4027), with the SOA and the operator's NS \
             records. The same version always gives the same file. The file can be sent back unchanged.",
        )
        .query("serial", serial, Schema::serial(), json!(EXAMPLE_SERIAL))
        .answers_as(MEDIA_TYPE, "The zone file", Schema::string(), json!(example))
        .header(file_name())
        .tagged(etag())
        .refuses(no_version().at("serial"))
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    parameters.refuse_unknown(&["serial"])?;
    let serial = parameters.get("serial").map(|text| read_serial(text).ok_or(Error::Serial)).transpose()?;
    let id = ZoneId(id.ok_or(Error::NoZone)?);
    let zone = caller.zones().zone(id).await?.ok_or(Error::NoZone)?;
    let serial = serial.unwrap_or(zone.serial);
    // A client that has the newest version gets 304 before its records are read. An older version may be deleted,
    // so 404 comes first.
    if serial == zone.serial
        && let Some(unchanged) = if_none_match.unchanged(serial)
    {
        return Ok(unchanged);
    }
    let snapshot = caller.zones().snapshot_at(id, serial).await?;
    if let Some(unchanged) = if_none_match.unchanged(serial) {
        return Ok(unchanged);
    }
    // A zone may have a million records.
    let apex = caller.zones().apex_at(id, serial).await?;
    let text = tokio::task::spawn_blocking(move || zonefile::export(&snapshot, &apex)).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        (header::CONTENT_DISPOSITION, disposition(&zone.name)),
        (header::ETAG, tags::etag(serial)),
    ];
    Ok((StatusCode::OK, headers, text).into_response())
}

/// The name that a browser gives to the file.
fn disposition(zone: &ZoneName) -> HeaderValue {
    // The names of zones are letters, digits, hyphens, underscores and slashes.
    let name = zone.to_string().replace('/', "_");
    HeaderValue::try_from(format!("attachment; filename=\"{name}.zone\""))
        .unwrap_or(HeaderValue::from_static("attachment"))
}
