//! What an account may have, and what closing or suspending one does to what it has.

mod common;

use common::{Fixture, Rows, delete, zone_name};
use dns::RecordType;
use store::{
    AccountLimits, Actor, Change, ChangeError, CreateTokenError, CreateZoneError, NewToken, NewZone, Permission,
    Source, Wish, ZoneScope,
};

const NONE: AccountLimits =
    AccountLimits { zones: None, records: None, tokens: None, changes_per_day: None, stored_records: None };

#[tokio::test]
async fn a_zone_too_many_is_refused_even_when_many_are_made_at_once() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let by = Actor::command_line();
    f.store.operator(by).set_limits(me.account, AccountLimits { zones: Some(3), ..NONE }).await.unwrap();
    let tries = (0..20).map(|number| {
        let (store, me) = (f.store.clone(), me.clone());
        tokio::spawn(async move { store.create_zone(&me, zone_name(&format!("zone{number}.example"))).await })
    });
    let mut made = 0;
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(_) => made += 1,
            Err(CreateZoneError::Faults(faults)) => {
                assert_eq!(faults[0].1.detail.to_string(), "This account may have at most 3 zones");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((made, f.count(Rows::Zones)), (3, 3), "a refusal leaves nothing");
    let operator = store::Author { source: Source::Operator, ..me.clone() };
    f.zone(&operator, "by-the-operator.example").await;
    let zone = f.store.zones(me.account, None, None, 1).await.unwrap().pop().unwrap();
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    let refused = f.store.create_zone(&me, zone_name("again.example")).await;
    assert!(matches!(refused, Err(CreateZoneError::Faults(_))), "three are left: {refused:?}");
}

#[tokio::test]
async fn records_are_counted_over_all_zones_and_only_growth_is_refused() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let (one, two) = (f.zone(&me, "one.example").await, f.zone(&me, "two.example").await);
    let first = f.add(&me, &one, "a", "192.0.2.1").await;
    f.add(&me, &two, "a", "192.0.2.1").await;
    let by = Actor::command_line();
    f.store.operator(by).set_limits(me.account, AccountLimits { records: Some(2), ..NONE }).await.unwrap();
    let refused = f.store.change(&me, two.id, vec![f.create(&two, "b", "192.0.2.2")]).await;
    let Err(ChangeError::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].1.detail.to_string(), "This account may have at most 2 records in all its zones");
    assert_eq!(f.count(Rows::LiveRecords), 2, "a refusal leaves nothing");

    f.store.operator(by).set_limits(me.account, AccountLimits { records: Some(1), ..NONE }).await.unwrap();
    let swap = vec![delete(first.record.id), f.create(&one, "b", "192.0.2.2")];
    f.store.change(&me, one.id, swap).await.unwrap();
    f.store.operator(by).set_limits(me.account, NONE).await.unwrap();
    f.add(&me, &two, "c", "192.0.2.3").await;
}

#[tokio::test]
async fn the_count_of_records_follows_zones_that_go_come_back_and_move() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let by = Actor::command_line();
    let limits = |most| AccountLimits { records: Some(most), ..NONE };
    f.store.operator(by).set_limits(me.account, limits(2)).await.unwrap();
    let (one, two) = (f.zone(&me, "one.example").await, f.zone(&me, "two.example").await);
    f.add(&me, &one, "a", "192.0.2.1").await;
    let last = f.add(&me, &two, "a", "192.0.2.1").await;
    let one_more = async || f.store.change(&me, two.id, vec![f.create(&two, "b", "192.0.2.2")]).await;
    assert!(matches!(one_more().await, Err(ChangeError::Faults(_))));
    f.store.delete_zone(&me, one.id, Vec::new()).await.unwrap();
    f.operator().undelete_zone(one.id).await.unwrap();
    assert!(matches!(one_more().await, Err(ChangeError::Faults(_))), "its record is back");
    f.store.move_zone(&one.name, other.account).await.unwrap();
    one_more().await.unwrap();
    f.store.move_zone(&one.name, me.account).await.unwrap();
    f.store.change(&me, two.id, vec![delete(last.record.id)]).await.unwrap();
    let again = f.store.change(&me, two.id, vec![f.create(&two, "c", "192.0.2.3")]).await;
    assert!(matches!(again, Err(ChangeError::Faults(_))), "three would be one too many: {again:?}");
    // A limit that is set again begins from what is there.
    f.store.operator(by).set_limits(me.account, NONE).await.unwrap();
    f.add(&me, &two, "d", "192.0.2.4").await;
    f.store.operator(by).set_limits(me.account, limits(4)).await.unwrap();
    f.add(&me, &two, "e", "192.0.2.5").await;
    let again = f.store.change(&me, two.id, vec![f.create(&two, "f", "192.0.2.6")]).await;
    assert!(matches!(again, Err(ChangeError::Faults(_))), "{again:?}");
}

