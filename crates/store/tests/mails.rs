//! The queue of mail: its bounds, what stands in the file of a letter, and that each is taken once.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::Fixture;
use jiff::SignedDuration;
use store::{AccountId, Actor, MailKind, NewMail, QueueMailError, Store};

const LEASE: SignedDuration = SignedDuration::from_secs(120);

fn mail(f: &Fixture, kind: MailKind, to: &str) -> NewMail {
    let expires = f.store.now() + SignedDuration::from_hours(1);
    let text = format!("https://dns.example.net/link/{to}-one-time-link/");
    NewMail { kind, account: None, to: to.to_owned(), subject: "A subject".to_owned(), text, expires }
}

async fn for_account(f: &Fixture, kind: MailKind, account: AccountId, to: &str) {
    f.store.outbox().queue_mail(NewMail { account: Some(account), ..mail(f, kind, to) }).await.unwrap();
}

async fn taken(store: &Store) -> Option<String> {
    store.outbox().take_mail(LEASE).await.unwrap().map(|mail| mail.to)
}

#[tokio::test]
async fn no_kind_and_no_recipient_takes_the_places_of_others() {
    let f = Fixture::new();
    for _ in 0..MailKind::Notice.places_of_one() {
        f.store.outbox().queue_mail(mail(&f, MailKind::Notice, "ann@example.com")).await.unwrap();
    }
    let refused = f.store.outbox().queue_mail(mail(&f, MailKind::Notice, "Ann@Example.com")).await;
    assert!(matches!(refused, Err(QueueMailError::FullForOne)), "{refused:?}");
    let mut queued = MailKind::Notice.places_of_one();
    let full = loop {
        match f.store.outbox().queue_mail(mail(&f, MailKind::Notice, &format!("{queued}@example.com"))).await {
            Ok(()) => queued += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, QueueMailError::Full), "{full}");
    assert_eq!(queued, MailKind::Notice.places());

    f.store.outbox().queue_mail(mail(&f, MailKind::Reset, "ann@example.com")).await.unwrap();
    assert_eq!(f.store.outbox().mail_waiting().await.unwrap().letters, queued + 1);
    let first = f.store.outbox().take_mail(LEASE).await.unwrap().unwrap();
    assert!(first.text.contains("ann@example.com-one-time-link"), "resets are sent first");
}

#[tokio::test]
async fn what_a_letter_says_stands_nowhere_in_the_files() {
    let f = Fixture::on_sqlite();
    f.store.outbox().queue_mail(mail(&f, MailKind::Reset, "ann@example.com")).await.unwrap();
    for name in ["store.db", "store.db-wal"] {
        let octets = std::fs::read(f.path().with_file_name(name)).unwrap();
        for secret in ["one-time-link", "A subject"] {
            assert!(!octets.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} stands in {name}");
        }
    }
    let shown = format!("{:?}", f.store.outbox().take_mail(LEASE).await.unwrap());
    assert!(!shown.contains("ann@") && !shown.contains("link"), "{shown}");
}

#[tokio::test]
async fn a_letter_that_was_copied_over_another_is_dropped_and_holds_up_none() {
    let f = Fixture::new();
    for to in ["ann@example.com", "bob@example.com", "carl@example.com"] {
        f.store.outbox().queue_mail(mail(&f, MailKind::Reset, to)).await.unwrap();
    }
    let sql = "UPDATE mails SET letter = (SELECT letter FROM mails WHERE id = 2) WHERE id = 1";
    f.execute(sql);
    assert_eq!(taken(&f.store).await.unwrap(), "bob@example.com");
    assert_eq!(taken(&f.store).await.unwrap(), "carl@example.com");
    assert_eq!((taken(&f.store).await, f.store.outbox().mail_waiting().await.unwrap().letters), (None, 2));
}

#[tokio::test]
async fn each_letter_is_taken_once_at_a_time_whoever_asks() {
    let f = Fixture::new();
    let another = f.another();
    for number in 0..50 {
        f.store.outbox().queue_mail(mail(&f, MailKind::Invitation, &format!("{number}@example.com"))).await.unwrap();
    }
    let take_all = |store: Store| async move {
        let mut all = Vec::new();
        while let Some(mail) = store.outbox().take_mail(LEASE).await.unwrap() {
            all.push(mail.to);
        }
        all
    };
    let (one, other) = tokio::join!(take_all(f.store.clone()), take_all(another.clone()));
    let mut all = [one, other].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 50);
    assert_eq!(f.store.outbox().mail_waiting().await.unwrap().letters, 50, "taken is not sent");

    // As after a crash in the middle of an attempt: it comes again, as the same message.
    f.clock.advance(119);
    assert_eq!(taken(&another).await, None);
    f.clock.advance(1);
    let again = another.outbox().take_mail(LEASE).await.unwrap().unwrap();
    assert_eq!(again.attempt, 2);
    another.outbox().remove_mail(again.id).await.unwrap();
    f.clock.advance(120);
    let mut ids = Vec::new();
    while let Some(mail) = f.store.outbox().take_mail(LEASE).await.unwrap() {
        assert_ne!(mail.id, again.id, "what was sent is gone");
        ids.push(mail.message_id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), ids.contains(&again.message_id)), (49, false));
}

#[tokio::test]
async fn what_waits_outlives_a_restart_and_no_longer_than_it_is_good() {
    let f = Fixture::new();
    f.store.outbox().queue_mail(mail(&f, MailKind::Reset, "ann@example.com")).await.unwrap();
    let before = f.store.outbox().take_mail(LEASE).await.unwrap().unwrap();
    f.store.outbox().put_mail_off(before.id, f.store.now() + SignedDuration::from_mins(10)).await.unwrap();
    f.store.close().await;
    let store = f.another();
    assert_eq!(taken(&store).await, None);
    f.clock.advance(600);
    let again = store.outbox().take_mail(LEASE).await.unwrap().unwrap();
    assert_eq!((again.message_id, again.text, again.attempt), (before.message_id, before.text, 2));

    f.clock.advance(3000);
    assert_eq!(taken(&store).await, None, "too late to be sent");
    assert_eq!(store.outbox().drop_expired_mail().await.unwrap(), 1);
    assert_eq!(store.outbox().mail_waiting().await.unwrap(), store::MailWaiting::default());
}

#[tokio::test]
async fn letters_go_with_what_they_are_about() {
    let f = Fixture::new();
    let ann = f.account("ann@example.com").await.account;
    let by = Actor::command_line();
    let waiting = || async { f.store.outbox().mail_waiting().await.unwrap().letters };
    for_account(&f, MailKind::Reset, ann, "ann@example.com").await;
    for_account(&f, MailKind::Notice, ann, "ann@example.com").await;
    let password = store::PasswordHash::new("correct horse battery").await.unwrap();
    f.store
        .person(ann, by)
        .set_password(password, store::Keep::default(), store::TokensAfterwards::Kept)
        .await
        .unwrap();
    assert_eq!(waiting().await, 1, "the link in the reset is taken back");
    for_account(&f, MailKind::Reset, ann, "ann@example.com").await;
    f.store.person(ann, by).close().await.unwrap();
    assert_eq!(waiting().await, 0);
}
