//! Queries at the door: zone discovery as the clients do it, and reading back what was written.

use crate::common::{Door, account};
use dns::ZoneName;
use store::*;

const CONTENT: &str = "
    www 60 A 192.0.2.1
    a.b.c 60 TXT x
    alias 60 CNAME www.example.test.
    out 60 CNAME www.example.com.
    *.wild 60 A 192.0.2.2
    sub 60 NS ns.sub.example.test.
    ns.sub 60 A 192.0.2.53
    old.sub 60 A 192.0.2.54
    @ 60 TXT apex
    moved 60 DNAME c.example.test.";

/// Response code, counts of answer and authority, and what stands there.
fn outline(text: &str) -> (String, Vec<String>, Vec<String>) {
    let after = |mark: &str| text.split_once(mark).map_or("", |(_, rest)| rest);
    let rcode = after("status: ").split(',').next().unwrap().to_owned();
    let section = |name: &str| {
        let lines = after(&format!(";; {name} SECTION:\n")).lines().take_while(|line| !line.is_empty());
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    (rcode, section("ANSWER"), section("AUTHORITY"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_is_found_from_any_name() {
    let door = Door::with(CONTENT).await;
    let key = door.key().await;
    for options in [&["+noedns"][..], &["+edns=0"], &["+tcp"], &["-y", &key.text], &["+tcp", "-y", &key.text]] {
        for (name, rcode) in [
            ("_acme-challenge.www.example.test", "NXDOMAIN"),
            ("www.example.test", "NOERROR"),
            // An empty non-terminal.
            ("b.c.example.test", "NOERROR"),
            ("x.b.c.example.test", "NXDOMAIN"),
            ("x.wild.example.test", "NOERROR"),
        ] {
            let mut arguments = vec!["+norec", name, "SOA"];
            arguments.extend(options);
            let text = door.dig(&arguments).await;
            let (code, answer, authority) = outline(&text);
            assert_eq!((code.as_str(), answer.len(), authority.len()), (rcode, 0, 1), "{name} {options:?}: {text}");
            assert!(authority[0].starts_with("example.test. 300 IN SOA ns1.example.net."), "{text}");
            let flags = text.split_once("flags: ").unwrap().1.split(';').next().unwrap();
            assert_eq!(flags, "qr aa", "{text}");
            assert_eq!(text.contains("TSIG"), options.contains(&"-y"), "signed queries get signed answers: {text}");
            assert!(!text.contains("Couldn't verify") && !text.contains("TSIG could not be validated"), "{text}");
        }
        let mut arguments = vec!["example.test", "SOA"];
        arguments.extend(options);
        let (code, answer, authority) = outline(&door.dig(&arguments).await);
        assert_eq!((code.as_str(), answer.len(), authority.len()), ("NOERROR", 1, 0));
    }
    // Names of others.
    for name in ["test", "example.com", "."] {
        assert_eq!(outline(&door.dig(&[name, "SOA"]).await).0, "REFUSED", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_zone() {
    let door = Door::with(CONTENT).await;
    for (question, rcode, expected) in [
        (["www.example.test", "A"], "NOERROR", &["www.example.test. 60 IN A 192.0.2.1"][..]),
        (["www.example.test", "AAAA"], "NOERROR", &[]),
        (
            ["alias.example.test", "A"],
            "NOERROR",
            &["alias.example.test. 60 IN CNAME www.example.test.", "www.example.test. 60 IN A 192.0.2.1"],
        ),
        (["out.example.test", "A"], "NOERROR", &["out.example.test. 60 IN CNAME www.example.com."]),
        (["x.y.wild.example.test", "A"], "NOERROR", &["x.y.wild.example.test. 60 IN A 192.0.2.2"]),
        (["example.test", "TXT"], "NOERROR", &["example.test. 60 IN TXT \"apex\""]),
        (
            ["a.b.moved.example.test", "TXT"],
            "NOERROR",
            &[
                "moved.example.test. 60 IN DNAME c.example.test.",
                "a.b.moved.example.test. 60 IN CNAME a.b.c.example.test.",
                "a.b.c.example.test. 60 IN TXT \"x\"",
            ],
        ),
        (["nothing.example.test", "A"], "NXDOMAIN", &[]),
    ] {
        let (code, answer, _) = outline(&door.dig(&question).await);
        assert_eq!(
            (code.as_str(), answer),
            (rcode, expected.iter().map(ToString::to_string).collect()),
            "{question:?}"
        );
    }
    let (_, answer, _) = outline(&door.dig(&["example.test", "NS"]).await);
    assert_eq!(answer.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn below_a_delegation_a_key_sees_what_its_owner_may_have_to_clean_up() {
    let door = Door::with(CONTENT).await;
    let (manage, transfer) = (door.key().await, door.key_with(|new| new.scope.purpose = KeyPurpose::Transfer).await);
    let referral = (
        "NOERROR".to_owned(),
        Vec::<String>::new(),
        vec!["sub.example.test. 60 IN NS ns.sub.example.test.".to_owned()],
    );
    for options in [&[][..], &["-y", &transfer.text]] {
        for question in [["sub.example.test", "NS"], ["old.sub.example.test", "A"], ["x.sub.example.test", "SOA"]] {
            let mut arguments = question.to_vec();
            arguments.extend(options);
            assert_eq!(outline(&door.dig(&arguments).await), referral, "{question:?}");
        }
    }
    let signed = ["-y", manage.text.as_str()];
    // NS sets of delegations stand in the authority section, where Terraform reads them.
    assert_eq!(outline(&door.dig(&[&["sub.example.test", "NS"], &signed[..]].concat()).await), referral);
    let (_, answer, _) = outline(&door.dig(&[&["old.sub.example.test", "A"], &signed[..]].concat()).await);
    assert_eq!(answer, ["old.sub.example.test. 60 IN A 192.0.2.54"]);
    for name in ["sub.example.test", "x.sub.example.test"] {
        let (_, answer, authority) = outline(&door.dig(&[&[name, "SOA"], &signed[..]].concat()).await);
        assert!(answer.is_empty() && authority[0].starts_with("example.test. 300 IN SOA"), "{name}: {authority:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_zone_answers_for_its_names_and_the_parent_for_its_ds() {
    let door = Door::with(
        "sub 60 NS ns1.example.net.\nsub 60 DS 1 13 2 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    )
    .await;
    let child = NewZone::named(ZoneName::parse("sub.example.test").unwrap());
    let child = door.store.create_zone(&door.author, child).await.unwrap();
    let (_, answer, _) = outline(&door.dig(&["sub.example.test", "SOA"]).await);
    assert!(answer[0].contains(&child.serial.0.to_string()), "{answer:?}");
    let (_, _, authority) = outline(&door.dig(&["x.sub.example.test", "SOA"]).await);
    assert!(authority[0].starts_with("sub.example.test. "), "{authority:?}");
    let (_, answer, _) = outline(&door.dig(&["sub.example.test", "DS"]).await);
    assert!(answer[0].starts_with("sub.example.test. 60 IN DS 1 13 2"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_read_at_once() {
    let door = Door::open().await;
    let key = door.key().await;
    for number in 1..20 {
        let line = format!("update delete www.example.test. A\nupdate add www.example.test. 60 A 192.0.2.{number}");
        door.nsupdate(&key, &[], &line).await.unwrap();
        let (_, answer, _) = outline(&door.dig(&["www.example.test", "A"]).await);
        assert_eq!(answer, [format!("www.example.test. 60 IN A 192.0.2.{number}")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_that_are_not_served_are_not_seen() {
    let door = Door::with(CONTENT).await;
    let other = account(&door.store, "other@example.com").await;
    let zone = door.store.create_zone(&other, ZoneName::parse("other.test").unwrap()).await.unwrap();
    assert_eq!(outline(&door.dig(&["other.test", "SOA"]).await).1.len(), 1);
    door.store.tenant(other, ZoneScope::All).delete_zone(zone.id, Vec::new()).await.unwrap();
    assert_eq!(outline(&door.dig(&["other.test", "SOA"]).await).0, "REFUSED");
}
