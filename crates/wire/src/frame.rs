//! DNS messages on a TCP stream: two octets of length before each (RFC 1035, section 4.2.2).
//!
//! Clients with many messages in flight use [`FrameReader`], which can be cancelled at any time. Servers read one message at a
//! time into a reused buffer ([`read`]), and write after a length that is filled in later ([`begin`], [`end`]).

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Takes complete messages off a stream. Cancel-safe: what was read stays in the buffer.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: BytesMut,
}

impl FrameReader {
    /// A message that has arrived whole.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(u16::from_be_bytes(*self.buffer.first_chunk()?));
        if self.buffer.len() < 2 + length {
            return None;
        }
        self.buffer.advance(2);
        Some(self.buffer.split_to(length).to_vec())
    }

    /// Waits for more octets. An error at the end of the stream, also between two messages.
    pub async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        match stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the nameserver closed the connection")),
            _ => Ok(()),
        }
    }

    /// Waits for a whole message.
    pub async fn next(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
        loop {
            match self.take() {
                Some(message) => return Ok(message),
                None => self.fill(stream).await?,
            }
        }
    }
}

/// Whether the octets begin with a whole message and its length.
pub fn is_whole(octets: &[u8]) -> bool {
    octets.split_first_chunk().is_some_and(|(&length, rest)| rest.len() >= usize::from(u16::from_be_bytes(length)))
}

/// Reads the next message, of at most 65,535 octets, in place of what is in `message`; false at the end of the stream. Not
/// cancel-safe: drop the stream with it.
///
/// # Errors
///
/// The stream failed, or ended within a message.
pub async fn read(from: &mut (impl AsyncRead + Unpin), message: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 2];
    if from.read(&mut length[..1]).await? == 0 {
        return Ok(false);
    }
    from.read_exact(&mut length[1..]).await?;
    message.resize(u16::from_be_bytes(length).into(), 0);
    from.read_exact(message).await?;
    Ok(true)
}

/// Leaves room for a message's length, and gives its position for [`end`].
pub fn begin(out: &mut Vec<u8>) -> usize {
    out.extend([0, 0]);
    out.len() - 2
}

/// Fills in the length of the message that began at `start` and ends with `out`. It must have at most 65,535 octets.
pub fn end(out: &mut [u8], start: usize) {
    let length = (out.len() - start - 2) as u16;
    if let Some(place) = out.get_mut(start..start + 2) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_by_both_readers() {
        let mut stream = Vec::new();
        for message in [b"first".as_slice(), b"", &[7; 65_535]] {
            let start = begin(&mut stream);
            stream.extend(message);
            end(&mut stream, start);
        }
        assert!(is_whole(&stream[..7]) && !is_whole(&stream[..6]) && !is_whole(&stream[..1]));
        let (mut one, mut other, mut frames, mut message) =
            (stream.as_slice(), stream.as_slice(), FrameReader::default(), Vec::new());
        for length in [5, 0, 65_535] {
            assert!(read(&mut one, &mut message).await.unwrap());
            assert_eq!(message.len(), length);
            assert_eq!(frames.next(&mut other).await.unwrap(), message);
        }
        assert!(!read(&mut one, &mut message).await.unwrap());
        assert!(frames.next(&mut other).await.is_err());
        assert!(read(&mut &stream[..6], &mut message).await.is_err());
    }
}
