//! Update keys: credentials for the doors (dynamic updates, transfers, and the HTTP protocols of existing clients), each with a
//! scope of its own.
//!
//! A key has a TSIG secret (RFC 8945) and a token. The secret is stored encrypted, because the server must be able to read it. The
//! token is for the doors that speak HTTP, and only its hash is stored. Some doors have clients that cannot send a token: a key for
//! such a door has a secret path instead of both.
//!
//! The scope is checked where changes are planned, against the records that a change really removes and adds (`logic/change.rs`). So
//! a door that forgets to check it cannot change anything outside it. Doors also call [`KeyScope::check`], because some protocols
//! refuse requests that would change nothing.
//!
//! A key that is created with a token never allows more than that token, and is deleted with it.
//!
//! Decided against: keys as a kind of token (a leaked TSIG secret or path would give access to the REST API), and rules that deny
//! (BIND's `update-policy` has them, and their order is a common source of errors).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use data_encoding::BASE64;
use dns::{Name, OwnerName, RecordType, ZoneId, ZoneName};
use uuid::Uuid;

use crate::{
    Account, AccountId, NamePattern, NetworkScope, Permission, Permissions, PlainSecret, PlainToken, StoreError,
    Timestamp, TokenId,
};

/// The identity of an update key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateKeyId(pub Uuid);

/// The maximum number of update keys of an account.
pub const MOST_UPDATE_KEYS: u32 = 1_000;
/// The maximum number of zones, names or networks of an update key.
pub const MOST_IN_SCOPE: usize = 100;
/// How many refusals of a key are kept.
pub const REFUSALS_KEPT: usize = 100;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $number:literal, $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$value_doc])* $value = $number,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$value,)*];

            /// Its name in the API and on the command line.
            pub fn name(self) -> &'static str {
                match self { $($name::$value => $word,)* }
            }

            pub(crate) fn from_number(number: u8) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| *value as u8 == number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<$name, UnknownWord> {
                let known = $name::ALL.iter().copied().find(|value| value.name().eq_ignore_ascii_case(text));
                known.ok_or_else(|| UnknownWord($name::ALL.iter().map(|value| value.name()).collect()))
            }
        }
    };
}

words! {
    /// What an update key is for. The stored numbers never change their meaning.
    KeyPurpose {
        /// Dynamic updates, and reading the records in its scope.
        Manage = 1, "manage";
        /// Transfers of whole zones to the customer's own nameservers; no changes.
        Transfer = 2, "transfer";
    }
}

words! {
    /// The HMAC of a key's signatures (RFC 8945, section 6). The stored numbers never change their meaning.
    KeyAlgorithm {
        /// HMAC-MD5; weak.
        Md5 = 1, "hmac-md5";
        /// HMAC-SHA-1; weak.
        Sha1 = 2, "hmac-sha1";
        /// HMAC-SHA-224.
        Sha224 = 3, "hmac-sha224";
        /// HMAC-SHA-256, for new keys.
        Sha256 = 4, "hmac-sha256";
        /// HMAC-SHA-384.
        Sha384 = 5, "hmac-sha384";
        /// HMAC-SHA-512.
        Sha512 = 6, "hmac-sha512";
    }
}

impl KeyAlgorithm {
    /// Whether new configurations should not use it (RFC 8945, table 3: SHA-1 and MD5 are for old software only).
    pub fn is_weak(self) -> bool {
        matches!(self, KeyAlgorithm::Md5 | KeyAlgorithm::Sha1)
    }

    /// Octets of a new secret: those of the digest, and 32 at least.
    pub(crate) fn secret_length(self) -> usize {
        match self {
            KeyAlgorithm::Md5 | KeyAlgorithm::Sha1 | KeyAlgorithm::Sha224 | KeyAlgorithm::Sha256 => 32,
            KeyAlgorithm::Sha384 => 48,
            KeyAlgorithm::Sha512 => 64,
        }
    }
}

words! {
    /// A door whose clients present a secret path. The stored numbers never change their meaning.
    Door {
        /// `/acme-dns/{secret}/...`
        AcmeDns = 1, "acme-dns";
        /// `/external-dns/{secret}/...`
        ExternalDns = 2, "external-dns";
    }
}

words! {
    /// How a refused request came. The stored numbers never change their meaning.
    Transport {
        /// A DNS message over UDP.
        Udp = 1, "udp";
        /// A DNS message over TCP.
        Tcp = 2, "tcp";
        /// HTTP, with or without TLS.
        Http = 3, "http";
    }
}

