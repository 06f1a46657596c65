//! A real named with dynamic zones, and clients for them.

use deploy::bind9::control::{Command, ZoneConfig};
use deploy::bind9::difference::compare;
use deploy::signing;
use dns::{Name, ZoneName, ZoneSnapshot, zonefile};
use wire::transfer::{Limits, TransferredZone, fetch};
use wire::tsig::{Clock, TsigKey};
use wire::update::{Settings, Updater};

use super::channel::Channel;
use super::named::Setup;

/// A named whose zones may be changed and transferred with one key.
pub(crate) struct Dynamic {
    pub(crate) channel: Channel,
    pub(crate) key: TsigKey,
    pub(crate) clock: Clock,
}

impl Dynamic {
    /// Without zones.
    pub(crate) fn open() -> Dynamic {
        Dynamic::open_with(Setup::new())
    }

    /// Set up further.
    pub(crate) fn open_with(setup: Setup) -> Dynamic {
        let channel = Channel::open_with(setup.options("allow-transfer { key \"update\"; };"));
        let key = TsigKey::new(Name::parse("update").unwrap(), channel.key.secret().clone()).unwrap();
        Dynamic { channel, key, clock: signing::clock(&store::Clock::system()) }
    }

    /// Makes it serve a zone that it does not have.
    pub(crate) async fn load(&self, zone: &ZoneSnapshot) {
        let file = format!("{}.db", zone.name).replace('/', "_");
        std::fs::write(self.channel.named.path(&file), zonefile::render(zone)).unwrap();
        let config = ZoneConfig {
            update_keys: vec![self.key.name().clone()],
            ignore_check_names: true,
            ..ZoneConfig::primary(self.channel.text(&file))
        };
        self.channel.ok(Command::AddZone { zone: zone.name.clone(), config: Box::new(config) }).await;
    }

    /// A client with its defaults.
    pub(crate) fn updater(&self) -> Updater {
        self.updater_with(Settings::default())
    }

    pub(crate) fn updater_with(&self, settings: Settings) -> Updater {
        Updater::new(self.channel.named.dns(), &self.key, settings, self.clock.clone())
    }

    /// What it serves.
    pub(crate) async fn transfer(&self, zone: &ZoneName) -> TransferredZone {
        let server = self.channel.named.dns();
        let served = fetch(server, zone, Some(&self.key), Limits::default(), &self.clock).await;
        served.unwrap_or_else(|error| panic!("{zone}: {error}"))
    }

    /// Checks that it serves exactly this version.
    pub(crate) async fn assert_serves(&self, wanted: &ZoneSnapshot) {
        let served = self.transfer(&wanted.name).await;
        let difference = compare(wanted, &served);
        assert!(difference.is_empty(), "{}: {difference:#?}", wanted.name);
        assert_eq!(served.serial().unwrap(), wanted.serial(), "{}", wanted.name);
    }
}
