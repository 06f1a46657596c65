//! Zone transfers from a real named, and from one whose answers somebody tampers with on the way.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::channel::eventually;
use common::content::{Line, NS, record, step, version};
use common::dynamic::Dynamic;
use common::named::Setup;
use deploy::bind9::difference::{compare, repair};
use deploy::bind9::key::statement;
use deploy::signing;
use dns::{Name, Ttl, ZoneName, ZoneSnapshot, zonefile};
use domain::base::Rtype;
use domain::base::iana::Rcode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::WireRecord;
use wire::secret::{Algorithm, Secret};
use wire::transfer::{Limits, TransferError, fetch};
use wire::tsig::{TsigFault, TsigKey};
use wire::update::{Outcome, Settings, UpdateBuilder, Updater};

const QUICK: Limits = Limits { octets: 1 << 20, patience: Duration::from_millis(200) };

#[tokio::test]
async fn what_may_not_be_transferred_is_not() {
    let named = Dynamic::open();
    let zone = version("keys.test", 1, &[NS]);
    named.load(&zone).await;
    let server = named.channel.named.dns();
    let unknown = TsigKey::generate(Name::parse("nobody").unwrap(), Algorithm::Sha256).unwrap();
    let wrong = TsigKey::generate(named.key.name().clone(), Algorithm::Sha256).unwrap();
    let ask = async |name: &str, key| {
        let name = ZoneName::parse(name).unwrap();
        fetch(server, &name, key, Limits::default(), &named.clock).await.unwrap_err()
    };
    let error = ask("keys.test", Some(&unknown)).await;
    assert!(matches!(error, TransferError::Tsig(TsigFault::UnknownKey)), "{error:?}");
    let error = ask("keys.test", Some(&wrong)).await;
    assert!(matches!(error, TransferError::Tsig(TsigFault::WrongSecret)), "{error:?}");
    let error = ask("keys.test", None).await;
    assert!(matches!(error, TransferError::Rcode(Rcode::REFUSED)), "{error:?}");
    let error = ask("absent.test", Some(&named.key)).await;
    assert!(matches!(error, TransferError::NotServed), "{error:?}");
    let error = ask("www.keys.test", Some(&named.key)).await;
    assert!(matches!(error, TransferError::NotServed), "{error:?}");
}

#[tokio::test]
async fn a_server_that_stops_is_given_up() {
    let zone = ZoneName::parse("silent.test").unwrap();
    let clock = signing::clock(&store::Clock::system());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let accept = async |answer: &'static [u8]| {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(answer).await.unwrap();
        stream
    };
    let (error, _stream) = tokio::join!(fetch(server, &zone, None, QUICK, &clock), accept(&[0, 100, 0]));
    assert!(matches!(error, Err(TransferError::Timeout(_))), "{error:?}");
    let (error, ()) =
        tokio::join!(fetch(server, &zone, None, QUICK, &clock), async { drop(accept(&[0, 100, 0]).await) });
    assert!(matches!(error, Err(TransferError::Broken(_))), "{error:?}");
    let (error, _stream) = tokio::join!(fetch(server, &zone, None, QUICK, &clock), accept(&[0, 2, 0, 0]));
    assert!(matches!(error, Err(TransferError::Malformed)), "{error:?}");
    drop(listener);
    let error = fetch(server, &zone, None, QUICK, &clock).await;
    assert!(matches!(error, Err(TransferError::Connect(_))), "{error:?}");
}

/// A zone of many messages.
fn large(name: &str) -> ZoneSnapshot {
    let mut zone = version(name, 1, &[NS]);
    for host in 0..20_000 {
        let address = format!("192.0.{}.{}", host / 256, host % 256);
        zone.records.push(record(&zone.name, (&format!("host{host}"), 300, "A", &address)));
    }
    zone
}

#[tokio::test]
async fn a_large_zone_comes_whole_or_not_at_all() {
    let named = Dynamic::open();
    let zone = large("large.test");
    named.load(&zone).await;
    named.assert_serves(&zone).await;
    let limits = Limits { octets: 100_000, ..Limits::default() };
    let error = fetch(named.channel.named.dns(), &zone.name, Some(&named.key), limits, &named.clock).await.unwrap_err();
    assert!(matches!(error, TransferError::TooLarge { octets: 100_000 }), "{error:?}");
}

#[tokio::test]
async fn a_message_that_is_changed_left_out_or_cut_off_on_the_way_is_noticed() {
    let named = Dynamic::open();
    let zone = large("relay.test");
    named.load(&zone).await;
    let server = named.channel.named.dns();
    let through = async |tamper: fn(usize, &mut Vec<u8>) -> Fate| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::select! {
            result = fetch(address, &zone.name, Some(&named.key), Limits::default(), &named.clock) => result,
            () = relay(listener, server, tamper) => unreachable!(),
        }
    };
    assert!(compare(&zone, &through(|_, _| Fate::Passes).await.unwrap()).is_empty());
    let flipped = through(|index, message| {
        if index == 2 {
            // An octet of an address, well inside.
            let at = message.len() / 2;
            message[at] ^= 1;
        }
        Fate::Passes
    });
    let error = flipped.await.unwrap_err();
    assert!(matches!(error, TransferError::Tsig(TsigFault::Forged) | TransferError::Malformed), "{error:?}");
    let dropped = through(|index, _| if index == 2 { Fate::IsDropped } else { Fate::Passes });
    let error = dropped.await.unwrap_err();
    assert!(matches!(error, TransferError::Tsig(TsigFault::Forged)), "{error:?}");
    let cut = through(|index, _| if index == 2 { Fate::IsTheLast } else { Fate::Passes });
    let error = cut.await.unwrap_err();
    assert!(matches!(error, TransferError::Broken(_)), "{error:?}");
}

