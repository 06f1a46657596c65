//! The command line. Its names are promises: scripts rely on them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use dns::{Name, ZoneId, ZoneName};
use ipnet::IpNet;
use store::{Permission, Role};
use uuid::Uuid;

use crate::duration;

/// Self-hosted managed DNS.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: API, dashboard and deployment to the nameserver
    Serve(ServeFlags),
    /// Make, list and suspend accounts, and make links into them
    #[command(subcommand)]
    Account(AccountCommand),
    /// Make, list and revoke API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// The operator's overrides over zones
    #[command(subcommand)]
    Zone(ZoneCommand),
    /// Who serves what
    #[command(subcommand)]
    Deploy(DeployCommand),
    /// Print configurations for BIND 9
    #[command(subcommand)]
    Bind9(Bind9Command),
    /// Write a consistent copy of the database, also while the server runs
    Backup {
        /// The copy; must not exist yet
        file: PathBuf,
        /// Also copy the key file of the secrets in the database, to FILE.key
        #[arg(long)]
        with_keys: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// The key file that secrets in the database are encrypted with
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Check configuration, database, nameserver, clock and permissions, and say how to mend what is wrong
    Doctor(ServeFlags),
}

/// What every command that uses the data takes.
#[derive(Debug, Default, Args)]
pub(crate) struct DataFlags {
    /// Configuration file (TOML) [default: zonewright.toml if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory [default: ./zonewright-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// Database [default: SQLite in the data directory]
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct ServeFlags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    /// Where the API and the dashboard answer [default: 127.0.0.1:8053]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<String>,
    /// Certificate chain (PEM) for HTTPS
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<String>,
    /// Private key (PEM) for HTTPS
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<String>,
    /// The address at which people reach the server, with its scheme and without a path [default: that of --http]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Whom to tell about a vulnerability: an e-mail address or URI for /.well-known/security.txt [default: no such file]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) security_contact: Option<String>,
    /// A proxy before the server that is believed whom it speaks for: an address or a network; repeatable
    #[arg(long, value_name = "ADDR")]
    pub(crate) trusted_proxy: Vec<String>,
    /// An origin whose web pages may use the API from a browser (CORS), or * for all; repeatable
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) cors_origins: Vec<String>,
    /// Where Prometheus metrics are served, or none [default: 127.0.0.1:8054]
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,
    /// Who may make an account: open, invitation or closed [default: closed]
    #[arg(long, value_name = "WHO")]
    pub(crate) registration: Option<String>,
    /// embedded, bind9, bind9-managed or none [default: embedded]
    #[arg(long, value_name = "KIND")]
    pub(crate) nameserver: Option<String>,
    /// Where the embedded or the managed nameserver answers, UDP and TCP [default: 127.0.0.1:5300]
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Option<String>,
    /// A secondary's DNS address; repeatable
    #[arg(long, value_name = "ADDR")]
    pub(crate) secondary: Vec<String>,
    /// A resolver through which the public DNS is asked: an address; repeatable [default: those of the machine]
    #[arg(long, value_name = "ADDR")]
    pub(crate) resolvers: Vec<String>,
    /// A nameserver of every zone; with addresses, the server looks after its A and AAAA records; repeatable
    /// [default: ns1.zonewright.test, ns2.zonewright.test]
    #[arg(long, value_name = "NAME[=ADDR,...]")]
    pub(crate) ns: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account
    Create {
        /// The address it is known by
        email: String,
        /// First name
        #[arg(long, default_value = "", value_parser = visible_text)]
        first_name: String,
        /// Last name
        #[arg(long, default_value = "", value_parser = visible_text)]
        last_name: String,
        /// Company
        #[arg(long, default_value = "", value_parser = visible_text)]
        company: String,
        /// Read a password from the first line of standard input [default: print a one-time sign-in link]
        #[arg(long)]
        password_stdin: bool,
        /// Let it see and suspend the accounts of others
        #[arg(long)]
        operator: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// List accounts: address, role, state, since when, limits
    List {
        #[command(flatten)]
        data: DataFlags,
    },
    /// Print a one-time link that signs its owner in, to choose a new password; good for a day
    Link {
        /// The account's address
        email: String,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Refuse its sign-ins, sessions and tokens; its zones are still served
    Suspend {
        /// The account's address
        email: String,
        /// Take its zones off all nameservers too
        #[arg(long)]
        stop_serving: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Close an account: refuse its sign-ins and tokens, take its zones off all nameservers, and delete everything after 30 days
    Close {
        /// The account's address
        email: String,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Let a suspended account in again, or one that is closed but not yet deleted; its zones are served again
    Resume {
        /// The account's address
        email: String,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Set what an account may have; without a flag, only show it
    Limits {
        /// The account's address
        email: String,
        /// How many zones: a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        zones: Option<Limit>,
        /// How many records in all its zones: a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        records: Option<Limit>,
        /// How many tokens: a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        tokens: Option<Limit>,
        /// How many records it may create, change or delete in a day (UTC): a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        changes_per_day: Option<Limit>,
        /// How many stored records in all kept versions of its zones, deleted zones included: a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        stored_records: Option<Limit>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Turn off one-time codes, for an owner who has lost phone and recovery codes; the owner is told by mail where it is configured
    SecondFactor {
        /// The account's address
        email: String,
        /// Turn them off: from then on the password alone is enough to sign in
        #[arg(long, required = true)]
        off: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Make an account an operator's, or a user's again
    Role {
        /// The account's address
        email: String,
        /// user or operator
        #[arg(value_parser = role)]
        role: Role,
        #[command(flatten)]
        data: DataFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, and nothing else, on standard output
    Create {
        /// Whose token it is
        #[arg(long, value_name = "EMAIL")]
        account: String,
        /// What to call it
        #[arg(long, value_parser = token_name)]
        name: String,
        /// dns:list, dns:create, dns:update, dns:delete or dns:*; repeatable
        #[arg(long = "permission", value_name = "PERMISSION", required = true)]
        permissions: Vec<Permission>,
        /// For how long it is good: a number and s, m, h, d or w, such as 90d [default: for ever]
        #[arg(long, value_name = "TIME", value_parser = time_span)]
        expires: Option<Duration>,
        /// A zone that it may touch; repeatable [default: all, also those to come]
        #[arg(long = "zone", value_name = "DOMAIN", value_parser = zone_name)]
        zones: Vec<ZoneName>,
        /// A network that it may be used from, such as 192.0.2.0/24; repeatable [default: anywhere]
        #[arg(long = "cidr", value_name = "NETWORK", value_parser = network)]
        networks: Vec<IpNet>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// List tokens: number, account, name, last characters, permissions, times
    List {
        /// Only this account's
        #[arg(long, value_name = "EMAIL")]
        account: Option<String>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Revoke a token; a running server refuses it within a second
    Revoke {
        /// Its number, as `token list` shows it
        id: i64,
        #[command(flatten)]
        data: DataFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Compare a copy of the key file with the key in use; doctor warns until this has succeeded once
    Confirm {
        /// The copy; - for standard input
        copy: PathBuf,
        #[command(flatten)]
        data: DataFlags,
    },
    /// When every copy of the key is lost: give up the secrets encrypted with it. Accounts with a second factor then sign in with
    /// recovery codes only
    Reset {
        #[command(flatten)]
        data: DataFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ZoneCommand {
    /// List all zones with their accounts
    List {
        /// The deleted zones that can be brought back: UUID, name, account, when they were deleted
        #[arg(long)]
        deleted: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Create an empty zone for an account, also below or above another account's zone
    Create {
        /// The zone's name
        #[arg(value_parser = new_zone_name)]
        domain: ZoneName,
        /// The account that gets it
        #[arg(long, value_name = "EMAIL")]
        account: String,
        /// Also a name that its owner cannot create: a public suffix such as github.io, or a name for local networks such as lan
        #[arg(long)]
        reserved: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Give a zone to another account; decides, where both proved that they control the name
    Move {
        /// The zone's name
        #[arg(value_parser = zone_name)]
        domain: ZoneName,
        /// The account that gets it
        #[arg(long, value_name = "EMAIL")]
        to: String,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Print a zone as a BIND zone file
    Export {
        /// The zone's name
        #[arg(value_parser = zone_name)]
        domain: ZoneName,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Make zones from BIND zone files; run it again to go on where it was interrupted
    Import(ImportFlags),
    /// Delete a zone with its records; `zone undelete` brings it back
    Delete {
        /// The zone's name
        #[arg(value_parser = zone_name)]
        domain: ZoneName,
        #[command(flatten)]
        data: DataFlags,
    },
    /// List the zones that are to be displaced, because other accounts proved that they control the names
    Claims {
        #[command(flatten)]
        data: DataFlags,
    },
    /// Let every account take the name of a deleted zone, which is on hold for the last owner
    Release {
        /// The zone's name
        #[arg(value_parser = zone_name)]
        domain: ZoneName,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Bring a deleted zone back, with its records and its history
    Undelete {
        /// Its UUID, as `zone list --deleted` shows it
        #[arg(value_name = "UUID", value_parser = zone_id)]
        id: ZoneId,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Forget a deleted zone with its history, for good
    Purge {
        /// Its UUID, as `zone list --deleted` shows it
        #[arg(value_name = "UUID", value_parser = zone_id)]
        id: ZoneId,
        #[command(flatten)]
        data: DataFlags,
    },
}

/// A limit; without a number there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) Option<u32>);

fn limit(text: &str) -> Result<Limit, &'static str> {
    match text {
        "none" => Ok(Limit(None)),
        text => text.parse().map(|number| Limit(Some(number))).map_err(|_| "give a whole number, or none"),
    }
}

fn role(text: &str) -> Result<Role, &'static str> {
    match text {
        "user" => Ok(Role::User),
        "operator" => Ok(Role::Operator),
        _ => Err("use user or operator"),
    }
}

/// A network, or a single address as a network of one.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| "give a network such as 192.0.2.0/24 or 2001:db8::/32".to_owned())?;
    if network.addr() == network.network() {
        Ok(network)
    } else {
        Err(format!("it has bits beyond its length: {} is the network", network.trunc()))
    }
}

#[derive(Debug, Args)]
pub(crate) struct ImportFlags {
    /// Zone files, or folders of them; which zone a file is for is taken from its SOA record or $ORIGIN, or from its name
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub(crate) paths: Vec<PathBuf>,
    /// The account that gets the zones
    #[arg(long, value_name = "EMAIL")]
    pub(crate) account: String,
    /// The zone that the file is for
    #[arg(long, value_parser = new_zone_name)]
    pub(crate) domain: Option<ZoneName>,
    /// Also change zones that are there with other records: afterwards they have exactly the file's
    #[arg(long)]
    pub(crate) replace: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep DNSKEY, CDS and CDNSKEY records: for zones that several parties sign
    #[arg(long)]
    pub(crate) keep_keys: bool,
    /// Keep the NS records at the top of a file that name other nameservers than this server's: for zones that two providers serve
    #[arg(long)]
    pub(crate) keep_apex_ns: bool,
    /// Keep the TTL 1 of a Cloudflare export, which there means "automatic" [default: it becomes 300]
    #[arg(long)]
    pub(crate) keep_ttl: bool,
    /// Leave out records of types that this server does not support [default: refuse the file]
    #[arg(long)]
    pub(crate) leave_out_unknown: bool,
    /// This server's nameservers; repeatable [default: those of the running server]
    #[arg(long, value_name = "NAME[=ADDR,...]")]
    pub(crate) ns: Vec<String>,
    #[command(flatten)]
    pub(crate) data: DataFlags,
}

impl ImportFlags {
    /// The flags of `serve` among them.
    pub(crate) fn serve_flags(&self) -> ServeFlags {
        let DataFlags { config, data, database } = &self.data;
        let data = DataFlags { config: config.clone(), data: data.clone(), database: database.clone() };
        ServeFlags { data, ns: self.ns.clone(), ..ServeFlags::default() }
    }
}

/// The name of a zone that is to be made.
fn new_zone_name(text: &str) -> Result<ZoneName, String> {
    ZoneName::parse_for_operator(text).map_err(|fault| fault.detail.into_owned())
}

fn token_name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("give the token a name by which its owner knows it".to_owned());
    }
    visible_text(text)
}

/// A text that others read.
fn visible_text(text: &str) -> Result<String, String> {
    store::check_text(text).map(|()| text.to_owned()).map_err(|problem| problem.to_string())
}

fn time_span(text: &str) -> Result<Duration, &'static str> {
    duration::parse(text).ok_or("give a whole number and s, m, h, d or w, such as 90d")
}

fn zone_id(text: &str) -> Result<ZoneId, &'static str> {
    Uuid::try_parse(text).map(ZoneId).map_err(|_| "give a UUID, as `zonewright zone list --deleted` shows it")
}

/// The name of a zone that may be there already: what was allowed once can be moved and deleted for ever.
fn zone_name(text: &str) -> Result<ZoneName, String> {
    Name::parse(text).map(ZoneName::from_stored).map_err(|error| error.to_string())
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeployCommand {
    /// Ask every nameserver which version it serves; shows the zones that are behind, or all of one zone
    Status {
        /// Only this zone
        #[arg(value_parser = zone_name)]
        domain: Option<ZoneName>,
        #[command(flatten)]
        serve: ServeFlags,
    },
    /// Have the running server write zones anew on every nameserver, and wait until they are served
    Resync {
        /// Only this zone [default: all, some at a time]
        #[arg(value_parser = zone_name)]
        domain: Option<ZoneName>,
        #[command(flatten)]
        serve: ServeFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bind9Command {
    /// Print a complete named.conf, keys included, that runs as it is: named -c FILE
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// For the primary that `serve --nameserver bind9` deploys to
    Primary(ConfigFlags),
    /// For a secondary that follows the primary's catalogs
    Secondary(ConfigFlags),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFlags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    /// Where this named answers [default: for a primary --dns, for a secondary the first --secondary]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// This named's working directory; made if it is missing [default: in the data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// The primary's DNS address [default: that of the running server, or 127.0.0.1:5300]
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Option<String>,
    /// A secondary's DNS address; repeatable [default: those of the running server]
    #[arg(long, value_name = "ADDR")]
    pub(crate) secondary: Vec<String>,
}

impl ConfigFlags {
    /// The configuration of the server that the nameserver is for.
    pub(crate) fn load(&self) -> Result<crate::config::Config, crate::config::ConfigError> {
        let DataFlags { config, data, database } = &self.data;
        let data = DataFlags { config: config.clone(), data: data.clone(), database: database.clone() };
        let (dns, secondary) = (self.dns.clone(), self.secondary.clone());
        crate::config::Config::load_beside(&ServeFlags { data, dns, secondary, ..ServeFlags::default() })
    }
}
