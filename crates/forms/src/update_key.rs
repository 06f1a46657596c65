//! Update keys as requests, forms and commands write them.

use dns::{Fault, Message, Name, RecordType, ZoneName, message};
use store::{
    KeyAlgorithm, KeyPurpose, KeyScope, KeyTypes, MOST_IN_SCOPE, NamePattern, NamePatternError, NetworkScope,
    NetworkTextError, NewUpdateKey, Permission, Permissions, StoreError, Tenant, Timestamp, Token, UnknownWord, Zone,
    check_text, parse_network,
};

use crate::MemberError;

/// The members of a new update key. What is `None` has its default; an empty list is an error.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members of POST /update-keys/")]
pub struct TypedUpdateKey {
    pub name: String,
    pub purpose: Option<String>,
    /// May be `None` with a preset: then it is the zone that the preset's name is in.
    pub zones: Option<Vec<String>>,
    pub names: Option<Vec<String>>,
    pub types: Option<Vec<String>>,
    pub algorithm: Option<String>,
    pub permissions: Option<Vec<String>>,
    pub networks: Option<Vec<String>>,
    pub expires_at: Option<Timestamp>,
    pub door: Option<String>,
    /// The preset for certificates: TXT records at `_acme-challenge`, directly at this name or at any depth below.
    pub acme: Option<String>,
    /// The preset for one host: its A and AAAA records.
    pub host: Option<String>,
}

/// Why a key cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum UpdateKeyError {
    /// A member is invalid.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The most characters of a name.
const NAME: usize = 100;

fn fault(field: &'static str, detail: Message) -> Fault {
    Fault::of(field, "update-key", detail)
}

impl TypedUpdateKey {
    /// Converts the request. Zones must be visible to the creator; missing members take the values of the creator's token.
    ///
    /// # Errors
    ///
    /// The first member that cannot be read. Whether the key would be wider than the token is checked when it is created.
    pub async fn read(
        &self,
        zones: &Tenant,
        token: Option<&Token>,
        now: Timestamp,
    ) -> Result<NewUpdateKey, UpdateKeyError> {
        let name = self.read_name()?;
        let purpose = word("purpose", self.purpose.as_deref(), KeyPurpose::Manage)?;
        let door = self.door.as_deref().map(|text| text.parse().map_err(|e| unknown("door", &e))).transpose()?;
        let algorithm = word("algorithm", self.algorithm.as_deref(), KeyAlgorithm::Sha256)?;
        self.check_presets()?;
        if purpose == KeyPurpose::Transfer {
            self.check_transfer()?;
        }
        let permissions = self.read_permissions(purpose, token)?;
        let networks = self.read_networks(token)?;
        let expires_at = self.expires_at.or(token.and_then(|token| token.expires_at));
        if expires_at.is_some_and(|end| end <= now) {
            return Err(fault("expires_at", message!("the time must be in the future")).into());
        }
        let types = self.read_types()?;
        let zones = self.read_zones(zones).await?;
        let zone_names: Vec<ZoneName> = zones.iter().map(|zone| zone.name.clone()).collect();
        let names = self.read_names(&zone_names)?;
        let scope = KeyScope { purpose, names, types, permissions };
        let zones = zones.into_iter().map(|zone| zone.id).collect();
        Ok(NewUpdateKey {
            name,
            zones,
            scope,
            algorithm,
            networks,
            expires_at,
            door,
            token: token.map(|token| token.id),
        })
    }

    fn read_name(&self) -> Result<String, Fault> {
        let name = self.name.trim();
        if name.is_empty() {
            return Err(fault("name", MemberError::Missing("name").message()));
        }
        if name.chars().count() > NAME || check_text(name).is_err() {
            return Err(fault(
                "name",
                message!("the name may have at most {most} characters, all of them visible, on one line", most = NAME),
            ));
        }
        Ok(name.to_owned())
    }

    fn check_presets(&self) -> Result<(), Fault> {
        let conflict =
            || message!("a preset says which names and types the key is for: use one preset, without names and types");
        match (&self.acme, &self.host) {
            (Some(_), Some(_)) => Err(fault("host", conflict())),
            (Some(_), None) | (None, Some(_)) if self.names.is_some() => Err(fault("names", conflict())),
            (Some(_), None) | (None, Some(_)) if self.types.is_some() => Err(fault("types", conflict())),
            _ => Ok(()),
        }
    }

