use dns::rdata::Soa;
use dns::{Name, OwnerName, RecordData, ResourceRecord, Serial, Ttl, ZoneId, ZoneName, ZoneSnapshot};

use super::*;

fn zones() -> Zones {
    let name = ZoneName::parse("example.com").unwrap();
    let (mname, rname) = (Name::parse("ns.example.net").unwrap(), Name::parse("admin.example.net").unwrap());
    let ttl = Ttl::DEFAULT;
    let soa = Soa { mname, rname, serial: Serial(9), refresh: 1, retry: 1, expire: 1, minimum: 60, ttl };
    let zones = Zones::new();
    let record = |(owner, record_type, value, priority): (&str, _, &str, _)| ResourceRecord {
        owner: OwnerName::parse(owner, &name).unwrap(),
        ttl,
        data: RecordData::parse(record_type, value, priority, &name).unwrap(),
    };
    let records = [
        ("@", RecordType::Mx, "a.example.com", Some(1)),
        ("@", RecordType::A, "192.0.2.1", None),
        ("*", RecordType::Cname, "a.b.example.com", None),
        ("a.b", RecordType::Srv, "1 1 example.com", Some(1)),
        ("a", RecordType::Ns, "b.a.example.com", None),
        ("b.a", RecordType::Aaaa, "::1", None),
    ];
    let records = records.into_iter().map(record).collect();
    zones.load(ZoneSnapshot { id: ZoneId(uuid::Uuid::nil()), name: name.clone(), soa, records });
    zones
}

/// A query in class IN.
fn packet(name: &str, qtype: Rtype) -> Vec<u8> {
    let mut packet = vec![0xab, 0xcd, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend(Name::parse(name).unwrap().wire());
    packet.extend(qtype.to_int().to_be_bytes());
    packet.extend([0, 1]);
    packet
}

#[test]
fn zones_are_transferred_to_this_machine_only_and_only_where_that_is_set() {
    let mut ixfr = packet("example.com", Rtype::IXFR);
    ixfr[9] = 1;
    ixfr.extend([0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0, 1]);
    ixfr.extend([0; 16]);
    let is_transferred = |packet: &[u8], is_set, client: &str| {
        let context = Context::new(zones(), Settings { loopback_transfers: is_set, ..Settings::default() }, None);
        let (mut scratch, mut out) = (Scratch::default(), Vec::new());
        let client = client.parse().unwrap();
        let incoming = Incoming { packet, transport: Transport::Tcp, client, reserved: 0 };
        match respond(&context, &context.zones, incoming, &mut scratch, &mut out) {
            Outcome::Transfer(_) => {
                assert!(out.is_empty(), "what a transfer sends is written later");
                true
            }
            Outcome::Replied { rcode: OptRcode::REFUSED, .. } => false,
            _ => panic!("neither transferred nor refused"),
        }
    };
    for packet in [packet("example.com", Rtype::AXFR), ixfr] {
        for (is_set, client, expected) in [
            (false, "127.0.0.1", false),
            (true, "192.0.2.1", false),
            (true, "127.0.0.1", true),
            (true, "::1", true),
            (true, "::ffff:127.0.0.1", true),
        ] {
            assert_eq!(is_transferred(&packet, is_set, client), expected, "{is_set} {client}");
        }
    }
}

#[test]
fn whatever_comes_is_answered_soundly_or_dropped() {
    let settings = Settings {
        cookie_secrets: vec![[1; 16]],
        nsid: b"here".to_vec(),
        loopback_transfers: true,
        ..Settings::default()
    };
    let (context, mut scratch) = (Context::new(zones(), settings, None), Scratch::default());
    let here = IpAddr::from([127, 0, 0, 1]);
    let mut state = 1u64;
    let mut random = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let mut replied = 0;
    for round in 0..200_000 {
        let name = ["example.com", "x.example.com", "a.b.example.com", "x.a.example.com", "com"][random(5)];
        let mut query = packet(name, Rtype::from_int(random(260) as u16));
        if round % 2 == 0 {
            query[11] = 1;
            query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 16, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 3, 0, 0]);
        }
        for _ in 0..random(5) {
            match random(3) {
                0 => query.truncate(random(query.len() + 1)),
                1 => query.insert(random(query.len() + 1), random(256) as u8),
                _ if query.is_empty() => {}
                _ => {
                    let at = random(query.len());
                    query[at] = random(256) as u8;
                }
            }
        }
        let transport = if round % 3 == 0 { Transport::Tcp } else { Transport::Udp };
        let mut out = b"before".to_vec();
        let incoming = Incoming { packet: &query, transport, client: here, reserved: 0 };
        match respond(&context, &context.zones, incoming, &mut scratch, &mut out) {
            Outcome::Dropped | Outcome::Limited | Outcome::Transfer(_) => assert_eq!(out, b"before"),
            Outcome::Replied { .. } => {
                replied += 1;
                let reply = domain::base::Message::from_octets(&out[6..]).unwrap();
                assert!(reply.header().qr() && reply.header().id().to_be_bytes() == query[..2]);
                assert!(reply.iter().all(|record| record.is_ok()), "{query:?}");
                assert!(transport != Transport::Udp || out.len() - 6 <= usize::from(MAX_UDP));
            }
        }
    }
    assert!(replied > 50_000, "only {replied} were answered");
}
