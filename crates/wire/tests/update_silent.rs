//! Nameservers that do not answer, answer late, or answer what nobody asked.
#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by failing")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use dns::rdata::Soa;
use dns::{Name, Serial, Ttl, ZoneName};
use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder};
use domain::rdata::tsig::Time48;
use domain::tsig::{self, ServerTransaction};
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use wire::WireRecord;
use wire::secret::Algorithm;
use wire::tsig::{Clock, TsigFault, TsigKey};
use wire::update::{Lost, NotSent, Outcome, Settings, UpdateBuilder, UpdateError, UpdateMessage, Updater};

/// The time of all signatures, in seconds since 1970.
const NOW: i64 = 1_767_225_600;
const PATIENCE: Duration = Duration::from_millis(300);

fn key() -> TsigKey {
    TsigKey::generate(Name::parse("update").unwrap(), Algorithm::Sha256).unwrap()
}

fn message(zone: &str) -> UpdateMessage {
    let zone = ZoneName::parse(zone).unwrap();
    let name = Name::parse("ns1.test").unwrap();
    let (refresh, retry, expire, minimum, ttl) = (86_400, 7_200, 3_600_000, 300, Ttl::MIN);
    let soa = |serial| Soa {
        mname: name.clone(),
        rname: name.clone(),
        serial: Serial(serial),
        refresh,
        retry,
        expire,
        minimum,
        ttl,
    };
    let (from, to) = (WireRecord::soa(&soa(1), &zone), WireRecord::soa(&soa(2), &zone));
    UpdateBuilder::new(zone, from, to).build().unwrap()
}

async fn updater(settings: Settings) -> (TcpListener, TsigKey, Updater) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let key = key();
    let updater = Updater::new(listener.local_addr().unwrap(), &key, settings, Clock::from_seconds(|| NOW));
    (listener, key, updater)
}

fn one_connection() -> Settings {
    Settings { connections: 1, in_flight: 8, queue: 4, patience: PATIENCE }
}

async fn read(stream: &mut TcpStream) -> Option<Message<Vec<u8>>> {
    let length = stream.read_u16().await.ok()?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.ok()?;
    Some(Message::from_octets(message).unwrap())
}

/// The signed answer to a request, as it stands in the stream.
fn answer(key: &TsigKey, mut request: Message<Vec<u8>>, rcode: Rcode) -> Vec<u8> {
    let now = Time48::from_u64(NOW.unsigned_abs());
    let name: tsig::KeyName = "update".parse().unwrap();
    let key = Arc::new(tsig::Key::new(tsig::Algorithm::Sha256, key.secret().octets(), name, None, None).unwrap());
    let transaction = ServerTransaction::request(&key, &mut request, now).unwrap().unwrap();
    let mut answer = MessageBuilder::new_stream_vec().start_answer(&request, rcode).unwrap().additional();
    transaction.answer(&mut answer, now).unwrap();
    answer.finish().as_stream_slice().to_vec()
}

#[tokio::test]
async fn nobody_listens() {
    let (listener, _, updater) = updater(one_connection()).await;
    drop(listener);
    for error in join_all((0..10).map(|_| updater.send(message("a.test")))).await {
        assert!(matches!(error, Err(UpdateError::NotSent(NotSent::Connect(_)))), "{error:?}");
    }
}

#[tokio::test]
async fn a_silent_server_costs_each_update_its_patience_and_no_more() {
    let (listener, _, updater) = updater(one_connection()).await;
    let silent = async {
        let mut connections = Vec::new();
        loop {
            connections.push(listener.accept().await.unwrap());
        }
    };
    let begin = Instant::now();
    let results = tokio::select! {
        results = join_all((0..20).map(|_| updater.send(message("a.test")))) => results,
        () = silent => unreachable!(),
    };
    assert!(begin.elapsed() < PATIENCE * 3, "{:?}", begin.elapsed());
    let count =
        |wanted: fn(&UpdateError) -> bool| results.iter().filter(|result| wanted(result.as_ref().unwrap_err())).count();
    let timed_out = count(|error| matches!(error, UpdateError::Lost(Lost::Timeout(_) | Lost::Connection(_))));
    let unsent = count(|error| matches!(error, UpdateError::NotSent(NotSent::Busy(_))));
    assert_eq!((timed_out, unsent), (8, 12), "{results:?}");
}

#[tokio::test]
async fn a_late_answer_is_nobody_elses() {
    let (listener, key, updater) = updater(one_connection()).await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let first = read(&mut stream).await.unwrap();
        let second = read(&mut stream).await.unwrap();
        stream.write_all(&answer(&key, second, Rcode::NOERROR)).await.unwrap();
        // By now the first update has been given up.
        let third = read(&mut stream).await.unwrap();
        stream.write_all(&answer(&key, first, Rcode::NXRRSET)).await.unwrap();
        stream.write_all(&answer(&key, third, Rcode::REFUSED)).await.unwrap();
        stream
    };
    let client = async {
        let (first, second) = tokio::join!(updater.send(message("a.test")), updater.send(message("b.test")));
        assert!(matches!(first, Err(UpdateError::Lost(Lost::Timeout(_)))), "{first:?}");
        assert_eq!(second.unwrap(), Outcome::Applied);
        assert_eq!(updater.send(message("c.test")).await.unwrap(), Outcome::Refused);
    };
    tokio::join!(server, client);
}