    /// A transfer of some records would look like a complete small zone to a nameserver.
    fn check_transfer(&self) -> Result<(), Fault> {
        let given = [
            ("names", self.names.is_some()),
            ("types", self.types.is_some()),
            ("acme", self.acme.is_some()),
            ("host", self.host.is_some()),
            ("door", self.door.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((field, _)) => Err(fault(
                field,
                message!("a key for transfers is for whole zones; this is for keys with the purpose manage"),
            )),
            None => Ok(()),
        }
    }

    fn read_permissions(&self, purpose: KeyPurpose, token: Option<&Token>) -> Result<Permissions, Fault> {
        let list: Permissions = [Permission::List].into_iter().collect();
        let Some(texts) = &self.permissions else {
            let all = [Permission::All].into_iter().collect();
            let creators = token.map_or(all, |token| token.permissions);
            return Ok(if purpose == KeyPurpose::Transfer { list } else { creators });
        };
        check_count("permissions", texts)?;
        let read = |text: &String| {
            text.parse::<Permission>().map_err(|_| {
                let known: Vec<&str> = Permission::EVERY.map(Permission::name).into();
                unknown("permissions", &UnknownWord(known))
            })
        };
        let permissions: Permissions = texts.iter().map(read).collect::<Result<_, Fault>>()?;
        if purpose == KeyPurpose::Transfer && permissions != list {
            return Err(fault("permissions", message!("a key for transfers has the permission dns:list and no other")));
        }
        Ok(permissions)
    }

    fn read_networks(&self, token: Option<&Token>) -> Result<NetworkScope, Fault> {
        let Some(texts) = &self.networks else {
            return Ok(token.map_or(NetworkScope::Anywhere, |token| token.networks.clone()));
        };
        check_count("networks", texts)?;
        let read = |text: &String| {
            parse_network(text).map_err(|error| {
                let found = text.clone();
                fault(
                    "networks",
                    match error {
                        NetworkTextError::Malformed => {
                            message!("{found} is not a network; write it as 192.0.2.0/24 or 2001:db8::/32", found)
                        }
                        NetworkTextError::HostBits(network) => message!(
                            "the address in {found} has bits set after the prefix; the network is {network}",
                            found,
                            network = network.to_string()
                        ),
                    },
                )
            })
        };
        Ok(NetworkScope::Only(texts.iter().map(read).collect::<Result<_, Fault>>()?))
    }

    fn read_types(&self) -> Result<KeyTypes, Fault> {
        if self.acme.is_some() {
            return Ok(KeyTypes::Only(vec![RecordType::Txt]));
        }
        if self.host.is_some() {
            return Ok(KeyTypes::Only(vec![RecordType::A, RecordType::Aaaa]));
        }
        let Some(texts) = &self.types else { return Ok(KeyTypes::Usual) };
        check_count("types", texts)?;
        if texts.iter().any(|text| text.eq_ignore_ascii_case("ANY")) {
            return Ok(KeyTypes::Any);
        }
        let read = |text: &String| RecordType::parse(text).map_err(|error| fault("types", error.detail));
        Ok(KeyTypes::Only(texts.iter().map(read).collect::<Result<_, Fault>>()?))
    }

    async fn read_zones(&self, zones: &Tenant) -> Result<Vec<Zone>, UpdateKeyError> {
        let preset = self.preset();
        let Some(texts) = &self.zones else {
            let Some((field, name)) = preset else {
                return Err(fault("zones", MemberError::Missing("zones").message()).into());
            };
            let read = Name::parse(name).map_err(|error| fault(field, error.message()))?;
            let mut above = Some(read);
            while let Some(name) = above.filter(|name| !name.is_root()) {
                if let Some(zone) = zones.zones(Some(ZoneName::from_stored(name.clone())), None, 1).await?.pop() {
                    return Ok(vec![zone]);
                }
                above = name.parent();
            }
            return Err(no_zone(field, name).into());
        };
        check_count("zones", texts)?;
        let mut found: Vec<Zone> = Vec::new();
        for text in texts {
            let zone = match Name::parse(text).map(ZoneName::from_stored) {
                Ok(name) => zones.zones(Some(name), None, 1).await?.pop(),
                Err(_) => None,
            };
            let zone = zone.ok_or_else(|| no_zone("zones", text))?;
            if found.iter().all(|other| other.id != zone.id) {
                found.push(zone);
            }
        }
        Ok(found)
    }

    /// The member of the preset, and its name without the `*.` of certificates for all names below.
    fn preset(&self) -> Option<(&'static str, &str)> {
        let acme = self.acme.as_deref().map(|name| ("acme", name.strip_prefix("*.").unwrap_or(name)));
        acme.or(self.host.as_deref().map(|name| ("host", name)))
    }

    fn read_names(&self, zones: &[ZoneName]) -> Result<Option<Vec<NamePattern>>, Fault> {
        let invalid = |field| move |error: NamePatternError| fault(field, error.message());
        match (self.preset(), &self.names) {
            (Some(("acme", name)), _) => {
                let pattern = format!("_acme-challenge.**.{name}");
                NamePattern::parse(&pattern, zones).map_err(invalid("acme")).map(|pattern| Some(vec![pattern]))
            }
            (Some((field, name)), _) => match NamePattern::parse(name, zones).map_err(invalid(field))? {
                exact @ NamePattern::Exact(_) => Ok(Some(vec![exact])),
                _ => Err(fault(field, message!("this preset is for one name, without *"))),
            },
            (None, Some(texts)) => {
                check_count("names", texts)?;
                let read = |text: &String| NamePattern::parse(text, zones).map_err(invalid("names"));
                texts.iter().map(read).collect::<Result<_, Fault>>().map(Some)
            }
            (None, None) => Ok(None),
        }
    }
}

fn word<T: std::str::FromStr<Err = UnknownWord>>(
    field: &'static str,
    text: Option<&str>,
    default: T,
) -> Result<T, Fault> {
    text.map_or(Ok(default), |text| text.parse().map_err(|error| unknown(field, &error)))
}

fn unknown(field: &'static str, error: &UnknownWord) -> Fault {
    fault(field, message!("use one of: {words}", words = error.0.join(", ")))
}

fn no_zone(field: &'static str, name: &str) -> Fault {
    fault(field, message!("the account has no zone {name}", name = name.to_owned()))
}

fn check_count(field: &'static str, texts: &[String]) -> Result<(), Fault> {
    if texts.is_empty() || texts.len() > MOST_IN_SCOPE {
        return Err(fault(field, message!("a list of 1 to {most} is needed", most = MOST_IN_SCOPE)));
    }
    Ok(())
}
