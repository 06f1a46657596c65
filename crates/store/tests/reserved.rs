//! The server's own names, and names under which other people register, are no tenant's: refused in each way in which an account
//! gets a zone.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{Fixture, Rows, author, zone_name};
use dns::{Name, ZoneName};
use store::{
    Actor, Author, CreateZoneError, MoveZoneError, NewAccount, NewZone, Reservation, Role, Source, Store, UndeleteError,
};

const SERVERS: [&str; 5] =
    ["zonewright.test", "ns1.zonewright.test", "a.ns1.zonewright.test", "example.net", "dns.example.net"];
const CATALOGS: [&str; 4] = [
    "c25.catalogs.zonewright.invalid",
    "zones.c25.catalogs.zonewright.invalid",
    "catalogs.zonewright.invalid",
    "zonewright.invalid",
];
const SUFFIXES: [&str; 3] = ["github.io", "uk.com", "eu.org"];
const LOCAL: [&str; 3] = ["lan", "internal", "home.arpa"];

/// A store whose server is reached as `dns.example.net`.
async fn reserving() -> Fixture {
    let mut f = Fixture::new();
    f.store.close().await;
    f.store = f.another_named("dns.example.net");
    f
}

fn reserved(name: &str) -> ZoneName {
    ZoneName::parse_for_operator(name).unwrap()
}

async fn operator(f: &Fixture) -> Author {
    let new = NewAccount { email: "op@example.org".to_owned(), role: Role::Operator, ..NewAccount::default() };
    author(f.operator().create_account(new).await.unwrap().id)
}

async fn create(store: &Store, author: &Author, name: &str) -> Result<(), CreateZoneError> {
    // As the operator's command does, so that what is refused is refused whatever the caller says.
    let new = NewZone { override_related: true, reserved: false, ..NewZone::named(reserved(name)) };
    store.create_zone(author, new).await.map(drop)
}

#[tokio::test]
async fn no_tenant_creates_a_reserved_name_through_any_door() {
    let f = reserving().await;
    let tenant = f.account("a@example.com").await;
    let doors = [Source::Api, Source::Dashboard, Source::Import, Source::Operator];
    let expected = [
        (&SERVERS[..], Reservation::Server),
        (&CATALOGS, Reservation::Catalogs),
        (&SUFFIXES, Reservation::Suffix),
        (&LOCAL, Reservation::Local),
    ];
    for (names, reservation) in expected {
        for name in names {
            for source in doors {
                let refused = create(&f.store, &Author { source, ..tenant.clone() }, name).await;
                assert!(
                    matches!(refused, Err(CreateZoneError::Reserved(reason)) if reason == reservation),
                    "{name} through {source:?}: {refused:?}"
                );
            }
            let known = f.operator().reservation(tenant.account, &reserved(name), false).await.unwrap();
            assert_eq!(known, Some(reservation), "{name}");
        }
    }
    assert_eq!(f.count(Rows::Zones), 0, "a refusal leaves nothing");
    for name in ["foo.github.io", "foo.lan", "example.com", "www.example.net", "ns2.zonewright.test", "other.invalid"] {
        create(&f.store, &tenant, name).await.unwrap();
    }
}

#[tokio::test]
async fn operators_hold_the_servers_names_and_nobody_the_catalogs() {
    let f = reserving().await;
    let operator = operator(&f).await;
    for name in CATALOGS {
        let refused = create(&f.store, &operator, name).await;
        assert!(matches!(refused, Err(CreateZoneError::Reserved(Reservation::Catalogs))), "{name}: {refused:?}");
        let new = NewZone { reserved: true, ..NewZone::named(reserved(name)) };
        assert!(f.store.create_zone(&operator, new).await.is_err(), "{name}");
    }
    for name in SERVERS.into_iter().filter(|name| *name != "zonewright.test" && *name != "ns1.zonewright.test") {
        create(&f.store, &operator, name).await.unwrap();
    }
    // The nameserver has no address here, so its zone is refused for that.
    assert!(matches!(create(&f.store, &operator, "zonewright.test").await, Err(CreateZoneError::Apex(_))));
    // Who has a name is not told.
    let tenant = f.account("a@example.com").await;
    let refused = create(&f.store, &tenant, "example.net").await.unwrap_err();
    assert_eq!(refused.to_string(), "this name is reserved by the server; choose another domain");
}

#[tokio::test]
async fn public_suffixes_and_local_names_are_the_operators_decision() {
    let f = reserving().await;
    let (operator, tenant) = (operator(&f).await, f.account("a@example.com").await);
    for name in SUFFIXES.into_iter().chain(LOCAL) {
        assert!(create(&f.store, &operator, name).await.is_err(), "{name}: being an operator is no decision");
        let new = NewZone { reserved: true, ..NewZone::named(reserved(name)) };
        f.store.create_zone(&tenant, new).await.unwrap();
    }
    let new = NewZone { reserved: true, ..NewZone::named(zone_name("example.net")) };
    let refused = f.store.create_zone(&tenant, new).await;
    assert!(matches!(refused, Err(CreateZoneError::Reserved(Reservation::Server))), "{refused:?}");
    // What was decided once can be deleted, brought back and moved.
    let lan = f.store.zone_of_anyone(&reserved("lan")).await.unwrap().unwrap().zone;
    f.store.delete_zone(&tenant, lan.id, Vec::new()).await.unwrap();
    f.operator().undelete_zone(lan.id).await.unwrap();
    assert!(f.store.move_zone(&lan.name, operator.account).await.unwrap());
    assert_eq!(f.operator().misheld_zones(10).await.unwrap(), [], "it is the operator's decision, and no offence");
}

