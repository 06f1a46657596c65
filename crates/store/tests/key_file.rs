//! Secrets at rest: what stands in the database of them, and a database whose key file is lost, wrong or damaged.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Fixture, TestClock, apex, options};
use store::{AccountId, CodeOutcome, Keep, KeyError, OneTimeKey, Options, Origin, RecoveryCode, Store, StoreError};

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, options(&TestClock::default(), apex(&[("ns1.zonewright.test", &[])])))
}

fn origin() -> Origin {
    Origin { agent: "test".to_owned(), ..Origin::default() }
}

/// Gives an account a second factor.
async fn second_factor(f: &Fixture, account: AccountId) -> (OneTimeKey, Vec<RecoveryCode>) {
    let key = OneTimeKey::draw().unwrap();
    let code = key.code_at(f.store.now());
    let codes = f.operator().person(account).turn_second_factor_on(key.clone(), &code, Keep::default()).await.unwrap();
    (key, codes.unwrap())
}

/// Whether a code completes a new session of the account.
async fn gets_in(store: &Store, account: AccountId, code: &str) -> Result<bool, StoreError> {
    let link = store.command_line().create_link(account, jiff::SignedDuration::from_hours(1)).await.unwrap();
    let session = store.people().sign_in_by_link(link.unwrap().reveal(), origin()).await.unwrap().unwrap().session;
    assert!(session.waits_for_code);
    Ok(matches!(store.people().complete_session(&session, code, origin()).await?, CodeOutcome::Right(_)))
}

#[tokio::test]
async fn a_key_that_does_not_fit_opens_nothing() {
    let f = Fixture::on_sqlite();
    let key_file = f.operator().key_file().to_owned();
    f.store.close().await;
    let key = fs::read(&key_file).unwrap();
    assert_eq!(fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    let database = fs::read(f.path()).unwrap();

    fs::remove_file(&key_file).unwrap();
    let error = open(&f.path()).unwrap_err();
    assert!(matches!(error, StoreError::Key(KeyError::Missing { .. })), "{error}");
    assert!(error.to_string().contains(key_file.to_str().unwrap()), "{error}");
    assert!(!key_file.exists(), "no new key is created where one was in use");

    fs::write(&key_file, "not a key").unwrap();
    assert!(matches!(open(&f.path()), Err(StoreError::Key(KeyError::Malformed { .. }))));
    fs::write(&key_file, [0xff, 0xfe]).unwrap();
    assert!(matches!(open(&f.path()), Err(StoreError::Key(KeyError::Malformed { .. }))));
    let other = Fixture::on_sqlite();
    fs::copy(other.store.command_line().key_file(), &key_file).unwrap();
    assert!(matches!(open(&f.path()), Err(StoreError::Key(KeyError::Wrong { .. }))));
    fs::remove_file(&key_file).unwrap();
    fs::create_dir(&key_file).unwrap();
    assert!(matches!(open(&f.path()), Err(StoreError::Key(KeyError::File { .. }))));
    fs::remove_dir(&key_file).unwrap();
    assert_eq!(fs::read(f.path()).unwrap(), database, "nothing was written");

    fs::write(&key_file, key).unwrap();
    open(&f.path()).unwrap();
}

#[tokio::test]
async fn a_one_time_key_stands_nowhere_in_the_files_and_only_in_its_own_row() {
    let f = Fixture::on_sqlite();
    let (ann, bob) = (f.account("ann@example.com").await.account, f.account("bob@example.com").await.account);
    let (key, _) = second_factor(&f, ann).await;
    second_factor(&f, bob).await;
    let plain = key.base32();
    let octets = fs::read(f.path().with_file_name("store.db-wal")).unwrap();
    let secret = base32(&plain);
    assert!(!octets.windows(secret.len()).any(|part| part == secret));

    // Somebody with write access to the file gives Bob's account the key of their own.
    let sql = "UPDATE accounts SET totp = (SELECT totp FROM accounts WHERE email LIKE 'ann%') WHERE email LIKE 'bob%'";
    rusqlite::Connection::open(f.path()).unwrap().execute_batch(sql).unwrap();
    f.clock.advance(60);
    let code = key.code_at(f.store.now());
    let damaged = gets_in(&f.store, bob, &code).await;
    assert!(matches!(damaged, Err(StoreError::Damaged { table: "accounts", column: "totp", .. })), "{damaged:?}");
    assert!(gets_in(&f.store, ann, &code).await.unwrap());
}

fn base32(text: &str) -> Vec<u8> {
    let mut bits = String::new();
    for c in text.chars() {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
        bits.push_str(&format!("{value:05b}"));
    }
    bits.as_bytes()
        .chunks_exact(8)
        .map(|octet| u8::from_str_radix(std::str::from_utf8(octet).unwrap(), 2).unwrap())
        .collect()
}

#[tokio::test]
async fn only_a_true_copy_of_the_key_confirms_it() {
    let f = Fixture::on_sqlite();
    assert_eq!(f.operator().key_copy_confirmed_at().await.unwrap(), None);
    let other = fs::read_to_string(Fixture::on_sqlite().store.command_line().key_file()).unwrap();
    for text in ["", "yes", &other] {
        assert!(!f.operator().confirm_key_copy(text).await.unwrap(), "{text:?}");
    }
    assert_eq!(f.operator().key_copy_confirmed_at().await.unwrap(), None);
    let copy = f.path().with_file_name("copy.key");
    f.operator().copy_key_file(&copy).unwrap();
    assert!(f.operator().copy_key_file(&copy).is_err(), "nothing is overwritten");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&copy).unwrap();
    assert!(f.operator().confirm_key_copy(&text).await.unwrap());
    assert_eq!(f.operator().key_copy_confirmed_at().await.unwrap(), Some(f.store.now()));
}

