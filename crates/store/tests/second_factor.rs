//! Codes that are guessed, and browsers that are known.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod common;

use common::{Fixture, Rows};
use store::*;

/// An account with one-time codes, and what opens it.
struct Owner {
    account: AccountId,
    key: OneTimeKey,
    recovery: Vec<RecoveryCode>,
}

impl Owner {
    async fn new(f: &Fixture) -> Owner {
        let new = NewAccount { email: "ann@example.com".to_owned(), ..NewAccount::default() };
        let account = f.operator().create_account(new).await.unwrap().id;
        let key = OneTimeKey::draw().unwrap();
        let code = key.code_at(f.store.now());
        let by = Actor::command_line();
        let on = f.store.person(account, by).turn_second_factor_on(key.clone(), &code, Keep::default()).await.unwrap();
        f.clock.advance(60);
        Owner { account, key, recovery: on.unwrap() }
    }

    /// A session that waits, and what becomes of a code there.
    async fn give(&self, store: &Store, code: &str, browser: Option<&PlainSecret>) -> CodeOutcome {
        let origin = Origin { browser: browser.cloned(), ..Origin::default() };
        let waiting = store.people().begin_session(self.account, origin.clone()).await.unwrap().unwrap().session;
        assert!(waiting.waits_for_code);
        store.people().complete_session(&waiting, code, origin).await.unwrap()
    }

    fn code(&self, store: &Store) -> String {
        self.key.code_at(store.now())
    }
}

#[tokio::test]
async fn wrong_codes_in_a_row_end_their_session() {
    let f = Fixture::new();
    let ann = Owner::new(&f).await;
    let waiting = f.store.people().begin_session(ann.account, Origin::default()).await.unwrap().unwrap().session;
    for _ in 0..4 {
        let outcome = f.store.people().complete_session(&waiting, "000000", Origin::default()).await.unwrap();
        assert!(matches!(outcome, CodeOutcome::Wrong), "{outcome:?}");
    }
    let outcome = f.store.people().complete_session(&waiting, "000000", Origin::default()).await.unwrap();
    assert!(matches!(outcome, CodeOutcome::Ended), "{outcome:?}");
    let right = ann.code(&f.store);
    let outcome = f.store.people().complete_session(&waiting, &right, Origin::default()).await.unwrap();
    assert!(matches!(outcome, CodeOutcome::Gone), "{outcome:?}");
}

#[tokio::test]
async fn codes_wait_longer_and_longer_in_whichever_session_and_after_a_restart() {
    let f = Fixture::new();
    let ann = Owner::new(&f).await;
    for _ in 0..5 {
        assert!(matches!(ann.give(&f.store, "000000", None).await, CodeOutcome::Wrong));
    }
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        let restarted = f.another();
        let outcome = ann.give(&restarted, &ann.code(&restarted), None).await;
        assert!(matches!(outcome, CodeOutcome::TooEarly { seconds } if seconds == minutes * 60), "{outcome:?}");
        f.clock.advance(minutes as i64 * 60 - 1);
        let outcome = ann.give(&f.store, "000000", None).await;
        assert!(matches!(outcome, CodeOutcome::TooEarly { seconds: 1 }), "{outcome:?}");
        f.clock.advance(1);
        assert!(matches!(ann.give(&f.store, "000000", None).await, CodeOutcome::Wrong), "judged after {minutes} min");
        restarted.close().await;
    }
    let events = f.operator().events(Some(ann.account), None, 100).await.unwrap();
    let told: Vec<&str> =
        events.iter().rev().filter(|event| event.kind == EventKind::CodesGuessed).map(|e| e.detail.as_str()).collect();
    assert_eq!(told, ["5", "10"], "the owner is told of the fifth, tenth, twentieth...");
    // Setting the clock back does not make it longer.
    f.clock.advance(-86_400);
    let outcome = ann.give(&f.store, "000000", None).await;
    assert!(matches!(outcome, CodeOutcome::TooEarly { seconds: 3600 }), "{outcome:?}");
    f.clock.advance(86_400 + 3600);
    assert!(matches!(ann.give(&f.store, &ann.code(&f.store), None).await, CodeOutcome::Right(_)));
    assert!(matches!(ann.give(&f.store, "000000", None).await, CodeOutcome::Wrong), "a right code clears the count");
}

