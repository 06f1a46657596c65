//! Update keys: who is refused, what their scope allows, and what their owner can read of it.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod common;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{Fixture, START, delete, eventually, wish, zone_name};
use dns::change::{Edit, NewRecord, NewSet, TtlChoice};
use dns::{Name, OwnerName, RecordType, Ttl};
use store::*;

fn permissions(list: &[Permission]) -> Permissions {
    list.iter().copied().collect()
}

fn whole_zone() -> KeyScope {
    let permissions = permissions(&[Permission::All]);
    KeyScope { purpose: KeyPurpose::Manage, names: None, types: KeyTypes::Usual, permissions }
}

fn names(patterns: &[&str]) -> Option<Vec<NamePattern>> {
    Some(patterns.iter().map(|pattern| NamePattern::parse(pattern, &[]).unwrap()).collect())
}

fn networks(list: &[&str]) -> NetworkScope {
    NetworkScope::Only(list.iter().map(|network| network.parse().unwrap()).collect())
}

fn new_key(zones: &[&Zone], scope: KeyScope) -> NewUpdateKey {
    NewUpdateKey {
        name: "a key".to_owned(),
        zones: zones.iter().map(|zone| zone.id).collect(),
        scope,
        algorithm: KeyAlgorithm::Sha256,
        networks: NetworkScope::Anywhere,
        expires_at: None,
        door: None,
        token: None,
    }
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp::from_second(START + seconds).unwrap())
}

async fn create(f: &Fixture, who: &Author, new: NewUpdateKey) -> CreatedUpdateKey {
    f.tenant(who).create_update_key(new).await.unwrap()
}

async fn by_name(store: &Store, key: &UpdateKey) -> Option<Arc<KeyIdentity>> {
    store.doors().by_key_name(&key.key_name).await.unwrap()
}

async fn tenant(store: &Store, key: &UpdateKey) -> Tenant {
    let identity = by_name(store, key).await.unwrap();
    store.doors().tenant(&identity, Source::Rfc2136, None).unwrap()
}

fn token_of(created: &CreatedUpdateKey) -> String {
    match &created.credentials {
        KeyCredentials::Tsig { token, .. } => token.reveal().to_owned(),
        KeyCredentials::Path(..) => panic!("a key with a path"),
    }
}

#[tokio::test]
async fn what_is_presented_opens_one_door_only() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let tsig = create(&f, &me, new_key(&[&zone], whole_zone())).await;
    let path = create(&f, &me, NewUpdateKey { door: Some(Door::AcmeDns), ..new_key(&[&zone], whole_zone()) }).await;
    let KeyCredentials::Path(Door::AcmeDns, secret) = &path.credentials else { panic!("{path:?}") };
    let (doors, token) = (f.store.doors(), token_of(&tsig));
    let ordinary = NewToken::unlimited("t", permissions(&[Permission::All]));
    let ordinary = f.operator().person(me.account).create_token(ordinary).await.unwrap();

    assert!(f.store.people().authenticate(&token, None).await.unwrap().is_none(), "not at the REST API");
    for text in ["", "vps_", &token[..46], &token.to_uppercase(), ordinary.plain.reveal(), secret.reveal()] {
        assert!(doors.by_token(text).await.unwrap().is_none(), "{text}");
    }
    for (door, text) in [
        (Door::ExternalDns, secret.reveal()),
        (Door::AcmeDns, &token[4..]),
        (Door::AcmeDns, &token),
        (Door::AcmeDns, ""),
    ] {
        assert!(doors.by_path(door, text).await.unwrap().is_none(), "{door} {text}");
    }
    assert!(by_name(&f.store, &path.key).await.is_none(), "it has no TSIG secret");
    assert!(doors.by_key_name(&Name::parse("unknown").unwrap()).await.unwrap().is_none());

    for _ in 0..2 {
        let found = by_name(&f.store, &tsig.key).await.unwrap();
        let KeyCredentials::Tsig { secret, .. } = &tsig.credentials else { panic!("{tsig:?}") };
        assert_eq!((found.key.id, found.secret.as_ref()), (tsig.key.id, Some(secret)));
        assert_eq!(secret.octets().len(), 32);
        assert_eq!(doors.by_token(&token).await.unwrap().unwrap().key.id, tsig.key.id);
    }
    let found = doors.by_path(Door::AcmeDns, secret.reveal()).await.unwrap().unwrap();
    assert_eq!((found.key.id, &found.secret), (path.key.id, &None));
    assert!(!format!("{tsig:?} {found:?}").contains(&token[4..]), "no debug output has the token");
}

