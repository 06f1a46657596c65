//! What the benchmarks share: a lean client of the API, DNS questions, and figures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::common::Server;

pub(crate) fn create_zone(server: &Server, token: &str, domain: &str) -> String {
    let mut client = Client::new(server.http(), token);
    let answer = client.post("/api/v1/dns-zones/", &format!("{{\"domain\": \"{domain}\"}}"));
    member(&answer, "uuid")
}

/// Adds records from 16 clients until the zone has `count`.
pub(crate) fn fill(server: &Server, token: &str, zone: &str, count: usize) {
    std::thread::scope(|scope| {
        for client in 0..16 {
            scope.spawn(move || {
                let mut http = Client::new(server.http(), token);
                for number in (client..count).step_by(16) {
                    http.create(zone, &format!("host-{number}"), number);
                }
            });
        }
    });
}

/// The time at one part in a hundred of sorted times.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// A socket that asks one nameserver.
pub(crate) fn asking(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    socket
}

/// What is not served by then is not served.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(90);

/// Asks until the answer has a record; the time that took.
pub(crate) fn until_served(socket: &UdpSocket, question: &[u8]) -> Duration {
    let start = Instant::now();
    let mut answer = [0; 512];
    loop {
        assert!(start.elapsed() < GIVEN_UP_AFTER, "not served within {GIVEN_UP_AFTER:?}");
        socket.send(question).unwrap();
        // An answer may be lost under load, and one to an earlier question may be late.
        if socket.recv(&mut answer).is_ok_and(|length| length > 7) && answer[..2] == question[..2] && answer[7] > 0 {
            return start.elapsed();
        }
    }
}

/// A question for an A record (RFC 1035, section 4.1).
pub(crate) fn question(id: u16, name: &str) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// As little of an HTTP client as there can be: the machine's two cores are for the server.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
    token: String,
}

impl Client {
    pub(crate) fn new(http: SocketAddr, token: &str) -> Client {
        let stream = TcpStream::connect(http).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { reader: BufReader::new(stream), token: token.to_owned() }
    }

    pub(crate) fn create(&mut self, zone: &str, owner: &str, number: usize) {
        let address = format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
        let body = format!("{{\"record_type\": \"A\", \"name\": \"{owner}\", \"value\": \"{address}\"}}");
        self.post(&format!("/api/v1/dns-zones/{zone}/records/"), &body);
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> String {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.reader.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let done = line.starts_with("HTTP/1.1 20");
        let mut length = 0;
        loop {
            let mut header = String::new();
            self.reader.read_line(&mut header).unwrap();
            match header.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut answer = vec![0; length];
        self.reader.read_exact(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(done, "{path}: {line}{answer}");
        answer
    }
}

pub(crate) fn member(json: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value[name].as_str().unwrap().to_owned()
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
