//! The configuration: reading and checking of all settings.
//!
//! Values are converted to types here, before anything is created on disk, so that every error names the key, the place where it
//! was set, and what would be valid.

mod addresses;
mod error;
mod guard;
mod keys;
mod layers;
mod mail;
mod running;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use dashboard::Registration;
use dns::apex::Apex;
use dns::change::Limits;
use dns::{Name, Ttl};
use nameserver::RateLimit;
use store::{AccountLimits, Address, Database, Policy, Retention};

use crate::cli::{ConfigFlags, DataFlags, ServeFlags};
use crate::disk::Low;
use crate::failure::chain;
use crate::{duration, security_txt};

use self::addresses::{
    address, apex, cors_origins, origin_of, own_nameservers, proxies, resolvers, secondaries, system_resolvers,
};
pub(crate) use self::error::{ConfigError, SetBy};
use self::guard::Edns;
pub(crate) use self::guard::secret as cookie_secret_of;
use self::layers::{Layers, Value};
pub(crate) use self::mail::{Mail, Password};
pub(crate) use self::running::Announcement;

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    /// The file in the data directory, or the server that several nodes share.
    pub(crate) database: Database,
    pub(crate) http: SocketAddr,
    pub(crate) tls: Option<Tls>,
    /// Where dynamic DNS clients are answered without TLS, where they are.
    pub(crate) dyndns: Option<SocketAddr>,
    /// As [`doors::Settings::dyndns_query_credentials`].
    pub(crate) dyndns_query_credentials: bool,
    /// The zone with the challenges of acme-dns, where there is one.
    pub(crate) acme_dns_zone: Option<Name>,
    /// Where metrics are served, where they are.
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) nameserver: NameserverSetting,
    pub(crate) dns: SocketAddr,
    /// Where dynamic updates and transfers with update keys are taken.
    pub(crate) updates: UpdatesSetting,
    /// The secondaries' DNS addresses.
    pub(crate) secondaries: Vec<SocketAddr>,
    pub(crate) bind9: Bind9,
    /// Whether programs on this machine may transfer zones from the embedded nameserver.
    pub(crate) loopback_transfers: bool,
    /// How many responses a network gets; `None` for all.
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) edns: Edns,
    pub(crate) apex: Apex,
    pub(crate) limits: Limits,
    /// What applies to all accounts.
    pub(crate) policy: Policy,
    /// The resolvers for claims; `None`: those of the machine.
    pub(crate) resolvers: Option<Vec<SocketAddr>>,
    pub(crate) retention: Retention,
    /// Below what the operator is warned of a disk that fills.
    pub(crate) disk: Low,
    pub(crate) api: api::Settings,
    pub(crate) http_server: http_server::Settings,
    pub(crate) dashboard: dashboard::Settings,
    /// How letters leave, where they may.
    pub(crate) mail: Option<Mail>,
    key_file: Option<PathBuf>,
    /// The contact for vulnerabilities of this server: a URI.
    pub(crate) security_contact: Option<String>,
    layers: Layers,
    server: Option<Server>,
}

/// A server whose settings count where nothing else is set.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// The file with its settings.
    pub(crate) file: PathBuf,
    /// Whether it still runs; otherwise it is the last one that did.
    pub(crate) is_running: bool,
}

/// The files for HTTPS, both in PEM.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// Where zones are deployed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameserverSetting {
    Embedded,
    /// The operator's own BIND.
    Bind9,
    /// A BIND that the server runs.
    Bind9Managed,
    None,
}

/// Where dynamic updates and transfers with update keys are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdatesSetting {
    /// At the address of the embedded nameserver.
    Shared,
    /// At an address of their own.
    At(SocketAddr),
    Nowhere,
}

/// How BIND is reached.
#[derive(Debug, Clone)]
pub(crate) struct Bind9 {
    /// Its control channel, where the operator runs it.
    pub(crate) control: SocketAddr,
    /// Its working directory, under which both write.
    pub(crate) directory: PathBuf,
    /// The user that a managed one runs as, where the server is root.
    pub(crate) user: String,
}

