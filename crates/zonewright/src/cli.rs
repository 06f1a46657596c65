//! The command line. Its names are stable: scripts rely on them.

mod key;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use dns::{Name, ZoneId, ZoneName};
use ipnet::IpNet;
use store::{Permission, Role};
use uuid::Uuid;

use crate::duration;

pub(crate) use key::{KeyCommand, NewKeyFlags};

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
    /// Create, list and suspend accounts, and print sign-in links
    #[command(subcommand)]
    Account(AccountCommand),
    /// Create, list and revoke API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Create, list and revoke update keys: for dynamic updates, transfers and the protocols of other programs
    #[command(subcommand)]
    Key(KeyCommand),
    /// Manage the zones of all accounts
    #[command(subcommand)]
    Zone(ZoneCommand),
    /// Show what each nameserver serves, and redeploy zones
    #[command(subcommand)]
    Deploy(DeployCommand),
    /// Print configurations for BIND 9
    #[command(subcommand)]
    Bind9(Bind9Command),
    /// Write a consistent copy of the database; works while the server runs
    Backup {
        /// File to write; must not exist yet
        file: PathBuf,
        /// Also copy the key file that encrypts secrets in the database, to FILE.key
        #[arg(long)]
        with_keys: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Manage the key file that encrypts secrets in the database
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Check configuration, database, nameserver, clock and permissions, and suggest a fix for each problem
    Doctor(ServeFlags),
}

