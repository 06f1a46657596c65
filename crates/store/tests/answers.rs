//! Requests under a key: kept with the change, for a day.

mod common;

use common::{Fixture, eventually};
use store::{ANSWERS_KEPT_FOR, Answer, Author, Change, ChangeError, Done, Head, Once, Repeatable, StoreError, Zone};

fn request(me: &Author, key: &str, fingerprint: u8) -> Repeatable {
    Repeatable {
        account: me.account,
        operation: "POST /x".to_owned(),
        key: key.to_owned(),
        fingerprint: [fingerprint; 32],
    }
}

async fn attempt(f: &Fixture, me: &Author, zone: &Zone, request: Repeatable, owner: &str) -> Result<Done, ChangeError> {
    let answer = |made: &store::Committed| {
        Ok(Answer {
            status: 201,
            headers: vec![("etag".to_owned(), "\"1\"".to_owned())],
            body: made.zone.record_count.to_string().into_bytes(),
            head: Head::from(made.zone.clone()),
            deleted: false,
        })
    };
    let change = Change::from(vec![f.create(zone, owner, "192.0.2.1")]);
    f.store.change_once(me, zone.id, change, Once { request, answer: Box::new(answer) }).await
}

#[tokio::test]
async fn an_answer_is_kept_with_its_change_and_only_with_it() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let Done::Now(first) = attempt(&f, &me, &zone, request(&me, "k", 1), "a").await.unwrap() else { panic!() };
    assert_eq!(attempt(&f, &me, &zone, request(&me, "k", 1), "a").await.unwrap(), Done::Before(first.clone()));
    assert_eq!(attempt(&f, &me, &zone, request(&me, "k", 2), "b").await.unwrap(), Done::KeyReused(zone.id));
    assert_eq!(f.store.done_before(&request(&me, "k", 1)).await.unwrap(), Some(Done::Before(first)));
    assert_eq!(f.store.done_before(&request(&me, "other", 1)).await.unwrap(), None);

    assert!(attempt(&f, &me, &zone, request(&me, "refused", 1), "a").await.is_err());
    let once = Once { request: request(&me, "failed", 1), answer: Box::new(|_| Err(StoreError::Panicked)) };
    let change = Change::from(vec![f.create(&zone, "c", "192.0.2.1")]);
    assert!(f.store.change_once(&me, zone.id, change, once).await.is_err());
    assert_eq!(f.count("SELECT count(*) FROM answers"), 1);
    let now = f.store.zone(me.account, zone.id).await.unwrap().unwrap();
    assert_eq!(now.record_count, 1, "a change without its answer is taken back");
}

#[tokio::test]
async fn after_a_day_a_key_is_free_and_its_answer_is_dropped() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    for number in 0..250 {
        attempt(&f, &me, &zone, request(&me, &format!("k{number}"), 1), &format!("a{number}")).await.unwrap();
    }
    f.clock.advance(ANSWERS_KEPT_FOR - 1);
    assert!(matches!(attempt(&f, &me, &zone, request(&me, "k0", 1), "x").await.unwrap(), Done::Before(_)));
    f.clock.advance(1);
    assert!(matches!(attempt(&f, &me, &zone, request(&me, "k0", 2), "x").await.unwrap(), Done::Now(_)));
    eventually("old answers are dropped", async || f.count("SELECT count(*) FROM answers") == 1).await;
}