impl Config {
    /// Reads everything for `serve`.
    pub(crate) fn load(flags: &ServeFlags) -> Result<Config, ConfigError> {
        check(layers(flags)?)
    }

    /// Reads everything for a command beside the server: what is not set for the command is as the server has it.
    pub(crate) fn load_beside(flags: &ServeFlags) -> Result<Config, ConfigError> {
        beside_server(layers(flags)?)
    }

    /// Reads everything for the configuration of one of the server's nameservers.
    pub(crate) fn load_for_nameserver(flags: &ConfigFlags) -> Result<Config, ConfigError> {
        let ConfigFlags { data, dns, secondary, .. } = flags.clone();
        Config::load_beside(&ServeFlags { data, dns, secondary, ..ServeFlags::default() })
    }

    /// Reads everything for a command that only uses the data.
    pub(crate) fn load_for_data(flags: &DataFlags) -> Result<Config, ConfigError> {
        beside_server(Layers::read(flags.config.as_deref(), data_flags(flags))?)
    }

    /// Tells commands on the same data directory what the settings of this process are, as long as it runs. `http` and `dns` are
    /// where it listens.
    pub(crate) fn announce(&self, http: SocketAddr, dns: Option<SocketAddr>) -> std::io::Result<Announcement> {
        let mut settings = self.layers.public();
        settings.remove("data");
        if let Database::Postgres(address) = &self.database {
            settings.insert(SHARED_DATABASE.to_owned(), address.to_string().into());
        }
        settings.insert("http".to_owned(), http.to_string().into());
        if let Some(dns) = dns {
            settings.insert("dns".to_owned(), dns.to_string().into());
        }
        running::announce(&self.data, &settings)
    }

    /// The server whose settings count where nothing else is set.
    pub(crate) fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// The folder for BIND: the keys, and unless another directory is set, its files.
    pub(crate) fn bind9_keys(&self) -> PathBuf {
        self.data.join(BIND9).join("keys")
    }

    /// The file with the key of the secrets in the database.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data.join("secret.key"))
    }

    /// The names under which people reach the server, beside its nameservers. An address reserves no name.
    pub(crate) fn own_names(&self) -> Vec<Name> {
        let url = self.dashboard.url.as_deref();
        let host = url.and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
        let host = host.map(|host| match host.rsplit_once(':') {
            // The last part of an IPv6 address is no port; as a name it is refused below.
            Some((host, port)) if port.bytes().all(|c| c.is_ascii_digit()) => host,
            _ => host,
        });
        let from = self.mail.as_ref().map(|mail| mail.sender.domain());
        let names = host.into_iter().chain(from).filter(|name| name.parse::<IpAddr>().is_err());
        names.filter_map(|name| Name::parse(name).ok()).collect()
    }

    /// The limits of the doors are those of the API.
    pub(crate) fn doors(&self) -> doors::Settings {
        doors::Settings {
            bulk_limit: self.api.bulk_limit,
            body_timeout: self.api.body_timeout,
            ttl_min: self.limits.ttl_min,
            dyndns_query_credentials: self.dyndns_query_credentials,
            acme_dns_zone: self.acme_dns_zone.clone(),
        }
    }

    /// What asks the public DNS.
    pub(crate) fn resolver(&self) -> resolve::Resolver {
        let own = own_nameservers(&self.layers).unwrap_or_default();
        resolve::Resolver::new(self.resolvers.clone().unwrap_or_else(|| system_resolvers(&own)))
    }

    /// The file that was read, if one was.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        self.layers.file.as_ref()
    }

    /// Where the value of a key was set.
    pub(crate) fn set_by(&self, key: &str) -> SetBy {
        self.layers.set_by(key)
    }

    /// A complaint that a key is missing which another one that is set needs.
    pub(crate) fn missing(&self, key: &str, because: &str, hint: &str) -> ConfigError {
        ConfigError::new(self.set_by(because), key, format!("is not set, but {because} is"), hint)
    }

    /// A complaint about the value of a key that only its use brings to light.
    pub(crate) fn bad(&self, key: &str, problem: impl Into<String>, hint: &str) -> ConfigError {
        self.layers.bad(key, problem, hint)
    }
}