#[tokio::test]
async fn changes_are_counted_by_record_and_begin_again_at_midnight() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let by = Actor::command_line();
    f.store.operator(by).set_limits(me.account, AccountLimits { changes_per_day: Some(4), ..NONE }).await.unwrap();
    let zone = f.zone(&me, "one.example").await;
    let two = || vec![f.create(&zone, "a", "192.0.2.1"), f.create(&zone, "b", "192.0.2.1")];
    let rehearsal = store::Change { dry_run: true, ..store::Change::from(two()) };
    f.store.change(&me, zone.id, rehearsal).await.unwrap();
    let made = f.store.change(&me, zone.id, two()).await.unwrap();
    f.store.change(&me, zone.id, vec![f.create(&zone, "c", "192.0.2.1")]).await.unwrap();
    // The zone, two records and one.
    let refused = f.store.change(&me, zone.id, vec![f.create(&zone, "d", "192.0.2.1")]).await;
    let Err(ChangeError::DailyLimit(limit)) = refused else { panic!("{refused:?}") };
    // 10:30.
    assert_eq!((limit.most, limit.left, limit.resets_in), (4, 0, 13 * 3600 + 1800));
    let refused = f.store.create_zone(&me, zone_name("two.example")).await;
    assert!(matches!(refused, Err(CreateZoneError::DailyLimit(_))), "{refused:?}");
    let refused = f.store.delete_zone(&me, zone.id, Vec::new()).await;
    assert!(matches!(refused, Err(ChangeError::DailyLimit(_))), "{refused:?}");
    assert_eq!(f.count(Rows::LiveZones), 1, "a refusal leaves nothing");
    let operator = store::Author { source: Source::Operator, ..me.clone() };
    f.add(&operator, &zone, "by-the-operator", "192.0.2.1").await;

    f.clock.advance(i64::from(limit.resets_in));
    let first = made.records[0].as_ref().unwrap().record.id;
    f.store.change(&me, zone.id, vec![delete(first)]).await.unwrap();
    let refused = f.store.change(&me, zone.id, [two(), two()].concat()).await;
    assert!(refused.is_err(), "{refused:?}");
    f.store.operator(by).set_limits(me.account, NONE).await.unwrap();
    for number in 0..6 {
        f.add(&me, &zone, &format!("n{number}"), "192.0.2.1").await;
    }
}

#[tokio::test]
async fn a_token_too_many_and_one_for_anothers_zone_are_refused() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let theirs = f.zone(&other, "example.net").await;
    let token = || NewToken::unlimited("t", [Permission::List].into_iter().collect());
    let bound = NewToken { zones: ZoneScope::Only(vec![theirs.id]), ..token() };
    let refused = f.operator().person(me.account).create_token(bound).await;
    assert!(matches!(refused, Err(CreateTokenError::NoZone)), "{refused:?}");
    let limits = AccountLimits { tokens: Some(1), ..NONE };
    f.operator().set_limits(me.account, limits).await.unwrap();
    f.operator().person(me.account).create_token(token()).await.unwrap();
    let refused = f.operator().person(me.account).create_token(token()).await;
    assert!(matches!(refused, Err(CreateTokenError::Limit(1))), "{refused:?}");
    assert_eq!(f.operator().person(me.account).tokens().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_another_process_does_to_an_account_is_noticed() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let token = NewToken::unlimited("t", [Permission::List].into_iter().collect());
    let token = f.operator().person(me.account).create_token(token).await.unwrap().plain;
    let other = f.another();
    assert!(f.store.people().authenticate(token.reveal(), None).await.unwrap().is_some());
    other.command_line().suspend_account(me.account, store::Suspension::SignIn).await.unwrap();
    assert!(other.people().authenticate(token.reveal(), None).await.unwrap().is_none(), "at once where it was done");
    let refused = async || f.store.people().authenticate(token.reveal(), None).await.unwrap().is_none();
    common::eventually("refused", refused).await;
    other.command_line().resume_account(me.account).await.unwrap();
    assert!(f.store.people().authenticate(token.reveal(), None).await.unwrap().is_some());
}

#[tokio::test]
async fn too_many_records_are_refused_before_they_are_planned() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.operator().set_limits(me.account, AccountLimits { records: Some(2), ..NONE }).await.unwrap();
    // Planning would find that each stands there twice.
    let twice = || vec![common::wish(&zone, "www", RecordType::A, "192.0.2.1"); 3];
    let refused = f.store.change(&me, zone.id, Change::of(Wish::Content(twice()))).await;
    let Err(ChangeError::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].1.check, "account-records");
    let new = NewZone { content: twice(), ..NewZone::named(zone_name("example.net")) };
    let refused = f.store.create_zone(&me, new).await;
    let Err(CreateZoneError::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].1.check, "account-records");
}
