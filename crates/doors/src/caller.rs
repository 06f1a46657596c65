//! The caller of a request, and the state that all doors share.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use data_encoding::BASE64;
use dns::change::TtlChoice;
use dns::{Name, OwnerName, RecordType, Ttl, ZoneName};
use http_server::{Client, Limits, Permit, network_of, read_body};
use store::{
    AccountId, Author, Door, Doors, Identity, KeyIdentity, OutOfScope, Permission, Permissions, Refusal as Note,
    RefusedBy, Source, Store, StoreError, Tenant, Transport, Zone, ZoneScope,
};

use crate::Settings;
use crate::refusal::Refusal;

/// User name and password of the Basic scheme (RFC 7617). The password may contain colons.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = BASE64.decode(credentials.trim().as_bytes()).ok().filter(|_| scheme.eq_ignore_ascii_case("Basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// The state of all doors. Handlers reach the store only through a [`Caller`].
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) limits: Arc<Limits<AccountId>>,
    pub(crate) settings: Settings,
}

/// The holder of a valid key: an update key, or a token of the API. `zones` are those that the key may read and change.
pub(crate) struct Caller {
    pub(crate) zones: Tenant,
    pub(crate) account: AccountId,
    pub(crate) permissions: Permissions,
    /// Whether the key is for all zones of its account, so that it can create zones.
    pub(crate) has_every_zone: bool,
    /// The update key, for the log that its owner reads; `None` for a token of the API.
    update_key: Option<(Doors, Arc<KeyIdentity>)>,
}

impl Shared {
    /// The caller with this token of an update key or of the API. Failed attempts are counted together with those at the API.
    pub(crate) async fn caller(
        &self,
        token: Option<&str>,
        client: Option<&Client>,
        door: Source,
    ) -> Result<Caller, Refusal> {
        let address = client.map(|client| client.address);
        let Some(token) = token else { return Err(self.refused(address)) };
        if let Some(key) = self.store.doors().by_token(token).await? {
            return self.with_key(key, address, door);
        }
        let Some(identity) = self.store.people().authenticate(token, address).await? else {
            return Err(self.refused(address));
        };
        let Identity { account, token } = &*identity;
        let author = Author { account: account.id, name: token.name.clone(), source: door, address };
        let caller = Caller {
            zones: self.store.tenant(author, token.zones.clone()),
            account: account.id,
            permissions: token.permissions,
            has_every_zone: token.zones == ZoneScope::All,
            update_key: None,
        };
        self.counted(caller)
    }

    /// The caller with the secret in the paths of a door.
    pub(crate) async fn caller_by_path(
        &self,
        path: Door,
        secret: &str,
        client: Option<&Client>,
        door: Source,
    ) -> Result<Caller, Refusal> {
        let address = client.map(|client| client.address);
        match self.store.doors().by_path(path, secret).await? {
            Some(key) => self.with_key(key, address, door),
            None => Err(self.refused(address)),
        }
    }

    /// The caller with an update key.
    fn with_key(&self, key: Arc<KeyIdentity>, address: Option<IpAddr>, door: Source) -> Result<Caller, Refusal> {
        let doors = self.store.doors();
        let zones = match doors.tenant(&key, door, address) {
            Ok(zones) => zones,
            Err(outside) => {
                let asked = door.name().to_owned();
                doors.note_refusal(&key, note(&doors, address, asked, RefusedBy::Network, outside.to_string()));
                return Err(self.refused(address));
            }
        };
        let caller = Caller {
            zones,
            account: key.account.id,
            permissions: key.key.scope.permissions,
            has_every_zone: false,
            update_key: Some((doors, key)),
        };
        self.counted(caller)
    }