/// Says, among the settings that a server tells commands, that its database is not in the data directory. The URL is not told,
/// because there may be a password in it.
const SHARED_DATABASE: &str = "shared_database";

/// BIND's folder in the data directory.
const BIND9: &str = "bind9";

fn layers(flags: &ServeFlags) -> Result<Layers, ConfigError> {
    let ServeFlags { data, http, tls_cert, tls_key, url, security_contact, registration, nameserver, dns, .. } = flags;
    let ServeFlags { dyndns, trusted_proxy, cors_origins, metrics, updates, secondary, ns, resolvers, .. } = flags;
    let texts = [
        ("http", http),
        ("dyndns", dyndns),
        ("tls_cert", tls_cert),
        ("tls_key", tls_key),
        ("url", url),
        ("metrics", metrics),
        ("security_contact", security_contact),
        ("registration", registration),
        ("nameserver", nameserver),
        ("dns", dns),
        ("updates", updates),
    ];
    let lists = [
        ("trusted_proxy", trusted_proxy),
        ("cors_origins", cors_origins),
        ("secondary", secondary),
        ("resolvers", resolvers),
        ("ns", ns),
    ];
    let mut given: Vec<(&str, Value)> = data_flags(data);
    given.extend(texts.into_iter().filter_map(|(key, text)| Some((key, Value::Text(text.clone()?)))));
    let set = lists.into_iter().filter(|(_, list)| !list.is_empty());
    given.extend(set.map(|(key, list)| (key, Value::List(list.clone()))));
    Layers::read(data.config.as_deref(), given)
}

fn beside_server(mut layers: Layers) -> Result<Config, ConfigError> {
    let data = PathBuf::from(layers.text("data")?.unwrap_or_default());
    let Some(server) = running::find(&data)? else { return check(layers) };
    let found = Server { file: server.path.clone(), is_running: server.is_running };
    if let Some(shared) = server.settings.get(SHARED_DATABASE).and_then(toml::Value::as_str)
        && !layers.is_set("database")
    {
        let problem = format!("is not set, but the server on this data directory uses {shared}");
        let hint = "set ZONEWRIGHT_DATABASE or --database, or name the server's configuration file with --config";
        return Err(ConfigError::new(SetBy::Server(server.path), "database", problem, hint));
    }
    layers.under(server)?;
    Ok(Config { server: Some(found), ..check(layers)? })
}

fn data_flags(flags: &DataFlags) -> Vec<(&'static str, Value)> {
    let texts = [("data", &flags.data), ("database", &flags.database)];
    texts.into_iter().filter_map(|(key, text)| Some((key, Value::Text(text.clone()?)))).collect()
}

fn updates(layers: &Layers, nameserver: NameserverSetting) -> Result<UpdatesSetting, ConfigError> {
    match layers.text("updates")? {
        Some("none") => Ok(UpdatesSetting::Nowhere),
        None if nameserver == NameserverSetting::Embedded => Ok(UpdatesSetting::Shared),
        None => Ok(UpdatesSetting::Nowhere),
        Some(_) => Ok(UpdatesSetting::At(address(layers, "updates")?)),
    }
}

