//! Requests under a key: kept with the change, for a day.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use std::time::Duration;

use common::{Fixture, Rows, delete, eventually};
use store::{
    ANSWERS_KEPT_FOR, Answer, Author, Change, ChangeError, Committed, Done, Head, Once, Repeatable, Retention,
    StoreError, Zone,
};

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
            rest: None,
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
    assert_eq!(f.count(Rows::Answers), 1);
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
    eventually("old answers are dropped", async || f.count(Rows::Answers) == 1).await;
}

#[tokio::test]
async fn an_answer_of_an_older_schema_is_given_again() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    attempt(&f, &me, &zone, request(&me, "k", 1), "a").await.unwrap();
    let body = vec![b'x'; 100_000];
    let octets = f.octets(&body);
    f.execute(&format!(
        "INSERT INTO answers (account, operation, key, fingerprint, time, status, headers, body, zone, name, version, serial, deleted)
         SELECT account, operation, 'old', fingerprint, time, status, headers, {octets}, zone, name, version, serial, deleted FROM answers"
    ));
    let Some(Done::Before(old)) = f.store.done_before(&request(&me, "old", 1)).await.unwrap() else { panic!() };
    assert_eq!((old.status, old.body, old.rest), (201, body, None));
}

/// Makes a change under a key, with an answer of which only a rest is kept; gives what it did and that answer.
async fn long(f: &Fixture, me: &Author, zone: &Zone, key: &str, change: Change) -> (Committed, Answer) {
    let (sender, made) = std::sync::mpsc::channel();
    let answer = move |made: &Committed| {
        sender.send(made.clone()).unwrap();
        Ok(Answer {
            status: 200,
            headers: Vec::new(),
            body: vec![b'x'; 100_000],
            rest: Some(b"rest".to_vec()),
            head: Head::from(made.zone.clone()),
            deleted: false,
        })
    };
    let once = Once { request: request(me, key, 1), answer: Box::new(answer) };
    let Done::Now(answer) = f.store.change_once(me, zone.id, change, once).await.unwrap() else { panic!() };
    assert_eq!(answer.body.len(), 100_000, "the first answer is whole");
    (made.recv().unwrap(), answer)
}

/// What the store gives for the answer to be made again is what the change did, in the same order.
#[track_caller]
fn same(difference: Option<store::Difference>, made: &Committed) {
    let difference = difference.unwrap();
    assert!(difference.removed == made.removed && difference.added == made.added);
    assert_eq!(difference.to, made.zone.serial);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_long_answer_a_rest_is_kept_and_the_history_has_the_records() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let zone = f.zone(&me, "example.com").await;
    // As many as are written at once, and more.
    for (count, key) in [(40, "few"), (3_000, "many")] {
        let name = |number: usize| format!("{key}{}", count - number / 2);
        let create = |number: usize| f.create(&zone, &name(number), &format!("192.0.2.{}", number % 2));
        let created = Change::from((0..count).map(create).collect::<Vec<_>>());
        let (made, first) = long(&f, &me, &zone, key, created).await;
        assert!(f.count(Rows::LargestAnswer) < 100, "the body itself is not kept");
        let before = f.store.done_before(&request(&me, key, 1)).await.unwrap();
        assert_eq!(before, Some(Done::Before(Answer { body: Vec::new(), ..first.clone() })));
        same(f.store.own_change(me.account, &first.head).await.unwrap(), &made);
        let gone: Vec<_> = made.added.iter().map(|stored| delete(stored.record.id)).collect();
        let (removed, second) = long(&f, &me, &zone, &format!("{key} gone"), Change::from(gone)).await;
        for _ in 0..2 {
            same(f.store.own_change(me.account, &first.head).await.unwrap(), &made);
            same(f.store.own_change(me.account, &second.head).await.unwrap(), &removed);
            eventually("all ends are settled", async || f.count(Rows::UnsettledRecords) == 0).await;
        }
        assert_eq!(f.store.own_change(other.account, &first.head).await.unwrap(), None, "it is not that account's");
    }
}

#[tokio::test]
async fn versions_that_an_answer_needs_are_kept_as_long_as_it_is() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let retention = Retention { versions: 1, age: Duration::ZERO, ..Retention::default() };
    let record = f.add(&me, &zone, "a", "192.0.2.1").await;
    let (made, answer) = long(&f, &me, &zone, "k", Change::from(vec![delete(record.record.id)])).await;
    for number in 0..5 {
        f.add(&me, &zone, &format!("b{number}"), "192.0.2.1").await;
    }
    f.clock.advance(ANSWERS_KEPT_FOR - 1);
    assert_eq!(f.operator().forget_old_versions(retention).await.unwrap().versions, 2, "the two before it");
    same(f.store.own_change(me.account, &answer.head).await.unwrap(), &made);
    f.clock.advance(1);
    eventually("the answer is dropped", async || f.count(Rows::Answers) == 0).await;
    assert_eq!(f.operator().forget_old_versions(retention).await.unwrap().versions, 5);
    assert_eq!(f.store.own_change(me.account, &answer.head).await.unwrap(), None);
}
