//! What the types of DNSSEC share: the algorithms of keys (RFC 8624) and the types of digests.

use super::mnemonic::Mnemonic;
use crate::{Message, Name, message};

/// The mnemonics that BIND reads. Of a key, the number is written.
pub(super) const ALGORITHM: Mnemonic = Mnemonic {
    octets: 1,
    shown: false,
    names: &[
        ("RSAMD5", 1),
        ("DH", 2),
        ("DSA", 3),
        ("RSASHA1", 5),
        ("NSEC3DSA", 6),
        ("NSEC3RSASHA1", 7),
        ("RSASHA256", 8),
        ("RSASHA512", 10),
        ("ECCGOST", 12),
        ("ECDSAP256SHA256", 13),
        ("ECDSAP384SHA384", 14),
        ("ED25519", 15),
        ("ED448", 16),
        ("INDIRECT", 252),
        ("PRIVATEDNS", 253),
        ("PRIVATEOID", 254),
    ],
};

/// The same, where the mnemonic is written.
pub(super) const NAMED_ALGORITHM: Mnemonic = Mnemonic { shown: true, ..ALGORITHM };

/// The types of digests in DS and CDS.
pub(super) const DIGEST: Mnemonic = Mnemonic {
    octets: 1,
    shown: false,
    names: &[("SHA-1", 1), ("SHA1", 1), ("SHA-256", 2), ("SHA256", 2), ("GOST", 3), ("SHA-384", 4), ("SHA384", 4)],
};

/// A digest of a known type has that type's length.
pub(super) fn check_length(kind: u8, digest: &[u8]) -> Result<(), Message> {
    match (kind, digest.len()) {
        (1, 20) | (2, 32) | (4, 48) => Ok(()),
        (1, _) => Err(message!("a digest by SHA-1 (1) has 20 octets: 40 hexadecimal digits")),
        (2, _) => Err(message!("a digest by SHA-256 (2) has 32 octets: 64 hexadecimal digits")),
        (4, _) => Err(message!("a digest by SHA-384 (4) has 48 octets: 96 hexadecimal digits")),
        _ => Ok(()),
    }
}

/// A key of a private algorithm begins with the algorithm's name (RFC 4034, appendix A.1.1).
pub(super) fn check_key(wire: &[u8]) -> Result<(), Message> {
    match wire {
        [_, _, _, 253, key @ ..] if Name::from_wire(key).is_err() => {
            Err(message!("a key of the algorithm PRIVATEDNS (253) begins with a domain name in wire form"))
        }
        _ => Ok(()),
    }
}
