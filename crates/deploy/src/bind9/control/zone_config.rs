//! The options of a zone that is added or changed over the control channel.
//!
//! Only primary zones: secondaries learn their zones from catalogs (RFC 9432), not from commands.
//! What is `None` or empty is left out, and named takes it from its `options`.

use std::net::{IpAddr, SocketAddr};

use dns::Name;

use super::line::{CommandLine, ConfigText};

/// The configuration of one primary zone.
///
/// ```
/// use deploy::bind9::control::{ConfigText, ZoneConfig};
///
/// let config = ZoneConfig {
///     ignore_check_names: true,
///     ..ZoneConfig::primary(ConfigText::new("/var/lib/zones/0190.db")?)
/// };
/// # Ok::<(), deploy::bind9::control::ConfigTextError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneConfig {
    /// The zone file. It has to be there when the zone is added.
    pub file: ConfigText,
    /// The journal, when it is not to be the zone file's name with `.jnl`.
    pub journal: Option<ConfigText>,
    /// The TSIG keys that may change the zone by dynamic update. With one or more the zone is
    /// dynamic; named must know the keys.
    pub update_keys: Vec<Name>,
    /// Who may transfer the zone.
    pub allow_transfer: Vec<Peer>,
    /// Who is told of changes.
    pub also_notify: Vec<NotifyTarget>,
    /// Whether only those in [`also_notify`](Self::also_notify) are told, and not the hosts of the
    /// apex NS records (`notify explicit`).
    pub notify_explicit: bool,
    /// Whether owners of addresses may be no host names, e.g. have an underscore
    /// (`check-names ignore`; a primary refuses them otherwise).
    pub ignore_check_names: bool,
    /// The most records in one RRset. 0 is no limit, named's default 100.
    pub max_records_per_type: Option<u32>,
    /// Signing by named itself.
    pub dnssec: Option<Dnssec>,
}

impl ZoneConfig {
    /// A primary zone that is read from `file`, all else as in named's `options`.
    #[must_use]
    pub fn primary(file: ConfigText) -> Self {
        Self {
            file,
            journal: None,
            update_keys: Vec::new(),
            allow_transfer: Vec::new(),
            also_notify: Vec::new(),
            notify_explicit: false,
            ignore_check_names: false,
            max_records_per_type: None,
            dnssec: None,
        }
    }

    /// Adds the block `{ ... }` that follows the zone's name.
    pub(super) fn render(&self, line: &mut CommandLine) {
        line.word("{ type primary;");
        line.word("file").text(&self.file).word(";");
        if let Some(journal) = &self.journal {
            line.word("journal").text(journal).word(";");
        }
        render_block(line, "allow-update", &self.update_keys, |line, key| {
            line.word("key").name(key);
        });
        render_block(line, "allow-transfer", &self.allow_transfer, |line, peer| match peer {
            Peer::Address(address) => {
                line.address(*address);
            }
            Peer::Key(key) => {
                line.word("key").name(key);
            }
        });
        render_block(line, "also-notify", &self.also_notify, |line, target| {
            line.address(target.address.ip()).word("port").number(target.address.port().into());
            if let Some(key) = &target.key {
                line.word("key").name(key);
            }
        });
        if self.notify_explicit {
            line.word("notify explicit;");
        }
        if self.ignore_check_names {
            line.word("check-names ignore;");
        }
        if let Some(most) = self.max_records_per_type {
            line.word("max-records-per-type").number(most).word(";");
        }
        if let Some(Dnssec { policy, key_directory }) = &self.dnssec {
            line.word("dnssec-policy").text(policy).word(";");
            line.word("inline-signing yes;");
            line.word("key-directory").text(key_directory).word(";");
        }
        line.word("};");
    }
}

/// One element of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A host.
    Address(IpAddr),
    /// Whoever signs with this TSIG key.
    Key(Name),
}

/// A server that is sent NOTIFY (RFC 1996).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyTarget {
    /// Address and port. A scope identifier (`%eth0`) is left out.
    pub address: SocketAddr,
    /// The TSIG key that the NOTIFY is signed with.
    pub key: Option<Name>,
}

/// Signing of a zone by named (`dnssec-policy`).
///
/// It is always rendered with `inline-signing yes`: otherwise signing moves the zone's own serial, and
/// no update with a prerequisite on the serial would succeed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dnssec {
    /// The policy's name, e.g. `default`.
    pub policy: ConfigText,
    /// The folder of the keys. Not the zone folder: that may be wiped, and new keys make the zone
    /// bogus.
    pub key_directory: ConfigText,
}

/// `KEYWORD { ELEMENT; ... };`, or nothing when there are no elements.
fn render_block<T>(
    line: &mut CommandLine,
    keyword: &'static str,
    elements: &[T],
    render: impl Fn(&mut CommandLine, &T),
) {
    if elements.is_empty() {
        return;
    }
    line.word(keyword).word("{");
    for element in elements {
        render(line, element);
        line.word(";");
    }
    line.word("};");
}