#[tokio::test]
async fn a_reserved_zone_is_not_moved_to_a_tenant_and_does_not_come_back_to_one() {
    let f = reserving().await;
    let (operator, tenant) = (operator(&f).await, f.account("a@example.com").await);
    let zone = f.zone(&operator, "example.net").await;
    let refused = f.store.move_zone(&zone.name, tenant.account).await;
    assert!(matches!(refused, Err(MoveZoneError::Reserved(Reservation::Server))), "{refused:?}");
    assert_eq!(f.store.zone_of_anyone(&zone.name).await.unwrap().unwrap().account, operator.account);

    f.store.delete_zone(&operator, zone.id, Vec::new()).await.unwrap();
    let another = NewAccount { email: "op2@example.org".to_owned(), role: Role::Operator, ..NewAccount::default() };
    let another = f.operator().create_account(another).await.unwrap();
    f.store
        .person(another.id, Actor::command_line())
        .set_password(
            store::PasswordHash::new("a long password").await.unwrap(),
            store::Keep::default(),
            store::TokensAfterwards::Kept,
        )
        .await
        .unwrap();
    f.operator().set_role(operator.account, Role::User).await.unwrap();
    let refused = f.operator().undelete_zone(zone.id).await;
    assert!(
        matches!(&refused, Err(UndeleteError::Reserved { name, reason: Reservation::Server }) if *name == zone.name),
        "{refused:?}"
    );
    f.operator().set_role(operator.account, Role::Operator).await.unwrap();
    f.operator().undelete_zone(zone.id).await.unwrap();
    assert!(f.store.move_zone(&zone.name, another.id).await.unwrap());
}

#[tokio::test]
async fn zones_from_before_are_found() {
    let f = Fixture::new();
    let (tenant, operator) = (f.account("a@example.com").await, operator(&f).await);
    f.zone(&tenant, "example.net").await;
    f.zone(&tenant, "x.dns.example.net").await;
    f.zone(&tenant, "www.example.net").await;
    f.zone(&operator, "example.org").await;
    let placed = f.zone(&tenant, "placed.example").await;
    let (suffix, local) = (f.zone(&tenant, "suffix.example").await, f.zone(&tenant, "local.example").await);
    let operators = f.zone(&operator, "operators.example").await;
    f.store.close().await;
    let catalog = ZoneName::from_stored(Name::parse("c25.catalogs.zonewright.invalid").unwrap());
    for (name, zone) in [
        (&catalog, placed.id),
        (&reserved("github.io"), suffix.id),
        (&reserved("lan"), local.id),
        (&reserved("eu.org"), operators.id),
    ] {
        let (name, uuid) = (f.octets(&name.name().key()), f.octets(zone.0.as_bytes()));
        f.execute(&format!("UPDATE zones SET name = {name} WHERE uuid = {uuid}"));
    }

    // The operator has given the server a name meanwhile.
    let store = f.another_named("dns.example.net");
    let found = async |limit| -> Vec<(String, Reservation)> {
        let found = store.command_line().misheld_zones(limit).await.unwrap();
        found.into_iter().map(|(zone, reason)| (zone.zone.name.to_string(), reason)).collect()
    };
    assert_eq!(
        found(10).await,
        [
            (catalog.to_string(), Reservation::Catalogs),
            ("example.net".to_owned(), Reservation::Server),
            ("x.dns.example.net".to_owned(), Reservation::Server),
            ("github.io".to_owned(), Reservation::Suffix),
            ("lan".to_owned(), Reservation::Local),
        ]
    );
    assert_eq!(found(1).await, [(catalog.to_string(), Reservation::Catalogs)]);
    // The operator decides that one stays where it is, and gives the other to an operator's account.
    assert!(store.move_zone(&reserved("github.io"), tenant.account).await.unwrap());
    assert!(store.move_zone(&reserved("lan"), operator.account).await.unwrap());
    assert!(found(10).await.iter().all(|(_, reason)| reason.is_for_the_server()));
    store.command_line().set_role(tenant.account, Role::Operator).await.unwrap();
    assert_eq!(found(10).await, [(catalog.to_string(), Reservation::Catalogs)]);
    // A catalog's name is not handed on, and is deleted like any other zone.
    assert!(matches!(
        store.move_zone(&catalog, operator.account).await,
        Err(MoveZoneError::Reserved(Reservation::Catalogs))
    ));
    store.delete_zone(&tenant, placed.id, Vec::new()).await.unwrap();
    assert!(matches!(store.command_line().undelete_zone(placed.id).await, Err(UndeleteError::Reserved { .. })));
    assert_eq!(found(10).await, []);
}
