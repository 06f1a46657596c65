//! DNS messages on a TCP stream: two octets of length before each (RFC 1035, section 4.2.2).

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
