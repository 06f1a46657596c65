//! The primary: gets zones over its control channel and changes as dynamic updates, and transfers them to the secondaries.

use std::net::SocketAddr;

use wire::tsig::TsigKey;

use super::guard::{Identity, RateLimit};
use super::writer::Writer;
use crate::bind9::key::label;
use crate::config_text::ConfigText;

/// What a primary's configuration depends on.
#[derive(Debug, Clone)]
pub struct PrimaryConfig {
    /// named's working directory, absolute; it has the list of added zones. named does not create it.
    pub directory: ConfigText,
    /// Where queries, updates and transfers are answered, UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// Where the control channel is. It belongs on the loopback address: its messages are signed and not encrypted.
    pub control: SocketAddr,
    /// The key of the control channel. All keys have different names.
    pub control_key: TsigKey,
    /// The key of this server's dynamic updates and of its own transfers.
    pub update_key: TsigKey,
    /// The key of the secondaries' transfers, and of the NOTIFYs to them.
    pub transfer_key: TsigKey,
    /// The secondaries' DNS addresses, from which questions to them are not sent where they are on this host.
    pub secondaries: Vec<SocketAddr>,
    /// Whether named is this server's child: then it logs to its standard error, and has its process number in `named.pid`.
    pub is_managed: bool,
    /// How many responses a network gets; `None` for all.
    pub rate_limit: Option<RateLimit>,
    /// What it says of itself.
    pub identity: Identity,
}

/// The complete configuration.
pub fn primary(config: &PrimaryConfig) -> String {
    let mut writer = Writer::default();
    writer.comment(if config.is_managed { MANAGED } else { EXTERNAL }).gap();
    for key in [&config.control_key, &config.update_key, &config.transfer_key] {
        writer.key(key);
    }
    writer.gap().comment("MERGE: beside `inet` lines that you have.").block(
        |line| {
            line.word("controls");
        },
        |controls| {
            controls.statement(|line| {
                let ip = config.control.ip();
                line.word("inet").address(ip).word("port").number(config.control.port().into());
                line.word("allow {").address(ip).word("; } keys {").text(&label(&config.control_key)).word("; }");
            });
        },
    );
    writer.gap().comment("MERGE: each line into your `options`.").block(
        |line| {
            line.word("options");
        },
        |options| render_options(options, config),
    );
    if config.is_managed {
        writer.gap();
        logging(&mut writer);
    }
    writer.finish()
}

fn render_options(options: &mut Writer, config: &PrimaryConfig) {
    let (update, transfer) = (config.update_key.name(), config.transfer_key.name());
    options.statement(|line| {
        line.word("directory").text(&config.directory);
    });
    options.fixed("pid-file \"named.pid\"").fixed("session-keyfile none");
    options.fixed(if config.is_managed { "lock-file \"named.lock\"" } else { "lock-file none" });
    options.listen(&config.listen).avoid(&[&*config.listen, &*config.secondaries].concat());

    options.gap().authority();

    options.gap().comment("Zones come over the control channel; room for millions of them.");
    options.fixed("allow-new-zones yes").fixed("lmdb-mapsize 2G");
    options.because(
        "Rules are checked before a zone comes here, and owners may have underscores.",
        "check-names primary ignore",
    );
    options.fixed("check-integrity no");

    options.gap().comment("Who may fetch zones: the secondaries and, to compare, this server.").statement(|line| {
        line.word("allow-transfer { key").name(transfer).word("; key").name(update).word("; }");
    });
    options.because("Updates need a key that each zone names.", "allow-update { none; }");
    options.fixed("allow-update-forwarding { none; }").fixed("allow-notify { none; }");

    options.gap().because(
        "Zonewright itself tells the secondaries of every version. named sends NOTIFYs by a clock that costs it much.",
        "notify no",
    );
    options.because(
        "Connections that wait to be taken: secondaries that start fetch all zones at once.",
        "tcp-listen-queue 1000",
    );
    options.fixed("transfers-out 1000");

    options.identity(&config.identity);
    if let Some(limit) = &config.rate_limit {
        // This server asks from the address that it asks at.
        options.rate_limit(limit, &[&*config.listen, &*config.secondaries].concat());
    }
}