fn check(layers: Layers) -> Result<Config, ConfigError> {
    let data = PathBuf::from(layers.text("data")?.unwrap_or_default());
    let database = match layers.text("database")? {
        None => Database::Sqlite(data.join("zonewright.sqlite")),
        Some(url) => shared_database(&layers, url)?,
    };
    let nameserver = match layers.text("nameserver")?.unwrap_or_default() {
        "embedded" => NameserverSetting::Embedded,
        "bind9" => NameserverSetting::Bind9,
        "bind9-managed" => NameserverSetting::Bind9Managed,
        "none" => NameserverSetting::None,
        other => {
            let hint = "use embedded, bind9, bind9-managed or none";
            return Err(layers.bad("nameserver", format!("\"{other}\" is not a kind of nameserver"), hint));
        }
    };
    let bind9 = Bind9 {
        control: address(&layers, "bind9.control")?,
        directory: layers.text("bind9.directory")?.map_or_else(|| data.join(BIND9), PathBuf::from),
        user: layers.text("bind9.user")?.unwrap_or_default().to_owned(),
    };
    let limits = Limits {
        rrset_records: at_least_one(&layers, "limits.rrset_records")?,
        ttl_min: ttl(&layers, "limits.ttl_min")?,
        ttl_max: ttl(&layers, "limits.ttl_max")?,
        ..Limits::default()
    };
    if limits.ttl_min > limits.ttl_max {
        let both = format!("{} is larger than limits.ttl_max, {}", limits.ttl_min, limits.ttl_max);
        let key = if layers.set_by("limits.ttl_min") == SetBy::Default { "limits.ttl_max" } else { "limits.ttl_min" };
        return Err(layers.bad(key, format!("limits.ttl_min, {both}"), "the minimum TTL cannot be above the maximum"));
    }
    let api = api::Settings {
        body_limit: at_least_one(&layers, "limits.body_bytes")?,
        bulk_limit: at_least_one(&layers, "limits.bulk_bytes")?,
        failed_auth_burst: at_least_one(&layers, "limits.failed_auth_burst")?,
        failed_auth_per_second: at_least_one(&layers, "limits.failed_auth_per_second")?,
        requests_per_second: layers
            .is_set("limits.requests_per_second")
            .then(|| at_least_one(&layers, "limits.requests_per_second"))
            .transpose()?,
        cors_origins: cors_origins(&layers)?,
        ..api::Settings::default()
    };
    let http_server = http_server::Settings {
        max_connections: at_least_one(&layers, "limits.connections")?,
        proxies: proxies(&layers)?,
        ..http_server::Settings::default()
    };
    let tls = tls(&layers)?;
    let dashboard = pages(&layers, tls.is_some())?;
    Ok(Config {
        data,
        database,
        security_contact: layers.text("security_contact")?.map(|text| contact(&layers, text)).transpose()?,
        key_file: layers.text("secrets.key_file")?.map(PathBuf::from),
        http: address(&layers, "http")?,
        dyndns: layers.is_set("dyndns").then(|| address(&layers, "dyndns")).transpose()?,
        acme_dns_zone: layers.text("doors.acme_dns_zone")?.map(|text| zone(&layers, text)).transpose()?,
        dyndns_query_credentials: guard::switch(&layers, "doors.dyndns_query_credentials")?,
        metrics: if layers.text("metrics")? == Some("none") { None } else { Some(address(&layers, "metrics")?) },
        mail: mail::read(&layers)?,
        dashboard,
        tls,
        nameserver,
        dns: address(&layers, "dns")?,
        updates: updates(&layers, nameserver)?,
        secondaries: secondaries(&layers)?,
        bind9,
        loopback_transfers: guard::switch(&layers, "transfers.loopback")?,
        rate_limit: guard::rate_limit(&layers)?,
        edns: guard::edns(&layers)?,
        apex: apex(&layers)?,
        limits,
        policy: policy(&layers)?,
        resolvers: resolvers(&layers)?,
        retention: retention(&layers)?,
        disk: Low { percent: layers.number("disk.low_percent"), bytes: layers.number("disk.low_bytes") },
        api,
        http_server,
        layers,
        server: None,
    })
}

