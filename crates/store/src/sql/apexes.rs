//! The server's own records as they are stored.
//!
//! Each value of [`Apex`] is stored once, as JSON, and never changes; zones and versions point at it. So "what did the server
//! put into the zone at version 7" has an answer for ever, and a change of the operator's nameservers is a version per zone,
//! not a rewrite of records.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use dns::apex::{Apex, ApexNameserver, SoaTimers};
use dns::{Name, Ttl};
use serde::{Deserialize, Serialize};

use super::db::{Connection, value};
use super::rows::Place;
use crate::StoreError;

/// The serialised form is stored: members are only ever added, with a default.
#[derive(Serialize, Deserialize)]
struct StoredApex {
    nameservers: Vec<StoredNameserver>,
    /// Left out where there is none: equal values have equal texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mname: Option<String>,
    ns_ttl: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
}

/// As [`StoredApex`].
#[derive(Serialize, Deserialize)]
struct StoredNameserver {
    name: String,
    addresses: Vec<IpAddr>,
}

/// The values that were read so far, by number.
#[derive(Debug, Default)]
pub(super) struct Apexes(Mutex<HashMap<i64, Arc<Apex>>>);

impl Apexes {
    /// The value with that number.
    pub(super) fn get(&self, connection: &Connection, id: i64) -> Result<Arc<Apex>, StoreError> {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Arc::clone(known));
        }
        let content: Option<String> = connection.optional("SELECT content FROM apexes WHERE id = ?1", [id], value)?;
        let apex = content.as_deref().and_then(from_json);
        let apex = Arc::new(Place { table: "apexes", row: id }.sound("content", apex)?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&apex));
        Ok(apex)
    }
}

/// The number of `apex`, which is stored if it is new.
pub(super) fn intern(connection: &Connection, apex: &Apex) -> Result<i64, StoreError> {
    let content = to_json(apex).map_err(|_| StoreError::Bug("an apex without a JSON form"))?;
    let find =
        |connection: &Connection| connection.optional("SELECT id FROM apexes WHERE content = ?1", [&content], value);
    if let Some(id) = find(connection)? {
        return Ok(id);
    }
    connection.execute("INSERT INTO apexes (content) VALUES (?1) ON CONFLICT (content) DO NOTHING", [&content])?;
    Ok(find(connection)?.unwrap_or_default())
}

fn to_json(apex: &Apex) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let SoaTimers { refresh, retry, expire, minimum } = apex.timers;
    let nameservers = apex
        .nameservers
        .iter()
        .map(|server| StoredNameserver { name: server.name.fqdn().to_string(), addresses: server.addresses.clone() })
        .collect();
    let mname = apex.mname.as_ref().map(|name| name.fqdn().to_string());
    let stored = StoredApex { nameservers, mname, ns_ttl: apex.ns_ttl.seconds(), refresh, retry, expire, minimum };
    Ok(serde_json::to_string(&stored)?)
}

fn from_json(content: &str) -> Option<Apex> {
    let stored: StoredApex = serde_json::from_str(content).ok()?;
    let nameservers = stored
        .nameservers
        .into_iter()
        .map(|server| Some(ApexNameserver { name: Name::parse(&server.name).ok()?, addresses: server.addresses }))
        .collect::<Option<Vec<_>>>()?;
    let mname = stored.mname.map(|name| Name::parse(&name)).transpose().ok()?;
    let StoredApex { refresh, retry, expire, minimum, .. } = stored;
    let timers = SoaTimers { refresh, retry, expire, minimum };
    Some(Apex { nameservers, mname, ns_ttl: Ttl::new(stored.ns_ttl)?, timers })
}
