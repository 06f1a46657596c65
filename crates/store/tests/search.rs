//! Looking for zones and records by a part of what people see of them.

mod common;

use std::time::Instant;

use common::{Fixture, zone_name};
use dns::OwnerName;
use store::FoundZones;

fn names(found: &FoundZones) -> Vec<String> {
    found.zones.iter().map(|zone| zone.name.to_string()).collect()
}

#[tokio::test]
async fn zones_are_found_by_a_part_of_their_names_and_only_by_their_account() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let other = f.account("other@example.com").await;
    for name in ["shop.example.com", "example.net", "example.com", "xn--bcher-kva.example", "sho.p.example.org"] {
        f.zone(&me, name).await;
    }
    f.zone(&other, "shopping.example.info").await;
    let gone = f.zone(&me, "shop.gone.net").await;
    f.store.delete_zone(&me, gone.id, Vec::new()).await.unwrap();

    let find = async |text: &str| names(&f.tenant(&me).find_zones(text, None, 10).await.unwrap());
    let all = ["example.com", "shop.example.com", "xn--bcher-kva.example", "example.net", "sho.p.example.org"];
    assert_eq!(find("").await, all);
    assert_eq!(find("shop").await, ["shop.example.com"]);
    assert_eq!(find(" HOP.Exam ").await, ["shop.example.com"]);
    assert_eq!(find("example.").await, ["example.com", "shop.example.com", "example.net", "sho.p.example.org"]);
    assert_eq!(find("bücher").await, ["xn--bcher-kva.example"]);
    for nothing in ["shopping", "gone", "example.com.", "%", "..", "e\\120ample", "ü"] {
        assert!(find(nothing).await.is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn a_walk_through_the_pages_shows_each_zone_once() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    for number in 0..25 {
        f.zone(&me, &format!("z{number}.example.com")).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let found = f.tenant(&me).find_zones("z", after, 10).await.unwrap();
        seen.extend(names(&found));
        after = found.next;
        if after.is_none() {
            break;
        }
        f.zone(&me, &format!("behind{}.example.com", seen.len())).await;
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((seen.len(), once.len()), (25, 25));
}

#[tokio::test]
async fn records_come_by_name_and_names_are_not_torn_apart() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let other = f.account("other@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    for (owner, address) in
        [("b", "192.0.2.1"), ("@", "192.0.2.2"), ("a.b", "192.0.2.3"), ("b", "192.0.2.4"), ("c", "198.51.100.1")]
    {
        f.add(&me, &zone, owner, address).await;
    }
    let find = async |text: &str, after: Option<&str>, at_least: usize| {
        let after = after.map(|after| OwnerName::parse(after, &zone.name).unwrap());
        let found = f.tenant(&me).find_records(zone.id, text, after, at_least).await.unwrap().unwrap();
        let shown = |stored: &store::StoredRecord| format!("{} {}", stored.record.owner, stored.record.data.value());
        (found.records.iter().map(shown).collect::<Vec<_>>().join(", "), found.next.map(|next| next.to_string()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(find("", None, 2).await, ("@ 192.0.2.2, b 192.0.2.1, b 192.0.2.4".to_owned(), some("b")));
    assert_eq!(find("", Some("b"), 2).await, ("a.b 192.0.2.3, c 198.51.100.1".to_owned(), None));
    assert_eq!(find("198.51", None, 2).await.0, "c 198.51.100.1");
    assert_eq!(find("A", None, 1).await, ("@ 192.0.2.2".to_owned(), some("@")));
    assert_eq!(find("aaaa", None, 1).await.0, "");
    assert!(f.tenant(&other).find_records(zone.id, "", None, 10).await.unwrap().is_none(), "another's zone");
}

/// Says what a search among 100,000 zones costs; asserts nothing about time.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_zones() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let template = f.zone(&me, "template.example.com").await;
    // Rows like those that the store writes; through it, this would take minutes.
    let template = f.octets(template.id.0.as_bytes());
    for some in (0..100_000_u32).collect::<Vec<_>>().chunks(10_000) {
        let row = |number: &u32| {
            let name = zone_name(&format!("customer-{number:06}.example{}.net", number % 7));
            format!("({}, {})", f.octets(&u128::from(*number).to_be_bytes()), f.octets(&name.name().key()))
        };
        let rows: Vec<String> = some.iter().map(row).collect();
        f.execute(&format!(
            "INSERT INTO zones (uuid, account, name, created, record_count, version, serial, apex, catalog)
             SELECT v.column1, z.account, v.column2, z.created, 0, z.version, z.serial, z.apex, z.catalog
             FROM (VALUES {}) AS v, zones z WHERE z.uuid = {template}",
            rows.join(", ")
        ));
    }
    for text in ["", "template", "customer-09999", "99999.example", "e6.net", "nowhere", "a.b.c.d"] {
        let start = Instant::now();
        let found = f.tenant(&me).find_zones(text, None, 50).await.unwrap();
        println!("{text:16} {:3} zones, {:6.2} ms", found.zones.len(), start.elapsed().as_secs_f64() * 1e3);
    }
    let last = f.tenant(&me).find_zones("099999", None, 50).await.unwrap();
    assert_eq!(names(&last), [format!("customer-099999.example{}.net", 99_999 % 7)]);
}
