//! Deleted zones: gone for their account, kept for the operator, brought back as they were, and forgotten.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use common::{Fixture, Rows, START, apex, delete, eventually, overriding, zone_name};
use dns::{Serial, ZoneId};
use store::*;

async fn records(store: &Store, account: AccountId, zone: ZoneId) -> Vec<StoredRecord> {
    store.records(account, Some(zone), RecordFilter::default(), None, 1000).await.unwrap().unwrap()
}

/// A zone with that many records.
async fn filled(f: &Fixture, author: &Author, name: &str, records: usize) -> Zone {
    let zone = f.zone(author, name).await;
    let edits: Vec<_> = (0..records).map(|number| f.create(&zone, &format!("n{number}"), "192.0.2.1")).collect();
    f.store.change(author, zone.id, edits).await.unwrap().zone
}

async fn swept(f: &Fixture) {
    eventually("the records of deleted zones have ended", async || f.count(Rows::LiveRecordsOfDeletedZones) == 0).await;
}

#[tokio::test]
async fn what_is_in_the_way_keeps_a_zone_deleted() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let unknown = ZoneId(f.store.new_record_id().0);
    assert!(matches!(f.operator().undelete_zone(unknown).await, Err(UndeleteError::NoZone(id)) if id == unknown));
    let zone = filled(&f, &me, "www.example.com", 300).await;
    assert!(
        matches!(f.operator().undelete_zone(zone.id).await, Err(UndeleteError::NotDeleted(name)) if name == zone.name)
    );

    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    swept(&f).await;
    for (name, text) in [
        (
            "www.example.com",
            "the name www.example.com was taken since by another zone, which is other@example.com's; delete that one first",
        ),
        (
            "example.com",
            "example.com, above or below www.example.com, is other@example.com's now; move or delete that zone first",
        ),
        (
            "a.www.example.com",
            "a.www.example.com, above or below www.example.com, is other@example.com's now; move or delete that zone first",
        ),
    ] {
        let taken = f.store.create_zone(&other, overriding(zone_name(name))).await.unwrap();
        assert_eq!(f.operator().undelete_zone(zone.id).await.unwrap_err().to_string(), text);
        assert_eq!(f.store.zones(me.account, None, None, 10).await.unwrap(), []);
        f.store.delete_zone(&other, taken.id, Vec::new()).await.unwrap();
    }
    // A zone of the same account above it is not in its way.
    f.store.create_zone(&me, overriding(zone_name("example.com"))).await.unwrap();
    f.operator().undelete_zone(zone.id).await.unwrap();
    assert_eq!(records(&f.store, me.account, zone.id).await.len(), 300);
}

