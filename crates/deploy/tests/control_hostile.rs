//! Names and paths that try to end a command and begin another, against a real named.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::channel::{Channel, add_zone, delete_zone, eventually, statement, zone};
use common::named::SMALL_ZONE;
use deploy::ConfigText;
use deploy::bind9::control::{Command, Refusal, ZoneConfig};
use dns::{Name, ZoneName};

/// No name can end a command and begin another: each adds, shows and deletes exactly one zone, its
/// own, and named reads back what it has stored of them when it is started again.
#[tokio::test]
async fn hostile_names() {
    let mut channel = Channel::open();
    let sentinel = zone("sentinel.test");
    channel.add(&sentinel).await;

    // Upper-case letters would be the same zones as lower-case ones, and named refuses an apex
    // that is a wildcard.
    let octets = (0..=u8::MAX).filter(|octet| !octet.is_ascii_uppercase() && *octet != b'*');
    let mut labels: BTreeSet<Vec<u8>> = octets.map(|octet| vec![octet]).collect();
    for text in [
        "\" { type primary; file \"x\"; }; zone \"y",
        "\"; delzone \"sentinel.test",
        "\"\ndelzone \"sentinel.test\"\n",
        "sentinel.test\" IN _default \"",
        "\\\" delzone sentinel.test",
        "\\\\\"; }; zone \"sentinel.test",
        "a\\",
        "\\034",
        "/* */ // #",
        "../../etc/passwd",
        "$(reboot) `reboot`",
        "-clean",
        "%s%n",
        "\0\" \0",
        "\r\n\r\n",
    ] {
        labels.insert(text.as_bytes().to_vec());
    }
    labels.insert((1..=63).collect());
    labels.insert((193..=255).collect());
    labels.insert(b"\"\\".repeat(31));
    labels.insert(b"\\\"".repeat(31));

    let mut zones = channel.zones().await;
    for label in &labels {
        let name = ZoneName::from_stored(hostile_name(label));
        channel.add(&name).await;
        zones += 1;
        assert_eq!(channel.zones().await, zones, "{name}");
        let shown = channel.ok(Command::ShowZone(name.clone())).await;
        assert_eq!(shown_wire(&shown), name.name().wire(), "{shown}");
        assert_eq!(channel.refusal(Command::Freeze(name.clone())).await, Refusal::Other);
        let add = add_zone(&name, channel.small());
        assert_eq!(channel.refusal(add).await, Refusal::AlreadyExists);
    }

    channel.named.restart();
    assert_eq!(channel.zones().await, zones);
    for label in &labels {
        let name = ZoneName::from_stored(hostile_name(label));
        channel.control.zone_status(&name).await.unwrap();
        channel.ok(delete_zone(&name)).await;
        zones -= 1;
        // named answers when a removal is scheduled.
        eventually(async || channel.zones().await == zones).await;
    }
    channel.control.zone_status(&sentinel).await.unwrap();
}

/// Names are hostile in every place that takes one, and paths as far as they can be written.
#[tokio::test]
async fn hostile_options() {
    let mut channel = Channel::open();
    let label = b"\"; }; zone \"y\" { file \"z";
    let evil_key = hostile_name(label);
    let spelled: String = label.iter().map(|octet| format!("\\{octet:03}")).collect();
    let secret = statement("k", &channel.key).replace("\"k\"", &format!("\"{spelled}.test\""));
    let conf = channel.named.path("named.conf");
    let before = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, secret + &before).unwrap();
    channel.named.restart();

    let files = ["a b", "a; }; zone y { file z", "# // /* {", "täst", "$x%n'`", "-clean", "..."];
    let zones = channel.zones().await;
    for (number, file) in (1..).zip(files) {
        let path = channel.named.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, SMALL_ZONE).unwrap();
        let config = ZoneConfig { update_keys: vec![evil_key.clone()], ..ZoneConfig::primary(channel.text(file)) };
        let name = zone(&format!("z{number}.test"));
        channel.ok(add_zone(&name, config)).await;
        assert_eq!(channel.zones().await, zones + number);
        let status = channel.control.zone_status(&name).await.unwrap();
        assert_eq!(status.files.as_deref(), path.to_str());
    }
    channel.named.restart();
    assert_eq!(channel.zones().await, zones + files.len());

    for file in ["a\"b", "a\\", "a\nb", "a\0b", "a\u{85}b", "\\\"; }; stop"] {
        assert!(ConfigText::from_path(&channel.named.path(file)).is_err(), "{file:?}");
    }
}

/// A name with one label of any octets, below `test`.
fn hostile_name(label: &[u8]) -> Name {
    Name::from_labels([label, b"test"]).unwrap()
}

/// The name in `zone "NAME" { ...` in wire form. named escapes it in a way of its own.
fn shown_wire(statement: &str) -> Vec<u8> {
    let (name, _) = statement.strip_prefix("zone \"").and_then(|rest| rest.rsplit_once("\" { type primary;")).unwrap();
    let name: domain::base::Name<Vec<u8>> = name.parse().unwrap();
    name.into_octets()
}