words! {
    /// Which rule refused a request. The stored numbers never change their meaning.
    RefusedBy {
        /// The account has no such zone, or the key is not for it.
        Zone = 1, "zone";
        /// The name is outside the key's names.
        Name = 2, "name";
        /// The type is not among the key's types.
        Type = 3, "type";
        /// The key lacks a permission.
        Permission = 4, "permission";
        /// The key is for the other purpose, or changes records only.
        Purpose = 5, "purpose";
        /// The client's address is outside the key's networks.
        Network = 6, "network";
        /// The signature is wrong (BADSIG).
        Signature = 7, "signature";
        /// The clocks differ too much (BADTIME).
        Clock = 8, "clock";
        /// The request is signed with another algorithm than the key's (BADKEY).
        Algorithm = 9, "algorithm";
        /// The request is malformed, or the door does not understand it.
        Malformed = 10, "malformed";
        /// The zone would break a rule: a CNAME beside other data, an invalid value.
        Content = 11, "content";
        /// A limit of the account or of the server.
        Limit = 12, "limit";
    }
}

/// A text that is none of these words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use one of: {}", .0.join(", "))]
pub struct UnknownWord(pub Vec<&'static str>);

/// Which record types a key may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyTypes {
    /// All but those that delegate or sign: NS, DS, DNSKEY, CDS, CDNSKEY and CSYNC.
    #[default]
    Usual,
    /// These.
    Only(Vec<RecordType>),
    /// All.
    Any,
}

impl KeyTypes {
    /// Whether the type is among them.
    pub fn contains(&self, wanted: RecordType) -> bool {
        use RecordType::{Cdnskey, Cds, Csync, Dnskey, Ds, Ns};
        match self {
            KeyTypes::Usual => !matches!(wanted, Ns | Ds | Dnskey | Cds | Cdnskey | Csync),
            KeyTypes::Only(types) => types.contains(&wanted),
            KeyTypes::Any => true,
        }
    }
}

/// What a key may do in its zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyScope {
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The names that it may change; `None`: all.
    pub names: Option<Vec<NamePattern>>,
    /// The types that it may change.
    pub types: KeyTypes,
    /// The changes that it may make, as in [`Change::allowed`](crate::Change::allowed).
    pub permissions: Permissions,
}

impl KeyScope {
    /// Whether the key may change records of this type at this name. Permissions are not checked here: which of them are needed
    /// depends on the existing records.
    ///
    /// # Errors
    ///
    /// Which part of the scope the record is outside of.
    pub fn check(&self, owner: &OwnerName, record_type: RecordType) -> Result<(), OutOfScope> {
        if self.purpose == KeyPurpose::Transfer {
            return Err(OutOfScope::Transfer);
        }
        if !self.has_name(owner) {
            return Err(OutOfScope::Name(owner.clone()));
        }
        if !self.types.contains(record_type) {
            return Err(OutOfScope::Type(owner.clone(), record_type));
        }
        Ok(())
    }

    /// Whether the name is in its scope, for reading and for prerequisites.
    pub fn has_name(&self, owner: &OwnerName) -> bool {
        self.names.as_ref().is_none_or(|names| names.iter().any(|pattern| pattern.matches(owner)))
    }
}

/// Why a change is outside the scope of the update key that it came with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutOfScope {
    /// The key is for transfers.
    #[error("the key is for transfers only")]
    Transfer,
    /// It changes a record at a name that is none of the key's.
    #[error("the key may not change the name {0}")]
    Name(OwnerName),
    /// It changes a record of a type that is none of the key's.
    #[error("the key may not change {1} records (at {0})")]
    Type(OwnerName, RecordType),
    /// It changes the zone itself: its settings, or whether it exists.
    #[error("the key may change records only, not create, delete or configure zones")]
    Zone,
}

impl OutOfScope {
    /// The rule, for the log.
    pub fn rule(&self) -> RefusedBy {
        match self {
            OutOfScope::Transfer | OutOfScope::Zone => RefusedBy::Purpose,
            OutOfScope::Name(_) => RefusedBy::Name,
            OutOfScope::Type(..) => RefusedBy::Type,
        }
    }
}

/// An update key as it is stored, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateKey {
    /// Its identity.
    pub id: UpdateKeyId,
    pub(crate) row: i64,
    /// Whose it is.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// Its name in DNS messages, unique in this database.
    pub key_name: Name,
    /// The algorithm of its signatures.
    pub algorithm: KeyAlgorithm,
    /// The door of its secret path; `None`: it has a TSIG secret and a token.
    pub door: Option<Door>,
    /// The zones that it is for, with the names that they had when the key was created. A zone that is deleted and created again is
    /// a different zone, which the key does not include.
    pub zones: Vec<KeyZone>,
    /// What it may do there.
    pub scope: Arc<KeyScope>,
    /// The networks from which it may be used.
    pub networks: NetworkScope,
    /// When it was created.
    pub created_at: Timestamp,
    /// The time from which it is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Timestamp>,
    /// The reason of its newest refusal.
    pub last_error: Option<String>,
}