#[tokio::test]
async fn a_zone_of_a_closed_account_stays_deleted() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let by = Actor::command_line();
    let deleted = filled(&f, &me, "deleted.example.com", 3).await;
    let live = filled(&f, &me, "live.example.com", 3).await;
    f.store.delete_zone(&me, deleted.id, Vec::new()).await.unwrap();
    f.store.person(me.account, by).close().await.unwrap();
    for zone in [deleted, live] {
        // What it had when it was closed is deleted by the housekeeper.
        let refused = async || matches!(f.operator().undelete_zone(zone.id).await, Err(UndeleteError::NoAccount(name)) if name == zone.name);
        eventually("the zone is deleted and stays so", refused).await;
        swept(&f).await;
        assert!(f.store.zone_of_anyone(&zone.name).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_zone_that_is_refused_half_way_is_swept_again() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let zone = filled(&f, &me, "example.com", 500).await;
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    swept(&f).await;
    // As an earlier call leaves it that was cut off.
    f.execute("UPDATE zones SET swept = 2; UPDATE records SET to_version = NULL WHERE id % 2 = 0");
    f.store.create_zone(&other, overriding(zone_name("example.com"))).await.unwrap();
    assert!(f.operator().undelete_zone(zone.id).await.is_err());
    swept(&f).await;
    assert_eq!(f.store.records(me.account, None, RecordFilter::default(), None, 10).await.unwrap().unwrap(), []);
}

#[tokio::test]
async fn a_zone_comes_back_as_it_was_above_every_serial_of_its_name() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = filled(&f, &me, "example.com", 500).await;
    let www = f.add(&me, &zone, "www", "192.0.2.7").await;
    f.store.change(&me, zone.id, vec![delete(www.record.id)]).await.unwrap();
    let before = records(&f.store, me.account, zone.id).await;
    let content = f.store.journal().snapshot(zone.id).await.unwrap().unwrap();

    // With and without the sweep; with another zone of the name in between, whose serials went far ahead.
    for round in 0..3u32 {
        let deleted = f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
        assert!(f.store.journal().snapshot(zone.id).await.unwrap().is_none());
        let mut floor = deleted.serial;
        if round > 0 {
            swept(&f).await;
            let between = f.zone(&me, "example.com").await;
            floor = Serial(START as u32 + 1_000_000 * round);
            f.store.journal().raise_serial(between.id, floor).await.unwrap();
            f.store.delete_zone(&me, between.id, Vec::new()).await.unwrap();
        }
        let listed = f.operator().deleted_zones(None, 10).await.unwrap();
        assert_eq!(listed.len(), 1 + round as usize);
        let shown = listed.iter().find(|listed| listed.zone.id == zone.id).unwrap();
        assert_eq!((shown.email.as_str(), &shown.zone), ("me@example.com", &deleted));

        let position = *f.store.journal().position().borrow();
        let back = f.operator().undelete_zone(zone.id).await.unwrap();
        assert!(back.zone.serial.is_newer_than(floor), "{} after {floor}", back.zone.serial);
        assert_eq!(records(&f.store, me.account, zone.id).await, before, "identities, times and serials too");
        let mut head = f.store.journal().snapshot(zone.id).await.unwrap().unwrap();
        assert_eq!(head.serial(), back.zone.serial);
        head.soa.serial = content.serial();
        assert_eq!(dns::zonefile::render(&head), dns::zonefile::render(&content));
        assert_eq!(f.store.journal().moves(position).await.unwrap().names, [zone_name("example.com")]);
        let delta = f.store.journal().delta(zone.id, deleted.serial).await.unwrap().unwrap();
        assert_eq!((delta.removed, delta.added), (vec![], vec![]));
        assert_eq!(f.store.zone(me.account, zone.id).await.unwrap(), Some(back.zone));
    }
    let history = f.store.history(me.account, zone.id, None, 3).await.unwrap().unwrap();
    let told: Vec<_> = history.versions.iter().map(|it| (it.event, it.source, it.counts)).collect();
    let nothing = Counts::default();
    assert_eq!(told[..2], [(Event::Undeleted, Source::Undelete, nothing), (Event::Deleted, Source::Api, nothing)]);
    // The first two versions of the zone's past are what they were.
    let then = f.store.snapshot_at(me.account, zone.id, zone.serial).await.unwrap();
    assert_eq!(then.records.len(), content.records.len());
    assert_eq!(f.operator().check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_zone_comes_back_with_the_nameservers_of_today() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    let server = f.another_with(apex(&[("ns7.other.test", &[])]));
    assert_eq!(server.command_line().roll_out_apex(10).await.unwrap(), 0);
    // By a process that was started without the server's flags.
    f.operator().undelete_zone(zone.id).await.unwrap();
    let head = f.store.journal().snapshot(zone.id).await.unwrap().unwrap();
    assert_eq!(head.soa.mname.to_string(), "ns7.other.test");
    assert_eq!(server.command_line().roll_out_apex(10).await.unwrap(), 0);
}

#[tokio::test]
async fn catalogs_see_a_zone_leave_and_join_again() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let catalog = catalog_of(&zone.name);
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    let back = f.operator().undelete_zone(zone.id).await.unwrap().zone;
    let member = Member { id: zone.id, name: zone.name.clone() };
    let versions = f.store.journal().catalog_versions(catalog, Serial(1), 10).await.unwrap().unwrap();
    let changes: Vec<_> = versions.into_iter().map(|version| version.change).collect();
    assert_eq!(
        changes,
        [
            CatalogChange::Joined { member: member.clone(), first: zone.serial },
            CatalogChange::Left(member.clone()),
            CatalogChange::Joined { member: member.clone(), first: back.serial },
        ]
    );
    assert_eq!(f.store.journal().catalog(catalog).await.unwrap().members, [member]);
}

