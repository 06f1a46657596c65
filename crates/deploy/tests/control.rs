//! The control channel's client against a real named, with `rndc` as the second opinion.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use common::channel::{Channel, add_zone, delete_zone, eventually, key_name, statement, zone};
use common::named::{SMALL_ZONE, Setup};
use deploy::bind9::control::{Command, Control, ControlError, ControlKey, Refusal, Timeouts, ZoneConfig, ZoneKind};
use dns::Serial;
use wire::secret::Algorithm;

#[tokio::test]
async fn a_wrong_key_is_told() {
    let channel = Channel::open();
    let other_secret = ControlKey::generate(Algorithm::Sha256).unwrap();
    let text = statement("k", &channel.key).replace("hmac-sha256", "hmac-sha512");
    let other_algorithm = ControlKey::from_key_file(&text).unwrap();
    for key in [other_secret, other_algorithm] {
        let control = Control::new(channel.named.control(), key).unwrap();
        let error = control.send(&Command::Status).await.unwrap_err();
        assert!(matches!(error, ControlError::Authentication { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_wrong_clock_is_told() {
    let channel = Channel::open();
    let ten_minutes_fast = || now() + Duration::from_secs(600);
    let ten_minutes_slow = || now() - Duration::from_secs(600);
    for clock in [ten_minutes_fast, ten_minutes_slow as fn() -> SystemTime] {
        let control = Control::new(channel.named.control(), channel.key.clone()).unwrap();
        let error = control.with_clock(clock).send(&Command::Status).await.unwrap_err();
        assert!(matches!(error, ControlError::Authentication { .. }), "{error:?}");
        assert!(error.to_string().contains("clocks"));
    }
}

/// named closes a connection that is idle for longer than its `tcp-idle-timeout`, and logs that as an invalid command. A connection
/// that is left alone, as one of `rndc -i` would be, shows when that time is over.
#[tokio::test]
async fn an_idle_connection_is_closed_before_named_complains() {
    // In tenths of a second.
    let channel = Channel::open_with(Setup::new().options("tcp-initial-timeout 25; tcp-idle-timeout 20;"));
    let complaints = || channel.named.log().matches("invalid command from").count();
    let control = |idle: Duration| {
        let control = Control::new(channel.named.control(), channel.key.clone()).unwrap();
        control.with_timeouts(Timeouts { idle, ..Timeouts::default() })
    };
    let (ours, left_alone) = (control(Duration::from_millis(300)), control(Duration::from_secs(3600)));
    for _ in 0..3 {
        ours.send(&Command::Status).await.unwrap();
        let before = complaints();
        left_alone.send(&Command::Status).await.unwrap();
        eventually(async || complaints() > before).await;
        assert_eq!(complaints(), before + 1, "one for the connection that was left alone: {}", channel.named.log());
    }
    // What is closed is opened again, and what is used stays open.
    ours.send(&Command::Status).await.unwrap();
}

#[tokio::test]
async fn no_named_is_told() {
    let mut channel = Channel::open();
    channel.named.kill();
    let error = channel.control.send(&Command::Status).await.unwrap_err();
    assert!(matches!(error, ControlError::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn a_command_that_is_too_long_is_not_sent() {
    let channel = Channel::open();
    let add = |keys: usize| {
        let config = ZoneConfig { update_keys: vec![key_name("update"); keys], ..channel.small() };
        add_zone(&zone("long.test"), config)
    };
    let fits = |keys: &usize| add(*keys).to_string().len() <= 32 * 1024 - 256;
    let most = (0..).take_while(fits).last().unwrap();

    let error = channel.control.send(&add(most + 1)).await.unwrap_err();
    assert!(matches!(error, ControlError::TooLong(_)), "{error:?}");
    assert!(!channel.named.log().contains("long.test"));
    channel.ok(add(most)).await;
    channel.control.zone_status(&zone("long.test")).await.unwrap();
}

#[tokio::test]
async fn refusals() {
    let missing = "zone \"missing.test\" { type primary; file \"missing.db\"; };";
    let channel = Channel::open_with(Setup::new().statements(missing));
    fs::write(channel.named.path("bad.db"), "@ 300 IN NS x.\n").unwrap();
    let name = zone("a.test");
    let add = |file: &str| add_zone(&name, ZoneConfig::primary(channel.text(file)));
    channel.ok(add("small.db")).await;
    for (command, refusal) in
        [(add("small.db"), Refusal::AlreadyExists), (Command::Freeze(name.clone()), Refusal::Other)]
    {
        assert_eq!(channel.refusal(command.clone()).await, refusal, "{command}");
    }
    channel.ok(delete_zone(&name)).await;
    for file in ["nowhere.db", "bad.db"] {
        assert_eq!(channel.refusal(add(file)).await, Refusal::Other, "{file}");
    }
    let unloaded = channel.control.zone_status(&zone("missing.test")).await.unwrap_err();
    assert_eq!(unloaded.refusal(), Some(Refusal::NotLoaded));

    let none = zone("b.test");
    for command in [
        Command::ZoneStatus(none.clone()),
        Command::ShowZone(none.clone()),
        Command::Freeze(none.clone()),
        Command::Thaw(none.clone()),
        delete_zone(&none),
    ] {
        assert_eq!(channel.refusal(command.clone()).await, Refusal::NotFound, "{command}");
    }
}

#[tokio::test]
async fn new_zones_that_are_not_allowed() {
    let channel = Channel::open_with(Setup::new().new_zones(false));
    let add = add_zone(&zone("a.test"), channel.small());
    let Err(ControlError::Refused(refused)) = channel.control.send(&add).await else { panic!("it was added") };
    assert_eq!(refused.reason, "permission denied");
}

#[tokio::test]
async fn every_algorithm() {
    let keys = Algorithm::ALL.map(|algorithm| ControlKey::generate(algorithm).unwrap());
    let setup = keys.iter().fold(Setup::new(), |setup, key| {
        let name = key.secret().algorithm().to_string();
        setup.control_key(&name, &statement(&name, key))
    });
    let named = setup.start();
    for key in keys {
        let algorithm = key.secret().algorithm();
        let control = Control::new(named.control(), key).unwrap();
        for _ in 0..2 {
            let reply = control.send(&Command::Status).await;
            let text = reply.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
            assert!(text.ends_with("server is up and running"), "{text}");
        }
    }
}

#[tokio::test]
async fn the_same_answers_as_rndc() {
    let channel = Channel::open();
    let mut config = channel.small();
    config.update_keys = vec![key_name("update")];
    channel.ok(add_zone(&zone("a.test"), config)).await;
    for command in [Command::ZoneStatus(zone("a.test")), Command::ShowZone(zone("a.test"))] {
        let text = channel.ok(command.clone()).await;
        assert_eq!(channel.rndc(&command.to_string()), Ok(text + "\n"));
    }

    channel.ok(Command::Freeze(zone("a.test"))).await;
    for command in [Command::Freeze(zone("a.test")), Command::ZoneStatus(zone("b.test"))] {
        let Err(ControlError::Refused(refused)) = channel.control.send(&command).await else {
            panic!("{command} was not refused");
        };
        let verb = command.verb();
        let mut expected = format!("rndc: '{verb}' failed: {}\n", refused.reason);
        if !refused.text.is_empty() {
            expected += &format!("{}\n", refused.text);
        }
        assert_eq!(channel.rndc(&command.to_string()), Err(expected));
    }
}

#[tokio::test]
async fn a_zone_s_life() {
    let channel = Channel::open();
    let name = zone("a.test");
    let status = async || channel.control.zone_status(&name).await.unwrap();
    let path = channel.named.path("a.db");
    fs::write(&path, SMALL_ZONE).unwrap();
    let update_keys = vec![key_name("update")];
    channel.ok(add_zone(&name, ZoneConfig { update_keys, ..ZoneConfig::primary(channel.text("a.db")) })).await;

    let added = status().await;
    assert_eq!(added.kind, ZoneKind::Primary);
    assert_eq!(added.files.as_deref(), path.to_str());
    assert_eq!((added.serial, added.frozen), (Serial(1), false));

    channel.ok(Command::Freeze(name.clone())).await;
    assert!(status().await.frozen);
    assert_eq!(channel.refusal(Command::Freeze(name.clone())).await, Refusal::AlreadyFrozen);
    fs::write(&path, SMALL_ZONE.replace(" 1 3600", " 2 3600")).unwrap();
    channel.ok(Command::Thaw(name.clone())).await;
    eventually(async || status().await.serial == Serial(2)).await;
    assert!(!status().await.frozen);

    channel.ok(Command::Reconfig).await;

    channel.ok(delete_zone(&name)).await;
    let gone = channel.control.zone_status(&name).await.unwrap_err();
    assert_eq!(gone.refusal(), Some(Refusal::NotFound));
    assert!(path.exists(), "the file stays");
}

#[tokio::test]
async fn every_option_is_understood() {
    let channel = Channel::open();
    let config = ZoneConfig {
        update_keys: vec![key_name("update"), key_name("zonewright")],
        ignore_check_names: true,
        max_records_per_type: Some(200),
        ..channel.small()
    };
    let name = zone("a.test");
    channel.ok(add_zone(&name, config)).await;
    let shown = channel.ok(Command::ShowZone(name.clone())).await;
    for option in [
        "type primary;",
        "allow-update { key \"update.\"; key \"zonewright.\"; };",
        "check-names ignore;",
        "max-records-per-type 200;",
    ] {
        assert!(shown.contains(option), "{option} is not in {shown}");
    }
}

#[tokio::test]
async fn named_is_restarted_between_two_commands() {
    let mut channel = Channel::open();
    channel.add(&zone("a.test")).await;
    channel.named.restart();
    channel.control.zone_status(&zone("a.test")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_callers_get_their_own_answers() {
    let channel = Arc::new(Channel::open());
    let zones = channel.zones().await;
    let callers: Vec<_> = (0..50)
        .map(|number| {
            let channel = Arc::clone(&channel);
            tokio::spawn(async move {
                let text = format!("z{number}.test");
                let name = zone(&text);
                channel.add(&name).await;
                let shown = channel.ok(Command::ShowZone(name.clone())).await;
                assert!(shown.starts_with(&format!("zone \"{text}\" ")), "{shown}");
                channel.ok(delete_zone(&name)).await;
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(channel.zones().await, zones);
}

#[expect(clippy::disallowed_methods, reason = "named takes its time from the system")]
fn now() -> SystemTime {
    SystemTime::now()
}
