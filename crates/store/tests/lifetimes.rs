//! What outlives what: serials outlive zones and clocks, tokens end, and the records of a deleted zone are gone at once.

mod common;

use common::{Collect, Fixture, Rows, START, delete, eventually, overriding, zone_name};
use dns::Serial;
use store::{Change, ChangeError, Condition, NewToken, Permission, RecordFilter, Timestamp, Zone};

#[tokio::test]
async fn a_serial_never_goes_back() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let mut last = f.zone(&me, "example.com").await.serial;
    let mut owner = &me;
    for (round, clock) in
        [START - 1_000_000, 0, START + 50, START + 50, START + 10_000_000, START].into_iter().enumerate()
    {
        f.clock.set(clock);
        let zone = f.store.zones(owner.account, None, None, 1).await.unwrap().remove(0);
        let record = f.add(owner, &zone, "www", "192.0.2.1").await;
        assert_eq!(record.serial, last.next(Serial::at_time(clock)), "round {round}");
        let deleted = f.store.delete_zone(owner, zone.id, Vec::new()).await.unwrap();
        assert!(deleted.serial.is_newer_than(record.serial));
        owner = if round % 2 == 0 { &other } else { &me };
        let again = f.store.create_zone(owner, overriding(zone_name("example.com"))).await.unwrap();
        assert!(again.serial.is_newer_than(deleted.serial), "round {round}: above the floor");
        last = again.serial;
    }
    let fresh = f.zone(&me, "example.net").await;
    assert_eq!(fresh.serial, Serial(START as u32), "another name has no floor");
}