/// What every command that uses the data takes.
#[derive(Debug, Clone, Default, Args)]
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
    /// Address and port of the API and the dashboard [default: 127.0.0.1:8053]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<String>,
    /// Address and port of plain HTTP for dynamic DNS, for update keys of single hosts only [default: none]
    #[arg(long, value_name = "ADDR")]
    pub(crate) dyndns: Option<String>,
    /// Certificate chain (PEM) for HTTPS
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<String>,
    /// Private key (PEM) for HTTPS
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<String>,
    /// Public URL of the server: scheme and host, without a path [default: that of --http]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Contact for vulnerability reports, published in /.well-known/security.txt: an e-mail address or URI [default: no such file]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) security_contact: Option<String>,
    /// Reverse proxy whose X-Forwarded-* headers are trusted: an address or a network; repeatable
    #[arg(long, value_name = "ADDR")]
    pub(crate) trusted_proxy: Vec<String>,
    /// Origin whose web pages may use the API from a browser (CORS), or * for all; repeatable
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) cors_origins: Vec<String>,
    /// Address and port of the Prometheus metrics, or none [default: 127.0.0.1:8054]
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<String>,
    /// Who may create an account on the dashboard: open, invitation or closed [default: closed]
    #[arg(long, value_name = "WHO")]
    pub(crate) registration: Option<String>,
    /// Nameserver that zones are deployed to: embedded, bind9, bind9-managed or none [default: embedded]
    #[arg(long, value_name = "KIND")]
    pub(crate) nameserver: Option<String>,
    /// Address and port of the nameserver, UDP and TCP [default: 127.0.0.1:5300]
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Option<String>,
    /// Address and port for dynamic updates and transfers with update keys, UDP and TCP, or none
    /// [default: the address of the embedded nameserver; none with BIND]
    #[arg(long, value_name = "ADDR")]
    pub(crate) updates: Option<String>,
    /// DNS address of a secondary; repeatable
    #[arg(long, value_name = "ADDR")]
    pub(crate) secondary: Vec<String>,
    /// Resolver for queries to the public DNS: an address; repeatable [default: the machine's resolvers]
    #[arg(long, value_name = "ADDR")]
    pub(crate) resolvers: Vec<String>,
    /// Nameserver (NS record) of every zone; with addresses, the server also manages its A and AAAA records; repeatable
    /// [default: ns1.zonewright.test, ns2.zonewright.test]
    #[arg(long, value_name = "NAME[=ADDR,...]")]
    pub(crate) ns: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Create an account
    Create {
        /// E-mail address of the account
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
        /// Give it the role operator, which can see and suspend all accounts
        #[arg(long)]
        operator: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// List accounts: e-mail address, role, state, creation time, limits
    List {
        #[command(flatten)]
        data: DataFlags,
    },
    /// Print a one-time sign-in link with which the owner chooses a new password; valid for a day
    Link {
        /// The account's address
        email: String,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Suspend an account: refuse its sign-ins, sessions and tokens; its zones are still served
    Suspend {
        /// The account's address
        email: String,
        /// Also remove its zones from all nameservers
        #[arg(long)]
        stop_serving: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Close an account: refuse its sign-ins and tokens, remove its zones from all nameservers, and delete everything after 30 days
    Close {
        /// The account's address
        email: String,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Reactivate an account that is suspended, or closed but not yet deleted; its zones are served again
    Resume {
        /// The account's address
        email: String,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Set the limits of an account; without a flag, only show them
    Limits {
        /// The account's address
        email: String,
        /// Maximum number of zones: a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        zones: Option<Limit>,
        /// Maximum number of records in all its zones: a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        records: Option<Limit>,
        /// Maximum number of tokens: a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        tokens: Option<Limit>,
        /// Maximum number of records created, changed or deleted in a day (UTC): a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        changes_per_day: Option<Limit>,
        /// Maximum number of records stored in all kept versions of its zones, deleted zones included: a number or none
        #[arg(long, value_name = "N", value_parser = limit)]
        stored_records: Option<Limit>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Turn off two-factor authentication, for an owner who has lost phone and recovery codes; the owner gets an e-mail if mail is configured
    SecondFactor {
        /// The account's address
        email: String,
        /// Turn it off: from then on the password alone is enough to sign in
        #[arg(long, required = true)]
        off: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Change the role of an account
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
    /// Create a token; prints the token, and nothing else, on standard output
    Create {
        /// Account that owns the token
        #[arg(long, value_name = "EMAIL")]
        account: String,
        /// Name of the token
        #[arg(long, value_parser = token_name)]
        name: String,
        /// Permission: dns:list, dns:create, dns:update, dns:delete or dns:*; repeatable
        #[arg(long = "permission", value_name = "PERMISSION", required = true)]
        permissions: Vec<Permission>,
        /// How long the token is valid: a number and s, m, h, d or w, such as 90d [default: it does not expire]
        #[arg(long, value_name = "TIME", value_parser = time_span)]
        expires: Option<Duration>,
        /// Zone that the token may read and change; repeatable [default: all zones, including future ones]
        #[arg(long = "zone", value_name = "DOMAIN", value_parser = zone_name)]
        zones: Vec<ZoneName>,
        /// Network from which the token may be used, such as 192.0.2.0/24; repeatable [default: any network]
        #[arg(long = "cidr", value_name = "NETWORK", value_parser = store::parse_network)]
        networks: Vec<IpNet>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// List tokens: number, account, name, last characters, permissions, times
    List {
        /// Only the tokens of this account
        #[arg(long, value_name = "EMAIL")]
        account: Option<String>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Revoke a token; a running server refuses it within a second
    Revoke {
        /// Number of the token, from `token list`
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
    /// Discard the secrets in the database, when every copy of their key is lost. Accounts with two-factor authentication can then
    /// sign in with recovery codes only
    Reset {
        #[command(flatten)]
        data: DataFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ZoneCommand {
    /// List all zones with their accounts
    List {
        /// List deleted zones that can be restored: UUID, name, account, time of deletion
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
        /// Account that gets the zone
        #[arg(long, value_name = "EMAIL")]
        account: String,
        /// Allow a name that users cannot create: a public suffix such as github.io, or a name for local networks such as lan
        #[arg(long)]
        reserved: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Move a zone to another account; also settles a claim where both accounts proved control of the name
    Move {
        /// The zone's name
        #[arg(value_parser = zone_name)]
        domain: ZoneName,
        /// Account that gets the zone
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
    /// Create zones from BIND zone files; after an interruption, run it again to continue
    Import(ImportFlags),
    /// Delete a zone and its records; `zone undelete` restores it
    Delete {
        /// The zone's name
        #[arg(value_parser = zone_name)]
        domain: ZoneName,
        #[command(flatten)]
        data: DataFlags,
    },
    /// List zones that will be displaced because another account proved control of the name
    Claims {
        #[command(flatten)]
        data: DataFlags,
    },
    /// End the hold on the name of a deleted zone, so that any account can create it
    Release {
        /// The zone's name
        #[arg(value_parser = zone_name)]
        domain: ZoneName,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Restore a deleted zone with its records and history
    Undelete {
        /// UUID of the zone, from `zone list --deleted`
        #[arg(value_name = "UUID", value_parser = zone_id)]
        id: ZoneId,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Delete a deleted zone and its history permanently
    Purge {
        /// UUID of the zone, from `zone list --deleted`
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
        text => text.parse().map(|number| Limit(Some(number))).map_err(|_| "use a whole number, or none"),
    }
}

fn role(text: &str) -> Result<Role, &'static str> {
    match text {
        "user" => Ok(Role::User),
        "operator" => Ok(Role::Operator),
        _ => Err("use user or operator"),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ImportFlags {
    /// Zone files, or folders of them; the zone's name comes from the SOA record, $ORIGIN or the file name
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub(crate) paths: Vec<PathBuf>,
    /// Account that gets the zones
    #[arg(long, value_name = "EMAIL")]
    pub(crate) account: String,
    /// Name of the zone, for a single file
    #[arg(long, value_parser = new_zone_name)]
    pub(crate) domain: Option<ZoneName>,
    /// Replace the records of existing zones with those of the file
    #[arg(long)]
    pub(crate) replace: bool,
    /// Only show what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep DNSKEY, CDS and CDNSKEY records, for zones that several parties sign
    #[arg(long)]
    pub(crate) keep_keys: bool,
    /// Keep NS records at the zone apex that name nameservers of other providers, for zones that two providers serve
    #[arg(long)]
    pub(crate) keep_apex_ns: bool,
    /// Keep TTL 1, which means "automatic" in a Cloudflare export [default: replace it with 300]
    #[arg(long)]
    pub(crate) keep_ttl: bool,
    /// Skip records of unsupported types [default: refuse the file]
    #[arg(long)]
    pub(crate) leave_out_unknown: bool,
    /// Nameserver (NS record) of every zone; repeatable [default: the running server's nameservers]
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
    ZoneName::parse_for_operator(text).map_err(|fault| fault.to_string())
}

fn token_name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("the name must not be empty".to_owned());
    }
    visible_text(text)
}

/// A text that others read.
fn visible_text(text: &str) -> Result<String, String> {
    store::check_text(text).map(|()| text.to_owned()).map_err(|problem| problem.to_string())
}

fn time_span(text: &str) -> Result<Duration, &'static str> {
    duration::parse(text).ok_or("use a whole number and s, m, h, d or w, such as 90d")
}

fn zone_id(text: &str) -> Result<ZoneId, &'static str> {
    Uuid::try_parse(text).map(ZoneId).map_err(|_| "use a UUID from `zonewright zone list --deleted`")
}

/// The name of a zone that may be there already: what was allowed once can be moved and deleted for ever.
fn zone_name(text: &str) -> Result<ZoneName, String> {
    Name::parse(text).map(ZoneName::from_stored).map_err(|error| error.to_string())
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeployCommand {
    /// Query the version that each nameserver serves; lists the zones that are not in sync, or everything about one zone
    Status {
        /// Only this zone
        #[arg(value_parser = zone_name)]
        domain: Option<ZoneName>,
        #[command(flatten)]
        serve: ServeFlags,
    },
    /// Rewrite zones on every nameserver through the running server, and wait for deployment
    Resync {
        /// Only this zone [default: all zones, in batches]
        #[arg(value_parser = zone_name)]
        domain: Option<ZoneName>,
        #[command(flatten)]
        serve: ServeFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bind9Command {
    /// Print a complete named.conf, keys included, that runs without edits: named -c FILE
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

#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigFlags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    /// Address and port of this named [default: --dns for a primary, the first --secondary for a secondary]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Working directory of this named; created if missing [default: in the data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// DNS address of the primary [default: the running server's, or 127.0.0.1:5300]
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Option<String>,
    /// DNS address of a secondary; repeatable [default: the running server's secondaries]
    #[arg(long, value_name = "ADDR")]
    pub(crate) secondary: Vec<String>,
}
