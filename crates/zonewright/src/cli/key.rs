//! `zonewright key ...`

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Subcommand};
use forms::ClientFormat;
use store::{Door, KeyAlgorithm, KeyPurpose, NamePattern, Permission};

use super::{DataFlags, time_span, token_name};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create an update key; prints algorithm:key-name:secret, as nsupdate -y and dig -y take it, or with --door the address of its path
    Create(Box<NewKeyFlags>),
    /// List update keys: UUID, account, name, name in messages, purpose, zones, names, types, times, newest refusal
    List {
        /// Only the keys of this account
        #[arg(long, value_name = "EMAIL")]
        account: Option<String>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Revoke an update key; running servers refuse it within a second
    Revoke {
        /// UUID of the key, or its name in messages, from `key list`
        key: String,
        #[command(flatten)]
        data: DataFlags,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewKeyFlags {
    /// Account that owns the key
    #[arg(long, value_name = "EMAIL")]
    pub(crate) account: String,
    /// Name of the key; the history shows it as the author of changes
    #[arg(long, value_parser = token_name)]
    pub(crate) name: String,
    /// manage for changes of records, transfer for transfers of whole zones to other nameservers
    #[arg(long, default_value_t = KeyPurpose::Manage)]
    pub(crate) purpose: KeyPurpose,
    /// Zone that the key is for; repeatable [default with --acme or --host: the zone that the name is in]
    #[arg(long = "zone", value_name = "DOMAIN")]
    pub(crate) zones: Vec<String>,
    /// Name that the key may change: www, *.N (below N), **.N (N and below) or _acme-challenge.**.N; repeatable [default: all names]
    #[arg(long = "record-name", value_name = "NAME", value_parser = pattern)]
    pub(crate) names: Vec<String>,
    /// Record type that the key may change, or ANY; repeatable [default: all but NS, DS, DNSKEY, CDS, CDNSKEY and CSYNC]
    #[arg(long = "type", value_name = "TYPE", value_parser = record_type)]
    pub(crate) types: Vec<String>,
    /// Preset for certificates: TXT records at _acme-challenge, directly at this name or below it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["host", "names", "types"])]
    pub(crate) acme: Option<String>,
    /// Preset for one host: A and AAAA records of this name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["names", "types"])]
    pub(crate) host: Option<String>,
    /// hmac-sha256, hmac-sha224, hmac-sha384 or hmac-sha512; for old programs also hmac-sha1 and hmac-md5, which are weak
    #[arg(long, default_value_t = KeyAlgorithm::Sha256)]
    pub(crate) algorithm: KeyAlgorithm,
    /// Permission: dns:list, dns:create, dns:update, dns:delete or dns:*; repeatable [default: dns:*, for transfers dns:list]
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub(crate) permissions: Vec<Permission>,
    /// Network from which the key may be used, such as 192.0.2.0/24; repeatable [default: any network]
    #[arg(long = "cidr", value_name = "NETWORK", value_parser = store::parse_network)]
    pub(crate) networks: Vec<ipnet::IpNet>,
    /// How long the key is valid: a number and s, m, h, d or w, such as 90d [default: it does not expire]
    #[arg(long, value_name = "TIME", value_parser = time_span)]
    pub(crate) expires: Option<Duration>,
    /// Create a secret path for this protocol instead of a secret and a token: acme-dns or external-dns
    #[arg(long)]
    pub(crate) door: Option<Door>,
    /// Print the complete configuration of a program instead: named, knot, certbot, lego, octodns, external-dns, cert-manager, ddclient or ansible; or token for the token alone
    #[arg(long, conflicts_with = "door")]
    pub(crate) format: Option<ClientFormat>,
    /// Address and port for updates and transfers, as the program reaches it [default: the server's]
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) data: DataFlags,
}

fn pattern(text: &str) -> Result<String, String> {
    NamePattern::parse(text, &[]).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn record_type(text: &str) -> Result<String, String> {
    if !text.eq_ignore_ascii_case("ANY") {
        dns::RecordType::parse(text).map_err(|error| error.to_string())?;
    }
    Ok(text.to_owned())
}
