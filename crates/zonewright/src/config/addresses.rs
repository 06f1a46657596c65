//! Settings that are addresses, networks or origins.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::layers::Layers;
use super::{ConfigError, apex, origin_of};

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

/// The resolvers through which the public DNS is asked for claims.
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