#[tokio::test]
async fn the_names_of_deleted_zones_are_remembered_until_they_are_made_again() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    f.zone(&me, "kept.example").await;
    for name in ["b.example", "a.example", "c.example"] {
        let zone = f.zone(&me, name).await;
        f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    }
    f.zone(&me, "b.example").await;
    let (a, c) = (zone_name("a.example"), zone_name("c.example"));
    assert_eq!(f.store.journal().deleted_names(None, 100).await.unwrap(), [a.clone(), c.clone()]);
    assert_eq!(f.store.journal().deleted_names(None, 1).await.unwrap(), std::slice::from_ref(&a));
    assert_eq!(f.store.journal().deleted_names(Some(a), 100).await.unwrap(), std::slice::from_ref(&c));
    assert_eq!(f.store.journal().deleted_names(Some(c), 100).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_zone_is_gone_at_once_and_swept_later() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let kept = f.zone(&me, "example.net").await;
    let first = f.add(&me, &kept, "www", "192.0.2.1").await;
    let zone = f.zone(&me, "example.com").await;
    let edits: Vec<_> = (0..1000).map(|number| f.create(&zone, &format!("h{number}"), "192.0.2.1")).collect();
    let made = f.store.change(&me, zone.id, edits).await.unwrap();
    let one = made.records[0].clone().unwrap();
    let last = f.add(&me, &kept, "mail", "192.0.2.2").await;

    let deleted = f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    assert_eq!((deleted.id, deleted.record_count), (zone.id, 1000));
    assert!(matches!(f.store.delete_zone(&me, zone.id, Vec::new()).await, Err(ChangeError::NoZone)));
    assert!(f.store.zone(me.account, zone.id).await.unwrap().is_none());
    assert!(f.store.record(me.account, one.record.id).await.unwrap().is_none());
    assert!(f.store.journal().head(&zone.name).await.unwrap().is_none());
    assert_eq!(f.store.journal().heads(None, 100).await.unwrap().len(), 1);
    let all = RecordFilter::default;
    assert!(f.store.visit_records(me.account, zone.id, all(), Collect(vec![])).await.unwrap().is_none());
    assert!(f.store.records(me.account, Some(zone.id), all(), None, 10).await.unwrap().is_none());
    let listed = f.store.records(me.account, None, all(), None, 10).await.unwrap().unwrap();
    assert_eq!(listed, [first, last]);
    assert_eq!(f.store.journal().moves(5).await.unwrap().names, [zone_name("example.com")], "its end is a move too");

    let again = f.zone(&me, "example.com").await;
    assert_ne!(again.id, zone.id);
    f.add(&me, &again, "h0", "192.0.2.1").await;
    let condition = Condition::Unmoved(one.record.id, one.version);
    assert!(f.store.change(&me, again.id, Change::from(vec![]).on(condition)).await.is_err());

    eventually("swept", async || f.count(Rows::LiveRecordsOfDeletedZones) == 0).await;
    eventually("noted as swept", async || f.count(Rows::SweptZones) == 1).await;
    assert_eq!(f.count(Rows::RecordsEndedBy(deleted.version.0)), 1000, "by the version that deleted the zone");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let made = async |expires_at: Option<i64>| {
        let expires_at = expires_at.map(|time| Timestamp::from_second(time).unwrap());
        let permissions = [Permission::List].into_iter().collect();
        f.operator()
            .person(me.account)
            .create_token(NewToken { expires_at, ..NewToken::unlimited("t", permissions) })
            .await
            .unwrap()
    };
    let (lasting, ending) = (made(None).await, made(Some(START + 60)).await);
    let accepted = async |text: &str| f.store.people().authenticate(text, None).await.unwrap();
    for text in ["", "vps_", "Bearer x", &lasting.plain.reveal()[..46], &"vps_".repeat(12)] {
        assert!(accepted(text).await.is_none(), "{text:?}");
    }
    let unknown = format!("vps_{}", "A".repeat(43));
    assert!(accepted(&unknown).await.is_none());

    let identity = accepted(lasting.plain.reveal()).await.unwrap();
    assert_eq!((identity.account.id, identity.token.id), (me.account, lasting.token.id));
    assert_eq!(identity.token.last_used_at, Some(Timestamp::from_second(START).unwrap()));
    assert_eq!(identity.token.last_four, lasting.plain.reveal()[43..]);
    assert!(accepted(ending.plain.reveal()).await.is_some());
    f.clock.advance(59);
    assert!(accepted(ending.plain.reveal()).await.is_some());
    f.clock.advance(1);
    assert!(accepted(ending.plain.reveal()).await.is_none(), "also from memory");

    eventually("the use is stored", async || f.count(Rows::LastUseOf(1)) == START * 1000).await;
    f.clock.advance(1);
    accepted(lasting.plain.reveal()).await.unwrap();
    eventually("and the next", async || f.count(Rows::LastUseOf(1)) == (START + 61) * 1000).await;

    assert!(f.operator().revoke_token(lasting.token.id).await.unwrap());
    assert!(accepted(lasting.plain.reveal()).await.is_none());
    assert_eq!(f.operator().tokens().await.unwrap().len(), 1);
    assert_eq!(f.operator().person(me.account).tokens().await.unwrap()[0].id, ending.token.id);
    assert_ne!(made(None).await.token.id, lasting.token.id, "a number is never given twice");
}

#[tokio::test]
async fn the_last_uses_are_stored_when_the_store_closes() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let permissions = [Permission::List].into_iter().collect();
    let token = NewToken::unlimited("t", permissions);
    let token = f.operator().person(me.account).create_token(token).await.unwrap();
    f.store.people().authenticate(token.plain.reveal(), None).await.unwrap().unwrap();
    f.store.close().await;
    assert_eq!(f.count(Rows::LastUseOf(1)), START * 1000);
    assert!(matches!(f.operator().accounts().await, Err(store::StoreError::Closed)));
    assert!(matches!(f.operator().revoke_token(store::TokenId::from_number(1)).await, Err(store::StoreError::Closed)));
    f.store.close().await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let record = f.add(&me, &zone, "www", "192.0.2.1").await;
    f.store.close().await;
    let again = f.another();
    assert_eq!(*again.journal().position().borrow(), 2);
    let (zone, found): (Zone, _) = again.record(me.account, record.record.id).await.unwrap().unwrap();
    assert_eq!((found, zone.name), (record.clone(), zone_name("example.com")));
    let gone = again.change(&me, zone.id, vec![delete(record.record.id)]).await.unwrap();
    assert_eq!((gone.zone.record_count, gone.zone.version.0), (0, 3));
}
