//! API tokens: shown once, stored as a hash.

use std::fmt;
use std::net::IpAddr;

use dns::ZoneId;
use ipnet::IpNet;

use crate::{Account, AccountId, Permissions, StoreError, Timestamp};

/// A token's identity inside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub(crate) i64);

impl TokenId {
    /// The identity that a form or a command names by its number.
    pub fn from_number(number: i64) -> TokenId {
        TokenId(number)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A token in the clear, `vps_` and 256 random bits. It is never stored, and `Debug` does not show it.
#[derive(Clone)]
pub struct PlainToken(pub(crate) String);

/// What every token begins with.
const PREFIX: &str = "vps_";
/// How long what follows is: 256 bits, six in each character, rounded up.
const SECRET_LENGTH: usize = 43;
/// RFC 4648, section 5.
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl PlainToken {
    /// A new token from the operating system's random numbers.
    pub(crate) fn draw() -> Result<PlainToken, StoreError> {
        let mut secret = [0u8; 32];
        getrandom::fill(&mut secret).map_err(|_| StoreError::Random)?;
        Ok(PlainToken::of(&secret))
    }

    fn of(secret: &[u8; 32]) -> PlainToken {
        PlainToken(format!("{PREFIX}{}", base64_url(secret)))
    }

    /// Whether a text can be a token at all: what cannot is not looked up.
    pub(crate) fn is_well_formed(text: &str) -> bool {
        text.strip_prefix(PREFIX).is_some_and(is_base64_url)
    }

    /// What the token's owner tells it from others by.
    pub(crate) fn last_four(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// The text to hand to its owner, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// 256 bits as text.
pub(crate) fn base64_url(secret: &[u8; 32]) -> String {
    let mut text = String::with_capacity(SECRET_LENGTH);
    for octets in secret.chunks(3) {
        let bits = octets.iter().fold(0u32, |bits, &octet| bits << 8 | u32::from(octet)) << (8 * (3 - octets.len()));
        for sextet in 0..=octets.len() {
            text.push(BASE64_URL[(bits >> (18 - 6 * sextet)) as usize & 63].into());
        }
    }
    text
}

/// Whether a text may be what [`base64_url`] gave.
pub(crate) fn is_base64_url(text: &str) -> bool {
    text.len() == SECRET_LENGTH && text.bytes().all(|octet| BASE64_URL.contains(&octet))
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(..)")
    }
}

/// What is kept of a token, but for its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its identity.
    pub id: TokenId,
    /// Whose it is.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// What it allows.
    pub permissions: Permissions,
    /// The last four characters, by which its owner tells tokens apart.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last accepted, give or take a minute.
    pub last_used_at: Option<Timestamp>,
    /// From where it was accepted then.
    pub last_address: Option<IpAddr>,
    /// Which zones it may touch.
    pub zones: ZoneScope,
    /// From where it may be used.
    pub networks: NetworkScope,
}

/// Which of the account's zones a token may touch. To it, the others do not exist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ZoneScope {
    /// All, also those that will be made.
    #[default]
    All,
    /// These. Without any: none.
    Only(Vec<ZoneId>),
}

impl ZoneScope {
    /// Whether `zone` is among them.
    pub fn contains(&self, zone: ZoneId) -> bool {
        match self {
            ZoneScope::All => true,
            ZoneScope::Only(zones) => zones.contains(&zone),
        }
    }
}

/// From where a token may be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NetworkScope {
    /// From anywhere.
    #[default]
    Anywhere,
    /// From these networks. Without any: from nowhere.
    Only(Vec<IpNet>),
}

impl NetworkScope {
    /// Whether `address` lies in one of them. An IPv4 address that came mapped into IPv6 counts as the IPv4 address; a client
    /// whose address is not known is nowhere.
    pub fn contains(&self, address: Option<IpAddr>) -> bool {
        match self {
            NetworkScope::Anywhere => true,
            NetworkScope::Only(networks) => address
                .map(|address| address.to_canonical())
                .is_some_and(|address| networks.iter().any(|network| network.contains(&address))),
        }
    }
}

