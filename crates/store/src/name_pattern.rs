//! Patterns of owner names: which names of a zone an update key may change.
//!
//! | pattern | names |
//! |---|---|
//! | `home` | this name |
//! | `*.N`, `*` | every name below `N`, or below the apex; `N` itself is not among them |
//! | `**.N`, `**` | `N` and every name below it, or the whole zone |
//! | `L.**.N`, `L.**` | the label `L` directly at `N`, or at any depth below it |
//!
//! Names are relative to the zone, so that one pattern applies to each zone of a key. The last form is for ACME:
//! `_acme-challenge.**.www` matches `_acme-challenge.www` and `_acme-challenge.a.www`.
//!
//! Decided against: regular expressions (an unescaped dot grants too much), and `*` between other labels (for some servers it is
//! one label, for others many).

use std::fmt;

use dns::{Message, Name, NameError, OwnerName, ZoneName, message};

/// A pattern of owner names; see the table in the module's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePattern {
    /// This name.
    Exact(OwnerName),
    /// All names below this one.
    Below(OwnerName),
    /// This name and all below it.
    Tree(OwnerName),
    /// Names that begin with this label, directly at `base` or at any depth below it.
    Label {
        /// The leftmost label of the names.
        label: OwnerName,
        /// The name that they are below.
        base: OwnerName,
    },
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamePatternError {
    /// A part of it is not a name.
    #[error("{}", .0.message())]
    Name(#[from] NameError),
    /// `*` or `**` in a place that the module's table does not allow.
    #[error("{}", misplaced())]
    Misplaced,
}

fn misplaced() -> Message {
    message!(
        "write a name (www), *.N for all names below N, **.N for N and all names below it, or _acme-challenge.**.N for this label at N or at any depth below it"
    )
}

impl NamePatternError {
    /// What is wrong, as a sentence.
    pub fn message(&self) -> Message {
        match self {
            NamePatternError::Name(error) => error.message(),
            NamePatternError::Misplaced => misplaced(),
        }
    }
}

impl NamePattern {
    /// Reads a pattern. As in records, a name that ends in the name of one of `zones` is a full name, and all other names are
    /// relative. A name with a final dot must be in one of the zones.
    ///
    /// # Errors
    ///
    /// As listed.
    pub fn parse(text: &str, zones: &[ZoneName]) -> Result<NamePattern, NamePatternError> {
        let owner = |text: &str| owner(text, zones);
        if let Some(base) = after_stars(text, "**") {
            return Ok(NamePattern::Tree(owner(base)?));
        }
        if let Some(base) = after_stars(text, "*") {
            return Ok(NamePattern::Below(owner(base)?));
        }
        if let Some((label, rest)) = text.split_once(".**")
            && !label.ends_with('\\')
            && let Some(base) = after_stars(rest, "")
        {
            let label = owner_of_one_label(label)?;
            return Ok(NamePattern::Label { label, base: owner(base)? });
        }
        Ok(NamePattern::Exact(owner(text)?))
    }

    /// Whether the pattern matches the name.
    pub fn matches(&self, owner: &OwnerName) -> bool {
        let is_in = |owner: &OwnerName, base: &OwnerName| owner == base || owner.is_below(base);
        match self {
            NamePattern::Exact(name) => owner == name,
            NamePattern::Below(base) => owner.is_below(base),
            NamePattern::Tree(base) => is_in(owner, base),
            NamePattern::Label { label, base } => owner.parent().is_some_and(|parent| {
                is_in(&parent, base) && owner.key().get(parent.key().len()..) == Some(label.key())
            }),
        }
    }
}

/// The text after `stars` and a dot; `@` (the apex) if the text is only `stars`.
fn after_stars<'t>(text: &'t str, stars: &str) -> Option<&'t str> {
    match text.strip_prefix(stars)? {
        "" => Some("@"),
        rest => rest.strip_prefix('.').filter(|rest| !rest.is_empty()),
    }
}

fn owner_of_one_label(text: &str) -> Result<OwnerName, NamePatternError> {
    let label = owner(text, &[])?;
    let is_one = label.parent().is_some_and(|parent| parent.is_apex());
    if is_one { Ok(label) } else { Err(NamePatternError::Misplaced) }
}

