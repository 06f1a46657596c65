//! Names under which other people register names: the public suffix list, and the top-level names for local networks.
//!
//! The ICANN section of the list (`com`, `co.uk`) can never be a zone here. The names of its private section (`github.io`,
//! `eu.org`) have owners who may host them, and a local network may use `lan`, but a tenant of a shared server has no use for
//! either: those names need the operator's decision, which the store checks. Names below them are ordinary names.

use crate::Name;

/// The names for local networks: RFC 8375 (`home.arpa`), RFC 6762, appendix G, and `internal`, which ICANN reserved in 2024.
const LOCAL: [&str; 7] = ["corp", "home", "home.arpa", "internal", "intranet", "lan", "private"];

/// Why a name is not an ordinary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suffix {
    /// In the ICANN section of the public suffix list, or a top-level name.
    Public,
    /// In the private section of the public suffix list.
    Private,
    /// The whole of a local network's names.
    Local,
}

impl Suffix {
    /// What the whole name is; `None` for an ordinary name.
    pub fn of(name: &Name) -> Option<Suffix> {
        let text = name.to_string();
        if LOCAL.contains(&text.as_str()) {
            return Some(Suffix::Local);
        }
        if name.labels().count() < 2 {
            return Some(Suffix::Public);
        }
        let suffix = psl::suffix(text.as_bytes()).filter(|suffix| suffix.as_bytes().len() == text.len())?;
        // A suffix without a section comes from the list's default rule, `*`: a top-level name, which is handled above.
        match suffix.typ()? {
            psl::Type::Icann => Some(Suffix::Public),
            psl::Type::Private => Some(Suffix::Private),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_suffixes_from_ordinary_names() {
        for (text, suffix) in [
            (".", Some(Suffix::Public)),
            ("com", Some(Suffix::Public)),
            ("localhost", Some(Suffix::Public)),
            ("CO.UK.", Some(Suffix::Public)),
            ("in-addr.arpa", Some(Suffix::Public)),
            ("github.io", Some(Suffix::Private)),
            ("GitHub.IO.", Some(Suffix::Private)),
            ("uk.com", Some(Suffix::Private)),
            ("eu.org", Some(Suffix::Private)),
            ("anything.compute.amazonaws.com", Some(Suffix::Private)),
            ("lan", Some(Suffix::Local)),
            ("Internal.", Some(Suffix::Local)),
            ("home.arpa", Some(Suffix::Local)),
            ("foo.github.io", None),
            ("foo.lan", None),
            ("foo.home.arpa", None),
            ("example.com", None),
            ("example.co.uk", None),
            ("example.test", None),
        ] {
            assert_eq!(Suffix::of(&Name::parse(text).unwrap()), suffix, "{text}");
        }
    }
}