fn zone(layers: &Layers, text: &str) -> Result<Name, ConfigError> {
    Name::parse(text).map_err(|error| {
        let problem = format!("\"{}\" is not the name of a zone: {}", text.escape_debug(), error.message());
        layers.bad("doors.acme_dns_zone", problem, "use the name of a zone of this server, such as auth.example.net")
    })
}

fn tls(layers: &Layers) -> Result<Option<Tls>, ConfigError> {
    match (layers.text("tls_cert")?, layers.text("tls_key")?) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(Tls { cert: cert.into(), key: key.into() })),
        (Some(_), None) => Err(layers.bad("tls_cert", "is set, but tls_key is not", "HTTPS needs both")),
        (None, Some(_)) => Err(layers.bad("tls_key", "is set, but tls_cert is not", "HTTPS needs both")),
    }
}

fn span(layers: &Layers, key: &str) -> Result<Duration, ConfigError> {
    let text = layers.text(key)?.unwrap_or_default();
    duration::parse(text).ok_or_else(|| {
        let hint = "use a whole number and s, m, h, d or w, such as 365d";
        layers.bad(key, format!("\"{text}\" is not a duration"), hint)
    })
}

fn policy(layers: &Layers) -> Result<Policy, ConfigError> {
    Ok(Policy {
        changes_per_day: or_none(layers, "limits.changes_per_day")?,
        notice: span(layers, "claims.notice")?,
        keep: span(layers, "claims.keep")?,
        hold: if layers.text("claims.hold")? == Some("none") { Duration::ZERO } else { span(layers, "claims.hold")? },
    })
}

/// What accounts may have that people made by themselves.
fn registered(layers: &Layers) -> Result<AccountLimits, ConfigError> {
    Ok(AccountLimits {
        zones: or_none(layers, "limits.registered.zones")?,
        records: or_none(layers, "limits.registered.records")?,
        tokens: or_none(layers, "limits.registered.tokens")?,
        changes_per_day: or_none(layers, "limits.registered.changes_per_day")?,
        stored_records: or_none(layers, "limits.registered.stored_records")?,
    })
}

/// A limit; 0 stands for none.
fn or_none(layers: &Layers, key: &str) -> Result<Option<u32>, ConfigError> {
    let number = layers.number(key);
    let limit = u32::try_from(number);
    let limit = limit
        .map_err(|_| layers.bad(key, format!("{number} is too large"), "use a smaller number, or 0 for no limit"))?;
    Ok((limit > 0).then_some(limit))
}

fn retention(layers: &Layers) -> Result<Retention, ConfigError> {
    let span = |key: &str| span(layers, key);
    Ok(Retention {
        versions: at_least_one(layers, "retention.versions")?,
        age: span("retention.age")?,
        deleted_zones: span("retention.deleted_zones")?,
        events: span("retention.events")?,
    })
}

fn pages(layers: &Layers, tls: bool) -> Result<dashboard::Settings, ConfigError> {
    let registration = match layers.text("registration")?.unwrap_or_default() {
        "open" => Registration::Open,
        "invitation" => Registration::Invitation,
        "closed" => Registration::Closed,
        other => {
            let problem = format!("\"{other}\" is not a kind of registration");
            return Err(layers.bad("registration", problem, "use open, invitation or closed"));
        }
    };
    let url = layers.text("url")?.map(|text| public_url(layers, text)).transpose()?;
    let https = url.as_ref().map_or(tls, |url| url.starts_with("https://"));
    Ok(dashboard::Settings { registration, url, https, registered: registered(layers)?, dns: None, updates: None })
}

fn contact(layers: &Layers, text: &str) -> Result<String, ConfigError> {
    security_txt::contact(text).map_err(|problem| {
        let hint = "use an address such as security@example.net or https://example.net/security";
        layers.bad("security_contact", format!("\"{}\" {problem}", text.escape_debug()), hint)
    })
}

/// The address as browsers send it as an origin: scheme, host, and a port where it is not the scheme's own.
fn public_url(layers: &Layers, text: &str) -> Result<String, ConfigError> {
    origin_of(text).ok_or_else(|| {
        let hint = "use scheme and host, with a port if it is not the default port, such as https://dns.example.net";
        layers.bad("url", format!("\"{text}\" is not the URL of a server"), hint)
    })
}

