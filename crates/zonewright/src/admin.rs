//! The operator's commands. They use the same database file while the server runs; the server notices changes within a second.

use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use dns::ZoneName;
use store::{
    Account, AccountId, AccountLimits, Author, ChangeError, Clock, CreateZoneError, Displacement, MoveZoneError,
    NetworkScope, NewAccount, NewToken, NewZone, PasswordHash, Permission, Permissions, Role, Source, Store,
    Suspension, Timestamp, TokenId, ZoneScope, check_password,
};

use crate::cli::{AccountCommand, DataFlags, Limit, TokenCommand, ZoneCommand};
use crate::config::Config;
use crate::database::{open, open_existing_store, open_store};
use crate::failure::{Failure, chain};
use crate::operands::{find_account, no_zone, reserved_name};
use crate::output::{Reader, print};
use crate::{deleted, first_start, secrets, shell, zone_files};

/// How many zones are read at a time.
const PAGE: u32 = 1000;

/// `zonewright account ...`
pub(crate) async fn account(command: AccountCommand) -> Result<ExitCode, Failure> {
    match command {
        AccountCommand::Create { email, first_name, last_name, company, password_stdin, operator, data } => {
            let config = Config::load_for_data(&data)?;
            let password = if password_stdin { Some(read_password(&email).await?) } else { None };
            let has_password = password.is_some();
            // The only command that may run before the first start: an account that is created now replaces that of the first
            // start.
            let store = open_store(&config)?;
            let role = if operator { Role::Operator } else { Role::User };
            let limits = AccountLimits::default();
            let account = NewAccount { email, first_name, last_name, company_name: company, password, role, limits };
            let created = store.command_line().create_account(account).await;
            let account = created.map_err(|error| Failure::Other(chain(&error)))?;
            let link = if has_password { None } else { Some(link(&store, &config, &account).await?) };
            store.close().await;
            let email = &account.email;
            print(&match link {
                None => format!(
                    "account {email} created; to create a token: zonewright token create --account {} --name NAME --permission 'dns:*'\n",
                    shell::word(email)
                ),
                Some(link) => {
                    format!("account {email} created; one-time sign-in link, valid for a day:\n{link}\n")
                }
            })?;
        }
        AccountCommand::List { data } => {
            let store = open(&data)?;
            let mut lines = String::from("account\trole\tstate\tsecond factor\tcreated\tlimits\n");
            for account in store.command_line().accounts().await? {
                let role = match account.role {
                    Role::User => "user",
                    Role::Operator => "operator",
                };
                let state = match (account.suspended_at, account.zones_off_at, account.closes_at) {
                    (_, _, Some(end)) => format!("closed, deleted {end:.0}"),
                    (_, Some(_), None) => "suspended, zones not served".to_owned(),
                    (Some(_), None, None) => "suspended".to_owned(),
                    (None, None, None) => "active".to_owned(),
                };
                let second = if account.has_second_factor { "yes" } else { "no" };
                let (email, created, limits) = (&account.email, account.created_at, shown(account.limits));
                lines.push_str(&format!("{email}\t{role}\t{state}\t{second}\t{created:.0}\t{limits}\n"));
            }
            store.close().await;
            print(&lines)?;
        }
        AccountCommand::Link { email, data } => {
            let config = Config::load_for_data(&data)?;
            let store = open_existing_store(&config)?;
            let account = find_account(&store, &email).await?;
            let link = link(&store, &config, &account).await?;
            store.close().await;
            print(&format!("{link}\n"))?;
        }
        AccountCommand::Suspend { email, stop_serving, data } => {
            let store = open(&data)?;
            let account = find_account(&store, &email).await?;
            let how = if stop_serving { Suspension::Zones } else { Suspension::SignIn };
            let suspended = store.command_line().suspend_account(account.id, how).await;
            store.close().await;
            suspended?;
            let zones = if stop_serving { "; its zones are removed from the nameservers" } else { "" };
            print(&format!("{} is suspended{zones}\n", account.email))?;
        }
        AccountCommand::Close { email, data } => {
            let store = open(&data)?;
            let account = find_account(&store, &email).await?;
            let closed = store.command_line().suspend_account(account.id, Suspension::Close).await;
            let closes_at = store.command_line().account(account.id).await;
            store.close().await;
            closed?;
            let email = &account.email;
            let end =
                closes_at?.and_then(|account| account.closes_at).map(|end| format!("{end:.0}")).unwrap_or_default();
            print(&format!(
                "{email} is closed; its zones are removed from the nameservers now and deleted {end}; until then, \
                 `zonewright account resume {}` reopens it\n",
                shell::word(email)
            ))?;
        }
        AccountCommand::Resume { email, data } => {
            let store = open(&data)?;
            let account = find_account(&store, &email).await?;
            let resumed = store.command_line().resume_account(account.id).await;
            store.close().await;
            resumed?;
            print(&format!("{} is active again\n", account.email))?;
        }
        AccountCommand::Limits { email, zones, records, tokens, changes_per_day, stored_records, data } => {
            let store = open(&data)?;
            let account = find_account(&store, &email).await?;
            let now = account.limits;
            let set = |given: Option<Limit>, now: Option<u32>| given.map_or(now, |Limit(limit)| limit);
            let limits = AccountLimits {
                zones: set(zones, now.zones),
                records: set(records, now.records),
                tokens: set(tokens, now.tokens),
                changes_per_day: set(changes_per_day, now.changes_per_day),
                stored_records: set(stored_records, now.stored_records),
            };
            let outcome =
                if limits == now { Ok(()) } else { store.command_line().set_limits(account.id, limits).await };
            store.close().await;
            outcome?;
            print(&format!("{}: {}\n", account.email, shown(limits)))?;
        }
        // Turning them off is all that there is; the flag says it.
        AccountCommand::SecondFactor { email, off: _, data } => {
            let store = open(&data)?;
            let account = find_account(&store, &email).await?;
            let turned_off = store.command_line().person(account.id).turn_second_factor_off().await;
            store.close().await;
            let email = &account.email;
            print(&if turned_off? {
                format!("two-factor authentication is off for {email}: the password alone is enough to sign in\n")
            } else {
                format!("{email} does not use two-factor authentication; nothing was changed\n")
            })?;
        }
        AccountCommand::Role { email, role, data } => {
            let store = open(&data)?;
            let account = find_account(&store, &email).await?;
            let set = store.command_line().set_role(account.id, role).await;
            store.close().await;
            set?;
            let role = if role == Role::Operator { "an operator" } else { "a user" };
            print(&format!("{} is now {role}\n", account.email))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Limits as the commands show them.
fn shown(limits: AccountLimits) -> String {
    let AccountLimits { zones, records, tokens, changes_per_day, stored_records } = limits;
    let named = [
        ("zones", zones),
        ("records", records),
        ("tokens", tokens),
        ("changes per day", changes_per_day),
        ("stored records", stored_records),
    ];
    let set: Vec<String> = named.into_iter().filter_map(|(name, limit)| Some(format!("{} {name}", limit?))).collect();
    if set.is_empty() { "no limits".to_owned() } else { format!("at most {}", set.join(", ")) }
}

/// A new one-time link into an account.
async fn link(store: &Store, config: &Config, account: &Account) -> Result<String, Failure> {
    let made = store.command_line().create_link(account.id, first_start::LINK_GOOD_FOR).await?;
    let secret = made.ok_or_else(|| {
        let email = &account.email;
        let word = shell::word(email);
        Failure::Other(format!("{email} is suspended; reactivate it first: zonewright account resume {word}"))
    })?;
    Ok(first_start::link_to(config, config.http, &secret))
}

/// `zonewright token ...`
pub(crate) async fn token(command: TokenCommand) -> Result<ExitCode, Failure> {
    match command {
        TokenCommand::Create { account, name, permissions, expires, zones, networks, data } => {
            let permissions: Permissions = permissions.into_iter().collect();
            let expires_at = expires.map(expiry).transpose()?;
            let store = open(&data)?;
            let account = find_account(&store, &account).await?;
            let zones = zone_scope(&store, &account, zones).await?;
            let networks = if networks.is_empty() { NetworkScope::Anywhere } else { NetworkScope::Only(networks) };
            let token = NewToken { name, permissions, expires_at, zones, networks };
            let token = store.command_line().person(account.id).create_token(token).await?;
            store.close().await;
            print(&format!("{}\n", token.plain.reveal()))?;
        }
        TokenCommand::List { account, data } => {
            let store = open(&data)?;
            let accounts = store.command_line().accounts().await?;
            let tokens = match account {
                Some(email) => store.command_line().person(find_account(&store, &email).await?.id).tokens().await?,
                None => store.command_line().tokens().await?,
            };
            let mut lines = String::from("number\taccount\tname\tends in\tpermissions\tcreated\texpires\tlast used\n");
            for token in tokens {
                let email =
                    accounts.iter().find(|account| account.id == token.account).map_or("?", |account| &account.email);
                let permissions: Vec<_> = token.permissions.iter().map(Permission::name).collect();
                let time =
                    |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |time| format!("{time:.0}"));
                lines.push_str(&format!(
                    "{}\t{email}\t{}\t...{}\t{}\t{:.0}\t{}\t{}\n",
                    token.id,
                    token.name.escape_debug(),
                    token.last_four,
                    permissions.join(","),
                    token.created_at,
                    time(token.expires_at),
                    time(token.last_used_at),
                ));
            }
            store.close().await;
            print(&lines)?;
        }
        TokenCommand::Revoke { id, data } => {
            let store = open(&data)?;
            let revoked = store.command_line().revoke_token(TokenId::from_number(id)).await?;
            store.close().await;
            if !revoked {
                return Err(Failure::Other(format!(
                    "there is no token {id}; `zonewright token list` shows the numbers"
                )));
            }
            print(&format!("token {id} revoked\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `zonewright zone ...`
pub(crate) async fn zone(command: ZoneCommand) -> Result<ExitCode, Failure> {
    match command {
        ZoneCommand::List { deleted: true, data } => deleted::list(&open(&data)?).await?,
        ZoneCommand::List { deleted: false, data } => {
            let store = open(&data)?;
            let mut after = None;
            loop {
                let page = store.zones_of_anyone(after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.zone.name.clone());
                let lines: String = page
                    .iter()
                    .map(|row| {
                        format!(
                            "{}\t{}\t{} records\tserial {}\n",
                            row.zone.name, row.email, row.zone.record_count, row.zone.serial
                        )
                    })
                    .collect();
                if print(&lines)? == Reader::Gone {
                    break;
                }
            }
            store.close().await;
        }
        ZoneCommand::Create { domain, account, reserved, data } => {
            let store = open(&data)?;
            let account = find_account(&store, &account).await?;
            let new = NewZone { override_related: true, reserved, ..NewZone::named(domain.clone()) };
            let created = store.create_zone(&operator_for(account.id), new).await;
            store.close().await;
            let zone = created.map_err(|error| match error {
                CreateZoneError::Reserved(reason) => Failure::Other(reserved_name(&domain, reason)),
                error => Failure::Other(format!("{domain}: {}", chain(&error))),
            })?;
            print(&format!("zone {domain} created for {}: {}\n", account.email, zone.id.0))?;
        }
        ZoneCommand::Move { domain: name, to, data } => {
            let store = open(&data)?;
            let account = find_account(&store, &to).await?;
            let moved = store.move_zone(&name, account.id).await;
            store.close().await;
            let moved = moved.map_err(|error| match error {
                MoveZoneError::Reserved(reason) => Failure::Other(reserved_name(&name, reason)),
                MoveZoneError::Store(error) => error.into(),
            })?;
            if !moved {
                return Err(no_zone(&name));
            }
            print(&format!("{name} now belongs to {}\n", account.email))?;
        }
        ZoneCommand::Export { domain, data } => return zone_files::export(&domain, &data).await,
        ZoneCommand::Import(flags) => return zone_files::import(flags).await,
        ZoneCommand::Delete { domain: name, data } => {
            let store = open(&data)?;
            let found = store.zone_of_anyone(&name).await?.ok_or_else(|| no_zone(&name))?;
            let deleted = store.delete_zone(&operator_for(found.account), found.zone.id, Vec::new()).await;
            store.close().await;
            let deleted = deleted.map_err(|error| match error {
                ChangeError::NoZone => no_zone(&name),
                error => Failure::Other(format!("{name}: {}", chain(&error))),
            })?;
            print(&format!("{name} of {} deleted, with {} records\n", found.email, deleted.record_count))?;
        }
        ZoneCommand::Claims { data } => {
            let store = open(&data)?;
            let claims = store.command_line().displacements(PAGE).await?;
            store.close().await;
            let lines: String = claims
                .iter()
                .map(|claim| {
                    let Displacement { name, email, by_name, by_email, .. } = claim;
                    let what = match claim.due {
                        Some(due) => format!("displaced {due:.0}"),
                        None => format!(
                            "both accounts proved control: zonewright zone move {} --to {} or --to {}",
                            shell::word(name),
                            shell::word(email),
                            shell::word(by_email)
                        ),
                    };
                    format!("{name}\t{email}\tclaimed by {by_email} for {by_name}\t{what}\n")
                })
                .collect();
            print(&lines)?;
        }
        ZoneCommand::Release { domain: name, data } => {
            let store = open(&data)?;
            let released = store.command_line().release_name(&name).await?;
            store.close().await;
            if !released {
                return Err(Failure::Other(format!("{name} is not on hold: any account can create it")));
            }
            print(&format!("{name} is no longer on hold\n"))?;
        }
        ZoneCommand::Undelete { id, data } => deleted::undelete(&open(&data)?, id).await?,
        ZoneCommand::Purge { id, data } => deleted::purge(&open(&data)?, id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `zonewright backup FILE`
pub(crate) async fn backup(file: &Path, with_keys: bool, data: &DataFlags) -> Result<ExitCode, Failure> {
    let store = open(data)?;
    let key_copy = secrets::key_copy_of(file);
    // The key first: a copy of the database that this command has made always has the key that was asked for.
    let copied = async {
        if with_keys {
            store.command_line().copy_key_file(&key_copy)?;
        }
        let copied = store.command_line().back_up(file).await;
        if copied.is_err() && with_keys {
            // The copy's own failure is the one to report.
            let _ = std::fs::remove_file(&key_copy);
        }
        copied
    };
    let copied = copied.await;
    let key_file = store.command_line().key_file().display().to_string();
    store.close().await;
    copied?;
    let file = file.display();
    let key = if with_keys {
        format!(
            "{} is a copy of the key file. To restore, put it next to the database as secret.key. Store the two copies apart: together they decrypt every secret.",
            key_copy.display()
        )
    } else {
        format!(
            "The copy does not contain the key file {key_file}, and a restored server does not start without it. Keep a copy of that file in another place (--with-keys writes one)."
        )
    };
    print(&format!(
        "{file} is a copy of the database. To restore, put it into a data directory as zonewright.sqlite.\n{key}\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Who acts when the operator changes an account's zones.
pub(crate) fn operator_for(account: AccountId) -> Author {
    Author { account, name: "operator".to_owned(), source: Source::Operator, address: None }
}

async fn zone_scope(store: &Store, account: &Account, names: Vec<ZoneName>) -> Result<ZoneScope, Failure> {
    if names.is_empty() {
        return Ok(ZoneScope::All);
    }
    let mut zones = Vec::new();
    for name in names {
        let found = store.zones(account.id, Some(name.clone()), None, 1).await?.pop();
        zones.push(found.ok_or_else(|| Failure::Other(format!("{} has no zone {name}", account.email)))?.id);
    }
    Ok(ZoneScope::Only(zones))
}

/// When something ends that is valid for so long.
pub(crate) fn expiry(span: Duration) -> Result<Timestamp, Failure> {
    Clock::system().now().checked_add(span).map_err(|_| {
        Failure::Other("--expires: the time is too long; leave out --expires for one that does not expire".to_owned())
    })
}

async fn read_password(email: &str) -> Result<PasswordHash, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::Other(format!("cannot read the password from standard input: {error}")))?;
    let password = line.trim_end_matches(['\n', '\r']);
    check_password(password, email).map_err(|problem| Failure::Other(problem.to_string()))?;
    Ok(PasswordHash::new(password).await?)
}