#[tokio::test]
async fn answers_in_another_order_find_their_updates() {
    let (listener, key, updater) = updater(one_connection()).await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut requests = Vec::new();
        for _ in 0..8 {
            requests.push(read(&mut stream).await.unwrap());
        }
        let rcodes = [Rcode::NOERROR, Rcode::NXRRSET, Rcode::NOTAUTH, Rcode::REFUSED, Rcode::SERVFAIL];
        let answers = requests.into_iter().zip(rcodes.into_iter().cycle());
        let mut answers: Vec<_> = answers.map(|(request, rcode)| answer(&key, request, rcode)).collect();
        answers.reverse();
        // In one piece, and cut inside a length.
        let all = answers.concat();
        stream.write_all(&all[..1]).await.unwrap();
        stream.flush().await.unwrap();
        stream.write_all(&all[1..]).await.unwrap();
        stream
    };
    let client = join_all((0..8).map(|_| updater.send(message("a.test"))));
    let (_stream, outcomes) = tokio::join!(server, client);
    let all = [Outcome::Applied, Outcome::Conflict, Outcome::NotServed, Outcome::Refused, Outcome::ServerFailed];
    for (outcome, expected) in outcomes.into_iter().zip(all.into_iter().cycle()) {
        assert_eq!(outcome.unwrap(), expected);
    }
}

#[tokio::test]
async fn unsigned_and_forged_answers_are_no_outcome() {
    let (listener, _, updater) = updater(one_connection()).await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read(&mut stream).await.unwrap();
        let unsigned = MessageBuilder::new_stream_vec().start_answer(&request, Rcode::NOERROR).unwrap();
        stream.write_all(unsigned.finish().as_stream_slice()).await.unwrap();
        // The signature of the request itself is no signature of an answer.
        let mut echo = read(&mut stream).await.unwrap();
        echo.header_mut().set_qr(true);
        stream.write_all(&u16::try_from(echo.as_slice().len()).unwrap().to_be_bytes()).await.unwrap();
        stream.write_all(echo.as_slice()).await.unwrap();
        // No message at all: the connection is given up.
        read(&mut stream).await.unwrap();
        stream.write_all(&[0, 3, 1, 2, 3]).await.unwrap();
        assert!(read(&mut stream).await.is_none());
    };
    let client = async {
        for fault in [TsigFault::Unsigned, TsigFault::Forged] {
            let error = updater.send(message("a.test")).await.unwrap_err();
            assert!(matches!(&error, UpdateError::Tsig(found) if *found == fault), "{error:?}");
        }
        let error = updater.send(message("a.test")).await.unwrap_err();
        assert!(matches!(error, UpdateError::Lost(Lost::Connection(_))), "{error:?}");
    };
    tokio::join!(server, client);
}

#[tokio::test]
async fn a_closed_connection_is_replaced() {
    let (listener, key, updater) = updater(one_connection()).await;
    let closed = Notify::new();
    let server = async {
        for _ in 0..20 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = read(&mut stream).await.unwrap();
            stream.write_all(&answer(&key, request, Rcode::NOERROR)).await.unwrap();
            // As a server does with an idle connection.
            stream.shutdown().await.unwrap();
            closed.notify_one();
            assert!(read(&mut stream).await.is_none());
        }
    };
    let client = async {
        for _ in 0..20 {
            assert_eq!(updater.send(message("a.test")).await.unwrap(), Outcome::Applied);
            closed.notified().await;
        }
        drop(updater);
    };
    tokio::join!(server, client);
}

#[tokio::test]
async fn message_ids_are_used_again_after_all_of_them() {
    let settings = Settings { patience: Duration::from_secs(30), ..one_connection() };
    let (listener, key, updater) = updater(settings).await;
    const UPDATES: usize = 66_000;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut kept = None;
        for index in 0..UPDATES + 1 {
            let request = read(&mut stream).await.unwrap();
            // The first id stays taken until the others have gone once around.
            match kept {
                None => kept = Some(request),
                Some(_) => {
                    let taken = kept.as_ref().unwrap().header().id();
                    assert_ne!(request.header().id(), taken, "at {index}");
                    stream.write_all(&answer(&key, request, Rcode::NOERROR)).await.unwrap();
                }
            }
        }
        stream.write_all(&answer(&key, kept.unwrap(), Rcode::NXRRSET)).await.unwrap();
        stream
    };
    let client = async {
        let first = updater.send(message("first.test"));
        let others = async {
            let message = message("a.test");
            let all = futures_util::stream::iter(0..UPDATES).map(|_| updater.send(message.clone()));
            all.buffered(4).all(async |outcome| outcome.unwrap() == Outcome::Applied).await
        };
        tokio::join!(first, others)
    };
    let (_stream, (first, others)) = tokio::join!(server, client);
    assert_eq!(first.unwrap(), Outcome::Conflict);
    assert!(others);
}