    /// Counts a failed authentication.
    pub(crate) fn refused(&self, address: Option<IpAddr>) -> Refusal {
        let network = network_of(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        self.limits.failed_attempts.count(&network).map_or_else(Refusal::TooMany, |()| Refusal::Unauthorized)
    }

    /// Counts a request of an account.
    fn counted(&self, caller: Caller) -> Result<Caller, Refusal> {
        if let Some(requests) = &self.limits.requests {
            requests.count(&caller.account).map_err(Refusal::TooMany)?;
        }
        Ok(caller)
    }

    /// The whole body of a request, of at most `limit` octets, with its permit among the large requests.
    pub(crate) async fn body(
        &self,
        request: Request,
        limit: usize,
        caller: &Caller,
    ) -> Result<(Bytes, Option<Permit<AccountId>>), Refusal> {
        let gate = Some((&self.limits.bulk, caller.account));
        Ok(read_body(request.into_body(), limit, self.settings.body_timeout, gate).await?)
    }

    /// A TTL in seconds, or the operator's minimum if that is higher.
    pub(crate) fn ttl(&self, seconds: u32) -> Ttl {
        Ttl::new(seconds).unwrap_or(Ttl::MIN).max(self.settings.ttl_min)
    }

    /// The same for a whole set.
    pub(crate) fn short_ttl(&self, seconds: u32) -> TtlChoice {
        TtlChoice::Set(self.ttl(seconds))
    }

    /// Reserves memory for a response of about this size, before it is created. Responses that clients have not read yet share a
    /// limit.
    pub(crate) fn room(&self, caller: &Caller, octets: u64) -> Result<Permit<AccountId>, Refusal> {
        let octets = usize::try_from(octets).unwrap_or(usize::MAX);
        self.limits.unread.enter(caller.account, octets).map_err(Refusal::Full)
    }
}

impl Caller {
    /// Refuses a request if the key lacks a permission. For requests whose change does not determine the needed permissions.
    pub(crate) fn check(&self, needed: Permission) -> Result<(), Refusal> {
        if self.permissions.allows(needed) { Ok(()) } else { Err(Refusal::Lacks(needed)) }
    }

    /// Whether records of this type at a name are in the scope of the key. The key may neither read nor change others.
    pub(crate) fn in_scope(&self, owner: &OwnerName, record_type: RecordType) -> Result<(), OutOfScope> {
        self.zones.scope().map_or(Ok(()), |scope| scope.check(owner, record_type))
    }

    /// The zone with the longest name that contains a name, and the owner name within it.
    pub(crate) async fn zone_of(&self, name: &Name) -> Result<Option<(Zone, OwnerName)>, StoreError> {
        let mut ancestor = Some(name.clone());
        while let Some(candidate) = ancestor.filter(|ancestor| !ancestor.is_root()) {
            ancestor = candidate.parent();
            if let Some(zone) = self.zone(candidate).await?
                && let Some(owner) = OwnerName::of(name, &zone.name)
            {
                return Ok(Some((zone, owner)));
            }
        }
        Ok(None)
    }

    /// The zone of exactly this name.
    pub(crate) async fn zone(&self, name: Name) -> Result<Option<Zone>, StoreError> {
        Ok(self.zones.zones(Some(ZoneName::from_stored(name)), None, 1).await?.pop())
    }

    /// Returns the answer unchanged. A refusal is logged first, because most protocols can return no reason. `asked` describes the
    /// request in one line.
    pub(crate) fn noted<T>(&self, asked: impl FnOnce() -> String, answer: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(refusal) = &answer
            && let Some(rule) = refusal.rule()
        {
            let Author { name, source, address, .. } = self.zones.author();
            let (asked, detail, rule_name) = (asked(), refusal.text(), rule.name());
            tracing::info!(door = source.name(), token.name = name, asked, rule = rule_name, detail, "request refused");
            if let Some((doors, key)) = &self.update_key {
                doors.note_refusal(key, note(doors, *address, asked, rule, detail));
            }
        }
        answer
    }
}

fn note(doors: &Doors, source: Option<IpAddr>, asked: String, rule: RefusedBy, detail: String) -> Note {
    Note { time: doors.now(), source, transport: Transport::Http, asked, rule, detail, count: 1 }
}
