//! The configuration of a Knot DNS secondary (3.2 or later), which follows the catalogs as BIND does.

use std::fmt::Write as _;
use std::net::SocketAddr;

use wire::tsig::TsigKey;

use crate::catalog::CatalogName;
use crate::config_text::ConfigText;

/// What a Knot secondary's configuration depends on.
#[derive(Debug, Clone)]
pub struct KnotConfig {
    /// The absolute path of the folder for zones and the control socket. Knot does not create it.
    pub directory: ConfigText,
    /// Where queries and NOTIFYs are answered, UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The primaries, as this host reaches them.
    pub primaries: Vec<SocketAddr>,
    /// The key of the transfers and of the NOTIFYs, the same as on the primaries.
    pub transfer_key: TsigKey,
}

/// The complete configuration, for `knotd -c FILE`.
pub fn knot_secondary(config: &KnotConfig) -> String {
    let mut text = HEADER.to_owned();
    // Writing to a string cannot fail.
    let _ = render(&mut text, config);
    text
}

fn render(text: &mut String, config: &KnotConfig) -> std::fmt::Result {
    let KnotConfig { directory, listen, primaries, transfer_key } = config;
    let list = |addresses: &[SocketAddr]| {
        let quoted: Vec<_> = addresses.iter().map(|a| format!("\"{}@{}\"", a.ip(), a.port())).collect();
        quoted.join(", ")
    };
    let key = ConfigText::new(&transfer_key.name().fqdn().to_string()).map_err(|_| std::fmt::Error)?;

    writeln!(text, "server:\n    rundir: {directory}\n    listen: [ {} ]\n", list(listen))?;
    writeln!(text, "database:\n    storage: {directory}\n")?;
    writeln!(text, "log:\n  - target: stderr\n    any: info\n")?;
    writeln!(text, "key:\n  - id: {key}\n    algorithm: {}", transfer_key.secret().algorithm())?;
    writeln!(text, "    secret: \"{}\"\n", transfer_key.secret().base64())?;
    writeln!(text, "remote:")?;
    for (number, primary) in primaries.iter().enumerate() {
        writeln!(
            text,
            "  - id: primary{number}\n    address: \"{}@{}\"\n    key: {key}",
            primary.ip(),
            primary.port()
        )?;
    }
    let remotes: Vec<_> = (0..primaries.len()).map(|number| format!("primary{number}")).collect();
    let remotes = remotes.join(", ");
    writeln!(text, "\nacl:\n  - id: announced\n    key: {key}\n    action: notify\n")?;
    writeln!(text, "template:\n  # Content is kept in the journal: no file is named by a zone.\n  - id: default")?;
    writeln!(text, "    storage: {directory}\n    master: [ {remotes} ]\n    acl: announced")?;
    writeln!(text, "    zonefile-load: none\n    zonefile-sync: -1\n    journal-content: all")?;
    writeln!(
        text,
        "    # What was missed is asked for again after seconds.\n    retry-min-interval: 1\n    retry-max-interval: 60"
    )?;
    writeln!(text, "  - id: catalog\n    storage: {directory}\n    master: [ {remotes} ]\n    acl: announced")?;
    writeln!(text, "    zonefile-load: none\n    zonefile-sync: -1\n    journal-content: all")?;
    writeln!(text, "    retry-min-interval: 1\n    retry-max-interval: 60")?;
    writeln!(text, "    catalog-role: interpret\n    catalog-template: default\n")?;
    writeln!(text, "zone:")?;
    for catalog in CatalogName::all() {
        writeln!(text, "  - domain: {}\n    template: catalog", catalog.zone().name().fqdn())?;
    }
    Ok(())
}

const HEADER: &str = "\
# A Knot DNS secondary for Zonewright. Complete: it runs as it is with `knotd -c FILE`.
# This file holds a secret: mode 0640, owner root, group knot. The directory must exist and be knotd's.

";
