//! Names that were deleted a short time ago: only their last owner may take them.

mod common;

use common::{Fixture, author, overriding, zone_name};
use store::{AccountId, CreateZoneError};

const DAY: i64 = 86_400;

async fn refused(f: &Fixture, account: AccountId, names: &[&str]) {
    for name in names {
        let outcome = f.store.create_zone(&author(account), zone_name(name)).await;
        assert!(matches!(outcome, Err(CreateZoneError::OnHold)), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_deleted_name_its_parents_and_children_are_kept_for_their_owner() {
    let f = Fixture::new();
    let (owner, other) = (f.account("owner@example.com").await, f.account("other@example.com").await);
    let zone = f.zone(&owner, "shop.example.com").await;
    f.store.delete_zone(&owner, zone.id, Vec::new()).await.unwrap();
    refused(&f, other.account, &["shop.example.com", "example.com", "a.b.shop.example.com"]).await;
    for unrelated in ["shop2.example.com", "hop.example.com", "example.net"] {
        f.zone(&other, unrelated).await;
    }
    f.zone(&owner, "www.shop.example.com").await;
    f.clock.advance(7 * DAY - 1);
    refused(&f, other.account, &["x.shop.example.com"]).await;
    // Its owner takes it, and deletes it again.
    let again = f.zone(&owner, "shop.example.com").await;
    f.store.delete_zone(&owner, again.id, Vec::new()).await.unwrap();
    f.clock.advance(2);
    refused(&f, other.account, &["x.shop.example.com"]).await;
}

#[tokio::test]
async fn a_hold_ends_by_time_or_by_the_operator() {
    let f = Fixture::new();
    let (owner, other) = (f.account("owner@example.com").await, f.account("other@example.com").await);
    for name in ["one.example", "two.example", "three.example"] {
        let zone = f.zone(&owner, name).await;
        f.store.delete_zone(&owner, zone.id, Vec::new()).await.unwrap();
    }
    refused(&f, other.account, &["one.example", "two.example", "three.example"]).await;
    assert!(!f.operator().release_name(&zone_name("a.one.example")).await.unwrap(), "it is not on hold itself");
    assert!(f.operator().release_name(&zone_name("one.example")).await.unwrap());
    f.zone(&other, "one.example").await;
    assert!(!f.operator().release_name(&zone_name("one.example")).await.unwrap());
    f.store.create_zone(&other, overriding(zone_name("two.example"))).await.unwrap();
    f.clock.advance(7 * DAY);
    f.zone(&other, "three.example").await;
    assert!(!f.operator().release_name(&zone_name("three.example")).await.unwrap());
}
