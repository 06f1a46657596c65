//! Zone transfers, asked by dig, and by BIND and Knot as a customer's secondaries (in the tests of `zonewright`).

use store::*;

use crate::common::Door;

const CONTENT: &str = "
    www 60 A 192.0.2.1
    www 60 A 192.0.2.2
    _acme-challenge 60 TXT x
    sub 60 NS ns.sub.example.test.
    ns.sub 60 A 192.0.2.53
    id 60 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=";

/// The records of a transfer as dig prints them.
fn records(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with(';'));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

async fn transfer(door: &Door, key: &str, arguments: &[&str]) -> (Vec<String>, String) {
    let text = door.dig(&[&["-y", key, "example.test"], arguments].concat()).await;
    assert!(!text.contains("could not be validated") && !text.contains("Couldn't verify"), "{text}");
    (records(&text), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn axfr_has_the_whole_zone_in_one_message() {
    let door = Door::with(CONTENT).await;
    for key in [door.key().await, door.key_with(|new| new.scope.purpose = KeyPurpose::Transfer).await] {
        let (records, text) = transfer(&door, &key.text, &["AXFR"]).await;
        assert_eq!(records.len(), 6 + 2 + 2 + 1, "records, NS, SOA twice and a TSIG: {text}");
        assert!(text.contains("XFR size: 10 records (messages 1,"), "{text}");
        assert!(records[0].starts_with("example.test. 3600 IN SOA ns1.example.net."), "{text}");
        assert_eq!(records[0], records[records.len() - 2]);
        assert!(
            records
                .contains(&"id.example.test. 60 IN DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=".to_owned())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_zone_is_several_signed_messages() {
    let content: String = (0..3_000).map(|number| format!("n{number} 60 TXT {}\n", "x".repeat(60))).collect();
    let door = Door::with(&content).await;
    let key = door.key_with(|new| new.scope.purpose = KeyPurpose::Transfer).await;
    let (records, text) = transfer(&door, &key.text, &["AXFR"]).await;
    assert!(text.contains("XFR size: 3004 records (messages 4,"), "{}", &text[text.len() - 200..]);
    let signatures = records.iter().filter(|line| line.contains(" TSIG ")).count();
    assert_eq!(signatures, 4, "each message is signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn ixfr_has_the_difference() {
    let door = Door::with(CONTENT).await;
    let key = door.key_with(|new| new.scope.purpose = KeyPurpose::Transfer).await;
    let first = door.serial().await;
    let update = door.key().await;
    let lines = "update delete www.example.test. A 192.0.2.1\nupdate add new.example.test. 60 A 192.0.2.9";
    door.nsupdate(&update, &[], lines).await.unwrap();
    let second = door.serial().await;
    door.nsupdate(&update, &[], "update add newer.example.test. 60 A 192.0.2.9").await.unwrap();
    let third = door.serial().await;
    let short = |records: &[String]| -> Vec<String> {
        let word = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            match words[3] {
                "SOA" => words[6].to_owned(),
                _ => format!("{} {}", words[0], words[3]),
            }
        };
        records.iter().filter(|line| !line.contains(" TSIG ")).map(word).collect()
    };
    let serials = [first, second, third].map(|serial| serial.to_string());
    let [one, two, three] = serials.each_ref().map(String::as_str);
    let (from_first, _) = transfer(&door, &key.text, &[&format!("IXFR={one}")]).await;
    let net = [three, one, "www.example.test. A", three, "new.example.test. A", "newer.example.test. A", three];
    assert_eq!(short(&from_first), net);
    let (from_second, _) = transfer(&door, &key.text, &[&format!("IXFR={two}")]).await;
    assert_eq!(short(&from_second), [three, two, three, "newer.example.test. A", three]);
    // Up to date, and ahead: the SOA alone.
    for serial in [third, third + 5] {
        let (only, _) = transfer(&door, &key.text, &[&format!("IXFR={serial}")]).await;
        assert_eq!(short(&only), [three]);
    }
    // A version that there never was: the zone.
    let (whole, _) = transfer(&door, &key.text, &["IXFR=1"]).await;
    assert_eq!((short(&whole).len(), short(&whole)[0].as_str()), (11, three));
    // Over UDP the client learns the serial, and comes again over TCP.
    let (udp, _) = transfer(&door, &key.text, &["+notcp", &format!("IXFR={one}")]).await;
    assert_eq!(short(&udp), [three]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_as_long_as_the_zone_is_the_zone() {
    let door = Door::with("www 60 A 192.0.2.1").await;
    let key = door.key_with(|new| new.scope.purpose = KeyPurpose::Transfer).await;
    let first = door.serial().await;
    let update = door.key().await;
    door.nsupdate(&update, &[], "update delete www.example.test.\nupdate add new.example.test. 60 A 192.0.2.9")
        .await
        .unwrap();
    let (records, text) = transfer(&door, &key.text, &[&format!("IXFR={first}")]).await;
    assert!(records[1].contains(" NS ") && records.len() == 6, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_zone_is_never_transferred() {
    let door = Door::with(CONTENT).await;
    let named = door.key_for(&["_acme-challenge"], KeyTypes::Usual).await;
    let typed = door.key_with(|new| new.scope.types = KeyTypes::Only(vec![dns::RecordType::Txt])).await;
    let blind = door.key_with(|new| new.scope.permissions = [Permission::Update].into_iter().collect()).await;
    for (key, rule) in [(&named, RefusedBy::Name), (&typed, RefusedBy::Type), (&blind, RefusedBy::Permission)] {
        for kind in ["AXFR", "IXFR=1"] {
            let (records, text) = transfer(&door, &key.text, &[kind]).await;
            let is_empty = records.iter().all(|line| line.contains(" TSIG "));
            assert!(is_empty && text.contains("Transfer failed"), "{kind}: {text}");
        }
        assert_eq!(door.refusals(key).await[0].0, rule);
    }
    // Without a key, nothing at all.
    let text = door.dig(&["example.test", "AXFR"]).await;
    assert!(records(&text).is_empty() && text.contains("Transfer failed"), "{text}");
}