/// Why a text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkTextError {
    /// It is neither a network nor an address.
    #[error("give a network such as 192.0.2.0/24 or 2001:db8::/32")]
    Malformed,
    /// Its address has bits set after the prefix. This network was probably meant.
    #[error("the address has bits set after the prefix; the network is {0}")]
    HostBits(IpNet),
}

/// Reads a network, or a single address as a network of one.
///
/// # Errors
///
/// As listed.
pub fn parse_network(text: &str) -> Result<IpNet, NetworkTextError> {
    let network: IpNet =
        text.parse().or_else(|_| text.parse().map(IpAddr::into)).map_err(|_| NetworkTextError::Malformed)?;
    if network.addr() == network.network() { Ok(network) } else { Err(NetworkTextError::HostBits(network.trunc())) }
}

/// A token to be made.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "as in Token")]
pub struct NewToken {
    pub name: String,
    pub permissions: Permissions,
    pub expires_at: Option<Timestamp>,
    pub zones: ZoneScope,
    pub networks: NetworkScope,
}

impl NewToken {
    /// A token for all zones, good from anywhere and for ever.
    pub fn unlimited(name: impl Into<String>, permissions: Permissions) -> NewToken {
        NewToken {
            name: name.into(),
            permissions,
            expires_at: None,
            zones: ZoneScope::All,
            networks: NetworkScope::Anywhere,
        }
    }
}

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTokenError {
    /// The account has as many as it may have.
    #[error("the account may have at most {0} tokens")]
    Limit(u32),
    /// There is no such account, or it is closed.
    #[error("there is no such account")]
    NoAccount,
    /// A zone that the token was to be for is not the account's.
    #[error("the account has no such zone")]
    NoZone,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token that was just made: the only time its text is known.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "what the types say")]
pub struct CreatedToken {
    pub token: Token,
    pub plain: PlainToken,
}

/// Who a good token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the types say")]
pub struct Identity {
    pub account: Account,
    pub token: Token,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token_is_not_looked_up() {
        let good = PlainToken::of(&[7; 32]).0;
        let long = format!("{good}A");
        let odd = good.replace("vps_B", "vps_+");
        assert_ne!(odd, good);
        for text in ["", "vps_", &good[1..], &good[..46], &long, &odd, &good.replace("vps_", "VPS_")] {
            assert!(!PlainToken::is_well_formed(text), "{text:?}");
        }
        assert!(PlainToken::is_well_formed(&good));
    }

    #[test]
    fn networks_are_compared_as_the_addresses_they_mean() {
        let only = |texts: &[&str]| NetworkScope::Only(texts.iter().map(|text| text.parse().unwrap()).collect());
        let from = |scope: &NetworkScope, address: &str| scope.contains(Some(address.parse().unwrap()));
        assert!(!only(&[]).contains(None) && !from(&only(&[]), "192.0.2.1"), "an empty list allows nothing");
        let some = only(&["192.0.2.0/24", "2001:db8::/32"]);
        assert!(!some.contains(None));
        assert!(!from(&some, "192.0.3.1") && !from(&some, "2001:db9::1") && !from(&some, "::ffff:192.0.3.1"));
        assert!(from(&some, "192.0.2.255") && from(&some, "2001:db8:ffff::") && from(&some, "::ffff:192.0.2.1"));
        assert!(NetworkScope::Anywhere.contains(None));
    }

    #[test]
    fn every_bit_of_the_secret_is_in_the_text() {
        assert_eq!(PlainToken::of(&[0; 32]).0, format!("vps_{}", "A".repeat(43)));
        assert_eq!(PlainToken::of(&[255; 32]).0, format!("vps_{}8", "_".repeat(42)));
        let base = PlainToken::of(&[0; 32]).0;
        for bit in 0..256 {
            let mut secret = [0; 32];
            secret[bit / 8] |= 1 << (bit % 8);
            assert_ne!(PlainToken::of(&secret).0, base, "bit {bit}");
        }
        assert_ne!(PlainToken::draw().unwrap().0, PlainToken::draw().unwrap().0);
        assert_eq!(format!("{:?}", PlainToken(base)), "PlainToken(..)");
    }
}