fn ttl(layers: &Layers, key: &str) -> Result<Ttl, ConfigError> {
    let seconds = layers.number(key);
    let ttl = u32::try_from(seconds).ok().and_then(Ttl::new);
    ttl.ok_or_else(|| layers.bad(key, format!("{seconds} is too large"), "use 0 to 2147483647 seconds"))
}

fn at_least_one<N: TryFrom<u64>>(layers: &Layers, key: &str) -> Result<N, ConfigError> {
    let number = layers.number(key);
    if number == 0 {
        return Err(layers.bad(key, "0 is too small", "use at least 1"));
    }
    N::try_from(number).map_err(|_| layers.bad(key, format!("{number} is too large"), "use a smaller number"))
}

fn shared_database(layers: &Layers, url: &str) -> Result<Database, ConfigError> {
    let hint = "leave it out for SQLite in the data directory, or use postgres://USER@HOST/DATABASE";
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(layers.bad("database", format!("\"{}\" is not a kind of database", redacted(url)), hint));
    }
    match Address::parse(url) {
        Ok(address) => Ok(address.into()),
        Err(error) => Err(layers.bad("database", chain(&error), hint)),
    }
}

/// A database URL without what it may say of a password.
fn redacted(url: &str) -> String {
    url.split_once("://").map_or_else(|| "(no URL)".to_owned(), |(scheme, _)| format!("{scheme}://..."))
}

#[cfg(test)]
mod tests {
    use super::addresses::is_own;
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_crates() {
        let config = check(Layers::read(Some(std::path::Path::new("/dev/null")), Vec::new()).unwrap()).unwrap();
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.retention, Retention::default());
        assert_eq!(config.policy, Policy::default());
        assert_eq!(config.api, api::Settings::default());
        assert_eq!(config.dashboard.registered.stored_records, Some(1_000_000));
        assert_eq!(config.http_server, http_server::Settings::default());
        let embedded = nameserver::Settings::default();
        assert_eq!(format!("{:?}", config.embedded()), format!("{embedded:?}"));
    }

    #[test]
    fn this_servers_own_nameservers_are_no_resolvers() {
        let own = ["0.0.0.0:53", "192.0.2.53:53", "[2001:db8::53]:5300"].map(|text| text.parse().unwrap());
        for (resolver, expected) in [
            ("127.0.0.1:53", true),
            ("192.0.2.53:53", true),
            ("[::ffff:192.0.2.53]:53", true),
            ("[2001:db8::53]:5300", true),
            ("127.0.0.1:5353", false),
            ("192.0.2.54:53", false),
            ("[2001:db8::53]:53", false),
        ] {
            assert_eq!(is_own(resolver.parse().unwrap(), &own), expected, "{resolver}");
        }
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let set = |key, value: &str| (key, Value::Text(value.to_owned()));
        let flags = vec![
            set("mail.server", "mail.example.net"),
            set("mail.user", "dns"),
            set("mail.password", "hunter2"),
            set("mail.from", "dns@example.net"),
            set("edns.cookie_secret", "68756e7465723200000102030405f00d"),
        ];
        let config = check(Layers::read(Some(std::path::Path::new("/dev/null")), flags).unwrap()).unwrap();
        let shown = format!("{config:?}");
        assert!(config.mail.is_some() && shown.contains("mail.password") && !shown.contains("hunter2"), "{shown}");
        // As it is written, and as numbers.
        assert!(!shown.contains("f00d") && !shown.contains("104, 117, 110"), "{shown}");
    }

    #[test]
    fn a_database_url_is_shown_without_its_password() {
        assert_eq!(redacted("postgres://zonewright:secret@db/zones"), "postgres://...");
        assert_eq!(redacted("secret"), "(no URL)");
    }
}
