//! What follows from a proof that an account controls a name.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{Fixture, author, eventually, zone_name};
use dns::ZoneId;
use store::{
    AccountId, Actor, Author, CreateZoneError, EventKind, NewZone, Proof, ProveError, Role, Source, Suspension, Zone,
};

const DAY: i64 = 86_400;
const NOTICE: i64 = 3 * DAY;
const KEEP: i64 = 30 * DAY;

/// What an account would have seen in the public DNS.
async fn proof(f: &Fixture, account: AccountId, name: &str, undelegated: &[ZoneId]) -> Proof {
    let value = f.tenant(&author(account)).claim(&zone_name(name)).await.unwrap().value;
    Proof { value, is_delegated: false, delegated: Vec::new(), undelegated: undelegated.to_vec() }
}

async fn create(f: &Fixture, by: &Author, name: &str, proof: Proof) -> Result<Zone, CreateZoneError> {
    f.store.create_zone(by, NewZone { proof: Some(proof), ..NewZone::named(zone_name(name)) }).await
}

async fn is_served(f: &Fixture, zone: &Zone) -> bool {
    f.store.journal().head(&zone.name).await.unwrap().is_some_and(|head| head.id == zone.id)
}

#[tokio::test]
async fn a_claim_is_bound_to_account_and_name_and_stable_for_seven_days() {
    let f = Fixture::new();
    let (ann, bob) = (f.account("ann@example.com").await, f.account("bob@example.com").await);
    let name = zone_name("example.com");
    let first = f.tenant(&bob).claim(&name).await.unwrap();
    assert!(first.is_new && first.value.len() >= 32);
    for (account, other) in [(ann.account, "example.com"), (bob.account, "example.net")] {
        assert_ne!(f.tenant(&author(account)).claim(&zone_name(other)).await.unwrap().value, first.value);
    }
    f.clock.advance(7 * DAY - 1);
    let again = f.tenant(&bob).claim(&name).await.unwrap();
    assert_eq!((again.is_new, &again.value), (false, &first.value));
    f.clock.advance(2);
    assert_ne!(f.tenant(&bob).claim(&name).await.unwrap().value, first.value);

    // What was seen has to be what was asked for.
    f.zone(&ann, "example.com").await;
    let good = proof(&f, bob.account, "example.com", &[]).await;
    let anns = proof(&f, ann.account, "example.com", &[]).await;
    for value in [first.value, anns.value, String::new()] {
        let refused = create(&f, &bob, "example.com", Proof { value, ..good.clone() }).await;
        assert!(matches!(refused, Err(CreateZoneError::Exists)), "{refused:?}");
    }
    f.clock.advance(7 * DAY + 1);
    let refused = create(&f, &bob, "example.com", good).await;
    assert!(matches!(refused, Err(CreateZoneError::Exists)), "{refused:?}");
}

#[tokio::test]
async fn an_unproven_zone_of_the_name_is_displaced_after_the_notice_and_deleted_in_the_end() {
    let f = Fixture::new();
    let (ann, bob) = (f.account("ann@example.com").await, f.account("bob@example.com").await);
    let squatted = f.zone(&ann, "example.com").await;
    f.add(&ann, &squatted, "www", "192.0.2.1").await;
    let claimed = create(&f, &bob, "example.com", proof(&f, bob.account, "example.com", &[]).await).await.unwrap();
    assert!(claimed.withheld.waits() && claimed.withheld.until().is_some());
    assert!(is_served(&f, &squatted).await && !is_served(&f, &claimed).await);
    f.add(&bob, &claimed, "www", "192.0.2.2").await;
    let pending = f.operator().displacements(10).await.unwrap();
    assert_eq!(
        (pending.len(), pending[0].email.as_str(), pending[0].by_email.as_str()),
        (1, "ann@example.com", "bob@example.com")
    );
    assert_eq!(f.store.outbox().unnoticed_displacements(10).await.unwrap(), pending);
    f.store.outbox().displacement_noticed(squatted.id).await.unwrap();
    assert!(f.store.outbox().unnoticed_displacements(10).await.unwrap().is_empty());
    let events = f.operator().events(Some(ann.account), None, 10).await.unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.kind == EventKind::ZoneClaimed && event.actor.as_deref() == Some("bob@example.com"))
    );

    // A third has to wait for the operator.
    let carl = f.account("carl@example.com").await;
    let refused = create(&f, &carl, "example.com", proof(&f, carl.account, "example.com", &[]).await).await;
    assert!(matches!(refused, Err(CreateZoneError::Contested)), "{refused:?}");

    f.clock.advance(NOTICE - 1);
    assert!(is_served(&f, &squatted).await);
    f.clock.advance(1);
    eventually("taken over", async || is_served(&f, &claimed).await).await;
    let head = f.store.journal().head(&claimed.name).await.unwrap().unwrap();
    let gone = f.store.zone(ann.account, squatted.id).await.unwrap().unwrap();
    assert!(gone.withheld.is_displaced() && !gone.withheld.is_served());
    assert!(head.serial.is_newer_than(gone.serial), "the name's serials only grow");
    assert!(f.store.journal().snapshot(squatted.id).await.unwrap().is_none());
    assert_eq!(gone.record_count, 1, "its data are kept");
    assert!(f.operator().displacements(10).await.unwrap().is_empty());
    f.clock.advance(KEEP);
    eventually("deleted", async || f.store.zone(ann.account, squatted.id).await.unwrap().is_none()).await;
    assert!(is_served(&f, &claimed).await);
}