enum Fate {
    Passes,
    IsDropped,
    IsTheLast,
}

/// Passes on one connection, message by message.
async fn relay(listener: TcpListener, server: SocketAddr, tamper: fn(usize, &mut Vec<u8>) -> Fate) {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut server = TcpStream::connect(server).await.unwrap();
    let question = read(&mut client).await;
    write(&mut server, &question).await;
    for index in 0.. {
        let mut message = tokio::select! {
            message = read(&mut server) => message,
            _ = client.read_u8() => break,
        };
        match tamper(index, &mut message) {
            Fate::Passes => write(&mut client, &message).await,
            Fate::IsDropped => {}
            Fate::IsTheLast => break,
        }
    }
    drop(client);
    std::future::pending().await
}

async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u16().await.unwrap();
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    message
}

async fn write(stream: &mut TcpStream, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap();
    // The other side may have seen enough.
    let _ = stream.write_all(&[&length.to_be_bytes()[..], message].concat()).await;
}

#[tokio::test]
async fn every_type_and_the_longest_text_come_back() {
    let named = Dynamic::open();
    let text = "x".repeat(65_000);
    let lines: [Line<'_>; 12] = [
        NS,
        ("@", 300, "CAA", "0 issue \"ca.test\""),
        ("www", 300, "A", "192.0.2.1"),
        ("www", 60, "AAAA", "2001:db8::1"),
        ("WWW", 300, "MX", "10 MAIL.types.test."),
        ("mail", 300, "A", "192.0.2.2"),
        ("alias", 300, "CNAME", "www.TYPES.test."),
        ("sub", 300, "NS", "ns.sub.types.test."),
        ("ns.sub", 300, "A", "192.0.2.3"),
        ("_sip._tcp", 300, "SRV", "1 2 5060 sip.types.test."),
        ("a\\.b\\000\\255", 300, "TXT", "\"\\000\\255\" \"\""),
        ("long", 300, "TXT", &text),
    ];
    let zone = version("types.test", 1, &lines);
    named.load(&zone).await;
    named.assert_serves(&zone).await;
}

#[tokio::test]
async fn every_algorithm_signs_updates_and_transfers() {
    let all = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];
    let keys = all.map(|algorithm| {
        TsigKey::new(Name::parse(&format!("key.{algorithm}")).unwrap(), Secret::generate(algorithm).unwrap()).unwrap()
    });
    let first = |index: usize| version(&format!("algorithm{index}.test"), 1, &[NS]);
    let setup = keys.iter().enumerate().fold(Setup::new(), |setup, (index, key)| {
        let (zone, file, name) = (first(index), format!("algorithm{index}.db"), key.name());
        let statements = format!(
            "{}zone \"{}\" {{ type primary; file \"{file}\"; allow-update {{ key \"{name}\"; }}; \
             allow-transfer {{ key \"{name}\"; 127.0.0.1; }}; }};\n",
            statement(key),
            zone.name
        );
        setup.file(&file, &zonefile::render(&zone)).statements(&statements)
    });
    let named = Dynamic::open_with(setup);
    for (index, key) in keys.iter().enumerate() {
        let first = first(index);
        let server = named.channel.named.dns();
        let updater = Updater::new(server, key, Settings::default(), named.clock.clone());
        let second = version(&format!("algorithm{index}.test"), 2, &[NS, ("www", 300, "A", "192.0.2.1")]);
        assert_eq!(updater.apply(&step(&first, &second)).await.unwrap(), Outcome::Applied);
        for key in [Some(key), None] {
            let served = fetch(server, &second.name, key, Limits::default(), &named.clock).await.unwrap();
            assert!(compare(&second, &served).is_empty());
        }
    }
}

