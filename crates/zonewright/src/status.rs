//! `zonewright deploy status`: the version that each nameserver serves, polled by this command.
//!
//! It needs no running server: the store has the wanted versions, and the nameservers are queried over DNS.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use deploy::bind9::config::reached_at;
use dns::{Serial, ZoneName};
use store::{Head, Store, StoreError};
use tokio::task::JoinSet;
use wire::ask::{Asker, Settings};

use crate::cli::ServeFlags;
use crate::config::{Config, NameserverSetting};
use crate::database::open_existing_store;
use crate::failure::{Failure, chain};
use crate::operands::no_zone;
use crate::output::{Reader, print};

/// How many zones are queried at a time.
const PAGE: u32 = 200;

/// Exit code 0 where every nameserver serves the newest version of every zone, 1 otherwise.
pub(crate) async fn status(domain: Option<ZoneName>, serve: &ServeFlags) -> Result<ExitCode, Failure> {
    let config = Config::load_beside(serve)?;
    let store = open_existing_store(&config)?;
    let nameservers = nameservers(&config);
    let mut counts = Counts::default();
    match domain {
        Some(domain) => {
            let head = store.journal().head(&domain).await?.ok_or_else(|| no_zone(&domain))?;
            report(&store, vec![head], &nameservers, true, &mut counts).await?;
        }
        None => all(&store, &nameservers, &mut counts).await?,
    }
    store.close().await;
    print(&format!("{} zones; {} nameservers; {} not in sync\n", counts.zones, nameservers.len(), counts.behind))?;
    Ok(if counts.behind == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Counts {
    zones: u64,
    behind: u64,
}

/// The nameserver that is deployed to, if there is one, and the secondaries.
pub(crate) fn nameservers(config: &Config) -> Arc<[(SocketAddr, Asker)]> {
    let primary = (config.nameserver != NameserverSetting::None).then(|| reached_at(config.dns));
    let addresses = primary.into_iter().chain(config.secondaries.iter().copied());
    addresses.map(|address| (address, Asker::new(address, Settings::default()))).collect()
}

async fn all(store: &Store, nameservers: &Arc<[(SocketAddr, Asker)]>, counts: &mut Counts) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let heads = store.journal().heads(after, PAGE).await?;
        let Some(last) = heads.last() else { return Ok(()) };
        after = Some(last.id);
        if report(store, heads, nameservers, false, counts).await? == Reader::Gone {
            return Ok(());
        }
    }
}

/// Prints a line for each zone and nameserver: all, or those where something is wrong.
async fn report(
    store: &Store,
    heads: Vec<Head>,
    nameservers: &Arc<[(SocketAddr, Asker)]>,
    print_all: bool,
    counts: &mut Counts,
) -> Result<Reader, Failure> {
    let mut asking = JoinSet::new();
    for head in heads {
        let (nameservers, store) = (Arc::clone(nameservers), store.clone());
        asking.spawn(async move {
            let mut lines = Vec::new();
            for (address, asker) in &*nameservers {
                let served = ask(asker, &head.name).await;
                // A version that was made since the head was read may be served; one that is above the newest is another matter.
                let newest = match &served {
                    Ok(Some(served)) if served.is_newer_than(head.serial) => store.journal().head(&head.name).await?,
                    _ => None,
                };
                lines.push(line(newest.as_ref().unwrap_or(&head), *address, served));
            }
            Ok::<_, StoreError>(lines)
        });
    }
    let mut text = String::new();
    while let Some(lines) = asking.join_next().await {
        counts.zones += 1;
        for (in_sync, line) in lines.map_err(|error| Failure::Other(chain(&error)))?? {
            counts.behind += u64::from(!in_sync);
            if print_all || !in_sync {
                text.push_str(&line);
            }
        }
    }
    print(&text)
}

pub(crate) async fn ask(asker: &Asker, name: &ZoneName) -> Result<Option<Serial>, String> {
    asker.serial(name).await.map_err(|error| chain(&error))
}

/// Whether a nameserver serves this version, which was read after its answer, and the line that says what it serves.
pub(crate) fn line(head: &Head, address: SocketAddr, served: Result<Option<Serial>, String>) -> (bool, String) {
    let (in_sync, what) = match served {
        Ok(Some(serial)) if serial == head.serial => (true, format!("serves {serial}")),
        Ok(Some(serial)) if serial.is_newer_than(head.serial) => (false, format!("serves {serial}, ahead")),
        Ok(Some(serial)) => (false, format!("serves {serial}, behind")),
        Ok(None) => (false, "does not serve it".to_owned()),
        Err(error) => (false, format!("query failed: {error}")),
    };
    (in_sync, format!("{}\tserial {}\t{address}\t{what}\n", head.name, head.serial))
}

#[cfg(test)]
mod tests {
    use dns::ZoneId;
    use store::VersionNumber;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_newest_version_is_in_sync() {
        let name = ZoneName::parse("example.com").unwrap();
        let head = Head { id: ZoneId(Uuid::nil()), name, version: VersionNumber(7), serial: Serial(100) };
        let address = "192.0.2.53:53".parse().unwrap();
        for (served, in_sync, what) in [
            (Ok(Some(Serial(100))), true, "serves 100"),
            (Ok(Some(Serial(99))), false, "serves 99, behind"),
            (Ok(Some(Serial(101))), false, "serves 101, ahead"),
            (Ok(None), false, "does not serve it"),
            (Err("no answer".to_owned()), false, "query failed: no answer"),
        ] {
            let expected = (in_sync, format!("example.com\tserial 100\t192.0.2.53:53\t{what}\n"));
            assert_eq!(line(&head, address, served), expected);
        }
    }
}
