//! Reads the query of an update: hosts and addresses, under the parameter names that clients use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dns::RecordType;

/// The most hosts of one update.
const MOST_HOSTS: usize = 20;
/// The value that means: keep the current address.
const PRESERVE: &str = "preserve";

/// The answer to one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// It was changed.
    Good,
    /// It has these addresses already.
    Nochg,
    /// None of the key's zones contains it.
    Nohost,
    /// The key may not change it.
    NotYours,
    Notfqdn,
    Numhost,
    /// The addresses are refused, or the resulting zone would break a rule.
    Dnserr,
}

impl Word {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Nochg => "nochg",
            Self::Nohost => "nohost",
            Self::NotYours => "!yours",
            Self::Notfqdn => "notfqdn",
            Self::Numhost => "numhost",
            Self::Dnserr => "dnserr",
        }
    }
}

/// Hosts and the addresses that all of them get.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) hosts: Vec<String>,
    pub(super) addresses: Addresses,
}

/// Addresses of one family or of both. The other family stays as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) all: Vec<IpAddr>,
    /// The address in the response, after the word; `0.0.0.0` if the request had only `preserve`.
    pub(super) first: IpAddr,
}

impl Addresses {
    /// The types of the records that are to be changed.
    pub(super) fn types(&self) -> impl Iterator<Item = RecordType> {
        let has = |is_of: fn(&IpAddr) -> bool, record_type| self.all.iter().any(is_of).then_some(record_type);
        [has(IpAddr::is_ipv4, RecordType::A), has(IpAddr::is_ipv6, RecordType::Aaaa)].into_iter().flatten()
    }
}

impl Update {
    /// Reads a query. Without a host in the query, `user` is the host. Without an address, `client` is the address.
    pub(super) fn read(query: Option<&str>, user: &str, client: Option<IpAddr>) -> Result<Update, Word> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        let values = |name: &str| {
            let of_name = pairs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            let values =
                of_name.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|value| !value.is_empty());
            values.map(str::to_owned).collect::<Vec<String>>()
        };
        let listed = ["hostname", "host_id", "domain"].into_iter().map(values).find(|hosts| !hosts.is_empty());
        let is_host = user.contains('.') && !user.contains('@');
        let hosts = listed.or_else(|| is_host.then(|| vec![user.to_owned()])).ok_or(Word::Notfqdn)?;
        if hosts.len() > MOST_HOSTS {
            return Err(Word::Numhost);
        }
        let given: Vec<String> =
            ["myip", "myipv4", "ip", "myipv6", "ipv6", "myip2"].into_iter().flat_map(values).collect();
        let wanted = given.iter().filter(|text| !text.eq_ignore_ascii_case(PRESERVE));
        let mut all =
            wanted.map(|text| text.parse::<IpAddr>()).collect::<Result<Vec<_>, _>>().map_err(|_| Word::Dnserr)?;
        if given.is_empty() {
            all.extend(client);
        }
        all.iter_mut().for_each(|address| *address = address.to_canonical());
        if !all.iter().all(is_public) || (all.is_empty() && given.is_empty()) {
            return Err(Word::Dnserr);
        }
        let first = all.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(Update { hosts, addresses: Addresses { all, first } })
    }
}

/// User name and password in the query.
pub(super) fn credentials(query: Option<&str>) -> Option<(String, String)> {
    let pairs = || form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
    let value = |name: &str| pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    Some((value("username").unwrap_or_default(), value("password")?))
}

/// Whether other networks can reach an address. Addresses for documentation (RFC 5737, RFC 3849) are accepted, as in zones.
fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [first, second, ..] = four.octets();
            // RFC 6598: shared addresses between a provider and its customers.
            let is_shared = first == 100 && (64..128).contains(&second);
            !(first == 0
                || is_shared
                || four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_broadcast()
                || four.is_multicast())
        }
        IpAddr::V6(six) => {
            !(*six == Ipv6Addr::UNSPECIFIED
                || six.is_loopback()
                || six.is_unicast_link_local()
                || six.is_unique_local()
                || six.is_multicast())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<(String, String), Word> {
        let update = Update::read(Some(query), "user@example.com", "203.0.113.9".parse().ok())?;
        let addresses: Vec<String> = update.addresses.all.iter().map(IpAddr::to_string).collect();
        Ok((update.hosts.join(" "), addresses.join(" ")))
    }

    #[test]
    fn hosts_and_addresses_are_found_under_many_names() {
        let both = "192.0.2.1 2001:db8::1";
        for (query, hosts, addresses) in [
            ("hostname=a.example.com,b.example.com&myip=192.0.2.1,2001:db8::1", "a.example.com b.example.com", both),
            (
                "system=dyndns&hostname=a.example.com%2Cb.example.com&myip=192.0.2.1&wildcard=NOCHG",
                "a.example.com b.example.com",
                "192.0.2.1",
            ),
            ("hostname=a.example.com&myip=192.0.2.1&myipv6=2001:db8::1", "a.example.com", both),
            ("hostname=a.example.com&myip=&myipv6=2001:db8::1", "a.example.com", "2001:db8::1"),
            ("hostname=a.example.com&myip=192.0.2.1&myipv6=", "a.example.com", "192.0.2.1"),
            ("hostname=a.example.com&ip=192.0.2.1&ipv6=preserve", "a.example.com", "192.0.2.1"),
            ("hostname=a.example.com&myip=preserve", "a.example.com", ""),
            ("hostname=&host_id=a.example.com&myip2=2001:db8::1", "a.example.com", "2001:db8::1"),
            ("domain=*.example.com&myip=::ffff:192.0.2.1", "*.example.com", "192.0.2.1"),
            ("HOSTNAME=a.example.com", "a.example.com", "203.0.113.9"),
            ("hostname=a.example.com&myip=", "a.example.com", "203.0.113.9"),
        ] {
            assert_eq!(read(query), Ok((hosts.to_owned(), addresses.to_owned())), "{query}");
        }
        let by_user = Update::read(None, "home.example.com", "203.0.113.9".parse().ok()).unwrap();
        assert_eq!(by_user.hosts, ["home.example.com"]);
    }

    #[test]
    fn what_cannot_be_used_has_its_word() {
        let many = vec!["a.example.com"; 21].join(",");
        for (query, word) in
            [("", Word::Notfqdn), ("hostname=,", Word::Notfqdn), (&format!("hostname={many}"), Word::Numhost)]
        {
            assert_eq!(read(query), Err(word), "{query}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "x",
            "1.2.3",
            "192.0.2.1:80",
            "fe80::1%eth0",
            "<ipaddr>",
            "192.0.2.1,10.0.0.1",
        ] {
            assert_eq!(read(&format!("hostname=a.example.com&myip={address}")), Err(Word::Dnserr), "{address}");
        }
        assert_eq!(Update::read(Some("hostname=a.example.com"), "", None), Err(Word::Dnserr));
        assert_eq!(Update::read(Some("hostname=a.example.com"), "", "192.168.1.1".parse().ok()), Err(Word::Dnserr));
    }

    #[test]
    fn credentials_may_stand_in_the_query() {
        assert_eq!(credentials(Some("username=u&password=p%3A1")), Some(("u".to_owned(), "p:1".to_owned())));
        assert_eq!(credentials(Some("password=p")), Some((String::new(), "p".to_owned())));
        assert_eq!(credentials(Some("username=u")), None);
    }
}