#[tokio::test]
async fn a_difference_is_found_and_repaired() {
    let named = Dynamic::open();
    let wanted = version("drift.test", 9, &[NS, ("www", 300, "A", "192.0.2.1"), ("gone", 300, "TXT", "t")]);
    let mut drifted = version(
        "drift.test",
        3,
        &[NS, ("www", 60, "A", "192.0.2.1"), ("more", 300, "A", "192.0.2.9"), ("@", 3600, "NS", "x.net.")],
    );
    drifted.soa.refresh = 1234;
    named.load(&drifted).await;
    // A type that this server does not know.
    let zone = wanted.name.clone();
    let mut foreign = drifted.clone();
    foreign.soa.serial = dns::Serial(4);
    let unknown = WireRecord {
        owner: Name::parse("odd.drift.test").unwrap(),
        record_type: Rtype::from_int(4711),
        ttl: Ttl::DEFAULT,
        data: Box::new([1, 2, 3]),
    };
    let mut by_hand =
        UpdateBuilder::new(zone.clone(), WireRecord::soa(&drifted.soa, &zone), WireRecord::soa(&foreign.soa, &zone));
    by_hand.add(unknown.clone());
    let updater = named.updater();
    assert_eq!(updater.send(by_hand.build().unwrap()).await.unwrap(), Outcome::Applied);

    let served = named.transfer(&zone).await;
    let difference = compare(&wanted, &served);
    let of =
        |owner, ttl, record_type, data| WireRecord::from_record(&record(&zone, (owner, ttl, record_type, data)), &zone);
    assert_eq!(difference.missing, [of("www", 300, "A", "192.0.2.1"), of("gone", 300, "TXT", "t")]);
    let extra =
        [unknown, of("www", 60, "A", "192.0.2.1"), of("more", 300, "A", "192.0.2.9"), of("@", 3600, "NS", "x.net.")];
    assert_eq!(difference.extra.len(), extra.len(), "{difference:#?}");
    assert!(extra.iter().all(|record| difference.extra.contains(record)), "{difference:#?}");
    assert!(difference.soa);

    // The same serial cannot be repaired; a newer one can, also without a difference.
    let mut same = wanted.clone();
    same.soa.serial = served.serial().unwrap();
    assert!(repair(&same, &served, None, &difference).is_err());
    assert_eq!(updater.send(repair(&wanted, &served, None, &difference).unwrap()).await.unwrap(), Outcome::Applied);
    named.assert_serves(&wanted).await;
    let mut later = wanted.clone();
    later.soa.serial = dns::Serial(10);
    let served = named.transfer(&zone).await;
    let nothing = compare(&later, &served);
    assert!(nothing.is_empty());
    assert_eq!(updater.send(repair(&later, &served, None, &nothing).unwrap()).await.unwrap(), Outcome::Applied);
    named.assert_serves(&later).await;
}

#[tokio::test]
async fn what_bind_adds_to_a_zone_that_it_signs_is_no_difference() {
    let first = version("signed.test", 5, &[NS, ("www", 300, "A", "192.0.2.1")]);
    let zone = first.name.clone();
    let signed = "zone \"signed.test\" { type primary; file \"signed.db\"; allow-update { key \"update\"; }; \
                  dnssec-policy default; inline-signing yes; };";
    let named = Dynamic::open_with(Setup::new().file("signed.db", &zonefile::render(&first)).statements(signed));
    let is_signed =
        async || named.transfer(&zone).await.records.iter().any(|record| record.record_type == Rtype::RRSIG);
    eventually(is_signed).await;
    assert_eq!(compare(&first, &named.transfer(&zone).await), Default::default());

    // Compare-and-set goes on with the unsigned serial, and so does the repair.
    let second = version("signed.test", 6, &[NS, ("www", 300, "A", "192.0.2.2")]);
    let updater = named.updater();
    assert_eq!(updater.apply(&step(&first, &second)).await.unwrap(), Outcome::Applied);
    assert_eq!(updater.apply(&step(&first, &second)).await.unwrap(), Outcome::Conflict);
    eventually(async || compare(&second, &named.transfer(&zone).await).is_empty()).await;

    // A customer's DS counts.
    let mut with_ds = second.clone();
    with_ds.soa.serial = dns::Serial(7);
    let ds = WireRecord {
        owner: Name::parse("sub.signed.test").unwrap(),
        record_type: Rtype::DS,
        ttl: Ttl::DEFAULT,
        data: [&[0x12, 0x34, 13, 2][..], &[7; 32]].concat().into(),
    };
    let delegation =
        WireRecord { record_type: Rtype::NS, data: Name::parse("x.net").unwrap().wire().into(), ..ds.clone() };
    let mut by_hand =
        UpdateBuilder::new(zone.clone(), WireRecord::soa(&second.soa, &zone), WireRecord::soa(&with_ds.soa, &zone));
    by_hand.add(ds.clone()).add(delegation.clone());
    assert_eq!(updater.send(by_hand.build().unwrap()).await.unwrap(), Outcome::Applied);
    eventually(async || compare(&second, &named.transfer(&zone).await).extra.len() == 2).await;

    let wanted = version("signed.test", 8, &[NS, ("www", 300, "A", "192.0.2.3")]);
    let served = named.transfer(&zone).await;
    let difference = compare(&wanted, &served);
    assert!(difference.extra.contains(&ds) && difference.extra.contains(&delegation), "{difference:#?}");
    let unsigned = named.channel.control.zone_status(&zone).await.unwrap().serial;
    let update = repair(&wanted, &served, Some(unsigned), &difference).unwrap();
    assert_eq!(updater.send(update).await.unwrap(), Outcome::Applied);
    eventually(async || compare(&wanted, &named.transfer(&zone).await).is_empty()).await;
    assert_eq!(named.channel.control.zone_status(&zone).await.unwrap().serial, wanted.serial());
}
