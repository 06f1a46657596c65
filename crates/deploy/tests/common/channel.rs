//! A real named with a client of its control channel.

use std::time::Duration;

use deploy::ConfigText;
use deploy::bind9::control::{Command, Control, ControlKey, Refusal, ZoneConfig};
use dns::{Name, ZoneName};
use wire::secret::Algorithm;

use super::named::{Named, SMALL_ZONE, Setup};

/// A named with one key, the key, and a client.
pub(crate) struct Channel {
    pub(crate) named: Named,
    pub(crate) key: ControlKey,
    pub(crate) control: Control,
}

impl Channel {
    /// On a server without zones.
    pub(crate) fn open() -> Self {
        Self::open_with(Setup::new())
    }

    /// On a server that is set up further. It knows the TSIG keys `zonewright` and `update`.
    pub(crate) fn open_with(setup: Setup) -> Self {
        let key = ControlKey::generate(Algorithm::Sha256).unwrap();
        let statement = statement("zonewright", &key);
        let named = setup
            .control_key("zonewright", &statement)
            .file("rndc.key", &statement)
            .file("small.db", SMALL_ZONE)
            .statements(&statement.replace("zonewright", "update"))
            .start();
        let control = Control::new(named.control(), key.clone()).unwrap();
        Self { named, key, control }
    }

    /// The text of a command that has to succeed.
    pub(crate) async fn ok(&self, command: Command) -> String {
        match self.control.send(&command).await {
            Ok(text) => text,
            Err(error) => panic!("{command}: {error}"),
        }
    }

    /// The refusal of a command that has to be refused.
    pub(crate) async fn refusal(&self, command: Command) -> Refusal {
        let error = self.control.send(&command).await.unwrap_err();
        error.refusal().unwrap_or_else(|| panic!("{command}: {error}"))
    }

    /// A file in the server's folder, for a configuration.
    pub(crate) fn text(&self, file: &str) -> ConfigText {
        ConfigText::from_path(&self.named.path(file)).unwrap()
    }

    /// Adds a static zone. Those may share a file.
    pub(crate) async fn add(&self, zone: &ZoneName) {
        self.ok(add_zone(zone, self.small())).await;
    }

    /// The configuration of a small static zone.
    pub(crate) fn small(&self) -> ZoneConfig {
        ZoneConfig::primary(self.text("small.db"))
    }

    /// The number of zones named has, some of its own among them.
    pub(crate) async fn zones(&self) -> usize {
        let status = self.ok(Command::Status).await;
        let line = status.lines().find_map(|line| line.strip_prefix("number of zones: ")).unwrap();
        line.split(' ').next().unwrap().parse().unwrap()
    }

    /// What `rndc` prints for the same line, on success and otherwise.
    pub(crate) fn rndc(&self, line: &str) -> Result<String, String> {
        let output = std::process::Command::new("rndc")
            .arg("-k")
            .arg(self.named.path("rndc.key"))
            .args(["-s", &self.named.control().ip().to_string()])
            .args(["-p", &self.named.control().port().to_string()])
            .args(line.split(' '))
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }
}

/// The statement that defines the key under this name.
pub(crate) fn statement(name: &str, key: &ControlKey) -> String {
    key.to_statement(&ConfigText::new(name).unwrap())
}

/// A zone's name from its presentation form.
pub(crate) fn zone(text: &str) -> ZoneName {
    ZoneName::parse(text).unwrap()
}

/// A key's name from its presentation form.
pub(crate) fn key_name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The command that adds a zone.
pub(crate) fn add_zone(zone: &ZoneName, config: ZoneConfig) -> Command {
    Command::AddZone { zone: zone.clone(), config: Box::new(config) }
}

/// The command that removes a zone, but not its file.
pub(crate) fn delete_zone(zone: &ZoneName) -> Command {
    Command::DelZone(zone.clone())
}

/// Polls until it is so.
pub(crate) async fn eventually(is_so: impl AsyncFn() -> bool) {
    let poll = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let polled = tokio::time::timeout(Duration::from_secs(30), poll).await;
    polled.expect("it did not come about in 30 s");
}
