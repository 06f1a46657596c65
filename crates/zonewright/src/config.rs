//! The configuration: defaults, the TOML file, the environment (`ZONEWRIGHT_...`) and the flags, each over the one before.
//!
//! Values are read as text and turned into types here, so that every complaint names the key, where it was set, and what would
//! be right.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use dns::apex::{Apex, ApexNameserver, SoaTimers};
use dns::change::Limits;
use dns::{Name, Ttl};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Deserializer, Serialize};

use crate::cli::{DataFlags, ServeFlags};

/// The file that is read when no other is named.
const DEFAULT_FILE: &str = "zonewright.toml";
/// What a line of the environment that sets a key begins with.
const ENVIRONMENT: &str = "ZONEWRIGHT_";

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The file that was read, if one was.
    pub(crate) file: Option<PathBuf>,
    pub(crate) data: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) nameserver: NameserverKind,
    pub(crate) dns: SocketAddr,
    pub(crate) apex: Apex,
    pub(crate) limits: Limits,
    pub(crate) api: api::Settings,
}

#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// Where zones are deployed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameserverKind {
    Embedded,
    None,
}

/// A key whose value cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{0} does not exist")]
    NoFile(PathBuf),
    #[error("{}: {}: {} ({hint})", .place, .key, .problem)]
    Value { key: String, place: String, problem: String, hint: &'static str },
    #[error("{0}")]
    Unreadable(String),
}

impl Config {
    /// Reads everything for `serve`.
    pub(crate) fn load(flags: &ServeFlags) -> Result<Config, ConfigError> {
        let given = Flags {
            data: flags.data.data.as_deref(),
            database: flags.data.database.as_deref(),
            http: flags.http.as_deref(),
            tls_cert: flags.tls_cert.as_deref(),
            tls_key: flags.tls_key.as_deref(),
            nameserver: flags.nameserver.as_deref(),
            dns: flags.dns.as_deref(),
            secondary: (!flags.secondary.is_empty()).then_some(&flags.secondary),
            ns: (!flags.ns.is_empty()).then_some(&flags.ns),
        };
        read(flags.data.config.as_deref(), &given)
    }

    /// Reads everything for a command that only uses the data.
    pub(crate) fn load_for_data(flags: &DataFlags) -> Result<Config, ConfigError> {
        let given = Flags { data: flags.data.as_deref(), database: flags.database.as_deref(), ..Flags::default() };
        read(flags.config.as_deref(), &given)
    }

    /// The SQLite file.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.data.join("zonewright.sqlite")
    }
}

/// The keys as they are written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    data: String,
    database: Option<String>,
    http: String,
    tls_cert: Option<String>,
    tls_key: Option<String>,
    nameserver: String,
    dns: String,
    #[serde(deserialize_with = "list")]
    secondary: Vec<String>,
    #[serde(deserialize_with = "list")]
    ns: Vec<String>,
    limits: RawLimits,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    rrset_records: usize,
    ttl_min: u32,
    ttl_max: u32,
    body_bytes: usize,
    connections: usize,
    failed_auth_burst: u32,
    failed_auth_per_second: u32,
}

impl Default for Raw {
    fn default() -> Self {
        let limits = Limits::default();
        let api = api::Settings::default();
        Raw {
            data: "./zonewright-data".to_owned(),
            database: None,
            http: "127.0.0.1:8053".to_owned(),
            tls_cert: None,
            tls_key: None,
            nameserver: "embedded".to_owned(),
            dns: "127.0.0.1:5300".to_owned(),
            secondary: Vec::new(),
            ns: vec!["ns1.zonewright.test".to_owned(), "ns2.zonewright.test".to_owned()],
            limits: RawLimits {
                rrset_records: limits.rrset_records,
                ttl_min: limits.ttl_min.seconds(),
                ttl_max: limits.ttl_max.seconds(),
                body_bytes: api.body_limit,
                connections: api.max_connections,
                failed_auth_burst: api.failed_auth_burst,
                failed_auth_per_second: api.failed_auth_per_second,
            },
        }
    }
}

/// The flags that were given, under the names of their keys.
#[derive(Debug, Default, Serialize)]
struct Flags<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nameserver: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary: Option<&'a Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ns: Option<&'a Vec<String>>,
}

fn read(named: Option<&Path>, flags: &Flags<'_>) -> Result<Config, ConfigError> {
    let file = match named {
        Some(path) if !path.is_file() => return Err(ConfigError::NoFile(path.to_owned())),
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.is_file()),
    };
    let mut figment = Figment::from(Serialized::defaults(Raw::default()));
    if let Some(path) = &file {
        figment = figment.merge(Toml::file_exact(path));
    }
    figment = figment.merge(Env::prefixed(ENVIRONMENT).split("__")).merge(Serialized::globals(flags));
    let raw: Raw = figment.extract().map_err(|error| ConfigError::Unreadable(explain(&error)))?;
    Checker { figment: &figment }.check(raw, file)
}

/// One sentence for each thing figment could not read.
fn explain(error: &figment::Error) -> String {
    let sentences: Vec<String> = error
        .clone()
        .into_iter()
        .map(|single| {
            let place = single.metadata.as_ref().map_or_else(|| "configuration".to_owned(), place_of);
            let key = single.path.join(".");
            if key.is_empty() {
                format!("{place}: {}", single.kind)
            } else {
                format!("{place}: {key}: {}", single.kind)
            }
        })
        .collect();
    sentences.join("\n")
}

