//! Reading a complete request body: its limit in octets, its time-out, and its memory while it is read.
//!
//! `dashboard` reads forms itself: a browser shows a response only after it has sent the complete form, so a form above the limit
//! is read up to the limit, while this module refuses a body by its announced length.

use std::hash::Hash;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as _;

use crate::gate::{Full, Gate, Permit};

/// Bodies up to this size, in octets, are not counted.
const FREE: usize = 64 * 1024;

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is larger than the limit.
    #[error("The body is larger than {limit} octets")]
    TooLarge {
        /// The limit, in octets.
        limit: usize,
    },
    /// It did not arrive in time.
    #[error("The body did not arrive within {} s", .within.as_secs_f32())]
    TimedOut {
        /// The time limit.
        within: Duration,
    },
    /// The connection or the stream ended first.
    #[error("The body ended early")]
    BrokeOff,
    /// There is no memory for it now.
    #[error(transparent)]
    Full(#[from] Full),
}

/// Reads a whole body of at most `limit` octets, which has to arrive `within` that time.
///
/// With a `gate`, a body above 64 KiB needs room there for its account; it has the room until the permit is dropped.
///
/// # Errors
///
/// As listed. A body whose announced length is above the limit is refused before anything of it is read.
pub async fn read_body<K: Copy + Eq + Hash>(
    body: Body,
    limit: usize,
    within: Duration,
    gate: Option<(&Gate<K>, K)>,
) -> Result<(Bytes, Option<Permit<K>>), ReadError> {
    let room = Room { gate, permit: None, taken: FREE };
    tokio::time::timeout(within, read(body, limit, room)).await.map_err(|_| ReadError::TimedOut { within })?
}

async fn read<K: Copy + Eq + Hash>(
    mut body: Body,
    limit: usize,
    mut room: Room<'_, K>,
) -> Result<(Bytes, Option<Permit<K>>), ReadError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(ReadError::TooLarge { limit });
    }
    room.reserve(announced)?;
    let mut octets = Vec::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ReadError::BrokeOff)?.into_data() else { continue };
        if octets.len() + data.len() > limit {
            return Err(ReadError::TooLarge { limit });
        }
        room.reserve(octets.len() + data.len())?;
        octets.extend_from_slice(&data);
    }
    Ok((octets.into(), room.permit))
}

/// The room of a body that is being read.
struct Room<'a, K: Copy + Eq + Hash> {
    /// The gate, and the account that sends the body.
    gate: Option<(&'a Gate<K>, K)>,
    permit: Option<Permit<K>>,
    taken: usize,
}

impl<K: Copy + Eq + Hash> Room<'_, K> {
    /// Makes sure that there is room for so many octets in all.
    fn reserve(&mut self, octets: usize) -> Result<(), Full> {
        let Some((gate, account)) = self.gate.filter(|_| octets > self.taken) else { return Ok(()) };
        match &mut self.permit {
            Some(permit) => permit.grow(octets - self.taken)?,
            None => self.permit = Some(gate.enter(account, octets)?),
        }
        self.taken = octets;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt, stream};

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    /// A body whose length is not announced.
    fn in_pieces(pieces: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(pieces).map(|piece| Ok::<_, Infallible>(*piece)))
    }

    async fn ungated(body: Body, limit: usize) -> Result<Bytes, ReadError> {
        read_body::<u8>(body, limit, SHORT, None).await.map(|(octets, _)| octets)
    }

    #[tokio::test]
    async fn a_body_above_the_limit_is_refused() {
        let refused = Err(ReadError::TooLarge { limit: 5 });
        assert_eq!(ungated(Body::from("123456"), 5).await, refused);
        assert_eq!(ungated(in_pieces(&["123", "456"]), 5).await, refused);
        assert_eq!(ungated(in_pieces(&["123", "45"]), 5).await, Ok(Bytes::from("12345")));
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let endless = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert_eq!(ungated(endless, 5).await, Err(ReadError::TimedOut { within: SHORT }));
    }

    #[tokio::test]
    async fn only_a_large_body_needs_room() {
        let gate = Gate::new(FREE, FREE);
        let _held = gate.enter(1, FREE).unwrap();
        let read = async |octets: usize, account| {
            read_body(Body::from(vec![0; octets]), usize::MAX, SHORT, Some((&gate, account))).await
        };
        assert!(read(FREE, 1).await.unwrap().1.is_none());
        assert_eq!(read(FREE + 1, 1).await.unwrap_err(), ReadError::Full(Full::Account(FREE)));
        assert_eq!(read(FREE + 1, 2).await.unwrap_err(), ReadError::Full(Full::Server));
    }
}