#[tokio::test]
async fn two_proven_claims_wait_for_the_operator_who_decides_either_way() {
    for ann_keeps in [true, false] {
        let f = Fixture::new();
        let (ann, bob) = (f.account("ann@example.com").await, f.account("bob@example.com").await);
        let anns = f.zone(&ann, "example.com").await;
        let bobs = create(&f, &bob, "example.com", proof(&f, bob.account, "example.com", &[]).await).await.unwrap();
        let wrong = Proof { value: "x".to_owned(), ..proof(&f, ann.account, "example.com", &[]).await };
        let refused = f.tenant(&ann).prove_zone(anns.id, wrong).await;
        assert!(matches!(refused, Err(ProveError::NoClaim)), "{refused:?}");
        let refused = f.tenant(&bob).prove_zone(anns.id, proof(&f, bob.account, "example.com", &[]).await).await;
        assert!(matches!(refused, Err(ProveError::NoZone)), "{refused:?}");
        f.tenant(&ann).prove_zone(anns.id, proof(&f, ann.account, "example.com", &[]).await).await.unwrap();
        assert_eq!(f.operator().displacements(10).await.unwrap()[0].due, None);
        f.clock.advance(NOTICE + DAY);
        // Time for the housekeeper to look.
        let other = f.zone(&bob, "other.example").await;
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        assert!(is_served(&f, &other).await && is_served(&f, &anns).await && !is_served(&f, &bobs).await);

        let to = if ann_keeps { ann.account } else { bob.account };
        assert!(f.store.move_zone(&anns.name, to).await.unwrap());
        assert_eq!([is_served(&f, &anns).await, is_served(&f, &bobs).await], [ann_keeps, !ann_keeps]);
        assert!(f.operator().displacements(10).await.unwrap().is_empty());
        if !ann_keeps {
            // And back again.
            assert!(f.store.move_zone(&anns.name, ann.account).await.unwrap());
            assert_eq!([is_served(&f, &anns).await, is_served(&f, &bobs).await], [true, false]);
        }
    }
}