#[tokio::test]
async fn a_lost_key_is_given_up_and_recovery_codes_go_on() {
    let f = Fixture::on_sqlite();
    let ann = f.account("ann@example.com").await.account;
    let (key, codes) = second_factor(&f, ann).await;
    let (key_file, now) = (f.operator().key_file().to_owned(), f.store.now());
    f.store.close().await;
    assert_eq!(
        Store::reset_secrets(&f.path().into(), &f.path().with_file_name("secret.key"), now).unwrap(),
        None,
        "the key is there"
    );
    fs::write(&key_file, "damaged").unwrap();
    assert_eq!(Store::reset_secrets(&f.path().into(), &f.path().with_file_name("secret.key"), now).unwrap(), Some(1));
    let names = fs::read_dir(key_file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(names.iter().any(|name| name.contains("wrong")), "the damaged file is put aside: {names:?}");

    let store = open(&f.path()).unwrap();
    assert_eq!(store.command_line().key_copy_confirmed_at().await.unwrap(), None);
    assert!(
        store.command_line().account(ann).await.unwrap().unwrap().has_second_factor,
        "a password alone is not enough"
    );
    f.clock.advance(60);
    assert!(!gets_in(&store, ann, &key.code_at(f.store.now())).await.unwrap());
    assert!(gets_in(&store, ann, &codes[0].reveal()).await.unwrap());
}

#[test]
fn stores_that_open_a_new_file_together_have_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let stores: Vec<Store> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path).unwrap())).collect();
        opening.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    drop(stores);
    assert!(open(&path).is_ok());
    // Two databases may share a key file that is named for both.
    let shared = folder.path().join("elsewhere.key");
    for name in ["one.db", "two.db"] {
        let options = options(&TestClock::default(), apex(&[("ns1.zonewright.test", &[])]));
        let options = Options { key_file: Some(shared.clone()), ..options };
        assert_eq!(Store::open(folder.path().join(name), options).unwrap().command_line().key_file(), shared);
    }
}
