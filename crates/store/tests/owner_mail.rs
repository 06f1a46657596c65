//! What owners are written to about, as it is read from the trail.

mod common;

use common::Fixture;
use store::*;

#[tokio::test]
async fn what_was_written_about_is_known_after_a_restart_and_nothing_else_is_told() {
    let f = Fixture::new();
    let ann = f.account("ann@example.com").await.account;
    let closed = f.account("closed@example.com").await.account;
    let start = f.store.outbox().owners_written_to().await.unwrap();
    let origin = Origin { agent: "Firefox/1".to_owned(), language: Some("ms"), ..Origin::default() };
    f.store.people().begin_session(ann, origin.clone()).await.unwrap().unwrap();
    f.store.people().begin_session(closed, origin).await.unwrap().unwrap();
    f.store.person(closed, Actor::command_line()).close().await.unwrap();
    let token = NewToken::unlimited("ci", [Permission::List].into_iter().collect());
    f.operator().person(ann).create_token(token).await.unwrap();
    f.store.person(ann, Actor::command_line()).end_sessions(Keep::default()).await.unwrap();

    let (notices, until) = f.store.outbox().owner_notices(start).await.unwrap();
    let told: Vec<_> = notices.iter().map(|notice| (notice.email.as_str(), notice.kind, notice.by_owner)).collect();
    assert_eq!(
        told,
        [("ann@example.com", EventKind::NewBrowser, true), ("ann@example.com", EventKind::TokenMade, false)]
    );
    assert_eq!((notices[0].detail.as_str(), notices[0].language.as_deref()), ("Firefox/1", Some("ms")));

    // Up to the first of them was written: a server that starts again goes on with the second.
    f.store.outbox().note_owners_written_to(notices[0].id).await.unwrap();
    let restarted = f.another();
    let after = restarted.outbox().owners_written_to().await.unwrap();
    assert_eq!(restarted.outbox().owner_notices(after).await.unwrap().0, notices[1..]);
    restarted.outbox().note_owners_written_to(until).await.unwrap();
    f.store.outbox().note_owners_written_to(start).await.unwrap();
    assert_eq!(f.store.outbox().owners_written_to().await.unwrap(), until, "it never goes back");
    assert_eq!(f.store.outbox().owner_notices(until).await.unwrap(), (Vec::new(), until));
}