#[tokio::test]
async fn a_purged_zone_is_forgotten_and_the_rest_does_not_notice() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = filled(&f, &me, "example.com", 450).await;
    let catalog = catalog_of(&zone.name);
    let early = f.store.journal().catalog(catalog).await.unwrap().serial;
    for words in ["first", "then"] {
        let comment = Some(Comment::parse(words).unwrap());
        let wanted = SettingsChange { comment, ..SettingsChange::default() };
        f.store.change(&me, zone.id, Change::of(Wish::Settings(wanted))).await.unwrap();
    }
    assert_eq!(f.operator().purge_zone(zone.id).await.unwrap(), None, "it is not deleted");
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    let position = *f.store.journal().position().borrow();
    let purged = f.operator().purge_zone(zone.id).await.unwrap().unwrap();
    assert_eq!(purged.zone.name, zone.name);
    assert_eq!(f.operator().purge_zone(zone.id).await.unwrap(), None);
    assert!(matches!(f.operator().undelete_zone(zone.id).await, Err(UndeleteError::NoZone(_))));
    assert_eq!(f.operator().deleted_zones(None, 10).await.unwrap(), []);
    assert_eq!((f.count(Rows::Records), f.count(Rows::Versions)), (0, 1));
    assert_eq!(f.count(Rows::VersionsWithAuthor), 0);
    assert_eq!(f.count(Rows::SettingsWithComment), 0);

    // Who follows the journal and is behind still hears of it, for an hour.
    assert_eq!(f.store.journal().moves(position - 1).await.unwrap().names, [zone_name("example.com")]);
    f.clock.advance(3601);
    f.zone(&me, "keeps.the.position.test").await;
    eventually("nothing is left", async || f.count(Rows::DeletedZones) == 0).await;
    let next = f.store.journal().moves(position).await.unwrap();
    assert_eq!((next.names, next.position), (vec![zone_name("keeps.the.position.test")], position + 1));

    // The catalog goes on from its newest version; of those before, there is no step any more.
    let head = f.store.journal().catalog(catalog).await.unwrap();
    assert_eq!((head.members, f.store.journal().catalog_versions(catalog, early, 10).await.unwrap()), (vec![], None));
    assert_eq!(f.store.journal().catalog_versions(catalog, head.serial, 10).await.unwrap(), Some(vec![]));
    let again = f.zone(&me, "example.com").await;
    assert!(again.serial.is_newer_than(purged.zone.serial), "the name's floor stays");
    let joined = f.store.journal().catalog_versions(catalog, head.serial, 10).await.unwrap().unwrap();
    assert_eq!(joined.len(), 1);
    assert_eq!(f.operator().check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn the_newest_position_is_never_given_again() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = filled(&f, &me, "example.com", 3).await;
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    let position = *f.store.journal().position().borrow();
    f.operator().purge_zone(zone.id).await.unwrap().unwrap();
    f.clock.advance(1_000_000);
    // Long enough for the housekeeper to look several times.
    let looked = std::time::Instant::now();
    eventually("it has looked", async || looked.elapsed().as_secs() >= 3).await;
    f.store.close().await;
    let again = f.another();
    assert_eq!(*again.journal().position().borrow(), position);
    let other = again.create_zone(&me, zone_name("example.org")).await.unwrap();
    assert_eq!(again.journal().moves(position).await.unwrap().names, [other.name]);
}

#[tokio::test]
async fn zones_are_forgotten_when_the_operators_time_is_over_and_not_before() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let day = 86_400;
    let old = filled(&f, &me, "old.example", 300).await;
    f.store.delete_zone(&me, old.id, Vec::new()).await.unwrap();
    f.clock.advance(20 * day);
    let young = filled(&f, &me, "young.example", 3).await;
    f.store.delete_zone(&me, young.id, Vec::new()).await.unwrap();
    f.clock.advance(10 * day);
    f.operator().retain(Retention::default());
    let looked = std::time::Instant::now();
    eventually("it has looked", async || looked.elapsed().as_secs() >= 2).await;
    assert_eq!(f.operator().deleted_zones(None, 10).await.unwrap().len(), 2, "30 days to the second");
    f.clock.advance(1);
    eventually("the old one is forgotten", async || f.operator().deleted_zones(None, 10).await.unwrap().len() == 1)
        .await;
    eventually("with its records", async || f.count(Rows::Records) == 3).await;
    assert_eq!(f.operator().deleted_zones(None, 10).await.unwrap()[0].zone.id, young.id);
    let all = f.operator().deleted_zones(None, 10).await.unwrap();
    let after = Some((all[0].deleted_at, all[0].zone.id));
    assert_eq!(f.operator().deleted_zones(after, 10).await.unwrap(), []);
}
