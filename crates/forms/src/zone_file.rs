//! Zone files that users upload or paste.

use bytes::Bytes;
use dns::zonefile::{self, Content, FileFault, Options};
use dns::{Apex, ZoneName};

/// Why a file makes no zone.
#[derive(Debug, thiserror::Error)]
pub enum ZoneFileError {
    /// All its faults.
    #[error("the file has {} faults", .0.len())]
    Faults(Vec<FileFault>),
    /// The server is about to stop, or has a fault itself.
    #[error("the reading of a file ended early")]
    EndedEarly,
}

/// Reads a file as what it makes of a zone, away from the async threads.
///
/// # Errors
///
/// The faults of its text, each with its place; that there is no record for the zone in it is one.
pub async fn read_zone_file(
    text: Bytes,
    zone: &ZoneName,
    apex: Apex,
    options: Options,
) -> Result<Content, ZoneFileError> {
    let zone = zone.clone();
    let work = move || zonefile::read(&text, &zone, &apex, &options).map_err(ZoneFileError::Faults);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(ZoneFileError::EndedEarly))
}
