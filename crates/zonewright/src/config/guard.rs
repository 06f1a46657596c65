//! Rate limiting, cookies, NSID, and who can transfer zones: the settings of the embedded nameserver, which BIND also gets as far
//! as it supports them.

use deploy::ConfigText;
use ipnet::IpNet;
use nameserver::{RateLimit, Settings, TcpLimits};

use super::Config;
use super::error::ConfigError;
use super::layers::Layers;

/// The bounds are BIND's. A table of fewer counters would be full at once.
const RATES: std::ops::RangeInclusive<u64> = 0..=1000;
const WINDOWS: std::ops::RangeInclusive<u64> = 1..=3600;
const SLIPS: std::ops::RangeInclusive<u64> = 0..=10;
const IPV4_PREFIXES: std::ops::RangeInclusive<u64> = 1..=32;
const IPV6_PREFIXES: std::ops::RangeInclusive<u64> = 1..=64;
const TABLE_SIZES: std::ops::RangeInclusive<u64> = 1000..=100_000_000;
/// An identifier goes into every response that asks for it.
const LONGEST_NSID: usize = 128;

/// What is said and wanted by EDNS options.
#[derive(Clone)]
pub(crate) struct Edns {
    /// The first for new cookies. Empty where the server makes up its own.
    pub(crate) cookie_secrets: Vec<[u8; 16]>,
    pub(crate) require_cookie: bool,
    pub(crate) nsid: Option<ConfigText>,
    nsid_octets: Vec<u8>,
}

/// Without the secrets.
impl std::fmt::Debug for Edns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edns").field("nsid", &self.nsid).finish_non_exhaustive()
    }
}

impl Config {
    /// The embedded nameserver's settings. Secondaries and this machine may have all TCP connections.
    pub(crate) fn embedded(&self) -> Settings {
        let mut tcp = TcpLimits::default();
        tcp.exempt.extend(self.secondaries.iter().map(|secondary| IpNet::from(secondary.ip())));
        Settings {
            rate_limit: self.rate_limit.clone(),
            cookie_secrets: self.edns.cookie_secrets.clone(),
            require_server_cookie: self.edns.require_cookie,
            nsid: self.edns.nsid_octets.clone(),
            loopback_transfers: self.loopback_transfers,
            tcp,
            ..Settings::default()
        }
    }
}

pub(super) fn rate_limit(layers: &Layers) -> Result<Option<RateLimit>, ConfigError> {
    let exempt = |text: &String| {
        store::parse_network(text).map_err(|problem| {
            let hint = "use networks or addresses, such as 192.0.2.0/24 or 2001:db8::1";
            layers.bad("rrl.exempt", format!("\"{text}\": {problem}"), hint)
        })
    };
    let limit = RateLimit {
        responses_per_second: within(layers, "rrl.responses_per_second", RATES)?,
        window: within(layers, "rrl.window", WINDOWS)?,
        slip: within(layers, "rrl.slip", SLIPS)?,
        ipv4_prefix: within(layers, "rrl.ipv4_prefix", IPV4_PREFIXES)?,
        ipv6_prefix: within(layers, "rrl.ipv6_prefix", IPV6_PREFIXES)?,
        table_size: within(layers, "rrl.table_size", TABLE_SIZES)?,
        exempt: layers.list("rrl.exempt").iter().map(exempt).collect::<Result<_, _>>()?,
    };
    Ok((limit.responses_per_second > 0).then_some(limit))
}

pub(super) fn edns(layers: &Layers) -> Result<Edns, ConfigError> {
    let secrets = layers.text("edns.cookie_secret")?.unwrap_or_default();
    let secret = |text: &str| {
        secret(text).ok_or_else(|| {
            let hint =
                "use 32 hexadecimal digits, as `openssl rand -hex 16` prints; separate several secrets with spaces";
            layers.bad("edns.cookie_secret", "is not 32 hexadecimal digits (128 bits)", hint)
        })
    };
    let nsid = layers.text("edns.nsid")?;
    let bad = |problem: String| {
        layers.bad("edns.nsid", problem, "use a short name without quotes and backslashes, such as ns1-ams")
    };
    if nsid.is_some_and(|nsid| nsid.len() > LONGEST_NSID) {
        return Err(bad(format!("is longer than {LONGEST_NSID} octets")));
    }
    let spelled = nsid.map(|nsid| ConfigText::new(nsid).map_err(|error| bad(error.to_string()))).transpose()?;
    Ok(Edns {
        cookie_secrets: secrets.split_whitespace().map(secret).collect::<Result<_, _>>()?,
        require_cookie: switch(layers, "edns.require_cookie")?,
        nsid: spelled,
        nsid_octets: nsid.unwrap_or_default().into(),
    })
}

/// A setting that is on or off.
pub(super) fn switch(layers: &Layers, key: &str) -> Result<bool, ConfigError> {
    match layers.text(key)?.unwrap_or_default() {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(layers.bad(key, format!("\"{other}\" is neither on nor off"), "use on or off")),
    }
}

/// 128 bits as they are written in hexadecimal digits.
pub(crate) fn secret(text: &str) -> Option<[u8; 16]> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn within<N: TryFrom<u64>>(layers: &Layers, key: &str, range: std::ops::RangeInclusive<u64>) -> Result<N, ConfigError> {
    let number = layers.number(key);
    let bad = || {
        let hint = format!("use {} to {}", range.start(), range.end());
        layers.bad(key, format!("{number} is out of range"), hint)
    };
    if range.contains(&number) { N::try_from(number).map_err(|_| bad()) } else { Err(bad()) }
}
