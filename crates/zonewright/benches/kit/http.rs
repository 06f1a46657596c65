//! As little of an HTTP client as there can be: the machine's two cores are for the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::common::Server;

/// A client of the API on one connection.
pub(crate) struct Client {
    connection: Connection,
    token: String,
}

impl Client {
    pub(crate) fn new(http: SocketAddr, token: &str) -> Client {
        Client { connection: Connection::open(http), token: token.to_owned() }
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> String {
        self.ask("POST", path, "application/json", body)
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, media_type: &str, body: &str) -> String {
        let answer = self.connection.ask(&format!(
            "{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        ));
        assert!(answer.head.starts_with("HTTP/1.1 20"), "{path}: {}{}", answer.head, answer.body);
        answer.body
    }
}

/// A connection that is kept.
pub(crate) struct Connection(BufReader<TcpStream>);

/// What was answered to a request.
pub(crate) struct Answer {
    /// The status line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Connection {
    pub(crate) fn open(http: SocketAddr) -> Connection {
        let stream = TcpStream::connect(http).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection(BufReader::new(stream))
    }

    pub(crate) fn ask(&mut self, request: &str) -> Answer {
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let start = head.len();
            self.0.read_line(&mut head).unwrap();
            let line = head[start..].trim_end();
            if line.is_empty() {
                break;
            }
            match line.split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Answer { head, body: String::from_utf8(body).unwrap() }
    }
}

pub(crate) fn create_zone(server: &Server, token: &str, domain: &str) -> String {
    let mut client = Client::new(server.http(), token);
    let answer = client.post("/api/v1/dns-zones/", &format!("{{\"domain\": \"{domain}\"}}"));
    member(&answer, "uuid")
}

pub(crate) fn member(json: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value[name].as_str().unwrap().to_owned()
}

/// The time at one part in a hundred of sorted times.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