#[tokio::test]
async fn a_key_ends_at_once_with_all_that_it_depends_on() {
    let f = Fixture::new();
    let other = f.another();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let person = f.operator().person(me.account);
    let token = NewToken::unlimited("t", permissions(&[Permission::All]));

    let revoked = create(&f, &me, new_key(&[&zone], whole_zone())).await;
    let parent = person.create_token(token).await.unwrap().token;
    let child = create(&f, &me, NewUpdateKey { token: Some(parent.id), ..new_key(&[&zone], whole_zone()) }).await;
    let stays = create(&f, &me, new_key(&[&zone], whole_zone())).await;
    for key in [&revoked.key, &child.key, &stays.key] {
        assert!(by_name(&f.store, key).await.is_some() && by_name(&other, key).await.is_some());
    }
    let stranger = f.account("stranger@example.com").await;
    let (keys, theirs) = (f.tenant(&me), f.tenant(&stranger));
    assert!(!theirs.revoke_update_key(revoked.key.id).await.unwrap());
    assert!(
        !f.store.tenant(me.clone(), ZoneScope::Only(vec![])).revoke_update_key(revoked.key.id).await.unwrap(),
        "a bound token"
    );
    assert!(keys.revoke_update_key(revoked.key.id).await.unwrap());
    assert!(person.revoke_token(parent.id).await.unwrap());
    for key in [&revoked.key, &child.key] {
        assert!(by_name(&f.store, key).await.is_none());
        let took = eventually("refused by another process", async || by_name(&other, key).await.is_none()).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    f.operator().suspend_account(me.account, Suspension::SignIn).await.unwrap();
    assert!(by_name(&f.store, &stays.key).await.is_none());
    f.operator().resume_account(me.account).await.unwrap();
    assert!(by_name(&f.store, &stays.key).await.is_some());
    let all = keys.update_keys().await.unwrap();
    assert_eq!(all.iter().map(|key| key.id).collect::<Vec<_>>(), [stays.key.id]);

    let brief = create(&f, &me, NewUpdateKey { expires_at: at(60), ..new_key(&[&zone], whole_zone()) }).await;
    f.clock.set(START + 59);
    assert!(by_name(&f.store, &brief.key).await.is_some());
    f.clock.set(START + 60);
    assert!(by_name(&f.store, &brief.key).await.is_none() && by_name(&other, &brief.key).await.is_none());

    let hash = PasswordHash::new("correct horse battery").await.unwrap();
    person.set_password(hash, Keep::default(), TokensAfterwards::Revoked).await.unwrap();
    assert!(by_name(&f.store, &stays.key).await.is_none() && keys.update_keys().await.unwrap().is_empty());
    create(&f, &me, new_key(&[&zone], whole_zone())).await;
    person.close().await.unwrap();
    assert!(f.operator().update_keys().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_is_never_wider_than_its_token() {
    let f = Fixture::new();
    let (me, stranger) = (f.account("me@example.com").await, f.account("stranger@example.com").await);
    let (zone, second) = (f.zone(&me, "example.com").await, f.zone(&me, "example.org").await);
    let foreign = f.zone(&stranger, "example.net").await;
    let (person, keys) = (f.operator().person(me.account), f.tenant(&me));
    let token = NewToken {
        expires_at: at(100),
        zones: ZoneScope::Only(vec![zone.id]),
        networks: networks(&["192.0.2.0/24"]),
        ..NewToken::unlimited("t", permissions(&[Permission::Update, Permission::Create]))
    };
    let token = Some(person.create_token(token).await.unwrap().token.id);
    let fits = NewUpdateKey {
        scope: KeyScope { permissions: permissions(&[Permission::Create]), ..whole_zone() },
        networks: networks(&["192.0.2.64/26"]),
        expires_at: at(100),
        token,
        ..new_key(&[&zone], whole_zone())
    };
    type Error = CreateUpdateKeyError;
    type IsRight = fn(&Error) -> bool;
    let refusals: Vec<(NewUpdateKey, IsRight)> = vec![
        (NewUpdateKey { zones: vec![zone.id, second.id], ..fits.clone() }, |e| matches!(e, Error::NoZone(_))),
        (NewUpdateKey { zones: vec![foreign.id], token: None, ..fits.clone() }, |e| matches!(e, Error::NoZone(_))),
        (NewUpdateKey { scope: whole_zone(), ..fits.clone() }, |e| matches!(e, Error::Permission(Permission::All))),
        (NewUpdateKey { networks: NetworkScope::Anywhere, ..fits.clone() }, |e| matches!(e, Error::Network)),
        (NewUpdateKey { networks: networks(&["192.0.0.0/16"]), ..fits.clone() }, |e| matches!(e, Error::Network)),
        (NewUpdateKey { expires_at: None, ..fits.clone() }, |e| matches!(e, Error::Expiry)),
        (NewUpdateKey { expires_at: at(101), ..fits.clone() }, |e| matches!(e, Error::Expiry)),
        (NewUpdateKey { token: Some(TokenId::from_number(77)), ..fits.clone() }, |e| matches!(e, Error::NoToken)),
    ];
    for (new, is_right) in refusals {
        let error = keys.create_update_key(new.clone()).await.unwrap_err();
        assert!(is_right(&error), "{new:?}: {error:?}");
    }
    let made = keys.create_update_key(fits).await.unwrap().key;
    assert_eq!(made.zones, [KeyZone { id: zone.id, name: zone_name("example.com") }]);
    let bound = ZoneScope::Only(vec![second.id]);
    assert!(
        f.store.tenant(me.clone(), bound).update_keys().await.unwrap().is_empty(),
        "a token sees keys for its zones only"
    );
    assert_eq!(keys.update_keys().await.unwrap(), [made]);
}

/// What a change by a key comes to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Made,
    Name,
    Type,
    Lacks(Permission),
    Transfer,
}

fn verdict(outcome: &Result<Committed, ChangeError>) -> Verdict {
    match outcome {
        Ok(_) => Verdict::Made,
        Err(ChangeError::OutOfScope(OutOfScope::Name(_))) => Verdict::Name,
        Err(ChangeError::OutOfScope(OutOfScope::Type(..))) => Verdict::Type,
        Err(ChangeError::OutOfScope(OutOfScope::Transfer)) => Verdict::Transfer,
        Err(ChangeError::Forbidden(permission)) => Verdict::Lacks(*permission),
        Err(other) => panic!("{other:?}"),
    }
}

/// Every kind of scope with every kind of edit. One edit outside refuses the whole change.
#[tokio::test]
async fn a_change_is_judged_by_the_records_that_it_removes_and_adds() {
    use Permission::{All, Create, Delete, Update};
    use Verdict::{Lacks, Made, Transfer};
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.add(&me, &zone, "www", "192.0.2.1").await;
    let other = f.add(&me, &zone, "mail", "192.0.2.2").await;
    let record = |owner: &str, record_type: RecordType, value: &str| wish(&zone, owner, record_type, value);
    let add = |owner: &str, record_type: RecordType, value: &str| {
        vec![Edit::Create(f.store.new_record_id(), record(owner, record_type, value))]
    };
    let set = |owner: &str, record_type: RecordType, values: &[&str]| {
        let records: Vec<NewRecord> = values.iter().map(|value| record(owner, record_type, value)).collect();
        vec![replace_set(&f, &zone, owner, record_type, records)]
    };
    let txt = RecordType::Txt;
    let forms: Vec<(&str, Vec<Edit>)> = vec![
        ("add A www", add("www", RecordType::A, "192.0.2.9")),
        ("delete set A www", set("www", RecordType::A, &[])),
        ("delete set AAAA www, which is empty", set("www", RecordType::Aaaa, &[])),
        ("replace set A www", set("www", RecordType::A, &["192.0.2.8"])),
        ("add TXT challenge", add("_acme-challenge.www", txt, "v")),
        ("delete A mail", vec![delete(other.record.id)]),
        ("add TXT and delete A mail", [add("_acme-challenge.www", txt, "v"), vec![delete(other.record.id)]].concat()),
        ("add and delete at mail", [add("mail", txt, "v"), set("mail", txt, &[])].concat()),
        ("add NS sub", add("sub", RecordType::Ns, "ns.example.net.")),
        ("add DS", [add("sub", RecordType::Ns, "ns.example.net."), add("sub", RecordType::Ds, DS)].concat()),
    ];
    let key = |patterns: &[&str], types: KeyTypes, list: &[Permission]| KeyScope {
        names: if patterns.is_empty() { None } else { names(patterns) },
        types,
        permissions: permissions(list),
        ..whole_zone()
    };
    let only = |types: &[RecordType]| KeyTypes::Only(types.to_vec());
    let transfer = KeyScope { purpose: KeyPurpose::Transfer, ..whole_zone() };
    let (n, t) = (|| Verdict::Name, || Verdict::Type);
    let scopes: Vec<(KeyScope, [Verdict; 10])> = vec![
        (whole_zone(), [Made, Made, Made, Made, Made, Made, Made, Made, t(), t()]),
        (key(&[], KeyTypes::Any, &[All]), [Made, Made, Made, Made, Made, Made, Made, Made, Made, Made]),
        (transfer, [Transfer, Transfer, Made, Transfer, Transfer, Transfer, Transfer, Made, Transfer, Transfer]),
        (key(&["_acme-challenge.**"], only(&[txt]), &[All]), [n(), n(), Made, n(), Made, n(), n(), Made, n(), n()]),
        (key(&["_acme-challenge.**.mail"], only(&[txt]), &[All]), [n(), n(), Made, n(), n(), n(), n(), Made, n(), n()]),
        (key(&["www"], only(&[RecordType::A]), &[All]), [Made, Made, Made, Made, n(), n(), n(), Made, n(), n()]),
        (key(&["www"], only(&[txt]), &[All]), [t(), t(), Made, t(), n(), n(), n(), Made, n(), n()]),
        (key(&["*.www"], KeyTypes::Usual, &[All]), [n(), n(), Made, n(), Made, n(), n(), Made, n(), n()]),
        (key(&["**.www", "mail"], KeyTypes::Usual, &[All]), [Made, Made, Made, Made, Made, Made, Made, Made, n(), n()]),
        (
            key(&[], KeyTypes::Usual, &[Create]),
            [Made, Lacks(Delete), Made, Lacks(Delete), Made, Lacks(Delete), Lacks(Delete), Made, t(), t()],
        ),
        (
            key(&[], KeyTypes::Usual, &[Update]),
            [
                Lacks(Create),
                Lacks(Delete),
                Made,
                Lacks(Create),
                Lacks(Create),
                Lacks(Delete),
                Lacks(Create),
                Made,
                t(),
                t(),
            ],
        ),
        (
            key(&[], KeyTypes::Usual, &[Delete]),
            [Lacks(Create), Made, Made, Lacks(Create), Lacks(Create), Made, Lacks(Create), Made, t(), t()],
        ),
    ];
    for (scope, verdicts) in scopes {
        let created = create(&f, &me, new_key(&[&zone], scope.clone())).await;
        let zones = tenant(&f.store, &created.key).await;
        for ((what, edits), wanted) in forms.iter().zip(verdicts) {
            let head = f.store.zone(me.account, zone.id).await.unwrap().unwrap();
            let dry = Change { dry_run: true, ..Change::from(edits.clone()) };
            let outcome = zones.change(zone.id, dry).await;
            assert_eq!(verdict(&outcome), wanted, "{scope:?}: {what}: {outcome:?}");
            if wanted != Made {
                let real = zones.change(zone.id, edits.clone()).await;
                assert_eq!(verdict(&real), wanted, "{scope:?}: {what}");
                assert_eq!(f.store.zone(me.account, zone.id).await.unwrap(), Some(head), "{what}: nothing changed");
            }
        }
    }
}

#[tokio::test]
async fn a_key_changes_records_of_its_zones_only() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let (zone, second) = (f.zone(&me, "example.com").await, f.zone(&me, "example.org").await);
    let theirs = f.add(&me, &second, "www", "192.0.2.1").await;
    let created = create(&f, &me, new_key(&[&zone], KeyScope { types: KeyTypes::Any, ..whole_zone() })).await;
    let zones = tenant(&f.store, &created.key).await;
    let wider = zones.create_update_key(new_key(&[&zone], whole_zone())).await;
    assert!(matches!(wider, Err(CreateUpdateKeyError::NoZone(_))), "keys create no keys");
    assert!(zones.update_keys().await.unwrap().is_empty() && !zones.revoke_update_key(created.key.id).await.unwrap());
    let edit = || vec![f.create(&zone, "new", "192.0.2.3")];

    assert!(matches!(zones.change(second.id, edit()).await, Err(ChangeError::NoZone)));
    assert_eq!(zones.zone(second.id).await.unwrap(), None);
    assert_eq!(zones.record(theirs.record.id).await.unwrap(), None);
    assert_eq!(zones.zones(Some(zone_name("example.org")), None, 10).await.unwrap(), []);
    assert_eq!(zones.zones(None, None, 10).await.unwrap().len(), 1);
    let settings = SettingsChange { refresh: Some(Some(7200)), ..SettingsChange::default() };
    for refused in [
        zones.change(zone.id, Change::of(Wish::Settings(settings))).await.map(drop),
        zones.delete_zone(zone.id, Vec::new()).await.map(drop),
    ] {
        assert!(matches!(refused, Err(ChangeError::OutOfScope(OutOfScope::Zone))), "{refused:?}");
    }
    let refused = zones.create_zone(zone_name("example.net").into()).await;
    assert!(matches!(refused, Err(CreateZoneError::OutOfScope(OutOfScope::Zone))), "{refused:?}");

    let identity = by_name(&f.store, &created.key).await.unwrap();
    let address = "192.0.2.7".parse().unwrap();
    for source in [Source::Rfc2136, Source::DynDns, Source::Acme, Source::Pdns, Source::Webhook] {
        let edits = vec![f.create(&zone, &format!("x-{}", source.name()), "192.0.2.3")];
        f.store.doors().tenant(&identity, source, Some(address)).unwrap().change(zone.id, edits).await.unwrap();
        let newest = f.store.history(me.account, zone.id, None, 1).await.unwrap().unwrap().versions.remove(0);
        let by = newest.by.unwrap();
        assert_eq!((newest.source, by.name.as_str(), by.address), (source, "a key", Some(address)));
    }
    f.tenant(&me).revoke_update_key(created.key.id).await.unwrap();
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    assert!(matches!(zones.change(zone.id, edit()).await, Err(ChangeError::NoZone)));
}

#[tokio::test]
async fn a_key_is_used_from_its_networks_only() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let bound =
        NewUpdateKey { networks: networks(&["192.0.2.0/24", "2001:db8::/32"]), ..new_key(&[&zone], whole_zone()) };
    let identity = by_name(&f.store, &create(&f, &me, bound).await.key).await.unwrap();
    let from = |address: Option<&str>| {
        let address: Option<IpAddr> = address.map(|address| address.parse().unwrap());
        f.store.doors().tenant(&identity, Source::Rfc2136, address).is_ok()
    };
    assert!(!from(None) && !from(Some("198.51.100.1")) && !from(Some("2001:db9::1")));
    assert!(from(Some("192.0.2.200")) && from(Some("::ffff:192.0.2.1")) && from(Some("2001:db8::1")));
}