/// named's log on its standard error, in a form that [`super::super::managed`] reads.
fn logging(writer: &mut Writer) {
    writer.block(
        |line| {
            line.word("logging");
        },
        |logging| {
            logging.block(
                |line| {
                    line.word("channel parent");
                },
                |channel| {
                    channel.fixed("stderr").fixed("severity info").fixed("print-time no");
                    channel.fixed("print-severity yes").fixed("print-category yes");
                },
            );
            logging.fixed("category default { parent; }").fixed("category unmatched { null; }");
            logging.because(
                "One line for every transfer and NOTIFY is too much on a busy server.",
                "category notify { null; }",
            );
            logging.fixed("category xfer-out { null; }").fixed("category update { null; }");
            logging.fixed("category update-security { parent; }").fixed("category lame-servers { null; }");
        },
    );
}

const MANAGED: &str = "Written at every start by the server that runs this named: changes made here are lost.";

const EXTERNAL: &str = "\
A BIND 9.18 primary for Zonewright. Complete: it runs as it is with `named -c FILE`.
This file holds secrets: mode 0640, owner root, group bind.

The directory must exist, and named and Zonewright both write below it. On Debian:
    install -d -o zonewright -g bind -m 2770 /var/lib/bind/zonewright /var/lib/bind/zonewright/zones
AppArmor confines Debian's named to /etc/bind, /var/lib/bind and /var/cache/bind.

To merge it into a configuration that you have: the three keys as they are, and the parts marked MERGE.";

#[cfg(test)]
mod tests {
    use super::super::secondary::tests::key;
    use super::*;

    fn config() -> PrimaryConfig {
        PrimaryConfig {
            directory: ConfigText::new("/srv/with space; }/dns").unwrap(),
            listen: vec!["0.0.0.0:53".parse().unwrap(), "[2001:db8::1]:5353".parse().unwrap()],
            control: "127.0.0.1:9953".parse().unwrap(),
            control_key: key("control"),
            update_key: key("update"),
            transfer_key: key("transfer"),
            secondaries: vec!["192.0.2.53:53".parse().unwrap(), "[2001:db8::53]:5300".parse().unwrap()],
            is_managed: false,
            rate_limit: Some(RateLimit::default()),
            identity: Identity {
                cookie_secrets: vec![[0xab; 16], [1; 16]],
                require_server_cookie: true,
                nsid: Some(ConfigText::new("ams 1").unwrap()),
            },
        }
    }

    #[test]
    fn values_stand_where_they_belong() {
        let config = config();
        let text = primary(&config);
        for line in [
            "directory \"/srv/with space; }/dns\";",
            "listen-on port 53 { any ; };",
            "listen-on-v6 port 5353 { 2001:db8::1 ; };",
            "inet 127.0.0.1 port 9953 allow { 127.0.0.1 ; } keys { \"control\" ; };",
            "cookie-secret \"abababababababababababababababab\";",
            "require-server-cookie yes;",
            "server-id \"ams 1\";",
            "responses-per-second 20;",
            "ipv6-prefix-length 56;",
            "exempt-clients { 127.0.0.0/8 ; ::1/128 ; 192.0.2.53 ; 2001:db8::1 ; 2001:db8::53 ; };",
            "allow-transfer { key \"transfer.\" ; key \"update.\" ; };",
        ] {
            assert!(text.lines().any(|found| found.trim() == line), "{line}\n{text}");
        }
        assert_eq!(text, primary(&config));
    }

    #[test]
    fn nothing_is_sent_from_a_port_that_somebody_answers_at() {
        let listen = vec!["127.0.0.1:40000".parse().unwrap()];
        let secondaries = ["127.0.0.1:40001", "[::1]:40002", "192.0.2.1:53"].map(|text| text.parse().unwrap()).to_vec();
        let text = primary(&PrimaryConfig { listen, secondaries, ..config() });
        assert!(text.contains("avoid-v4-udp-ports { 40000 ; 40001 ; };"), "{text}");
        assert!(text.contains("avoid-v6-udp-ports { 40002 ; };"), "{text}");
    }

    #[test]
    fn a_family_that_is_not_listened_on_is_switched_off() {
        let listen = vec!["127.0.0.1:53".parse().unwrap()];
        let text = primary(&PrimaryConfig { listen, secondaries: Vec::new(), is_managed: true, ..config() });
        assert!(text.contains("listen-on-v6 { none; };") && !text.contains("avoid-"), "{text}");
        assert!(text.contains("channel parent"), "{text}");
    }
}
