//! A BIND secondary: configured with the catalogs only, from which it learns all zones (RFC 9432).

use std::net::SocketAddr;

use wire::tsig::TsigKey;

use super::guard::{Identity, RateLimit};
use super::writer::{Writer, signed_server};
use crate::bind9::catalog::file;
use crate::bind9::control::CommandLine;
use crate::catalog::CatalogName;
use crate::config_text::ConfigText;

/// What a secondary's configuration depends on.
#[derive(Debug, Clone)]
pub struct SecondaryConfig {
    /// named's working directory, absolute; it has all zones. named does not create it.
    pub directory: ConfigText,
    /// Where queries and NOTIFYs are answered, UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The primaries, as this host reaches them. With two, both are asked, and the newer answer counts.
    pub primaries: Vec<SocketAddr>,
    /// The key of the transfers and of the NOTIFYs, the same as on the primaries.
    pub transfer_key: TsigKey,
    /// How many records of one type a name may have, where BIND's own limit of 100 is not to hold.
    pub max_records_per_type: Option<u32>,
    /// How many responses a network gets; `None` for all.
    pub rate_limit: Option<RateLimit>,
    /// What it says of itself.
    pub identity: Identity,
}

/// The complete configuration.
pub fn secondary(config: &SecondaryConfig) -> String {
    let mut writer = Writer::default();
    writer.comment(HEADER).gap().key(&config.transfer_key).gap();
    writer.comment("No control channel. DROP this line where you want `rndc`.").block(
        |line| {
            line.word("controls");
        },
        |_| {},
    );
    writer.gap().comment("MERGE: each line into your `options`.").block(
        |line| {
            line.word("options");
        },
        |options| render_options(options, config),
    );
    writer.gap().comment("MERGE: the catalogs. The zones are spread over them by identity.");
    for catalog in CatalogName::all() {
        writer.block(
            |line| {
                line.word("zone").name(catalog.zone().name());
            },
            |zone| {
                zone.fixed("type secondary");
                zone.statement(|line| {
                    line.word("file").text(&file(catalog));
                });
                zone.statement(|line| primaries(line.word("primaries"), config));
                zone.fixed("allow-query { localhost; }");
            },
        );
    }
    writer.finish()
}

fn render_options(options: &mut Writer, config: &SecondaryConfig) {
    options.statement(|line| {
        line.word("directory").text(&config.directory);
    });
    options.fixed("pid-file \"named.pid\"").fixed("session-keyfile none").fixed("lock-file none");
    options.listen(&config.listen).avoid(&[&*config.listen, &*config.primaries].concat());

    options.gap().authority();

    options.gap().comment("Nothing is passed on, and only who has the key announces anything.");
    options.fixed("allow-transfer { none; }").fixed("notify no").statement(|line| {
        line.word("allow-notify { key").name(config.transfer_key.name()).word("; }");
    });

    options.gap().comment(
        "Changes are fetched as they come. By default 20 SOA queries go out per second, 10 transfers run at once and\n\
         2 of them from one primary. This rate is ten queries at each tick of 4 ms, which is also one of the kernel's as a\n\
         rule: between ticks, named 9.18 would wait for the kernel's in a busy loop.",
    );
    options.fixed("serial-query-rate 2500").fixed("transfers-in 1000").fixed("transfers-per-ns 1000");
    options.because("What was missed is asked for again after seconds, not 5 minutes.", "min-refresh-time 1");
    options.fixed("min-retry-time 1");

    if let Some(most) = config.max_records_per_type {
        options.statement(|line| {
            line.word("max-records-per-type").number(most);
        });
    }

    options.identity(&config.identity);
    if let Some(limit) = &config.rate_limit {
        // Zonewright asks from a primary's host, many times a second while a client waits for a change.
        options.rate_limit(limit, &config.primaries);
    }

    options.gap().comment("By default a change of a catalog waits up to 5 seconds.").block(
        |line| {
            line.word("catalog-zones");
        },
        |catalogs| {
            for catalog in CatalogName::all() {
                catalogs.statement(|line| {
                    line.word("zone").name(catalog.zone().name()).word("default-primaries");
                    primaries(line, config);
                    line.word("min-update-interval 0");
                });
            }
        },
    );
}

/// `{ SERVER; ... }`
fn primaries(line: &mut CommandLine, config: &SecondaryConfig) {
    line.word("{");
    for primary in &config.primaries {
        signed_server(line, *primary, &config.transfer_key);
        line.word(";");
    }
    line.word("}");
}

const HEADER: &str = "\
A BIND 9.18 secondary for Zonewright. Complete: it runs as it is with `named -c FILE`.
This file holds a secret: mode 0640, owner root, group bind.

The directory must exist, and named must be able to write there. Debian's named has /var/cache/bind.

To merge it into a configuration that you have: the key as it is, and the parts marked MERGE.";

#[cfg(test)]
pub(super) mod tests {
    use dns::Name;

    use super::*;
    use wire::secret::Algorithm;

    pub(crate) fn key(name: &str) -> TsigKey {
        TsigKey::generate(Name::parse(name).unwrap(), Algorithm::Sha256).unwrap()
    }

    #[test]
    fn all_catalogs_are_followed_from_all_primaries() {
        let text = secondary(&SecondaryConfig {
            directory: ConfigText::new("/var/cache/bind").unwrap(),
            listen: vec!["[::]:53".parse().unwrap()],
            primaries: vec!["192.0.2.1:53".parse().unwrap(), "[2001:db8::1]:5300".parse().unwrap()],
            transfer_key: key("transfer"),
            max_records_per_type: Some(250),
            rate_limit: Some(RateLimit { responses_per_second: 7, exempt: Vec::new(), ..RateLimit::default() }),
            identity: Identity::default(),
        });
        for words in
            ["max-records-per-type 250;", "responses-per-second 7;", "exempt-clients { 192.0.2.1 ; 2001:db8::1 ; };"]
        {
            assert!(text.contains(words), "{words}\n{text}");
        }
        let primaries = "{ 192.0.2.1 port 53 key \"transfer.\" ; 2001:db8::1 port 5300 key \"transfer.\" ; }";
        for catalog in ["c00", "c7f", "cff"] {
            let name = format!("zone \"{catalog}.catalogs.zonewright.invalid.\"");
            for line in [format!("{name} {{"), format!("{name} default-primaries {primaries} min-update-interval 0;")] {
                assert!(text.lines().any(|found| found.trim() == line), "{line}\n{text}");
            }
        }
        assert_eq!(text.matches(&format!("\tprimaries {primaries};")).count(), 256);
        assert!(text.contains("listen-on { none; };") && text.contains("listen-on-v6 port 53 { any ; };"), "{text}");
    }
}
