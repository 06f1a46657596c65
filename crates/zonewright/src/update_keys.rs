//! `zonewright key ...`: update keys, and the configurations of the programs that use them.

use std::net::SocketAddr;
use std::process::ExitCode;

use deploy::bind9;
use forms::{ClientFormat, Endpoints, TypedUpdateKey, UpdateKeyError, client_config};
use store::{
    CreateUpdateKeyError, CreatedUpdateKey, Door, KeyCredentials, KeyTypes, Permission, Timestamp, UpdateKey, ZoneScope,
};

use crate::admin::{expiry, operator_for};
use crate::cli::{KeyCommand, NewKeyFlags};
use crate::config::{Config, UpdatesSetting};
use crate::database::{open, open_existing_store};
use crate::failure::{Failure, chain};
use crate::first_start;
use crate::operands::find_account;
use crate::output::print;

/// `zonewright key ...`
pub(crate) async fn key(command: KeyCommand) -> Result<ExitCode, Failure> {
    match command {
        KeyCommand::Create(flags) => create(*flags).await?,
        KeyCommand::List { account, data } => {
            let store = open(&data)?;
            let accounts = store.command_line().accounts().await?;
            let mut keys = store.command_line().update_keys().await?;
            if let Some(email) = account {
                let id = find_account(&store, &email).await?.id;
                keys.retain(|key| key.account == id);
            }
            store.close().await;
            let mut lines = String::from(
                "uuid\taccount\tname\tname in messages\tpurpose\tzones\tnames\ttypes\tcreated\texpires\tlast used\tnewest refusal\n",
            );
            for key in &keys {
                let email = accounts.iter().find(|account| account.id == key.account);
                lines.push_str(&line(key, email.map_or("?", |account| &account.email)));
            }
            print(&lines)?;
        }
        KeyCommand::Revoke { key: wanted, data } => {
            let store = open(&data)?;
            let keys = store.command_line().update_keys().await?;
            let name = wanted.trim_end_matches('.').to_ascii_lowercase();
            let found = keys.iter().find(|key| key.id.0.to_string() == name || key.key_name.to_string() == name);
            let Some(found) = found else {
                store.close().await;
                return Err(Failure::Other(format!(
                    "there is no update key {wanted}; `zonewright key list` shows all"
                )));
            };
            store.command_line().revoke_update_key(found.id).await?;
            store.close().await;
            print(&format!("update key {} revoked\n", found.key_name))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(flags: NewKeyFlags) -> Result<(), Failure> {
    let typed = TypedUpdateKey {
        name: flags.name,
        purpose: Some(flags.purpose.to_string()),
        zones: given(flags.zones),
        names: given(flags.names),
        types: given(flags.types),
        algorithm: Some(flags.algorithm.to_string()),
        permissions: given(flags.permissions.iter().map(Permission::to_string).collect()),
        networks: given(flags.networks.iter().map(ToString::to_string).collect()),
        expires_at: flags.expires.map(expiry).transpose()?,
        door: flags.door.map(|door| door.to_string()),
        acme: flags.acme,
        host: flags.host,
    };
    let config = Config::load_for_data(&flags.data)?;
    let store = open_existing_store(&config)?;
    let account = find_account(&store, &flags.account).await?;
    let zones = store.tenant(operator_for(account.id), ZoneScope::All);
    let new = typed.read(&zones, None, store.now()).await?;
    let endpoints = Endpoints {
        updates: flags.address.or_else(|| Some(reached_at(&config, updates_address(&config)?))),
        url: first_start::base(&config, config.http),
    };
    let created = zones.create_update_key(new).await?;
    let shown = shown(&created, flags.format, &endpoints);
    if shown.is_err() {
        // The key would be of no use: its secret is shown nowhere.
        zones.revoke_update_key(created.key.id).await?;
    }
    store.close().await;
    print(&shown?)?;
    Ok(())
}

fn given(texts: Vec<String>) -> Option<Vec<String>> {
    (!texts.is_empty()).then_some(texts)
}

fn updates_address(config: &Config) -> Option<SocketAddr> {
    match config.updates {
        UpdatesSetting::Shared => Some(config.dns),
        UpdatesSetting::At(address) => Some(address),
        UpdatesSetting::Nowhere => None,
    }
}

/// Where clients reach the address for updates. Where the server listens on all addresses, that of its first own name.
pub(crate) fn reached_at(config: &Config, listening: SocketAddr) -> SocketAddr {
    let own = config.apex.nameservers.iter().flat_map(|nameserver| &nameserver.addresses);
    match own.copied().find(|address| address.is_ipv4() == listening.is_ipv4()) {
        Some(own) if listening.ip().is_unspecified() => SocketAddr::new(own, listening.port()),
        _ => bind9::config::reached_at(listening),
    }
}

/// What is printed for a new key, once.
fn shown(created: &CreatedUpdateKey, format: Option<ClientFormat>, to: &Endpoints) -> Result<String, Failure> {
    if let Some(format) = format {
        return client_config(format, created, to)
            .map_err(|error| Failure::Other(format!("--format {format}: {error}")));
    }
    Ok(match &created.credentials {
        KeyCredentials::Tsig { secret, .. } => {
            format!("{}:{}:{}\n", created.key.algorithm, created.key.key_name, secret.base64())
        }
        KeyCredentials::Path(door, path) => format!("{}/{door}/{}\n", to.url, path.reveal()),
    })
}

fn line(key: &UpdateKey, email: &str) -> String {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |time| format!("{time:.0}"));
    let joined = |texts: Vec<String>| texts.join(",");
    let names = key.scope.names.as_ref().map(|names| joined(names.iter().map(ToString::to_string).collect()));
    let types = match &key.scope.types {
        KeyTypes::Usual => "usual".to_owned(),
        KeyTypes::Any => "ANY".to_owned(),
        KeyTypes::Only(types) => joined(types.iter().map(ToString::to_string).collect()),
    };
    let purpose = key.door.map_or_else(|| key.scope.purpose.name(), Door::name);
    format!(
        "{}\t{email}\t{}\t{}\t{purpose}\t{}\t{}\t{types}\t{:.0}\t{}\t{}\t{}\n",
        key.id.0,
        key.name.escape_debug(),
        key.key_name,
        joined(key.zones.iter().map(|zone| zone.name.to_string()).collect()),
        names.unwrap_or_else(|| "all".to_owned()),
        key.created_at,
        time(key.expires_at),
        time(key.last_used_at),
        key.last_error.as_deref().unwrap_or("none").escape_debug(),
    )
}

impl From<UpdateKeyError> for Failure {
    fn from(error: UpdateKeyError) -> Self {
        match error {
            UpdateKeyError::Fault(fault) => {
                let member = fault.field.unwrap_or_default();
                let flag = match member {
                    "zones" => "zone",
                    "names" => "record-name",
                    "types" => "type",
                    "permissions" => "permission",
                    "networks" => "cidr",
                    "expires_at" => "expires",
                    same => same,
                };
                Failure::Other(format!("--{flag}: {}", fault.detail))
            }
            UpdateKeyError::Store(error) => error.into(),
        }
    }
}

impl From<CreateUpdateKeyError> for Failure {
    fn from(error: CreateUpdateKeyError) -> Self {
        Failure::Other(chain(&error))
    }
}
