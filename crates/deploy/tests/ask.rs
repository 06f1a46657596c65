//! SOA questions to a real named, and to nameservers that answer badly or not at all.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::content::{NS, version};
use common::dynamic::Dynamic;
use dns::{Serial, ZoneName};
use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder, Name, Rtype, Serial as WireSerial, Ttl};
use domain::rdata::Soa;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::net::UdpSocket;
use wire::ask::{AskError, Asker, Settings};

const QUICK: Settings = Settings { sockets: 1, in_flight: 16, tries: 2, patience: Duration::from_millis(200) };

fn zone(name: &str) -> ZoneName {
    ZoneName::parse(name).unwrap()
}

#[tokio::test]
async fn a_nameserver_that_is_not_the_authority_serves_nothing() {
    let named = Dynamic::open();
    named.load(&version("ask.test", 77, &[NS, ("www", 300, "A", "192.0.2.1"), ("sub", 300, "NS", "x.net.")])).await;
    let asker = Asker::new(named.channel.named.dns(), Settings::default());
    for (name, serial) in [
        ("absent.test", None),
        ("www.ask.test", None),
        ("nothing.ask.test", None),
        ("sub.ask.test", None),
        ("below.sub.ask.test", None),
        ("ask.test", Some(Serial(77))),
    ] {
        assert_eq!(asker.serial(&zone(name)).await.unwrap(), serial, "{name}");
    }
}

#[tokio::test]
async fn many_are_asked_at_once() {
    let named = Dynamic::open();
    let label = "a".repeat(63);
    let long = format!("{label}.{label}.{label}.{}.test", "b".repeat(50));
    named.load(&version("many.test", 1, &[NS])).await;
    named.load(&version(&long, 2, &[NS])).await;
    let asker = Asker::new(named.channel.named.dns(), Settings::default());
    let (many, long) = (zone("many.test"), zone(&long));
    let ask = |index: u32| {
        let (name, serial) = if index.is_multiple_of(2) { (&many, 1) } else { (&long, 2) };
        let answer = asker.serial(name);
        async move { answer.await.unwrap() == Some(Serial(serial)) }
    };
    assert!(futures_util::stream::iter(0..20_000).map(ask).buffer_unordered(2000).all(async |ok| ok).await);
}

#[tokio::test]
async fn a_server_that_is_restarted_is_found_again() {
    let mut named = Dynamic::open();
    named.load(&version("again.test", 5, &[NS])).await;
    let again = zone("again.test");
    let asker = Asker::new(named.channel.named.dns(), QUICK);
    assert_eq!(asker.serial(&again).await.unwrap(), Some(Serial(5)));
    named.channel.named.kill();
    // The network says so at once: nobody waits for the end of the patience.
    let begin = Instant::now();
    for error in join_all((0..100).map(|_| asker.serial(&again))).await {
        assert!(matches!(error, Err(AskError::Unreachable(_))), "{error:?}");
    }
    assert!(begin.elapsed() < QUICK.patience, "{:?}", begin.elapsed());
    named.channel.named.restart();
    assert_eq!(asker.serial(&again).await.unwrap(), Some(Serial(5)));
}

/// A nameserver whose answers a test makes.
struct Fake(UdpSocket);

impl Fake {
    async fn open() -> (Fake, Asker) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let asker = Asker::new(socket.local_addr().unwrap(), QUICK);
        (Fake(socket), asker)
    }

    async fn question(&self) -> (Message<Vec<u8>>, SocketAddr) {
        let mut buffer = vec![0; 2048];
        let (length, from) = self.0.recv_from(&mut buffer).await.unwrap();
        buffer.truncate(length);
        (Message::from_octets(buffer).unwrap(), from)
    }
}

fn answer(question: &Message<Vec<u8>>, rcode: Rcode, is_authoritative: bool, serials: &[u32]) -> Vec<u8> {
    let mut answer = MessageBuilder::new_vec().start_answer(question, rcode).unwrap();
    answer.header_mut().set_aa(is_authoritative);
    let owner = question.sole_question().unwrap().into_qname();
    for serial in serials {
        let zero = Ttl::ZERO;
        let soa = Soa::new(Name::root_slice(), Name::root_slice(), WireSerial(*serial), zero, zero, zero, zero);
        answer.push((&owner, 0, soa)).unwrap();
    }
    answer.finish()
}

#[tokio::test]
async fn a_lost_question_is_asked_again_and_a_silent_server_given_up() {
    let (server, asker) = Fake::open().await;
    let serve = async {
        server.question().await;
        let (question, from) = server.question().await;
        server.0.send_to(&answer(&question, Rcode::NOERROR, true, &[1]), from).await.unwrap();
    };
    let name = zone("a.test");
    let (serial, ()) = tokio::join!(asker.serial(&name), serve);
    assert_eq!(serial.unwrap(), Some(Serial(1)));
    let begin = Instant::now();
    let error = asker.serial(&name).await;
    assert!(matches!(error, Err(AskError::Timeout(_))), "{error:?}");
    assert!(begin.elapsed() >= QUICK.patience * 2 && begin.elapsed() < QUICK.patience * 4, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn only_the_answer_to_the_question_counts() {
    let (server, asker) = Fake::open().await;
    let serve = async {
        let (question, from) = server.question().await;
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        stranger.send_to(&answer(&question, Rcode::NOERROR, true, &[1]), from).await.unwrap();
        let mut other_id = answer(&question, Rcode::NOERROR, true, &[2]);
        other_id[0] ^= 1;
        let mut other_question = MessageBuilder::new_vec().question();
        other_question.header_mut().set_id(question.header().id());
        other_question.push((Name::vec_from_str("b.test").unwrap(), Rtype::SOA)).unwrap();
        let other_question = answer(&other_question.into_message(), Rcode::NOERROR, true, &[3]);
        let not_an_answer = question.as_slice().to_vec();
        let right = answer(&question, Rcode::NOERROR, true, &[4]);
        for datagram in [vec![], vec![0; 5], other_id, other_question, not_an_answer, right] {
            server.0.send_to(&datagram, from).await.unwrap();
        }
    };
    let name = zone("a.test");
    let (serial, ()) = tokio::join!(asker.serial(&name), serve);
    assert_eq!(serial.unwrap(), Some(Serial(4)));
}

#[tokio::test]
async fn every_rcode_has_its_meaning() {
    let (server, asker) = Fake::open().await;
    let name = zone("a.test");
    let ask = async |rcode, is_authoritative, serials: &'static [u32]| {
        let serve = async {
            let (question, from) = server.question().await;
            server.0.send_to(&answer(&question, rcode, is_authoritative, serials), from).await.unwrap();
        };
        tokio::join!(asker.serial(&name), serve).0
    };
    for rcode in [Rcode::REFUSED, Rcode::NOTAUTH, Rcode::NXDOMAIN] {
        assert_eq!(ask(rcode, true, &[]).await.unwrap(), None, "{rcode}");
    }
    for rcode in [Rcode::SERVFAIL, Rcode::FORMERR, Rcode::NOTIMP] {
        let error = ask(rcode, true, &[]).await;
        assert!(matches!(error, Err(AskError::Rcode(found)) if found == rcode), "{error:?}");
    }
    // From a cache, and a referral.
    assert_eq!(ask(Rcode::NOERROR, false, &[9]).await.unwrap(), None);
    assert_eq!(ask(Rcode::NOERROR, false, &[]).await.unwrap(), None);
    assert_eq!(ask(Rcode::NOERROR, true, &[u32::MAX]).await.unwrap(), Some(Serial(u32::MAX)));
}
