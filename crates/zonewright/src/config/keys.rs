//! The table of keys, from which the file, the environment and the flags are read.
//!
//! The environment variable and the flag of a key follow from its name.

/// One thing that can be set.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name in the configuration file; a dot stands for a table.
    pub(crate) name: &'static str,
    pub(crate) kind: ValueKind,
    /// The default, as it is written in the environment; empty for none.
    pub(crate) default: &'static str,
}

/// What a key's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Text,
    /// A file or a folder; a relative one starts from the current directory of the process.
    Path,
    /// A text that may hold a password: it is never shown, and a server does not pass it on to commands.
    Secret,
    /// In the file a list of texts; in the environment, with spaces between; on the command line, the flag repeated.
    List,
    /// A whole number, not negative.
    Number,
}

/// All of them. `docs/configuration.md` has a row for each.
pub(crate) const KEYS: &[Key] = &[
    path("data", "./zonewright-data"),
    secret("database"),
    text("http", "127.0.0.1:8053"),
    text("dyndns", ""),
    text("doors.dyndns_query_credentials", "off"),
    text("doors.acme_dns_zone", ""),
    path("tls_cert", ""),
    path("tls_key", ""),
    text("url", ""),
    text("security_contact", ""),
    path("secrets.key_file", ""),
    Key { name: "trusted_proxy", kind: ValueKind::List, default: "" },
    Key { name: "cors_origins", kind: ValueKind::List, default: "" },
    text("metrics", "127.0.0.1:8054"),
    text("registration", "closed"),
    text("nameserver", "embedded"),
    text("dns", "127.0.0.1:5300"),
    text("updates", ""),
    Key { name: "secondary", kind: ValueKind::List, default: "" },
    Key { name: "resolvers", kind: ValueKind::List, default: "" },
    Key { name: "ns", kind: ValueKind::List, default: "ns1.zonewright.test ns2.zonewright.test" },
    text("soa.mname", ""),
    text("bind9.control", "127.0.0.1:9953"),
    path("bind9.directory", ""),
    text("bind9.user", "bind"),
    text("transfers.loopback", "off"),
    number("rrl.responses_per_second", "20"),
    number("rrl.window", "15"),
    number("rrl.slip", "2"),
    number("rrl.ipv4_prefix", "24"),
    number("rrl.ipv6_prefix", "56"),
    number("rrl.table_size", "100000"),
    Key { name: "rrl.exempt", kind: ValueKind::List, default: "127.0.0.0/8 ::1" },
    secret("edns.cookie_secret"),
    text("edns.require_cookie", "off"),
    text("edns.nsid", ""),
    text("mail.server", ""),
    number("mail.port", ""),
    text("mail.tls", ""),
    path("mail.ca", ""),
    text("mail.user", ""),
    secret("mail.password"),
    path("mail.password_file", ""),
    text("mail.from", ""),
    number("disk.low_percent", "5"),
    number("disk.low_bytes", "1073741824"),
    number("limits.rrset_records", "100"),
    number("limits.ttl_min", "0"),
    number("limits.ttl_max", "2147483647"),
    number("limits.body_bytes", "1048576"),
    number("limits.bulk_bytes", "16777216"),
    number("limits.connections", "4096"),
    number("limits.requests_per_second", ""),
    number("limits.failed_auth_burst", "200"),
    number("limits.failed_auth_per_second", "10"),
    number("limits.changes_per_day", "0"),
    number("limits.registered.zones", "25"),
    number("limits.registered.records", "10000"),
    number("limits.registered.tokens", "20"),
    number("limits.registered.changes_per_day", "20000"),
    number("limits.registered.stored_records", "1000000"),
    text("claims.hold", "7d"),
    text("claims.notice", "72h"),
    text("claims.keep", "30d"),
    Key { name: "claims.resolvers", kind: ValueKind::List, default: "" },
    number("retention.versions", "1000"),
    text("retention.age", "365d"),
    text("retention.deleted_zones", "30d"),
    text("retention.events", "730d"),
];

const fn text(name: &'static str, default: &'static str) -> Key {
    Key { name, kind: ValueKind::Text, default }
}

const fn path(name: &'static str, default: &'static str) -> Key {
    Key { name, kind: ValueKind::Path, default }
}

const fn secret(name: &'static str) -> Key {
    Key { name, kind: ValueKind::Secret, default: "" }
}

const fn number(name: &'static str, default: &'static str) -> Key {
    Key { name, kind: ValueKind::Number, default }
}

impl Key {
    pub(crate) fn find(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        format!("ZONEWRIGHT_{}", self.name.replace('.', "_").to_uppercase())
    }

    /// The flag of `serve` that sets it; what stands in a table has none.
    pub(crate) fn flag(&self) -> Option<String> {
        (!self.name.contains('.')).then(|| format!("--{}", self.name.replace('_', "-")))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_key_has_its_row_in_the_documentation_and_every_row_its_key() {
        let text = include_str!("../../../../docs/configuration.md");
        let documented: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
            .collect();
        let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { format!("`{text}`") };
        let keys: Vec<Vec<String>> = KEYS
            .iter()
            .map(|key| {
                let flag = key.flag().unwrap_or_default();
                vec![shown(key.name), shown(&flag), shown(&key.variable()), shown(key.default)]
            })
            .collect();
        let rows: Vec<&[&str]> = documented.iter().map(|row| &row[..4]).collect();
        assert_eq!(rows, keys);
        assert!(documented.iter().all(|row| row.len() == 5 && !row[4].is_empty()), "each key has a meaning");
    }

    #[test]
    fn what_may_hold_a_password_is_a_secret() {
        for key in KEYS {
            let is_file = ["_file", ".file", "tls_key"].iter().any(|end| key.name.ends_with(end));
            let says_so = ["password", "secret", "token", "database"].iter().any(|word| key.name.contains(word));
            let is_limit = key.name.starts_with("limits.");
            assert_eq!(key.kind == ValueKind::Secret, says_so && !is_file && !is_limit, "{}", key.name);
        }
    }

    #[test]
    fn every_flag_is_a_key_and_every_key_but_the_limits_a_flag() {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        let mut flags: Vec<String> = serve
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .filter(|name| !["config", "help", "version"].contains(name))
            .map(|name| format!("--{name}"))
            .collect();
        let mut keys: Vec<String> = KEYS.iter().filter_map(Key::flag).collect();
        flags.sort();
        keys.sort();
        assert_eq!(flags, keys);
    }
}
