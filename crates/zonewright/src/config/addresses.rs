//! Settings that are addresses, networks or origins.

use std::net::{IpAddr, SocketAddr};

use dns::Name;
use dns::apex::{Apex, ApexNameserver};
use ipnet::IpNet;

use super::error::ConfigError;
use super::layers::Layers;

pub(super) fn address(layers: &Layers, key: &str) -> Result<SocketAddr, ConfigError> {
    let text = layers.text(key)?.unwrap_or_default();
    text.parse().map_err(|_| {
        let hint = "use an IP address and a port, such as 127.0.0.1:8053, [::1]:8053 or 0.0.0.0:8053";
        layers.bad(key, format!("\"{text}\" is not an IP address with a port"), hint)
    })
}

pub(super) fn secondaries(layers: &Layers) -> Result<Vec<SocketAddr>, ConfigError> {
    let mut addresses = Vec::new();
    for text in layers.list("secondary") {
        let address: SocketAddr = text.parse().map_err(|_| {
            let hint = "use an IP address and a port, such as 192.0.2.54:53 or [2001:db8::54]:53";
            layers.bad("secondary", format!("\"{text}\" is not an IP address with a port"), hint)
        })?;
        if addresses.contains(&address) {
            return Err(layers.bad("secondary", format!("{address} is listed twice"), "list each secondary once"));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

/// The addresses at which this server's own nameservers answer, as far as they are configured.
pub(super) fn own_nameservers(layers: &Layers) -> Result<Vec<SocketAddr>, ConfigError> {
    let mut own = secondaries(layers)?;
    own.push(address(layers, "dns")?);
    own.extend(
        apex(layers)?
            .nameservers
            .iter()
            .flat_map(|server| &server.addresses)
            .map(|address| SocketAddr::from((*address, 53))),
    );
    Ok(own)
}

/// Whether one of this server's nameservers answers at an address. One that listens everywhere does at every address of the
/// machine, of which loopback is certain.
pub(super) fn is_own(resolver: SocketAddr, own: &[SocketAddr]) -> bool {
    own.iter().any(|own| {
        let everywhere = own.ip().is_unspecified() && (resolver.ip().is_loopback() || resolver.ip().is_unspecified());
        own.port() == resolver.port() && (everywhere || own.ip().to_canonical() == resolver.ip().to_canonical())
    })
}

/// The resolvers for claims.
pub(super) fn resolvers(layers: &Layers) -> Result<Option<Vec<SocketAddr>>, ConfigError> {
    let Some(key) = ["claims.resolvers", "resolvers"].into_iter().find(|key| !layers.list(key).is_empty()) else {
        return Ok(None);
    };
    let own = own_nameservers(layers)?;
    let read = |text: &String| {
        let resolver = text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::from((address, 53))));
        let resolver = resolver.map_err(|_| {
            let hint =
                "use an address, with a port unless it is 53, such as 9.9.9.9, 127.0.0.1:5353 or [2620:fe::fe]:53";
            layers.bad(key, format!("\"{text}\" is not the address of a resolver"), hint)
        })?;
        if is_own(resolver, &own) {
            let hint = "use resolvers that query the public DNS: this server must not confirm its own data";
            return Err(layers.bad(key, format!("{resolver} is one of this server's own nameservers"), hint));
        }
        Ok(resolver)
    };
    layers.list(key).iter().map(read).collect::<Result<_, _>>().map(Some)
}

/// The resolvers of the machine, without this server's own nameservers.
pub(super) fn system_resolvers(own: &[SocketAddr]) -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let addresses = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let addresses = addresses.filter_map(|address| address.trim().parse::<IpAddr>().ok());
    addresses.map(|address| SocketAddr::from((address, 53))).filter(|resolver| !is_own(*resolver, own)).collect()
}