/// Where a value was set, for people.
fn place_of(metadata: &figment::Metadata) -> String {
    match &metadata.source {
        Some(figment::Source::File(path)) => path.display().to_string(),
        _ if metadata.name.contains("environment") => "environment".to_owned(),
        _ => "command line".to_owned(),
    }
}

struct Checker<'a> {
    figment: &'a Figment,
}

impl Checker<'_> {
    fn check(&self, raw: Raw, file: Option<PathBuf>) -> Result<Config, ConfigError> {
        if let Some(url) = &raw.database {
            return Err(self.bad(
                "database",
                format!("\"{}\" is not supported by this version", redacted(url)),
                "leave it out for SQLite in the data directory",
            ));
        }
        if !raw.secondary.is_empty() {
            return Err(self.bad(
                "secondary",
                "this version deploys to the embedded nameserver only".to_owned(),
                "leave it out",
            ));
        }
        let nameserver = match raw.nameserver.as_str() {
            "embedded" => NameserverKind::Embedded,
            "none" => NameserverKind::None,
            other => {
                return Err(self.bad(
                    "nameserver",
                    format!("\"{other}\" is not supported by this version"),
                    "use embedded or none",
                ));
            }
        };
        let tls = match (raw.tls_cert, raw.tls_key) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some(Tls { cert: cert.into(), key: key.into() }),
            (Some(_), None) => {
                return Err(self.bad("tls_key", "missing beside tls_cert".to_owned(), "HTTPS needs both"));
            }
            (None, Some(_)) => {
                return Err(self.bad("tls_cert", "missing beside tls_key".to_owned(), "HTTPS needs both"));
            }
        };
        let limits = Limits {
            rrset_records: self.at_least_one("limits.rrset_records", raw.limits.rrset_records)?,
            ttl_min: self.ttl("limits.ttl_min", raw.limits.ttl_min)?,
            ttl_max: self.ttl("limits.ttl_max", raw.limits.ttl_max)?,
        };
        if limits.ttl_min > limits.ttl_max {
            return Err(self.bad(
                "limits.ttl_min",
                format!("{} is larger than limits.ttl_max", limits.ttl_min),
                "give a smaller number of seconds",
            ));
        }
        Ok(Config {
            file,
            data: raw.data.into(),
            http: self.address("http", &raw.http)?,
            tls,
            nameserver,
            dns: self.address("dns", &raw.dns)?,
            apex: self.apex(&raw.ns)?,
            limits,
            api: api::Settings {
                body_limit: self.at_least_one("limits.body_bytes", raw.limits.body_bytes)?,
                max_connections: self.at_least_one("limits.connections", raw.limits.connections)?,
                failed_auth_burst: raw.limits.failed_auth_burst,
                failed_auth_per_second: raw.limits.failed_auth_per_second,
                default_ttl: limits.default_ttl(),
                ..api::Settings::default()
            },
        })
    }

    fn address(&self, key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
        text.parse().map_err(|_| {
            self.bad(key, format!("\"{text}\" is no address with a port"), "such as 127.0.0.1:8053 or [::1]:8053")
        })
    }

    fn ttl(&self, key: &str, seconds: u32) -> Result<Ttl, ConfigError> {
        Ttl::new(seconds).ok_or_else(|| self.bad(key, format!("{seconds} is too large"), "0 to 2147483647 seconds"))
    }

    fn at_least_one(&self, key: &str, number: usize) -> Result<usize, ConfigError> {
        if number == 0 { Err(self.bad(key, "0 is too small".to_owned(), "give at least 1")) } else { Ok(number) }
    }

    fn apex(&self, nameservers: &[String]) -> Result<Apex, ConfigError> {
        const HINT: &str = "NAME or NAME=ADDRESS,ADDRESS such as ns1.example.net=192.0.2.53,2001:db8::53";
        let mut set: Vec<ApexNameserver> = Vec::new();
        for text in nameservers {
            let (name, addresses) =
                text.split_once('=').map_or((text.as_str(), None), |(name, list)| (name, Some(list)));
            let name = Name::parse(name).map_err(|error| self.bad("ns", format!("\"{text}\": {error}"), HINT))?;
            if name.labels().count() < 2 {
                return Err(self.bad("ns", format!("\"{text}\" is not a full host name"), HINT));
            }
            if set.iter().any(|other| other.name == name) {
                return Err(self.bad("ns", format!("{name} is named twice"), HINT));
            }
            let addresses = addresses
                .map(|list| {
                    list.split(',').map(|address| address.trim().parse::<IpAddr>()).collect::<Result<Vec<_>, _>>()
                })
                .transpose()
                .map_err(|_| self.bad("ns", format!("\"{text}\" has an address that is none"), HINT))?
                .unwrap_or_default();
            set.push(ApexNameserver { name, addresses });
        }
        let apex =
            Apex::new(set).ok_or_else(|| self.bad("ns", "a zone needs at least one nameserver".to_owned(), HINT))?;
        Ok(Apex { timers: SoaTimers::default(), ..apex })
    }

    fn bad(&self, key: &str, problem: String, hint: &'static str) -> ConfigError {
        let place = self.figment.find_metadata(key).map_or_else(|| "configuration".to_owned(), place_of);
        ConfigError::Value { key: key.to_owned(), place, problem, hint }
    }
}

/// A list in TOML, or in one string with spaces between (environment variables are strings).
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => text.split_whitespace().map(str::to_owned).collect(),
        OneOrMany::Many(list) => list,
    })
}

/// A database URL without what it may say of a password.
fn redacted(url: &str) -> String {
    url.split_once("://").map_or_else(|| "(no URL)".to_owned(), |(scheme, _)| format!("{scheme}://..."))
}
