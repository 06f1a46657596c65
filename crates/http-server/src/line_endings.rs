//! Bare LF in the heads of HTTP/1 requests.
//!
//! A line of a head ends with CRLF; a server may also accept a bare LF (RFC 9112, section 2.2). A proxy in front of this server
//! that accepts none sees other header fields than a server that does, and request smuggling uses that difference. hyper accepts
//! a bare LF and has no setting against it. So the octets are checked on their way to hyper: a bare LF becomes a NUL, which no
//! head may contain, and hyper refuses the request with 400.
//!
//! Also, some clients (inadyn) write two spaces before the version of the request line, which a server may accept (RFC 9112,
//! section 3) and hyper does not. The first of them becomes a `?` or a `&`: an empty query, or an empty part of one.
//!
//! Bodies may contain any octets, so the check follows the framing: Content-Length, and the sizes of chunks. It stops where it
//! cannot follow (HTTP/2, framing that hyper refuses by itself).

/// The longest line that is followed. hyper refuses a longer head.
const LONGEST_LINE: usize = 64 * 1024;

/// Follows one connection.
#[derive(Debug)]
pub(crate) struct LineEndings {
    state: State,
    /// The line so far.
    line: Vec<u8>,
    /// What follows the head that is being read.
    body: Option<Framing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first line of a head.
    Start,
    Head,
    ChunkSize,
    Trailer,
    /// Octets to pass over, and the state after them.
    Skip(u64, After),
    Unchecked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Start,
    ChunkSize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunks,
}

impl LineEndings {
    pub(crate) fn new() -> LineEndings {
        LineEndings { state: State::Start, line: Vec::new(), body: None }
    }

    /// Checks the next octets of the connection, and spoils the first line that ends with a bare LF.
    pub(crate) fn check(&mut self, mut octets: &mut [u8]) {
        while !octets.is_empty() {
            match self.state {
                State::Unchecked => return,
                State::Skip(left, after) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(octets.len());
                    octets = &mut octets[here..];
                    self.state = match (left - here as u64, after) {
                        (0, After::Start) => State::Start,
                        (0, After::ChunkSize) => State::ChunkSize,
                        (left, after) => State::Skip(left, after),
                    };
                }
                State::Start | State::Head | State::ChunkSize | State::Trailer => {
                    let Some(end) = octets.iter().position(|octet| *octet == b'\n') else {
                        self.line.extend_from_slice(octets);
                        if self.line.len() > LONGEST_LINE {
                            self.state = State::Unchecked;
                        }
                        return;
                    };
                    if self.state == State::Start {
                        join_spaces(&self.line, &mut octets[..end]);
                    }
                    self.line.extend_from_slice(&octets[..end]);
                    if self.line.pop() == Some(b'\r') {
                        self.state = self.after_line();
                    } else {
                        octets[end] = 0;
                        self.state = State::Unchecked;
                    }
                    self.line.clear();
                    octets = &mut octets[end + 1..];
                }
            }
        }
    }

    fn after_line(&mut self) -> State {
        match self.state {
            // Empty lines before a request are passed over (RFC 9112, section 2.2).
            State::Start if self.line.is_empty() => State::Start,
            State::Start if self.line == b"PRI * HTTP/2.0" => State::Unchecked,
            State::Start => State::Head,
            State::Head if self.line.is_empty() => match self.body.take() {
                None | Some(Framing::Length(0)) => State::Start,
                Some(Framing::Length(length)) => State::Skip(length, After::Start),
                Some(Framing::Chunks) => State::ChunkSize,
            },
            State::Head => self.field(),
            State::ChunkSize => match chunk_size(&self.line) {
                Some(0) => State::Trailer,
                // With the CRLF that ends the chunk.
                Some(size) => State::Skip(size.saturating_add(2), After::ChunkSize),
                None => State::Unchecked,
            },
            State::Trailer if self.line.is_empty() => State::Start,
            State::Trailer | State::Skip(..) | State::Unchecked => self.state,
        }
    }

    /// Notes what a header field says of the body. Chunks go before a length (RFC 9112, section 6.3).
    fn field(&mut self) -> State {
        let Some(colon) = self.line.iter().position(|octet| *octet == b':') else { return State::Head };
        let (name, value) = (&self.line[..colon], self.line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.to_ascii_lowercase().ends_with(b"chunked") {
                return State::Unchecked;
            }
            self.body = Some(Framing::Chunks);
        } else if name.eq_ignore_ascii_case(b"content-length") && self.body != Some(Framing::Chunks) {
            let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            let Some(length) = length else { return State::Unchecked };
            self.body = Some(Framing::Length(length));
        }
        State::Head
    }
}

/// Replaces the first of two spaces before the version, where both are in the last piece of the request line. (The first piece has
/// 24 octets, in which HTTP/2 is recognised.)
fn join_spaces(before: &[u8], rest: &mut [u8]) {
    const TWO: &[u8] = b"  HTTP/1.";
    let Some(at) = rest.windows(TWO.len()).rposition(|part| part == TWO) else { return };
    let target = || before.iter().chain(&rest[..at]);
    if target().filter(|octet| **octet == b' ').count() == 1 {
        rest[at] = if target().any(|octet| *octet == b'?') { b'&' } else { b'?' };
    }
}

/// The size in a chunk's first line, without its extensions.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|octet| *octet == b';').next()?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What hyper gets to see, whatever the pieces in which the octets arrive.
    fn seen(text: &str) -> String {
        let whole = |piece: usize| {
            let mut octets = text.as_bytes().to_vec();
            let mut endings = LineEndings::new();
            octets.chunks_mut(piece).for_each(|piece| endings.check(piece));
            String::from_utf8(octets).unwrap()
        };
        let at_once = whole(text.len());
        for piece in [1, 2, 3, 7] {
            assert_eq!(whole(piece), at_once, "in pieces of {piece}");
        }
        at_once
    }

    #[test]
    fn a_bare_lf_in_a_head_is_spoiled() {
        for text in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\n\n\nGET / HTTP/1.1\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n0\r\nX: y\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nContent-Length: 9\r\n\r\n0\n\r\n",
        ] {
            assert_eq!(seen(text).matches('\0').count(), 1, "{text:?}");
        }
    }

    #[test]
    fn two_spaces_before_the_version_are_one() {
        for (text, becomes) in [
            ("GET /a?b=c  HTTP/1.0\r\nX:  HTTP/1.0\r\n\r\n", "GET /a?b=c& HTTP/1.0\r\nX:  HTTP/1.0\r\n\r\n"),
            ("GET /a  HTTP/1.1\r\n\r\n", "GET /a? HTTP/1.1\r\n\r\n"),
            ("GET /a   HTTP/1.0\r\n\r\n", "GET /a   HTTP/1.0\r\n\r\n"),
            ("GET /a b  HTTP/1.0\r\n\r\n", "GET /a b  HTTP/1.0\r\n\r\n"),
            ("GET  HTTP/1.0\r\n\r\n", "GET  HTTP/1.0\r\n\r\n"),
            ("GET /a HTTP/1.0\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n"),
        ] {
            let mut octets = text.as_bytes().to_vec();
            LineEndings::new().check(&mut octets);
            assert_eq!(String::from_utf8(octets).unwrap(), becomes);
        }
    }

    #[test]
    fn everything_else_passes() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\nc",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\na\nb\r\nA\r\n\n\n\n\n\n\n\n\n\n\n\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\n\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n\n",
        ] {
            assert_eq!(seen(text), text);
        }
    }
}
