//! Catalogs follow the zones, each change with a serial of its own.
#![expect(clippy::unwrap_used, reason = "a test tells what is wrong by failing")]

mod common;

use common::{Fixture, START};
use dns::{Serial, ZoneId};
use store::*;

/// All zones of all catalogs.
async fn members(store: &Store) -> Vec<ZoneId> {
    let mut ids = Vec::new();
    for catalog in 0..=u8::MAX {
        let snapshot = store.journal().catalog(catalog).await.unwrap();
        assert!(snapshot.members.iter().all(|member| catalog_of(&member.name) == catalog));
        ids.extend(snapshot.members.into_iter().map(|member| member.id));
    }
    ids
}

#[tokio::test]
async fn a_zone_joins_and_leaves_its_catalog() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store.journal().catalog_serials().await.unwrap(), vec![Serial(1); 256]);
    let author = fixture.account("a@example.com").await;
    let zone = fixture.zone(&author, "example.com").await;
    let catalog = catalog_of(&zone.name);
    let member = Member { id: zone.id, name: zone.name.clone() };
    let joined = fixture.store.journal().catalog(catalog).await.unwrap();
    assert_eq!(joined, CatalogSnapshot { serial: Serial(START as u32), members: vec![member.clone()] });
    assert_eq!(members(&fixture.store).await, [zone.id]);

    fixture.add(&author, &zone, "www", "192.0.2.1").await;
    fixture.store.delete_zone(&author, zone.id, Vec::new()).await.unwrap();
    let left = fixture.store.journal().catalog(catalog).await.unwrap();
    assert_eq!(left, CatalogSnapshot { serial: Serial(START as u32 + 1), members: vec![] });
    let again = fixture.zone(&author, "example.com").await;

    let versions = [
        (START as u32, CatalogChange::Joined { member: member.clone(), first: zone.serial }),
        (START as u32 + 1, CatalogChange::Left(member)),
        (
            START as u32 + 2,
            CatalogChange::Joined { member: Member { id: again.id, name: again.name }, first: again.serial },
        ),
    ]
    .map(|(serial, change)| CatalogVersion { serial: Serial(serial), change });
    let since = async |serial, at_most| {
        fixture.store.journal().catalog_versions(catalog, Serial(serial), at_most).await.unwrap()
    };
    assert_eq!(since(1, 10).await.unwrap(), versions);
    assert_eq!(since(1, 1).await.unwrap(), versions[..1]);
    assert_eq!(since(START as u32, 10).await.unwrap(), versions[1..]);
    assert_eq!(since(START as u32 + 2, 10).await.unwrap(), []);
    assert_eq!(since(2, 10).await, None, "it never had that serial");
}

#[tokio::test]
async fn a_refused_zone_joins_nothing() {
    let fixture = Fixture::new();
    let author = fixture.account("a@example.com").await;
    let zone = fixture.zone(&author, "example.com").await;
    let before = fixture.store.journal().catalog_serials().await.unwrap();
    let again = fixture.store.create_zone(&author, zone.name.clone()).await;
    assert!(matches!(again, Err(CreateZoneError::Exists)));
    assert_eq!(fixture.store.journal().catalog_serials().await.unwrap(), before);
}

#[tokio::test]
async fn a_catalog_moves_above_a_nameserver() {
    let fixture = Fixture::new();
    let raise = async |above| fixture.store.journal().raise_catalog_serial(7, Serial(above)).await.unwrap();
    let now = START as u32;
    assert_eq!(raise(now - 100).await, Serial(now), "its first serial is 1, and a new one the time");
    assert_eq!(raise(now - 100).await, Serial(now), "it is above already");
    assert_eq!(raise(now + 500).await, Serial(now + 501));
    assert_eq!(raise(now + 501).await, Serial(now + 502), "the same serial is not above");
    let versions = fixture.store.journal().catalog_versions(7, Serial(1), 10).await.unwrap().unwrap();
    let expected = [now, now + 501, now + 502];
    assert_eq!(
        versions,
        expected.map(|serial| CatalogVersion { serial: Serial(serial), change: CatalogChange::Nothing })
    );
}
