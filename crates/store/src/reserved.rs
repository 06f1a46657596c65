//! Names that an ordinary account cannot hold.
//!
//! A nameserver serves whatever zone has the longest matching name, for every tenant. So the holder of a zone can redirect
//! everything at and below its name, and the names that the server itself depends on must not be a tenant's:
//!
//! | names | who may hold them |
//! |---|---|
//! | the catalogs (`zonewright.invalid`, and everything above or below) | no account: secondaries take their configuration from them |
//! | the nameservers, the host of `url`, the domain of `mail.from`, with everything above and below | operators |
//! | the private section of the public suffix list (`github.io`), names of local networks (`lan`) | any account, by the operator's decision |
//!
//! "Above" ends below the public suffix: `ns1.example.co.uk` reserves `example.co.uk`, and not `co.uk`, which is refused anyway.
//! The store asks this list inside the transaction of each way in which an account gets a zone (`sql/reserved.rs`), so that
//! no caller can forget it.
//!
//! Decided against: operators may hold catalog names. The primary serves catalogs under these names, whoever owns the zone, and
//! there is no use for such a zone.

use dns::{Name, Suffix, ZoneName};

use crate::StoreError;

/// The domain in which the catalogs are. It exists nowhere else (RFC 6761, section 6.4).
pub const CATALOGS: [&[u8]; 3] = [b"catalogs", b"zonewright", b"invalid"];

/// The names that this server reserves for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reserved {
    names: Vec<Name>,
}

/// Why an account may not hold a name. The text is for anyone: it does not say who holds the name, or what it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reservation {
    /// The catalogs need it.
    #[error("this name is reserved by the server; choose another domain")]
    Catalogs,
    /// The server is reached under it: only operators may hold it.
    #[error("this name is reserved by the server; choose another domain")]
    Server,
    /// Other people register names below it.
    #[error(
        "this is a public suffix under which other people register names; only the operator of this server can create it"
    )]
    Suffix,
    /// It is the whole of a local network's names.
    #[error("this is a name for local networks; only the operator of this server can create it")]
    Local,
}

impl Reserved {
    /// The reservations for the names that the server is reached under.
    pub fn new(names: impl IntoIterator<Item = Name>) -> Reserved {
        let mut distinct = Vec::new();
        for name in names {
            if !name.is_root() && !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        Reserved { names: distinct }
    }

    /// Why an ordinary account may not hold a name; `None` where it may.
    pub fn of(&self, name: &ZoneName) -> Option<Reservation> {
        if is_above_or_below(name.name(), &catalogs()) {
            return Some(Reservation::Catalogs);
        }
        if self.names.iter().any(|own| is_above_or_below(name.name(), own)) {
            return Some(Reservation::Server);
        }
        match name.suffix()? {
            Suffix::Private => Some(Reservation::Suffix),
            Suffix::Local => Some(Reservation::Local),
            // The text of such a name is refused, so this zone is older than its entry in the list, and may stay.
            Suffix::Public => None,
        }
    }
}

impl Reservation {
    /// Whether it is for the server itself, so that no decision of the operator's gives the name to a user's account.
    pub fn is_for_the_server(self) -> bool {
        match self {
            Reservation::Catalogs | Reservation::Server => true,
            Reservation::Suffix | Reservation::Local => false,
        }
    }
}

/// The subtree of the catalogs: nothing else in it has a use.
#[expect(clippy::expect_used, reason = "two short labels")]
fn catalogs() -> Name {
    Name::from_labels(CATALOGS.into_iter().skip(1)).expect("a short name")
}

fn is_above_or_below(name: &Name, own: &Name) -> bool {
    // A name that is itself a public suffix (a mistake of configuration) does not reserve all the names below it.
    let is_below = name == own || (name.is_within(own) && Suffix::of(own) != Some(Suffix::Public));
    is_below || (own.is_within(name) && Suffix::of(name) != Some(Suffix::Public))
}

/// Why a zone was not given to another account.
#[derive(Debug, thiserror::Error)]
pub enum MoveZoneError {
    /// The account may not hold this name.
    #[error(transparent)]
    Reserved(#[from] Reservation),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_what_is_at_above_and_below_the_servers_names() {
        let own = ["ns1.dns.example.co.uk", "dns.example.net", "mail.example", "com"];
        let reserved = Reserved::new(own.map(|name| Name::parse(name).unwrap()));
        let of = |name: &str| reserved.of(&ZoneName::from_stored(Name::parse(name).unwrap()));
        for name in [
            "c25.catalogs.zonewright.invalid",
            "C25.Catalogs.Zonewright.INVALID.",
            "x.zones.c25.catalogs.zonewright.invalid",
            "catalogs.zonewright.invalid",
            "other.zonewright.invalid",
            "zonewright.invalid",
        ] {
            assert_eq!(of(name), Some(Reservation::Catalogs), "{name}");
        }
        for name in [
            "ns1.dns.example.co.uk",
            "dns.example.co.uk",
            "example.co.uk",
            "a.ns1.dns.example.co.uk",
            "DNS.example.net",
            "example.net",
            "x.y.dns.example.net",
            "mail.example",
            "shop.mail.example",
        ] {
            assert_eq!(of(name), Some(Reservation::Server), "{name}");
        }
        for name in
            ["ns2.dns.example.co.uk", "www.example.net", "xdns.example.net", "example.com", "a.invalid", "foo.lan"]
        {
            assert_eq!(of(name), None, "{name}");
        }
        for (name, reservation) in [("github.io", Reservation::Suffix), ("lan", Reservation::Local)] {
            assert_eq!(of(name), Some(reservation), "{name}");
            assert!(!reservation.is_for_the_server());
        }
    }
}
