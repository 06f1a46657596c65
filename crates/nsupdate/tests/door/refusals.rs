//! What is refused: every response code, whether the response is signed, and that nothing changed.

use std::time::Duration;

use dns::RecordType;
use domain::base::iana::{Class, Opcode, Rcode, Rtype, TsigRcode};
use store::*;

use crate::common::{Door, Key, account};
use crate::messages::{Message, Sent, now};

const CONTENT: &str = "
    www 60 A 192.0.2.1
    www 60 TXT x
    acme 60 TXT a
    acme 60 CAA 0 issue \"ca.example\"
    only 60 TXT a";

/// Sends a message both ways; both get the same response, and nothing changes.
async fn refused(door: &Door, key: Option<&Key>, message: &Message) -> Sent {
    let (before, serial) = (door.content().await, door.serial().await);
    let tcp = door.send_tcp(message, key).await.unwrap();
    let udp = door.send_udp(message, key).await.unwrap();
    assert_eq!((tcp.rcode, tcp.error, tcp.is_signed), (udp.rcode, udp.error, udp.is_signed));
    assert_eq!((door.content().await, door.serial().await), (before, serial), "something changed");
    tcp
}

fn add(owner: &str) -> Message {
    Message::update().record(owner, Rtype::A, Class::IN, 60, &[192, 0, 2, 9])
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures() {
    let door = Door::with(CONTENT).await;
    let key = door.key().await;
    let message = add("new.example.test");
    let unsigned = refused(&door, None, &message).await;
    assert_eq!((unsigned.rcode, unsigned.error, unsigned.is_signed), (Rcode::REFUSED, None, false));

    let unknown = Key { name: dns::Name::parse("unknown").unwrap(), ..key.clone() };
    let sent = refused(&door, Some(&unknown), &message).await;
    assert_eq!((sent.rcode, sent.error, sent.is_signed), (Rcode::NOTAUTH, Some(TsigRcode::BADKEY), false));

    let weaker = Key { algorithm: wire::secret::Algorithm::Sha1, ..key.clone() };
    let sent = refused(&door, Some(&weaker), &message).await;
    assert_eq!((sent.rcode, sent.error, sent.is_signed), (Rcode::NOTAUTH, Some(TsigRcode::BADKEY), false));

    let wrong = Key { secret: vec![7; 32], ..key.clone() };
    let sent = refused(&door, Some(&wrong), &message).await;
    assert_eq!((sent.rcode, sent.error, sent.is_signed), (Rcode::NOTAUTH, Some(TsigRcode::BADSIG), false));

    for time in [now() - 400, now() + 400] {
        let sent = refused(&door, Some(&key), &message.clone().at(time)).await;
        assert_eq!((sent.rcode, sent.error, sent.is_signed), (Rcode::NOTAUTH, Some(TsigRcode::BADTIME), true));
    }
    let rules: Vec<RefusedBy> = door.refusals(&key).await.into_iter().map(|(rule, _)| rule).collect();
    for rule in [RefusedBy::Algorithm, RefusedBy::Signature, RefusedBy::Clock] {
        assert!(rules.contains(&rule), "{rules:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_over_or_elsewhere() {
    let door = Door::with(CONTENT).await;
    let message = add("new.example.test");
    let key = door.key().await;
    assert!(door.tenant().revoke_update_key(key.id).await.unwrap());
    let sent = refused(&door, Some(&key), &message).await;
    assert_eq!((sent.rcode, sent.error, sent.is_signed), (Rcode::NOTAUTH, Some(TsigRcode::BADKEY), false));

    let soon = door.store.now() + Duration::from_millis(50);
    let expires = door.key_with(|new| new.expires_at = Some(soon)).await;
    while door.store.now() <= soon {
        tokio::task::yield_now().await;
    }
    let sent = refused(&door, Some(&expires), &message).await;
    assert_eq!((sent.rcode, sent.error), (Rcode::NOTAUTH, Some(TsigRcode::BADKEY)));

    let elsewhere = |network: &str| NetworkScope::Only(vec![network.parse().unwrap()]);
    let other = door.key_with(|new| new.networks = elsewhere("192.0.2.0/24")).await;
    let sent = refused(&door, Some(&other), &message).await;
    assert_eq!((sent.rcode, sent.error, sent.is_signed), (Rcode::REFUSED, Some(TsigRcode::NOERROR), true));
    assert_eq!(door.refusals(&other).await[0].0, RefusedBy::Network);
    // From here, but only where the address proves something.
    let here = door.key_with(|new| new.networks = elsewhere("127.0.0.0/8")).await;
    assert_eq!(door.send_udp(&message, Some(&here)).await.unwrap().rcode, Rcode::REFUSED);
    assert_eq!(door.send_tcp(&message, Some(&here)).await.unwrap().rcode, Rcode::NOERROR);
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_and_names() {
    let door = Door::with(CONTENT).await;
    let key = door.key().await;
    let other = account(&door.store, "other@example.com").await;
    for (who, name) in [(&other, "other.test"), (&door.author, "mine.test")] {
        door.store.create_zone(who, dns::ZoneName::parse(name).unwrap()).await.unwrap();
    }
    // Another account's zone, one that is not the key's, one that there is not, the parent.
    for zone in ["other.test", "mine.test", "nothing.test", "test", ""] {
        let message = Message::update_of(zone).record("www.example.test", Rtype::A, Class::IN, 60, &[192, 0, 2, 9]);
        let sent = refused(&door, Some(&key), &message).await;
        assert_eq!(
            (sent.rcode, sent.error, sent.is_signed),
            (Rcode::NOTAUTH, Some(TsigRcode::NOERROR), true),
            "{zone}"
        );
    }
    for message in [
        add("www.other.test"),
        add("test"),
        Message::update().prerequisite("www.other.test", Rtype::ANY, Class::ANY, 0, &[]),
        add("new.example.test").record("www.other.test", Rtype::A, Class::ANY, 0, &[]),
    ] {
        let sent = refused(&door, Some(&key), &message).await;
        assert_eq!((sent.rcode, sent.is_signed), (Rcode::NOTZONE, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed() {
    let door = Door::with(CONTENT).await;
    let key = door.key().await;
    let update = Message::update;
    let a = &[192, 0, 2, 9][..];
    let many = [
        ("two zones", update().zone("example.test", Rtype::SOA, Class::IN)),
        ("another type", Message::empty(Opcode::UPDATE).zone("example.test", Rtype::A, Class::IN)),
        ("no zone", Message::empty(Opcode::UPDATE)),
        ("add ANY", update().record("www.example.test", Rtype::ANY, Class::IN, 60, a)),
        ("add AXFR", update().record("www.example.test", Rtype::AXFR, Class::IN, 60, a)),
        ("add to class 5", update().record("www.example.test", Rtype::A, Class::from_int(5), 60, a)),
        ("short data", update().record("www.example.test", Rtype::A, Class::IN, 60, &a[..3])),
        ("long data", update().record("www.example.test", Rtype::A, Class::IN, 60, &[0; 5])),
        ("delete RRset with data", update().record("www.example.test", Rtype::A, Class::ANY, 0, a)),
        ("delete RRset with TTL", update().record("www.example.test", Rtype::A, Class::ANY, 60, &[])),
        ("delete record with TTL", update().record("www.example.test", Rtype::A, Class::NONE, 60, a)),
        ("delete record ANY", update().record("www.example.test", Rtype::ANY, Class::NONE, 0, &[])),
        ("delete MAILA", update().record("www.example.test", Rtype::MAILA, Class::ANY, 0, &[])),
        ("question with TTL", update().prerequisite("www.example.test", Rtype::A, Class::ANY, 60, &[])),
        ("question with data", update().prerequisite("www.example.test", Rtype::A, Class::ANY, 0, a)),
        ("question NONE with data", update().prerequisite("www.example.test", Rtype::A, Class::NONE, 0, a)),
        ("question IN ANY", update().prerequisite("www.example.test", Rtype::ANY, Class::IN, 0, &[])),
        ("question of class 5", update().prerequisite("www.example.test", Rtype::A, Class::from_int(5), 0, &[])),
        // After something that is right.
        ("at the end", add("new.example.test").record("www.example.test", Rtype::A, Class::ANY, 0, a)),
        ("name loops", update().record_at(&[0xc0, 0xff], Rtype::A, Class::IN, 60, a)),
    ];
    for (what, message) in many {
        let sent = refused(&door, Some(&key), &message).await;
        assert_eq!((sent.rcode, what), (Rcode::FORMERR, what));
    }
    let chaos = Message::empty(Opcode::UPDATE).zone("example.test", Rtype::SOA, Class::CH);
    assert_eq!(refused(&door, Some(&key), &chaos).await.rcode, Rcode::NOTAUTH);
    for message in [
        Message::empty(Opcode::NOTIFY).zone("example.test", Rtype::SOA, Class::IN),
        Message::empty(Opcode::STATUS),
        Message::empty(Opcode::QUERY).zone("example.test", Rtype::TKEY, Class::ANY),
    ] {
        let sent = refused(&door, Some(&key), &message).await;
        assert_eq!((sent.rcode, sent.is_signed), (Rcode::NOTIMP, true));
        assert_eq!(refused(&door, None, &message).await.rcode, Rcode::NOTIMP);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_rules() {
    let door = Door::with(CONTENT).await;
    let key = door.key_with(|new| new.scope.types = KeyTypes::Any).await;
    for (line, detail) in [
        ("update add www.example.test. 60 CNAME acme.example.test.", "CNAME"),
        ("update add example.test. 60 CNAME acme.example.test.", "CNAME"),
        ("update add new.example.test. 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 example.test. AAAA", "signs"),
        ("update add new.example.test. 60 NULL \\# 1 00", "not supported"),
        ("update add *.example.test. 60 NS a.example.test.", "wildcard"),
    ] {
        let lines = format!("zone example.test.\nupdate add good.example.test. 60 A 192.0.2.1\n{line}");
        let before = door.serial().await;
        let said = door.nsupdate(&key, &[], &lines).await.unwrap_err();
        assert!(said.ends_with("REFUSED"), "{line}: {said}");
        assert_eq!(door.serial().await, before, "a part of the message was done");
        let (rule, text) = door.refusals(&key).await.remove(0);
        assert!(rule == RefusedBy::Content && text.contains(detail), "{line}: {text}");
    }
}

/// Every scope of clients.md, and every form of an update.
#[tokio::test(flavor = "multi_thread")]
async fn scopes() {
    let door = Door::with(CONTENT).await;
    let acme = door.key_for(&["acme", "only"], KeyTypes::Only(vec![RecordType::Txt])).await;
    let usual = door.key().await;
    let transfer = door.key_with(|new| new.scope.purpose = KeyPurpose::Transfer).await;
    let only = |permission: Permission| [permission].into_iter().collect::<Permissions>();
    let creates = door.key_with(|new| new.scope.permissions = only(Permission::Create)).await;
    for (key, line, rule) in [
        // A record outside, also where it changes nothing.
        (&acme, "update add www.example.test. 60 TXT y", RefusedBy::Name),
        (&acme, "update add acme.example.test. 60 A 192.0.2.1", RefusedBy::Type),
        (&acme, "update delete nothing.example.test. TXT", RefusedBy::Name),
        (&acme, "update delete acme.example.test. AAAA", RefusedBy::Type),
        (&acme, "update delete acme.example.test. A 192.0.2.1", RefusedBy::Type),
        (&acme, "update delete acme.example.test. RRSIG", RefusedBy::Type),
        (&acme, "update delete www.example.test.", RefusedBy::Name),
        (&acme, "update delete example.test.", RefusedBy::Name),
        // A name with another type.
        (&acme, "update delete acme.example.test.", RefusedBy::Type),
        // The allowed part of a message is not done either.
        (&acme, "update add acme.example.test. 60 TXT new\nupdate add www.example.test. 60 TXT y", RefusedBy::Name),
        // What another name has is not said.
        (&acme, "prereq yxdomain www.example.test.\nupdate add acme.example.test. 60 TXT new", RefusedBy::Name),
        (&acme, "prereq yxrrset www.example.test. A", RefusedBy::Name),
        (&usual, "update add new.example.test. 60 NS a.example.test.", RefusedBy::Type),
        (&usual, "update add example.test. 60 NS a.example.com.", RefusedBy::Type),
        (&transfer, "update add new.example.test. 60 A 192.0.2.1", RefusedBy::Purpose),
        (&transfer, "prereq yxdomain www.example.test.", RefusedBy::Purpose),
        (&creates, "update delete www.example.test. A", RefusedBy::Permission),
        (&creates, "update add www.example.test. 61 A 192.0.2.1", RefusedBy::Permission),
    ] {
        let (before, content) = (door.serial().await, door.content().await);
        let said = door.nsupdate(key, &[], &format!("zone example.test.\n{line}")).await.unwrap_err();
        assert!(said.ends_with("REFUSED"), "{line}: {said}");
        assert_eq!((door.serial().await, door.content().await), (before, content), "{line}");
        let refusals = door.refusals(key).await;
        assert_eq!(refusals[0].0, rule, "{line}: {refusals:?}");
    }
    for (key, line) in [
        (&acme, "update delete only.example.test."),
        (&acme, "update delete only.example.test."),
        (&acme, "update add acme.example.test. 60 TXT new"),
        (&acme, "update delete acme.example.test. TXT\nupdate add acme.example.test. 60 TXT newer"),
        (&acme, "prereq yxrrset example.test. SOA\nupdate delete acme.example.test. TXT newer"),
        // A dummy that comes and goes, and the operator's own.
        (
            &usual,
            "update add example.test. 60 NS dnscontrol.invalid.\nupdate delete example.test. NS dnscontrol.invalid.",
        ),
        (&usual, "update add example.test. 60 NS ns1.example.net."),
        (&creates, "update add www.example.test. 60 A 192.0.2.7"),
    ] {
        door.nsupdate(key, &[], &format!("zone example.test.\n{line}")).await.unwrap();
    }
    // Prerequisites come before rights.
    let both = "prereq nxdomain acme.example.test.\nupdate add www.example.test. 60 TXT y";
    let said = door.nsupdate(&acme, &[], &format!("zone example.test.\n{both}")).await.unwrap_err();
    assert!(said.ends_with("YXDOMAIN"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_again_does_nothing() {
    let door = Door::with(CONTENT).await;
    let key = door.key().await;
    let time = now();
    let first = Message::update()
        .prerequisite("new.example.test", Rtype::ANY, Class::NONE, 0, &[])
        .record("new.example.test", Rtype::A, Class::IN, 60, &[192, 0, 2, 9])
        .at(time);
    // A client over UDP that heard no response does not see YXDOMAIN from its own first try.
    for _ in 0..3 {
        assert_eq!(door.send_udp(&first, Some(&key)).await.unwrap().rcode, Rcode::NOERROR);
    }
    door.nsupdate(&key, &[], "update delete new.example.test.").await.unwrap();
    let before = door.serial().await;
    let again = door.send_tcp(&first, Some(&key)).await.unwrap();
    assert_eq!((again.rcode, again.is_signed), (Rcode::NOERROR, true), "the first answer");
    assert_eq!(door.serial().await, before, "the record did not come back");
    // Another message with the same content is carried out.
    assert_eq!(door.send_tcp(&first.clone().at(time - 1), Some(&key)).await.unwrap().rcode, Rcode::NOERROR);
    assert!(door.serial().await > before);
}
