//! What a token allows.

use std::fmt;
use std::str::FromStr;

/// One thing a token may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Every read of zones and records.
    List,
    /// Creating zones and records.
    Create,
    /// Changing records and zone settings.
    Update,
    /// Deleting zones and records.
    Delete,
    /// All of these, and what may be added to them.
    All,
}

impl Permission {
    /// All of them, in the order in which they are listed.
    pub const EVERY: [Permission; 5] = [Self::List, Self::Create, Self::Update, Self::Delete, Self::All];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "dns:list",
            Self::Create => "dns:create",
            Self::Update => "dns:update",
            Self::Delete => "dns:delete",
            Self::All => "dns:*",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::List => 1,
            Self::Create => 2,
            Self::Update => 4,
            Self::Delete => 8,
            Self::All => 16,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no permission; use dns:list, dns:create, dns:update, dns:delete or dns:*")]
pub struct UnknownPermission(pub String);

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        let known = Permission::EVERY.into_iter().find(|known| known.name() == text);
        known.ok_or_else(|| UnknownPermission(text.to_owned()))
    }
}

/// A set of permissions. Stored as a number: the bits never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// Whether the set allows `wanted`, by itself or through [`Permission::All`].
    pub fn allows(self, wanted: Permission) -> bool {
        self.0 & (wanted.bit() | Permission::All.bit()) != 0
    }

    /// The first permission of `others` that the set does not allow.
    pub fn first_missing(self, others: Permissions) -> Option<Permission> {
        others.iter().find(|wanted| !self.allows(*wanted))
    }

    /// The permissions as they were given, in the order in which they are listed.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::EVERY.into_iter().filter(move |permission| self.0 & permission.bit() != 0)
    }

    /// Whether nothing is allowed.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn from_bits(bits: u8) -> Permissions {
        Permissions(bits)
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Permissions(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_permission_allows_only_itself_and_the_star_allows_all() {
        let create: Permissions = [Permission::Create].into_iter().collect();
        assert!(create.allows(Permission::Create));
        assert!(!create.allows(Permission::List));
        let all: Permissions = [Permission::All].into_iter().collect();
        assert!(Permission::EVERY.into_iter().all(|permission| all.allows(permission)));
        assert_eq!(all.iter().collect::<Vec<_>>(), [Permission::All]);
        assert_eq!((all.first_missing(create), all.first_missing(all)), (None, None));
        assert_eq!(create.first_missing(all), Some(Permission::All));
        let two: Permissions = [Permission::List, Permission::Create].into_iter().collect();
        assert_eq!((create.first_missing(two), two.first_missing(create)), (Some(Permission::List), None));
        assert!("dns:write".parse::<Permission>().is_err());
        assert!(!Permissions::default().allows(Permission::List));
    }
}