/// The proxies that are believed.
pub(super) fn proxies(layers: &Layers) -> Result<Vec<IpNet>, ConfigError> {
    let bad = |text: &str, problem: String| {
        let hint =
            "list only your proxies, such as 192.0.2.10 or 2001:db8::/64: a trusted proxy can claim any client address";
        layers.bad("trusted_proxy", format!("\"{text}\": {problem}"), hint)
    };
    let read = |text: &String| {
        let network = store::parse_network(text).map_err(|problem| bad(text, problem.to_string()))?;
        if network.prefix_len() == 0 { Err(bad(text, "includes every address".to_owned())) } else { Ok(network) }
    };
    layers.list("trusted_proxy").iter().map(read).collect()
}

/// The origins that browsers may use the API from, as browsers write them: scheme, host, and a port where it is not the usual one.
pub(super) fn cors_origins(layers: &Layers) -> Result<Vec<String>, ConfigError> {
    let read = |text: &String| {
        let is_origin = text == "*" || (origin_of(text).is_some_and(|origin| origin == *text));
        let hint =
            "use scheme and host as browsers send them, such as https://app.example.net or http://localhost:3000, or *";
        is_origin
            .then(|| text.clone())
            .ok_or_else(|| layers.bad("cors_origins", format!("\"{text}\" is not an origin"), hint))
    };
    layers.list("cors_origins").iter().map(read).collect()
}

/// The nameservers of every zone.
pub(super) fn apex(layers: &Layers) -> Result<Apex, ConfigError> {
    const HINT: &str = "use NAME or NAME=ADDRESS,ADDRESS such as ns1.example.net=192.0.2.53,2001:db8::53";
    let bad = |problem: String| layers.bad("ns", problem, HINT);
    let mut set: Vec<ApexNameserver> = Vec::new();
    for text in layers.list("ns") {
        let (name, list) = text.split_once('=').map_or((text.as_str(), None), |(name, list)| (name, Some(list)));
        let name = nameserver_name(name).map_err(|problem| bad(format!("\"{text}\": {problem}")))?;
        if set.iter().any(|other| other.name == name) {
            return Err(bad(format!("{name} is listed twice")));
        }
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in list.into_iter().flat_map(|list| list.split(',')) {
            let usable = address.trim().parse::<IpAddr>().ok();
            let usable = usable.filter(|address| !address.is_unspecified() && !address.is_multicast());
            let Some(usable) = usable else {
                return Err(bad(format!("\"{text}\": \"{}\" cannot be the address of a host", address.trim())));
            };
            if addresses.contains(&usable) {
                return Err(bad(format!("\"{text}\": {usable} is listed twice")));
            }
            addresses.push(usable);
        }
        set.push(ApexNameserver { name, addresses });
    }
    let apex = Apex::new(set).ok_or_else(|| bad("a zone needs at least one nameserver".to_owned()))?;
    let mname = layers.text("soa.mname")?.map(|text| {
        let hint = "use the name of a host, such as updates.example.net";
        nameserver_name(text).map_err(|problem| layers.bad("soa.mname", format!("\"{text}\": {problem}"), hint))
    });
    Ok(Apex { mname: mname.transpose()?, ..apex })
}

/// A host's name as BIND wants it in NS and SOA records (`check-names`): letters, digits, and hyphens inside.
fn nameserver_name(text: &str) -> Result<Name, String> {
    if text.trim_end_matches('.').parse::<IpAddr>().is_ok() {
        return Err("an address is in the place of the name".to_owned());
    }
    let name = Name::parse(text).map_err(|error| error.to_string())?;
    let is_host = |label: &[u8]| {
        label.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-')
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    if !name.labels().all(is_host) {
        return Err("a host name consists of letters, digits and inner hyphens".to_owned());
    }
    if name.labels().count() < 2 {
        return Err("is not a full host name".to_owned());
    }
    Ok(name)
}

/// The origin of an address without a path; `None` if it is not one.
pub(super) fn origin_of(text: &str) -> Option<String> {
    let trimmed = text.strip_suffix('/').unwrap_or(text).to_lowercase();
    let host = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"))?;
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ', '\\', '"', '<', '>']) {
        return None;
    }
    let usual = if trimmed.starts_with("https://") { ":443" } else { ":80" };
    Some(trimmed.strip_suffix(usual).unwrap_or(&trimmed).to_owned())
}