/// A name without stars.
fn owner(text: &str, zones: &[ZoneName]) -> Result<OwnerName, NamePatternError> {
    if text == "@" {
        return Ok(OwnerName::apex());
    }
    let name = Name::parse(text)?;
    if name.labels().any(|label| label == b"*" || label.starts_with(b"**")) {
        return Err(NamePatternError::Misplaced);
    }
    if let Some(owner) = zones.iter().find_map(|zone| OwnerName::of(&name, zone)) {
        return Ok(owner);
    }
    if let (true, Some(zone)) = (text.ends_with('.') && !text.ends_with("\\."), zones.first()) {
        return Err(NameError::OutsideZone { name: text.to_owned(), zone: zone.to_string() }.into());
    }
    // The sort key of a name is that of the owner with the same labels. A name that is too long for a zone matches nothing there.
    OwnerName::from_key(&name.key()).ok_or(NamePatternError::Misplaced)
}

/// In the form that [`NamePattern::parse`] reads, relative to the zone. This form is stored.
impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stars, base) = match self {
            NamePattern::Exact(name) => return name.fmt(f),
            NamePattern::Below(base) => ("*".to_owned(), base),
            NamePattern::Tree(base) => ("**".to_owned(), base),
            NamePattern::Label { label, base } => (format!("{label}.**"), base),
        };
        f.write_str(&stars)?;
        if base.is_apex() { Ok(()) } else { write!(f, ".{base}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones() -> Vec<ZoneName> {
        ["example.com", "example.net"].map(|zone| ZoneName::parse(zone).unwrap()).into()
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            ".",
            "a..b",
            "*.",
            "**.",
            "***",
            "a.*.b",
            "a.**b",
            "a.b.**",
            "*.*.a",
            "**.**",
            "*.**",
            "a.**.**",
            "a.**.",
            "www.example.org.",
            "*.example.org.",
            "a b",
            &"a".repeat(64),
            "*a*.*",
        ] {
            let read = NamePattern::parse(text, &zones());
            assert!(read.is_err(), "{text:?}: {read:?}");
        }
    }

    #[test]
    fn a_pattern_has_these_names_and_no_others() {
        let zone = &zones()[0];
        let all = [
            "@",
            "www",
            "a.www",
            "b.a.www",
            "*.www",
            "xwww",
            "_acme-challenge",
            "_acme-challenge.www",
            "_acme-challenge.a.www",
            "_acme-challenge.b.a.www",
            "_acme-challenge.xwww",
            "x._acme-challenge.www",
            "*",
        ];
        let below_www = [
            "a.www",
            "b.a.www",
            "*.www",
            "_acme-challenge.www",
            "_acme-challenge.a.www",
            "_acme-challenge.b.a.www",
            "x._acme-challenge.www",
        ];
        let tree_www: Vec<&str> = ["www"].into_iter().chain(below_www).collect();
        for (text, shown, names) in [
            ("@", "@", &["@"][..]),
            ("WWW", "www", &["www"]),
            ("www.example.com", "www", &["www"]),
            ("www.example.net.", "www", &["www"]),
            ("example.com", "@", &["@"]),
            ("*.www", "*.www", &below_www),
            ("*.www.example.com", "*.www", &below_www),
            ("*", "*", &all[1..]),
            ("*.example.com", "*", &all[1..]),
            ("**", "**", &all),
            ("**.www", "**.www", &tree_www),
            ("_acme-challenge.www", "_acme-challenge.www", &["_acme-challenge.www"]),
            ("_acme-challenge.**.www", "_acme-challenge.**.www", &all[7..10]),
            ("_acme-challenge.**.www.example.com.", "_acme-challenge.**.www", &all[7..10]),
            ("_acme-challenge.**", "_acme-challenge.**", &all[6..11]),
            ("_acme-challenge.**.@", "_acme-challenge.**", &all[6..11]),
        ] {
            let pattern = NamePattern::parse(text, &zones()).unwrap();
            assert_eq!(pattern.to_string(), shown, "{text}");
            assert_eq!(NamePattern::parse(shown, &[]).unwrap(), pattern, "{text}: as it is stored");
            let matched: Vec<&str> =
                all.into_iter().filter(|owner| pattern.matches(&OwnerName::parse(owner, zone).unwrap())).collect();
            assert_eq!(matched, names, "{text}");
        }
    }

    #[test]
    fn a_star_that_is_escaped_and_a_dot_inside_a_label_are_no_pattern() {
        let odd = NamePattern::parse(r"a\.**", &[]);
        assert!(matches!(&odd, Ok(NamePattern::Exact(name)) if name.parent().unwrap().is_apex()), "{odd:?}");
        let odd = odd.unwrap();
        assert_eq!(NamePattern::parse(&odd.to_string(), &[]).unwrap(), odd);
    }
}
