//! No account sees or touches what another has, through any method; and what is another's looks like what does not exist.

mod common;

use std::collections::BTreeMap;

use common::{Collect, Fixture, Rows, author, delete, overriding, replace, wish, zone_name};
use dns::{RecordId, RecordType, ZoneId};
use store::{
    Author, Change, ChangeError, Condition, CreateZoneError, NewAccount, NewToken, Permission, RecordFilter, Store,
    StoredRecord, VersionNumber, Zone,
};
use uuid::Uuid;

/// What every method that takes an account answers about one zone and one record, as text.
async fn everything(store: &Store, who: &Author, zone: &Zone, record: &StoredRecord) -> BTreeMap<&'static str, String> {
    let account = who.account;
    let all = RecordFilter::default;
    let by_type = RecordFilter { record_type: Some(RecordType::A), owner: None };
    let by_owner = RecordFilter { record_type: None, owner: Some(record.record.owner.clone()) };
    let mut answers = BTreeMap::new();
    let mut note = |method, answer: String| assert!(answers.insert(method, answer).is_none(), "{method} twice");
    note("tokens", format!("{:?}", store.command_line().person(account).tokens().await));
    note("zones", format!("{:?}", store.zones(account, None, None, 100).await));
    note("zones by name", format!("{:?}", store.zones(account, Some(zone.name.clone()), None, 100).await));
    note("zone", format!("{:?}", store.zone(account, zone.id).await));
    let visited = store.visit_records(account, zone.id, all(), Collect(vec![])).await;
    note("visit_records", format!("{:?}", visited.map(|found| found.map(|visitor| visitor.0))));
    note("records of zone", format!("{:?}", store.records(account, Some(zone.id), all(), None, 100).await));
    note(
        "records of zone by name",
        format!("{:?}", store.records(account, Some(zone.id), by_owner.clone(), None, 100).await),
    );
    note("records", format!("{:?}", store.records(account, None, all(), None, 100).await));
    note("records by type", format!("{:?}", store.records(account, None, by_type, None, 100).await));
    note("records by name", format!("{:?}", store.records(account, None, by_owner, None, 100).await));
    note("record", format!("{:?}", store.record(account, record.record.id).await));
    let edits = [
        ("create", dns::change::Edit::Create(store.new_record_id(), wish(zone, "new", RecordType::A, "192.0.2.9"))),
        ("replace", replace(record, wish(zone, "other", RecordType::A, "192.0.2.9"))),
        ("delete", delete(record.record.id)),
    ];
    for (what, edit) in edits {
        note(what, format!("{:?}", store.change(who, zone.id, vec![edit]).await));
    }
    let condition = Condition::Unmoved(record.record.id, record.version);
    note("condition", format!("{:?}", store.change(who, zone.id, Change::from(vec![]).on(condition)).await));
    note("delete_zone", format!("{:?}", store.delete_zone(who, zone.id, Vec::new()).await));
    answers
}

#[tokio::test]
async fn what_is_anothers_looks_like_what_does_not_exist() {
    let f = Fixture::new();
    let (owner, stranger) = (f.account("owner@example.com").await, f.account("stranger@example.com").await);
    let zone = f.zone(&owner, "example.com").await;
    let record = f.add(&owner, &zone, "www", "192.0.2.1").await;
    let token = NewToken::unlimited("t", [Permission::All].into_iter().collect());
    f.operator().person(owner.account).create_token(token).await.unwrap();
    let theirs = f.zone(&stranger, "example.net").await;
    f.add(&stranger, &theirs, "mail", "192.0.2.2").await;

    let nowhere = Zone { id: ZoneId(Uuid::from_u128(1)), name: zone_name("nowhere.example"), ..zone.clone() };
    let mut nothing = record.clone();
    nothing.record.id = RecordId(Uuid::from_u128(2));
    let of_the_owners = everything(&f.store, &stranger, &zone, &record).await;
    let of_nothing = everything(&f.store, &stranger, &nowhere, &nothing).await;
    for (method, answer) in &of_the_owners {
        assert_eq!(answer, &of_nothing[method], "{method}");
        assert!(!answer.contains("example.com") && !answer.contains("192.0.2.1"), "{method}: {answer}");
    }
    assert_eq!(of_the_owners.len(), 16);

    // A record of one's own zone is none of another's: neither of a stranger's zone nor of a second one of one's own.
    let second = f.zone(&owner, "example.org").await;
    let refused = f.store.change(&owner, second.id, vec![delete(record.record.id)]).await;
    assert!(matches!(refused, Err(ChangeError::NoRecord { index: 0 })), "{refused:?}");
    let condition = Condition::Unmoved(record.record.id, VersionNumber(2));
    let refused = f.store.change(&owner, second.id, Change::from(vec![]).on(condition)).await;
    assert!(matches!(refused, Err(ChangeError::Moved)), "{refused:?}");

    let of_mine = f.store.records(owner.account, None, RecordFilter::default(), None, 100).await.unwrap().unwrap();
    assert_eq!(of_mine, [record], "nothing was touched");
}

