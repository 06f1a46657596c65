//! Messages made to break the server: cut, changed at random, with names that loop, with a signature that is wrong somewhere.
//! They never change anything, and the server answers the next good one.

use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::net::UdpSocket;

use crate::common::{Door, Key};
use crate::messages::Message;

/// How many changed messages are sent.
const MUTATIONS: u32 = 10_000;

fn sample() -> Message {
    let name = b"\x02mx\xc0\x0c";
    Message::update()
        .prerequisite("new.example.test", Rtype::ANY, Class::NONE, 0, &[])
        .prerequisite("www.example.test", Rtype::A, Class::IN, 0, &[192, 0, 2, 1])
        .record("new.example.test", Rtype::A, Class::IN, 60, &[192, 0, 2, 9])
        .record("www.example.test", Rtype::A, Class::NONE, 0, &[192, 0, 2, 1])
        .record("www.example.test", Rtype::TXT, Class::ANY, 0, &[])
        .record_at(name, Rtype::TXT, Class::IN, 60, b"\x03abc")
}

/// Sends datagrams without waiting for answers, then one good message; nothing but that has changed.
async fn nothing_happens(door: &Door, key: &Key, messages: impl Iterator<Item = Vec<u8>>) {
    let (before, serial) = (door.content().await, door.serial().await);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for (number, message) in messages.enumerate() {
        socket.send_to(&message, door.address).await.unwrap();
        if number % 16 == 0 {
            // So that none is dropped: the server has answered, or dropped, all before.
            let alive = Message::empty(Opcode::QUERY).zone("example.test", Rtype::SOA, Class::IN);
            assert_eq!(door.send_tcp(&alive, None).await.unwrap().rcode, Rcode::NOERROR);
        }
    }
    assert_eq!((door.content().await, door.serial().await), (before, serial));
    let good = Message::update().prerequisite("www.example.test", Rtype::A, Class::ANY, 0, &[]);
    let sent = door.send_tcp(&good, Some(key)).await.unwrap();
    assert_eq!((sent.rcode, sent.is_signed), (Rcode::NOERROR, true));
}

async fn door() -> (Door, Key) {
    let door = Door::with("www 60 A 192.0.2.1\nwww 60 TXT x").await;
    let key = door.key().await;
    (door, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cut_of_a_signed_message() {
    let (door, key) = door().await;
    let (message, _) = sample().signed(&key);
    nothing_happens(&door, &key, (0..message.len()).map(|length| message[..length].to_vec())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_is_wrong_at_any_octet() {
    let (door, key) = door().await;
    let (message, _) = sample().signed(&key);
    let start = sample().octets.len();
    // The first two octets of the header, which proxies change, are not signed; letters count without their case.
    let other = |at: usize| {
        let mut other = message.clone();
        other[at] ^= 0x41;
        other
    };
    nothing_happens(&door, &key, (2..message.len()).map(other)).await;
    assert!(start < message.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn random_changes_of_signed_messages() {
    let (door, key) = door().await;
    let (message, _) = sample().signed(&key);
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let changes = prop::collection::vec((2..message.len(), 1..=255_u8), 1..8);
    let mutations = (0..MUTATIONS).map(|_| {
        let mut other = message.clone();
        for (at, octet) in changes.new_tree(&mut runner).unwrap().current() {
            other[at] ^= octet;
        }
        // Letter case is not signed; such a message would be a good one.
        if other.eq_ignore_ascii_case(&message) { vec![0] } else { other }
    });
    nothing_happens(&door, &key, mutations).await;
}

/// The holder of a key sends anything: what is wrong about it is found before anything changes.
#[tokio::test(flavor = "multi_thread")]
async fn random_messages_with_a_good_signature() {
    let (door, key) = door().await;
    let message = sample();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[8; 32]));
    let changes = prop::collection::vec((4..message.octets.len(), any::<u8>()), 1..6);
    for _ in 0..1_000 {
        let mut other = message.clone();
        for (at, octet) in changes.new_tree(&mut runner).unwrap().current() {
            other.octets[at] = octet;
        }
        let serial = door.serial().await;
        let Some(sent) = door.send_tcp(&other, Some(&key)).await else { continue };
        assert!(sent.rcode == Rcode::NOERROR || door.serial().await == serial, "{sent:?} and a new version");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_loop() {
    let (door, key) = door().await;
    let here = (Message::update().octets.len() as u16 | 0xc000).to_be_bytes();
    for name in [&here[..], &[&b"\x01a"[..], &here].concat(), &[0xff, 0xff], &[0xc0, 0x02], &[0x40], &[0x80, 0]] {
        let message = Message::update().record_at(name, Rtype::A, Class::IN, 60, &[192, 0, 2, 9]);
        let before = door.serial().await;
        for key in [Some(&key), None] {
            let sent = door.send_tcp(&message, key).await.unwrap();
            // A pointer into the header finds a name there, which is not in the zone.
            assert!(matches!(sent.rcode, Rcode::FORMERR | Rcode::NOTZONE) || key.is_none(), "{name:?}: {sent:?}");
        }
        assert_eq!(door.serial().await, before);
    }
}