fn refusal(f: &Fixture, asked: &str, detail: &str) -> Refusal {
    Refusal {
        time: f.store.now(),
        source: Some("192.0.2.7".parse().unwrap()),
        transport: Transport::Tcp,
        asked: asked.to_owned(),
        rule: RefusedBy::Name,
        detail: detail.to_owned(),
        count: 1,
    }
}

#[tokio::test]
async fn the_owner_reads_what_was_refused_and_when_the_key_was_used() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let (zone, keys) = (f.zone(&me, "example.com").await, f.tenant(&me));
    let key = create(&f, &me, new_key(&[&zone], whole_zone())).await.key;
    let identity = by_name(&f.store, &key).await.unwrap();
    let doors = f.store.doors();
    let log = async || keys.refusals(key.id).await.unwrap().unwrap();
    assert_eq!(log().await, []);
    let stranger = f.tenant(&f.account("stranger@example.com").await);
    assert!(stranger.refusals(key.id).await.unwrap().is_none());

    for _ in 0..3 {
        doors.note_refusal(&identity, refusal(&f, "add x. A", "the key may not change the name x"));
    }
    assert_eq!(log().await.iter().map(|refusal| refusal.count).collect::<Vec<_>>(), [3]);
    f.clock.advance(1);
    doors.note_refusal(&identity, refusal(&f, "add x. A", "the key may not change the name x"));
    let long = format!("line\n{}", "ä".repeat(1_000));
    doors.note_refusal(&identity, Refusal { source: None, ..refusal(&f, &long, "other") });
    let read = log().await;
    let of_all: Vec<_> = read.iter().map(|refusal| (refusal.count, refusal.time, refusal.source.is_some())).collect();
    assert_eq!(of_all, [(1, f.store.now(), false), (4, f.store.now(), true)]);
    assert_eq!(read[0].asked, format!("line {}", "ä".repeat(295)));
    assert_eq!(keys.update_keys().await.unwrap()[0].last_error.as_deref(), Some("other"));

    // Two hundred different ones in four groups: what is kept is the last hundred.
    for group in 0..4 {
        f.clock.advance(1);
        (0..50).for_each(|n| doors.note_refusal(&identity, refusal(&f, &format!("{group}/{n}"), "x")));
        log().await;
    }
    let read = log().await;
    assert_eq!(read.len(), REFUSALS_KEPT);
    assert!(read.iter().all(|refusal| refusal.asked.starts_with("2/") || refusal.asked.starts_with("3/")));

    // The housekeeper stores refusals that are not read, and the time of the last use.
    let used = f.store.now();
    doors.tenant(&identity, Source::Rfc2136, None).unwrap();
    doors.note_refusal(&identity, refusal(&f, "later", "newest"));
    eventually("stored", async || {
        let key = keys.update_key(key.id).await.unwrap().unwrap();
        key.last_used_at == Some(used) && key.last_error.as_deref() == Some("newest")
    })
    .await;
    // A flood of one key is bounded, and does not fill what others may write.
    (0..500).for_each(|n| doors.note_refusal(&identity, refusal(&f, &format!("flood {n}"), "x")));
    assert_eq!(log().await.len(), REFUSALS_KEPT);
    // What comes for a key that is gone is dropped.
    keys.revoke_update_key(key.id).await.unwrap();
    doors.note_refusal(&identity, refusal(&f, "gone", "x"));
    assert!(keys.refusals(key.id).await.unwrap().is_none());
}

#[tokio::test]
async fn an_account_has_so_many_keys() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    for _ in 0..MOST_UPDATE_KEYS {
        create(&f, &me, new_key(&[&zone], whole_zone())).await;
    }
    let refused = f.tenant(&me).create_update_key(new_key(&[&zone], whole_zone())).await;
    assert!(matches!(refused, Err(CreateUpdateKeyError::Limit)), "{refused:?}");
}

const DS: &str = "20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d";

fn replace_set(f: &Fixture, zone: &Zone, owner: &str, record_type: RecordType, records: Vec<NewRecord>) -> Edit {
    let owner = OwnerName::parse(owner, &zone.name).unwrap();
    let records = records.into_iter().map(|record| (f.store.new_record_id(), record.data)).collect();
    Edit::ReplaceSet(NewSet { owner, record_type, ttl: TtlChoice::Join(Ttl::DEFAULT), records })
}
