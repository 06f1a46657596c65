//! Messages that are not quite queries, sizes, and what TCP clients may do.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use dns::{Name, ZoneSnapshot};

use super::common::client::{Answer, Query, Transport, ask, connect, exchange, receive, send, transfer};
use super::common::named::Named;
use super::common::zones::zone;
use super::common::{Ours, Random};

const NOERROR: u16 = 0;
const FORMERR: u16 = 1;
const NOTIMP: u16 = 4;
const REFUSED: u16 = 5;
const NOTAUTH: u16 = 9;
const BADVERS: u16 = 16;

fn example() -> ZoneSnapshot {
    let text = format!("long 60 TXT {}", "sixty-five thousand octets of text ".repeat(2000).split_at(65_000).0);
    let mut lines = vec![
        "@ 3600 NS ns.elsewhere.example".to_owned(),
        "www 60 A 192.0.2.1".to_owned(),
        "sub 60 NS ns.sub.example.com".to_owned(),
        text,
    ];
    lines.extend((0..3000).map(|number| format!("host{number} 60 A 192.0.2.{}", number % 256)));
    lines.extend((0..100).map(|number| format!("many 60 TXT {number} {}", "y".repeat(200))));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    zone("example.com", 5, &lines)
}

fn ours() -> Ours {
    let ours = Ours::start();
    ours.zones.load(example());
    ours
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A query for `www.example.com A`, to be spoiled.
fn plain() -> Vec<u8> {
    Query::new(&name("www.example.com"), 1).message()
}

fn with(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut message = plain();
    change(&mut message);
    message
}

fn typed(text: &str, qtype: u16, qclass: u16) -> Vec<u8> {
    Query { qclass, ..Query::new(&name(text), qtype) }.message()
}

/// An OPT record of `version`.
fn opt(version: u8) -> [u8; 11] {
    [0, 0, 41, 4, 208, 0, version, 0, 0, 0, 0]
}

#[test]
fn faults_get_the_code_that_bind_gives() {
    let (ours, named) = (ours(), Named::start(&[example()]));
    let udp = Transport::Udp;
    let tcp = Transport::Tcp;
    let long_label = |m: &mut Vec<u8>| m[12] = 0x41;
    let table: Vec<(&str, Transport, Vec<u8>, u16)> = vec![
        ("nothing asked", udp, with(|m| (m[5] = 0, m.truncate(12)).0), FORMERR),
        ("two questions", udp, with(|m| (m[5] = 2, m.extend_from_within(12..)).0), FORMERR),
        ("a question that is not there", udp, with(|m| m.truncate(12)), FORMERR),
        ("a question cut short", udp, with(|m| m.truncate(30)), FORMERR),
        ("a label of a type nobody has", udp, with(long_label), FORMERR),
        ("a name that points at itself", udp, with(|m| m.splice(12..29, [0xc0, 12]).for_each(drop)), FORMERR),
        ("an answer that is not there", udp, with(|m| m[7] = 1), FORMERR),
        ("an additional record that is not there", udp, with(|m| m[11] = 1), FORMERR),
        ("two OPT records", udp, with(|m| (m[11] = 2, m.extend(opt(0)), m.extend(opt(0))).0), FORMERR),
        ("an OPT record of a name", udp, with(|m| (m[11] = 1, m.extend([1, b'a']), m.extend(opt(0))).0), FORMERR),
        ("EDNS of the future", udp, with(|m| (m[11] = 1, m.extend(opt(1))).0), BADVERS),
        ("octets after the end", udp, with(|m| m.extend([1, 2, 3])), NOERROR),
        ("another zone", udp, typed("www.example.org", 1, 1), REFUSED),
        ("the zone above", udp, typed("com", 2, 1), REFUSED),
        ("the root", udp, typed(".", 2, 1), REFUSED),
        ("class CHAOS", udp, typed("www.example.com", 1, 3), REFUSED),
        ("class HESIOD", udp, typed("www.example.com", 1, 4), REFUSED),
        ("class NONE", udp, typed("www.example.com", 1, 254), FORMERR),
        ("class ANY", udp, typed("www.example.com", 1, 255), FORMERR),
        ("type OPT", udp, typed("www.example.com", 41, 1), FORMERR),
        ("type TSIG", udp, typed("www.example.com", 250, 1), FORMERR),
        ("type TKEY", udp, typed("www.example.com", 249, 1), FORMERR),
        ("type MAILB", udp, typed("www.example.com", 253, 1), NOTIMP),
        ("type MAILA", udp, typed("www.example.com", 254, 1), NOTIMP),
        ("type 0", udp, typed("www.example.com", 0, 1), NOERROR),
        ("AXFR over UDP", udp, typed("example.com", 252, 1), FORMERR),
        ("IXFR without a serial", tcp, typed("example.com", 251, 1), FORMERR),
        ("AXFR of a name in the zone", tcp, typed("www.example.com", 252, 1), NOTAUTH),
        ("AXFR of another zone", tcp, typed("example.org", 252, 1), NOTAUTH),
        ("opcode IQUERY", udp, with(|m| m[2] = 1 << 3), NOTIMP),
        ("opcode STATUS", udp, with(|m| m[2] = 2 << 3), NOTIMP),
        ("opcode 3", udp, with(|m| m[2] = 3 << 3), NOTIMP),
        ("opcode 15", udp, with(|m| m[2] = 15 << 3), NOTIMP),
    ];
    let mut wrong = Vec::new();
    for (case, transport, message, expected) in table {
        let [mine, theirs] = [ours.address, named.address].map(|server| {
            let response = exchange(server, &message, transport).map_err(|error| format!("{case}: {error}"));
            let response = response.unwrap();
            assert_eq!(response[..2], message[..2], "{case}: the ID");
            assert_eq!(response[2] & 0x78, message[2] & 0x78, "{case}: the opcode");
            Answer::read(&response).rcode
        });
        if (mine, theirs) != (expected, expected) {
            wrong.push(format!("{case}: expected {expected}, ours {mine}, BIND's {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // BIND would go into these for a zone that it has; here zones change in another way, and nobody notifies.
    for opcode in [4, 5] {
        let response = exchange(ours.address, &with(|m| m[2] = opcode << 3), udp).unwrap();
        assert_eq!(Answer::read(&response).rcode, NOTIMP);
    }
}

#[test]
fn responses_and_fragments_of_headers_are_not_answered() {
    let ours = ours();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for noise in [vec![], vec![1], plain()[..11].to_vec(), with(|m| m[2] = 0x80), with(|m| m[2] = 0xff)] {
        socket.send_to(&noise, ours.address).unwrap();
        // One socket's datagrams are answered in their order: were there an answer to the noise, it would come first.
        let query = with(|m| m[1] = 0x99);
        socket.send_to(&query, ours.address).unwrap();
        let mut response = [0; 512];
        let length = socket.recv(&mut response).unwrap();
        assert_eq!(response[..2], query[..2], "{noise:?}");
        assert_eq!(Answer::read(&response[..length]).rcode, NOERROR);
    }
}

#[test]
fn the_question_comes_back_in_the_letters_in_which_it_was_asked() {
    let ours = ours();
    let query = with(|m| m[12..29].copy_from_slice(b"\x03wWw\x07ExaMPLe\x03cOM\0"));
    for transport in [Transport::Udp, Transport::Tcp] {
        let response = exchange(ours.address, &query, transport).unwrap();
        assert_eq!(response[12..33], query[12..33]);
        assert_eq!(Answer::read(&response).answer.len(), 1);
    }
}

#[test]
fn what_does_not_fit_is_truncated_and_whole_over_tcp() {
    let ours = ours();
    for (host, expected) in [("long", 1), ("many", 100)] {
        let mut query = Query::new(&name(&format!("{host}.example.com")), 16);
        for edns in [None, Some((0, false)), Some((512, false)), Some((1232, true)), Some((65_535, true))] {
            query.edns = edns;
            let answer = ask(ours.address, &query, Transport::Udp).unwrap();
            assert!(answer.tc && answer.aa && answer.answer.is_empty());
            assert_eq!(answer.edns, edns.map(|(_, dnssec_ok)| (1232, dnssec_ok)));
            let limit = if edns.is_some_and(|(size, _)| size >= 1232) { 1232 } else { 512 };
            assert!(answer.octets <= limit);
            let answer = ask(ours.address, &query, Transport::Tcp).unwrap();
            assert!(!answer.tc);
            assert_eq!(answer.answer.len(), expected);
        }
    }
}

#[test]
fn a_transfer_streams_the_zone_in_messages() {
    let (ours, named) = (ours(), Named::start(&[example()]));
    let mut query = Query::new(&name("example.com"), 252);
    let mut lines = transfer(ours.address, &query).unwrap();
    assert_eq!(lines.len(), example().records.len() + 2);
    assert_eq!(lines.first(), lines.last());
    let mut theirs = transfer(named.address, &query).unwrap();
    lines.sort();
    theirs.sort();
    assert!(lines == theirs);

    // IXFR: the zone for whoever has an older version, the SOA for others, and over UDP.
    query.qtype = 251;
    for (serial, expected) in [(4, lines.len()), (u32::MAX - 4, lines.len())] {
        query.serial = Some(serial);
        assert_eq!(transfer(ours.address, &query).unwrap().len(), expected);
    }
    for (serial, transport) in [(5, Transport::Tcp), (6, Transport::Tcp), (4, Transport::Udp), (5, Transport::Udp)] {
        query.serial = Some(serial);
        let answer = ask(ours.address, &query, transport).unwrap();
        assert_eq!((answer.rcode, answer.answer.len()), (NOERROR, 1));
        assert!(answer.answer.iter().all(|line| line.1 == 6));
    }
}

#[test]
fn queries_and_transfers_share_a_connection() {
    let ours = ours();
    let mut stream = connect(ours.address).unwrap();
    let soa = Query::new(&name("example.com"), 6).message();
    let axfr = Query::new(&name("example.com"), 252).message();
    for message in [&soa, &axfr, &soa] {
        send(&mut stream, message).unwrap();
    }
    assert_eq!(Answer::read(&receive(&mut stream).unwrap()).answer.len(), 1);
    let (mut soas, mut messages) = (0, 0);
    while soas < 3 {
        let answer = Answer::read(&receive(&mut stream).unwrap());
        soas += answer.answer.iter().filter(|line| line.1 == 6).count();
        messages += 1;
    }
    assert!(messages > 5, "a zone in {messages} messages is not streamed");
    // The end of what the client sends is the end of the connection.
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_client_that_leaves_in_the_middle_disturbs_nobody() {
    let ours = ours();
    let mut random = Random(7);
    for _ in 0..200 {
        let mut stream = connect(ours.address).unwrap();
        let message = Query::new(&name("example.com"), 252).message();
        let mut framed = (message.len() as u16).to_be_bytes().to_vec();
        framed.extend(message);
        stream.write_all(&framed[..random.below(framed.len() + 1)]).unwrap();
    }
    let answer = ask(ours.address, &Query::new(&name("www.example.com"), 1), Transport::Tcp).unwrap();
    assert_eq!(answer.answer.len(), 1);
}

#[test]
fn one_port_serves_both_transports_and_only_one_server() {
    let ours = ours();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let error =
        nameserver::Server::bind(ours.address, nameserver::Zones::new(), nameserver::Settings::default()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
