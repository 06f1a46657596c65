//! The zones for the addresses of a network (RFC 1035, section 3.5; RFC 3596, section 2.5; RFC 2317).

use std::net::Ipv6Addr;

use crate::rdata::text::number;
use crate::{Message, Name, message};

/// For a network or an address, a sentence that names its reverse zone or zones; `None` for any other text.
///
/// Takes the forms that people write: `192.0.2.0/24`, `192.0.2`, `192.168/16`, `192.0.2.1`, `2001:db8::/32`.
pub(crate) fn zones_of(text: &str) -> Option<Message> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(number::<u8>(length)?)),
        None => (text, None),
    };
    match address.parse::<Ipv6Addr>() {
        Ok(address) => {
            // The usual network of a single address.
            let length = usize::from(length.filter(|length| *length < 128).unwrap_or(64));
            let nibbles = address.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]).collect::<Vec<_>>();
            Some(sentence(&nibbles, 4, length, |nibble| format!("{nibble:x}"), "ip6.arpa"))
        }
        Err(_) => {
            let mut octets = address
                .split('.')
                .map(|octet| number::<u8>(octet).filter(|_| octet.len() <= 3))
                .collect::<Option<Vec<_>>>()?;
            let given = octets.len();
            if given > 4 || (given == 1 && length.is_none()) {
                return None;
            }
            octets.resize(4, 0);
            let length = match length {
                Some(length) if length > 32 => return None,
                Some(length) if length < 32 => usize::from(length),
                Some(_) => 24,
                None => 8 * given.min(3),
            };
            if length > 24 {
                let [a, b, c, d] = octets.as_slice() else { return None };
                return Some(message!(
                    "the zone for its reverse names is {name} (RFC 2317)",
                    name = format!("{d}/{length}.{c}.{b}.{a}.in-addr.arpa")
                ));
            }
            Some(sentence(&octets, 8, length, |octet| octet.to_string(), "in-addr.arpa"))
        }
    }
}

/// Whether a name lies below in-addr.arpa or ip6.arpa.
pub(crate) fn is_reverse(name: &Name) -> bool {
    let labels: Vec<&[u8]> = name.labels().collect();
    matches!(labels.as_slice(), [.., _, b"in-addr" | b"ip6", b"arpa"])
}

/// Names the zone whose labels are the first `length` bits, each label of so many bits; the first of several zones where the
/// network ends inside a label.
fn sentence(parts: &[u8], bits: usize, length: usize, write: impl Fn(u8) -> String, suffix: &str) -> Message {
    let labels = length.div_ceil(bits).max(1);
    let name: Vec<String> = parts.iter().take(labels).rev().map(|part| write(*part)).collect();
    let name = format!("{}.{suffix}", name.join("."));
    match 1u32 << (labels * bits - length) {
        1 => message!("the zone for its reverse names is {name}", name),
        count => {
            message!("the zones for its reverse names are {name} and the {count} after it", name, count = count - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_their_zones() {
        for (text, zones) in [
            ("192.0.2.0/24", "zone for its reverse names is 2.0.192.in-addr.arpa"),
            ("192.0.2.", "zone for its reverse names is 2.0.192.in-addr.arpa"),
            ("255.255", "zone for its reverse names is 255.255.in-addr.arpa"),
            ("192.0.2.1", "zone for its reverse names is 2.0.192.in-addr.arpa"),
            ("192.0.2.1/32", "zone for its reverse names is 2.0.192.in-addr.arpa"),
            ("10/8", "zone for its reverse names is 10.in-addr.arpa"),
            ("172.16/12", "zones for its reverse names are 16.172.in-addr.arpa and the 15 after it"),
            ("172.16.0.0/23", "zones for its reverse names are 0.16.172.in-addr.arpa and the 1 after it"),
            ("192.0.2.64/26", "zone for its reverse names is 64/26.2.0.192.in-addr.arpa"),
            ("0.0.0.0/0", "zones for its reverse names are 0.in-addr.arpa and the 255 after it"),
            ("2001:db8::/32", "zone for its reverse names is 8.b.d.0.1.0.0.2.ip6.arpa"),
            ("2001:db8::/33", "zones for its reverse names are 0.8.b.d.0.1.0.0.2.ip6.arpa and the 7 after it"),
            ("2001:db8::1", "zone for its reverse names is 0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
        ] {
            let found = zones_of(text).unwrap_or_else(|| panic!("{text} is a network"));
            assert!(found.to_string().contains(zones), "{text}: {found}");
        }
        for text in ["", ".", "/", "10", "example.com", "1.2.3.4.5", "256.1", "1.2/33", "1.2/x", "::/x", "a/24", "1..2"]
        {
            assert_eq!(zones_of(text), None, "{text}");
        }
    }
}
