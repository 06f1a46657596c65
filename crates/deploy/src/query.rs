//! Queries a nameserver once for the serial of a zone. Frequent callers use an [`Asker`].

use std::net::SocketAddr;
use std::time::Duration;

use dns::{Serial, ZoneName};

use wire::ask::{AskError, Asker, Settings};

/// One packet may be lost; of two, the nameserver is.
const TRIES: u32 = 2;

/// The serial that the nameserver at `server` serves of a zone as authority; `None` where it is not authoritative for it.
/// Asked over UDP; `patience` is for each of two tries.
///
/// # Errors
///
/// See [`AskError`].
pub async fn serial(server: SocketAddr, zone: &ZoneName, patience: Duration) -> Result<Option<Serial>, AskError> {
    Asker::new(server, Settings { sockets: 1, in_flight: 1, tries: TRIES, patience }).serial(zone).await
}