#[tokio::test]
async fn recovery_codes_have_a_count_of_their_own() {
    let f = Fixture::new();
    let ann = Owner::new(&f).await;
    for _ in 0..5 {
        assert!(matches!(ann.give(&f.store, "AAAA-AAAA-AAAA-AAAA", None).await, CodeOutcome::Wrong));
    }
    let recovery = ann.recovery[0].reveal();
    assert!(matches!(ann.give(&f.store, &recovery, None).await, CodeOutcome::TooEarly { seconds: 60 }));
    assert!(matches!(ann.give(&f.store, "000000", None).await, CodeOutcome::Wrong));
    assert!(matches!(ann.give(&f.store, &ann.code(&f.store), None).await, CodeOutcome::Right(_)));
    assert!(matches!(ann.give(&f.store, &recovery, None).await, CodeOutcome::TooEarly { .. }), "that clears its own");
    f.clock.advance(60);
    assert!(matches!(ann.give(&f.store, &recovery, None).await, CodeOutcome::Right(_)));
    for _ in 0..5 {
        assert!(matches!(ann.give(&f.store, "000000", None).await, CodeOutcome::Wrong));
    }
    let other = ann.recovery[1].reveal();
    assert!(matches!(ann.give(&f.store, &other, None).await, CodeOutcome::Right(_)));
    assert!(matches!(ann.give(&f.store, "000000", None).await, CodeOutcome::TooEarly { .. }));
}

#[tokio::test]
async fn a_known_browser_does_not_wait_until_it_guesses_itself() {
    let f = Fixture::new();
    let ann = Owner::new(&f).await;
    let CodeOutcome::Right(signed_in) = ann.give(&f.store, &ann.code(&f.store), None).await else { panic!() };
    let browser = signed_in.browser.unwrap();
    for _ in 0..20 {
        ann.give(&f.store, "000000", None).await;
    }
    assert!(matches!(ann.give(&f.store, "000000", None).await, CodeOutcome::TooEarly { .. }));
    f.clock.advance(30);
    assert!(matches!(ann.give(&f.store, "000000", Some(&browser)).await, CodeOutcome::Wrong));
    let right = ann.code(&f.store);
    let CodeOutcome::Right(again) = ann.give(&f.store, &right, Some(&browser)).await else { panic!() };
    // Each sign-in gives another secret; the one before is worthless.
    let (before, browser) = (browser, again.browser.unwrap());
    for _ in 0..5 {
        assert!(matches!(ann.give(&f.store, "000000", None).await, CodeOutcome::Wrong));
    }
    assert!(matches!(ann.give(&f.store, "000000", Some(&before)).await, CodeOutcome::TooEarly { .. }));
    for _ in 0..5 {
        assert!(matches!(ann.give(&f.store, "000000", Some(&browser)).await, CodeOutcome::Wrong));
    }
    f.clock.advance(60);
    let right = ann.code(&f.store);
    assert!(matches!(ann.give(&f.store, &right, Some(&browser)).await, CodeOutcome::TooEarly { .. }), "known no more");
}

#[tokio::test]
async fn browsers_are_known_by_account_for_half_a_year_and_not_after_what_ends_sign_ins() {
    let f = Fixture::new();
    let mut accounts = Vec::new();
    for email in ["ann@example.com", "bob@example.com"] {
        let new = NewAccount { email: email.to_owned(), ..NewAccount::default() };
        accounts.push(f.operator().create_account(new).await.unwrap().id);
    }
    let sign_in = async |account: AccountId, browser: Option<&PlainSecret>| {
        let origin = Origin { browser: browser.cloned(), ..Origin::default() };
        let new = f.store.people().begin_session(account, origin).await.unwrap().unwrap();
        (new.session.id, new.browser.unwrap())
    };
    let knows = async |email: &str, browser: &PlainSecret| {
        f.store.people().account_of_known_browser(email, Some(browser)).await.unwrap().is_some()
    };
    let (ann, bob) = (accounts[0], accounts[1]);
    let (_, browser) = sign_in(ann, None).await;
    assert!(knows("Ann@example.com", &browser).await && !knows("bob@example.com", &browser).await);
    // Two accounts in one browser; the secret from before the second sign-in is known to neither.
    let (session, both) = sign_in(bob, Some(&browser)).await;
    assert!(knows("ann@example.com", &both).await && knows("bob@example.com", &both).await);
    assert!(!knows("ann@example.com", &browser).await && !knows("bob@example.com", &browser).await);

    let (_, elsewhere) = sign_in(bob, None).await;
    let keep = Keep { session: Some(session), browser: Some(both.clone()) };
    let by = Actor::command_line();
    let password = PasswordHash::new("correct horse").await.unwrap();
    f.store.person(bob, by).set_password(password, keep, TokensAfterwards::Kept).await.unwrap();
    assert!(!knows("bob@example.com", &elsewhere).await && knows("bob@example.com", &both).await);
    f.store.person(bob, by).end_sessions(Keep::default()).await.unwrap();
    assert!(!knows("bob@example.com", &both).await && knows("ann@example.com", &both).await);

    for _ in 0..25 {
        sign_in(bob, None).await;
        f.clock.advance(1);
    }
    assert_eq!(f.count(Rows::KnownBrowsersOf(2)), 20);
    f.clock.advance(180 * 24 * 3600 - 25);
    assert!(!knows("ann@example.com", &both).await);
    f.store.person(bob, by).close().await.unwrap();
    assert_eq!(f.count(Rows::KnownBrowsersOf(2)), 0);
}
