//! DNS cookies (RFC 7873) in the interoperable format (RFC 9018).
//!
//! A server cookie proves that its client received a response at its address within the last hour. The server stores nothing: the
//! cookie is a keyed hash over the client's cookie, its address and a timestamp. Servers behind one address with the same secret,
//! BIND included, accept each other's cookies.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

/// The client's part.
pub(crate) type ClientCookie = [u8; 8];

/// A COOKIE option of a response: the client's part, version 1, three octets of zero, the timestamp, the hash.
pub(crate) const COOKIE: usize = 24;
const SERVER_COOKIE: usize = COOKIE - size_of::<ClientCookie>();
const VERSION: u8 = 1;
/// How old a cookie may be, and how far ahead another server's clock, in seconds (RFC 9018, section 4.3).
const OLDEST: u32 = 3600;
const NEWEST: u32 = 300;

/// The COOKIE option of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) client: ClientCookie,
    /// The server's part, where it has the length of those that are made here.
    server: Option<[u8; SERVER_COOKIE]>,
}

impl Cookie {
    /// Reads the option; `None` where its length is none that RFC 7873, section 5.2.2, allows.
    pub(crate) fn read(option: &[u8]) -> Option<Cookie> {
        let (client, server) = option.split_first_chunk()?;
        matches!(server.len(), 0 | 8..=32).then(|| Cookie { client: *client, server: server.try_into().ok() })
    }
}

/// Makes and checks server cookies.
pub(crate) struct Jar {
    secrets: Vec<[u8; 16]>,
}

impl Jar {
    pub(crate) fn new(secrets: Vec<[u8; 16]>) -> Jar {
        Jar { secrets }
    }

    /// The whole option for a response; `None` where there is no secret.
    pub(crate) fn make(&self, client: ClientCookie, address: IpAddr, now: u64) -> Option<[u8; COOKIE]> {
        let mut option = [0; COOKIE];
        option[..8].copy_from_slice(&client);
        option[8] = VERSION;
        option[12..16].copy_from_slice(&(now as u32).to_be_bytes());
        let hash = hash(self.secrets.first()?, &option[..16], address);
        option[16..].copy_from_slice(&hash);
        Some(option)
    }

    /// Whether the server's part was made here, or by a server with one of these secrets, for this client, lately.
    pub(crate) fn is_valid(&self, cookie: &Cookie, address: IpAddr, now: u64) -> bool {
        let Some(server) = cookie.server else { return false };
        let (head, signature) = server.split_at(8);
        let Some(timestamp) = head.last_chunk::<4>().copied().map(u32::from_be_bytes) else { return false };
        let age = (now as u32).wrapping_sub(timestamp) as i32;
        if head[0] != VERSION || !(-(NEWEST as i32)..=OLDEST as i32).contains(&age) {
            return false;
        }
        let mut signed = [0; 16];
        signed[..8].copy_from_slice(&cookie.client);
        signed[8..].copy_from_slice(head);
        self.secrets.iter().any(|secret| is_equal(&hash(secret, &signed, address), signature))
    }
}

/// SipHash-2-4 over client cookie, version, reserved octets and timestamp, and the address (RFC 9018, section 4.4).
fn hash(secret: &[u8; 16], signed: &[u8], address: IpAddr) -> [u8; 8] {
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(signed);
    match address {
        IpAddr::V4(address) => hasher.write(&address.octets()),
        IpAddr::V6(address) => hasher.write(&address.octets()),
    }
    hasher.finish().to_le_bytes()
}

/// Compares without saying by the time it takes where the first difference is.
fn is_equal(one: &[u8; 8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn jar(secrets: &[&str]) -> Jar {
        Jar::new(secrets.iter().map(|secret| hex(secret).try_into().unwrap()).collect())
    }

    /// The test vectors of RFC 9018, appendix A.
    #[test]
    fn the_vectors_of_the_rfc() {
        const FIRST: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
        for (secret, address, client, now, option) in [
            (
                FIRST,
                "198.51.100.100",
                "2464c4abcf10c957",
                1_559_731_985,
                "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
            ),
            (
                FIRST,
                "198.51.100.100",
                "2464c4abcf10c957",
                1_559_734_385,
                "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
            ),
            (
                FIRST,
                "203.0.113.203",
                "fc93fc62807ddb86",
                1_559_734_700,
                "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
            ),
            (
                "445536bcd2513298075a5d379663c962",
                "2001:db8:220:1:59de:d0f4:8769:82b8",
                "22681ab97d52c298",
                1_559_741_961,
                "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
            ),
        ] {
            let (address, client): (IpAddr, ClientCookie) = (address.parse().unwrap(), hex(client).try_into().unwrap());
            let made = jar(&[secret]).make(client, address, now).unwrap();
            assert_eq!(made.as_slice(), hex(option));
            assert!(jar(&[secret]).is_valid(&Cookie::read(&made).unwrap(), address, now));
        }
    }

    #[test]
    fn a_cookie_is_for_one_client_for_an_hour_under_a_known_secret() {
        let (old, new) = ("000102030405060708090a0b0c0d0e0f", "101112131415161718191a1b1c1d1e1f");
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let now = 1_700_000_000;
        let made = jar(&[old]).make([7; 8], address, now).unwrap();
        let cookie = Cookie::read(&made).unwrap();
        for (secrets, address, at, expected) in [
            (vec![old], "192.0.2.1", now, true),
            (vec![old], "192.0.2.1", now + 3600, true),
            (vec![old], "192.0.2.1", now + 3601, false),
            (vec![old], "192.0.2.1", now - 300, true),
            (vec![old], "192.0.2.1", now - 301, false),
            (vec![old], "192.0.2.2", now, false),
            (vec![new], "192.0.2.1", now, false),
            (vec![new, old], "192.0.2.1", now, true),
            (vec![], "192.0.2.1", now, false),
        ] {
            let is_valid = jar(&secrets).is_valid(&cookie, address.parse().unwrap(), at);
            assert_eq!(is_valid, expected, "{secrets:?} {address} {at}");
        }
        for at in 0..made.len() {
            let mut changed = made;
            changed[at] ^= 1;
            assert!(!jar(&[old]).is_valid(&Cookie::read(&changed).unwrap(), address, now), "octet {at}");
        }
    }

    #[test]
    fn only_lengths_of_the_rfc_are_cookies() {
        for length in 0..64 {
            let expected = length == 8 || (16..=40).contains(&length);
            assert_eq!(Cookie::read(&vec![0; length]).is_some(), expected, "{length}");
        }
    }
}
