//! What an account may have, and what closing or suspending one does to what it has.

mod common;

use common::{Fixture, delete, zone_name};
use store::{
    AccountLimits, Actor, ChangeError, CreateTokenError, CreateZoneError, NewToken, Permission, Source, ZoneScope,
};

const NONE: AccountLimits = AccountLimits { zones: None, records: None, tokens: None };

#[tokio::test]
async fn a_zone_too_many_is_refused_even_when_many_are_made_at_once() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let by = Actor::command_line();
    f.store.set_limits(me.account, AccountLimits { zones: Some(3), ..NONE }, &by).await.unwrap();
    let tries = (0..20).map(|number| {
        let (store, me) = (f.store.clone(), me.clone());
        tokio::spawn(async move { store.create_zone(&me, zone_name(&format!("zone{number}.example")), false).await })
    });
    let mut made = 0;
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(_) => made += 1,
            Err(CreateZoneError::Faults(faults)) => {
                assert_eq!(faults[0].1.detail, "This account may have at most 3 zones");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((made, f.count("SELECT count(*) FROM zones")), (3, 3), "a refusal leaves nothing");
    let operator = store::Author { source: Source::Operator, ..me.clone() };
    f.zone(&operator, "by-the-operator.example").await;
    let zone = f.store.zones(me.account, None, None, 1).await.unwrap().pop().unwrap();
    f.store.delete_zone(&me, zone.id).await.unwrap().unwrap();
    let refused = f.store.create_zone(&me, zone_name("again.example"), false).await;
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
    f.store.set_limits(me.account, AccountLimits { records: Some(2), ..NONE }, &by).await.unwrap();
    let refused = f.store.change(&me, two.id, vec![f.create(&two, "b", "192.0.2.2")]).await;
    let Err(ChangeError::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].1.detail, "This account may have at most 2 records in all its zones");
    assert_eq!(f.count("SELECT count(*) FROM records WHERE to_version IS NULL"), 2, "a refusal leaves nothing");

    f.store.set_limits(me.account, AccountLimits { records: Some(1), ..NONE }, &by).await.unwrap();
    let swap = vec![delete(first.record.id), f.create(&one, "b", "192.0.2.2")];
    f.store.change(&me, one.id, swap).await.unwrap();
    f.store.set_limits(me.account, NONE, &by).await.unwrap();
    f.add(&me, &two, "c", "192.0.2.3").await;
}

#[tokio::test]
async fn a_token_too_many_and_one_for_anothers_zone_are_refused() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let theirs = f.zone(&other, "example.net").await;
    let token = || NewToken::unlimited("t", [Permission::List].into_iter().collect());
    let bound = NewToken { zones: ZoneScope::Only(vec![theirs.id]), ..token() };
    let refused = f.store.create_token(me.account, bound).await;
    assert!(matches!(refused, Err(CreateTokenError::NoZone)), "{refused:?}");
    let limits = AccountLimits { tokens: Some(1), ..NONE };
    f.store.set_limits(me.account, limits, &Actor::command_line()).await.unwrap();
    f.store.create_token(me.account, token()).await.unwrap();
    let refused = f.store.create_token(me.account, token()).await;
    assert!(matches!(refused, Err(CreateTokenError::Limit(1))), "{refused:?}");
    assert_eq!(f.store.tokens(Some(me.account)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_another_process_does_to_an_account_is_noticed() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let token = NewToken::unlimited("t", [Permission::List].into_iter().collect());
    let token = f.store.create_token(me.account, token).await.unwrap().plain;
    let other = f.another();
    assert!(f.store.authenticate(token.reveal(), None).await.unwrap().is_some());
    other.suspend_account(me.account, &Actor::command_line()).await.unwrap();
    assert!(other.authenticate(token.reveal(), None).await.unwrap().is_none(), "at once where it was done");
    let refused = async || f.store.authenticate(token.reveal(), None).await.unwrap().is_none();
    common::eventually("refused", refused).await;
    other.resume_account(me.account, &Actor::command_line()).await.unwrap();
    assert!(f.store.authenticate(token.reveal(), None).await.unwrap().is_some());
}