/// A zone of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the types say")]
pub struct KeyZone {
    pub id: ZoneId,
    pub name: ZoneName,
}

/// The TSIG secret of a key. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(pub(crate) Vec<u8>);

impl KeySecret {
    pub(crate) fn draw(algorithm: KeyAlgorithm) -> Result<KeySecret, StoreError> {
        let mut octets = vec![0; algorithm.secret_length()];
        getrandom::fill(&mut octets).map_err(|_| StoreError::Random)?;
        Ok(KeySecret(octets))
    }

    /// The secret itself.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The secret in the form of configuration files: base64 (RFC 4648, section 4) with padding.
    pub fn base64(&self) -> String {
        BASE64.encode(&self.0)
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(..)")
    }
}

/// An update key to be created.
#[derive(Debug, Clone)]
pub struct NewUpdateKey {
    /// What its owner calls it.
    pub name: String,
    /// Its zones, of the account; at least one.
    pub zones: Vec<ZoneId>,
    /// What it may do there.
    pub scope: KeyScope,
    /// How its signatures are made.
    pub algorithm: KeyAlgorithm,
    /// From where it may be used.
    pub networks: NetworkScope,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// As in [`UpdateKey`].
    pub door: Option<Door>,
    /// The token that creates it. The key never allows more than this token, and is deleted with it.
    pub token: Option<TokenId>,
}

/// Why an update key was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUpdateKeyError {
    /// There is no such account, or it is closed.
    #[error("there is no such account")]
    NoAccount,
    /// The account has the maximum number of keys.
    #[error("an account may have at most {MOST_UPDATE_KEYS} update keys")]
    Limit,
    /// The account, or the token, has no such zone.
    #[error("the account has no such zone")]
    NoZone(ZoneId),
    /// The token was revoked meanwhile.
    #[error("the token does not exist any more")]
    NoToken,
    /// A permission that the token lacks.
    #[error("the token lacks {0}, so that its keys cannot have it")]
    Permission(Permission),
    /// A network that is not within the token's networks.
    #[error("a key may be used only from where the token that creates it may be used")]
    Network,
    /// It would expire later than the token.
    #[error("a key may not expire later than the token that creates it")]
    Expiry,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An update key that was just created, with its credentials: its token and its path cannot be read again later.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "what the types say")]
pub struct CreatedUpdateKey {
    pub key: UpdateKey,
    pub credentials: KeyCredentials,
}

/// What the owner of a new key gets.
#[derive(Debug, Clone)]
pub enum KeyCredentials {
    /// For dynamic updates and transfers, and for the doors that take a token.
    Tsig {
        /// The secret of the signatures.
        secret: KeySecret,
        /// The token, with the same scope; valid only at the doors.
        token: PlainToken,
    },
    /// The secret in the path of a door.
    Path(Door, PlainSecret),
}

/// A valid key and its account. The doors get it from [`Doors`](crate::Doors).
#[derive(Debug)]
pub struct KeyIdentity {
    /// Whose it is.
    pub account: Account,
    /// The key.
    pub key: UpdateKey,
    /// Its TSIG secret. `None` if the key has a path, or if the key file that encrypts secrets was lost.
    pub secret: Option<KeySecret>,
    /// When its use was last recorded, in milliseconds since 1970.
    pub(crate) noted: AtomicI64,
}

/// A refused request of a key, for its owner to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The time; for equal refusals, that of the newest.
    pub time: Timestamp,
    /// The client's address, if it is known.
    pub source: Option<IpAddr>,
    /// How it came.
    pub transport: Transport,
    /// The request in one line, such as `add www.example.com. A`. Longer texts are cut.
    pub asked: String,
    /// Which rule refused it.
    pub rule: RefusedBy,
    /// The reason, as a sentence. Longer texts are cut.
    pub detail: String,
    /// The number of equal refusals.
    pub count: u64,
}

impl Refusal {
    /// The maximum number of characters of a text.
    pub const MAX_CHARACTERS: usize = 300;

    pub(crate) fn is_like(&self, other: &Refusal) -> bool {
        let what = |refusal: &Refusal| (refusal.source, refusal.transport, refusal.rule);
        what(self) == what(other) && self.asked == other.asked && self.detail == other.detail
    }

    /// The same with texts of one line, cut to the maximum length.
    pub(crate) fn tidy(mut self) -> Refusal {
        for text in [&mut self.asked, &mut self.detail] {
            let clean =
                text.chars().map(|c| if crate::check_text(c.encode_utf8(&mut [0; 4])).is_ok() { c } else { ' ' });
            *text = clean.take(Refusal::MAX_CHARACTERS).collect();
        }
        self
    }
}

/// The address that a key was used from is outside its networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key may not be used from this address")]
pub struct OutsideNetworks;