#[tokio::test]
async fn zones_above_and_below_anothers_are_refused() {
    let f = Fixture::new();
    let (owner, stranger) = (f.account("owner@example.com").await, f.account("stranger@example.com").await);
    f.zone(&owner, "b.example.com").await;
    for name in ["example.com", "a.b.example.com", "x.y.z.b.example.com"] {
        let refused = f.store.create_zone(&stranger, zone_name(name)).await;
        assert!(matches!(refused, Err(CreateZoneError::Related)), "{name}: {refused:?}");
        assert_eq!(f.count(Rows::Zones), 1, "a refusal leaves nothing");
    }
    let refused = f.store.create_zone(&stranger, overriding(zone_name("b.example.com"))).await;
    assert!(matches!(refused, Err(CreateZoneError::Exists)), "{refused:?}");

    for (who, name) in [
        (&stranger, "c.example.com"),
        (&stranger, "bb.example.com"),
        (&stranger, "a-b.example.com"),
        (&owner, "a.b.example.com"),
        (&owner, "c.a.b.example.com"),
    ] {
        f.store.create_zone(who, zone_name(name)).await.unwrap();
    }
    let refused = f.store.create_zone(&owner, zone_name("example.com")).await;
    assert!(matches!(refused, Err(CreateZoneError::Related)), "c.example.com is a stranger's: {refused:?}");
    f.store.create_zone(&stranger, overriding(zone_name("x.b.example.com"))).await.unwrap();
}

#[tokio::test]
async fn a_zone_that_moves_takes_its_records_along() {
    let f = Fixture::new();
    let (from, to) = (f.account("from@example.com").await, f.account("to@example.com").await);
    let zone = f.zone(&from, "example.com").await;
    let record = f.add(&from, &zone, "www", "192.0.2.1").await;
    assert!(!f.store.move_zone(&zone_name("example.net"), to.account).await.unwrap());
    assert!(f.store.move_zone(&zone.name, to.account).await.unwrap());
    let listed = |who: &Author| f.store.records(who.account, None, RecordFilter::default(), None, 100);
    assert_eq!(listed(&from).await.unwrap().unwrap(), []);
    assert!(f.store.record(from.account, record.record.id).await.unwrap().is_none());
    assert_eq!(listed(&to).await.unwrap().unwrap(), [record]);
    let found = f.store.zone_of_anyone(&zone.name).await.unwrap().unwrap();
    assert_eq!((found.account, found.email.as_str()), (to.account, "to@example.com"));
    f.add(&to, &zone, "mail", "192.0.2.2").await;
}

#[tokio::test]
async fn two_accounts_never_share_an_address() {
    let f = Fixture::new();
    f.account("Some.One@Example.com").await;
    for email in ["some.one@example.com", "SOME.ONE@EXAMPLE.COM"] {
        let new = NewAccount { email: email.to_owned(), ..NewAccount::default() };
        let refused = f.operator().create_account(new).await;
        assert!(matches!(refused, Err(store::CreateAccountError::Exists(_))), "{refused:?}");
        let found = f.operator().account_by_email(email).await.unwrap().unwrap();
        assert_eq!(found.email, "Some.One@Example.com");
    }
    assert_eq!(f.operator().accounts().await.unwrap().len(), 1);
    let nobody = author(f.operator().accounts().await.unwrap()[0].id);
    assert!(f.store.zones(nobody.account, None, None, 10).await.unwrap().is_empty());
}
