//! Many callers at once, in one process and in several: constraints decide, and nothing half-done is ever seen.

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Fixture, Rows, delete, eventually, wish, zone_name};
use dns::RecordType;
use dns::change::Edit;
use store::{Change, ChangeError, Condition, CreateZoneError, NewToken, Permission, RecordFilter, ZoneOfAnyone};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_make_one_zone_one_wins() {
    let f = Fixture::new();
    let other = f.another();
    let mut accounts = Vec::new();
    for number in 0..8 {
        accounts.push(f.account(&format!("a{number}@example.com")).await);
    }
    for round in 0..5 {
        let name = zone_name(&format!("race-{round}.example"));
        let tasks: Vec<_> = accounts
            .iter()
            .enumerate()
            .map(|(number, author)| {
                let store = if number % 2 == 0 { f.store.clone() } else { other.clone() };
                let (author, name) = (author.clone(), name.clone());
                tokio::spawn(async move { store.create_zone(&author, name).await })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => won += 1,
                Err(CreateZoneError::Exists) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(won, 1);
    }
    assert_eq!(f.count(Rows::Zones), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_make_one_record_one_wins() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (store, me, zone) = (f.store.clone(), me.clone(), zone.clone());
            let edit = Edit::Create(store.new_record_id(), wish(&zone, "www", RecordType::A, "192.0.2.1"));
            tokio::spawn(async move { store.change(&me, zone.id, vec![edit]).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(ChangeError::Faults(faults)) => assert_eq!(faults[0].1.check, "duplicate"),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(f.count(Rows::Records), 1);
    assert_eq!(f.count(Rows::Versions), 2, "refusals make no version");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_change_one_record_under_a_condition_one_wins() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let record = f.add(&me, &zone, "www", "192.0.2.1").await;
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let (store, me, zone) = (f.store.clone(), me.clone(), zone.clone());
            let wanted = wish(&zone, "www", RecordType::A, &format!("198.51.100.{number}"));
            let edit = Edit::Replace(record.record.id, wanted);
            let condition = Condition::Unmoved(record.record.id, record.version);
            tokio::spawn(async move { store.change(&me, zone.id, Change::from(vec![edit]).on(condition)).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(ChangeError::Moved) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_whole_or_not_at_all() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let over = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, me, zone, over) = (f.store.clone(), me.clone(), zone.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut looks = 0;
            while !over.load(Ordering::Relaxed) || looks == 0 {
                let page = store.records(me.account, Some(zone.id), RecordFilter::default(), None, 1000).await;
                assert_eq!(page.unwrap().unwrap().len() % 10, 0);
                let snapshot = store.journal().snapshot(zone.id).await.unwrap().unwrap();
                assert_eq!(snapshot.records.len() % 10, 1, "ten each, and the server's NS");
                looks += 1;
            }
        })
    };
    for round in 0..30 {
        let edits: Vec<_> =
            (0..10).map(|number| f.create(&zone, &format!("r{round}"), &format!("192.0.2.{number}"))).collect();
        let mut broken = edits.clone();
        broken.push(f.create(&zone, &format!("r{round}"), "192.0.2.1"));
        assert!(matches!(f.store.change(&me, zone.id, broken).await, Err(ChangeError::Faults(_))));
        let made = f.store.change(&me, zone.id, edits).await.unwrap();
        if round % 2 == 0 {
            let gone: Vec<_> = made.records.iter().flatten().map(|stored| delete(stored.record.id)).collect();
            f.store.change(&me, zone.id, gone).await.unwrap();
        }
    }
    over.store(true, Ordering::Relaxed);
    reader.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_lasting_zone_is_on_the_pages_exactly_once() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let mut lasting = Vec::new();
    let mut doomed = Vec::new();
    for number in 0..120 {
        let zone = f.zone(&me, &format!("z{number}.example")).await;
        if number % 3 == 0 { doomed.push(zone) } else { lasting.push(zone.id) }
    }
    let churn = {
        let (store, me) = (f.store.clone(), me.clone());
        tokio::spawn(async move {
            for (number, zone) in doomed.into_iter().enumerate() {
                store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
                store.create_zone(&me, zone_name(&format!("n{number}.example"))).await.unwrap();
            }
        })
    };
    let mut walks = 0;
    while !churn.is_finished() || walks == 0 {
        let mut seen: HashMap<_, u32> = HashMap::new();
        let mut after = None;
        let mut last_name = None;
        loop {
            let page = f.store.zones(me.account, None, after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            page.iter().for_each(|zone| *seen.entry(zone.id).or_default() += 1);
        }
        let mut by_name: HashMap<_, u32> = HashMap::new();
        loop {
            let page: Vec<ZoneOfAnyone> = f.store.zones_of_anyone(last_name, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            last_name = Some(last.zone.name.clone());
            page.iter().for_each(|found| *by_name.entry(found.zone.id).or_default() += 1);
        }
        for id in &lasting {
            assert_eq!((seen.get(id), by_name.get(id)), (Some(&1), Some(&1)));
        }
        walks += 1;
    }
    churn.await.unwrap();
}

/// Two stores on one file stand for two processes: they share nothing in memory.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_writes_is_noticed() {
    let f = Fixture::new();
    let other = f.another();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let permissions = [Permission::All].into_iter().collect();
    let token = NewToken::unlimited("t", permissions);
    let token = f.operator().person(me.account).create_token(token).await.unwrap();
    let (id, plain) = (token.token.id, token.plain.reveal());
    assert!(f.store.people().authenticate(plain, None).await.unwrap().is_some());
    assert!(other.people().authenticate(plain, None).await.unwrap().is_some());

    let mut position = other.journal().position();
    eventually("the other has caught up", async || *position.borrow() == 1).await;
    position.mark_unchanged();
    f.add(&me, &zone, "www", "192.0.2.1").await;
    assert_eq!(*f.store.journal().position().borrow(), 2, "at once in this process");
    tokio::time::timeout(Duration::from_secs(1), position.changed()).await.unwrap().unwrap();
    let moves = other.journal().moves(1).await.unwrap();
    assert_eq!((moves.names, moves.position), (vec![zone.name.clone()], 2));

    assert!(other.command_line().revoke_token(id).await.unwrap());
    assert!(!other.command_line().revoke_token(id).await.unwrap());
    assert!(
        other.people().authenticate(plain, None).await.unwrap().is_none(),
        "at once in the process that revoked it"
    );
    let took =
        eventually("refused", async || f.store.people().authenticate(plain, None).await.unwrap().is_none()).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
}
