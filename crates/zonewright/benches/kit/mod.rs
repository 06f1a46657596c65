//! What the benchmarks share: a lean client of the API, DNS questions, and figures.

mod http;

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::common::Server;

pub(crate) use http::{Client, create_zone, ms, percentile};

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

impl Client {
    pub(crate) fn create(&mut self, zone: &str, owner: &str, number: usize) {
        let address = format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
        let body = format!("{{\"record_type\": \"A\", \"name\": \"{owner}\", \"value\": \"{address}\"}}");
        self.post(&format!("/api/v1/dns-zones/{zone}/records/"), &body);
    }
}