#[tokio::test]
async fn zones_below_give_way_unless_they_are_delegated_and_zones_above_never_do() {
    let f = Fixture::new();
    let (ann, bob) = (f.account("ann@example.com").await, f.account("bob@example.com").await);
    let (squatted, delegated) = (f.zone(&ann, "a.example.com").await, f.zone(&ann, "b.example.com").await);
    // One that nobody looked at is in the way.
    let refused = create(&f, &bob, "example.com", proof(&f, bob.account, "example.com", &[squatted.id]).await).await;
    assert!(matches!(refused, Err(CreateZoneError::Related)), "{refused:?}");
    let seen = Proof { delegated: vec![delegated.id], ..proof(&f, bob.account, "example.com", &[squatted.id]).await };
    let zone = create(&f, &bob, "example.com", seen).await.unwrap();
    assert!(is_served(&f, &zone).await && is_served(&f, &squatted).await, "nothing is in the way of its name");
    f.clock.advance(NOTICE);
    eventually("displaced", async || !is_served(&f, &squatted).await).await;
    assert!(is_served(&f, &delegated).await && is_served(&f, &zone).await);

    let refused = create(&f, &ann, "c.example.com", proof(&f, ann.account, "c.example.com", &[]).await).await;
    assert!(matches!(refused, Err(CreateZoneError::Related)), "it is not delegated: {refused:?}");
    let seen = Proof { is_delegated: true, ..proof(&f, ann.account, "c.example.com", &[]).await };
    let child = create(&f, &ann, "c.example.com", seen).await.unwrap();
    assert!(is_served(&f, &child).await && is_served(&f, &zone).await);
    assert!(f.operator().displacements(10).await.unwrap().is_empty());
    // An owner's own proof spares a zone below.
    let spared = f.zone(&ann, "a.example.net").await;
    let above =
        create(&f, &bob, "example.net", proof(&f, bob.account, "example.net", &[spared.id]).await).await.unwrap();
    assert_eq!(f.operator().displacements(10).await.unwrap().len(), 1);
    f.tenant(&ann).prove_zone(spared.id, proof(&f, ann.account, "a.example.net", &[]).await).await.unwrap();
    assert!(f.operator().displacements(10).await.unwrap().is_empty());
    assert!(is_served(&f, &above).await);
}

#[tokio::test]
async fn zones_of_operators_are_never_displaced_and_a_hold_is_no_match_for_a_proof() {
    let f = Fixture::new();
    let (operator, bob) = (f.account("operator@example.com").await, f.account("bob@example.com").await);
    f.operator().set_role(operator.account, Role::Operator).await.unwrap();
    f.zone(&operator, "example.com").await;
    let refused = create(&f, &bob, "example.com", proof(&f, bob.account, "example.com", &[]).await).await;
    assert!(matches!(refused, Err(CreateZoneError::Exists)), "{refused:?}");
    let below = f.zone(&operator, "a.example.net").await;
    let refused = create(&f, &bob, "example.net", proof(&f, bob.account, "example.net", &[below.id]).await).await;
    assert!(matches!(refused, Err(CreateZoneError::Related)), "{refused:?}");

    let ann = f.account("ann@example.com").await;
    let deleted = f.zone(&ann, "held.example").await;
    f.store.delete_zone(&ann, deleted.id, Vec::new()).await.unwrap();
    let refused = f.store.create_zone(&bob, zone_name("held.example")).await;
    assert!(matches!(refused, Err(CreateZoneError::OnHold)), "{refused:?}");
    let zone = create(&f, &bob, "held.example", proof(&f, bob.account, "held.example", &[]).await).await.unwrap();
    assert!(is_served(&f, &zone).await);
}

#[tokio::test]
async fn whoever_gives_up_ends_the_waiting() {
    let f = Fixture::new();
    let (ann, bob) = (f.account("ann@example.com").await, f.account("bob@example.com").await);
    let anns = f.zone(&ann, "example.com").await;
    let bobs = create(&f, &bob, "example.com", proof(&f, bob.account, "example.com", &[]).await).await.unwrap();
    f.store.delete_zone(&bob, bobs.id, Vec::new()).await.unwrap();
    assert!(f.operator().displacements(10).await.unwrap().is_empty());
    let bobs = create(&f, &bob, "example.com", proof(&f, bob.account, "example.com", &[]).await).await.unwrap();
    f.store.delete_zone(&ann, anns.id, Vec::new()).await.unwrap();
    assert!(is_served(&f, &bobs).await, "the name is free at once");
    // And an account that is off stays off, whatever names it gets.
    let by = Actor::command_line();
    f.store.operator(by).suspend_account(bob.account, Suspension::Zones).await.unwrap();
    eventually("off", async || !is_served(&f, &bobs).await).await;
    let carl = f.account("carl@example.com").await;
    let carls = create(&f, &carl, "example.com", proof(&f, carl.account, "example.com", &[]).await).await;
    assert!(matches!(carls, Ok(zone) if zone.withheld.waits() && zone.withheld.until().is_none()), "bob had proved it");
    let operator = Author { source: Source::Operator, ..author(bob.account) };
    f.store.delete_zone(&operator, bobs.id, Vec::new()).await.unwrap();
    let head = f.store.journal().head(&zone_name("example.com")).await.unwrap().unwrap();
    assert!(head.serial.is_newer_than(bobs.serial));
}
