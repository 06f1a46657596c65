//! The accounts and zones that are arguments of commands.

use dns::ZoneName;
use store::{Account, Reservation, Store};

use crate::failure::Failure;
use crate::shell;

pub(crate) async fn find_account(store: &Store, email: &str) -> Result<Account, Failure> {
    let account = store.command_line().account_by_email(email).await?;
    account.ok_or_else(|| {
        let word = shell::word(&email);
        Failure::Other(format!("there is no account {email}; create it with: zonewright account create {word}"))
    })
}

pub(crate) fn no_zone(name: &ZoneName) -> Failure {
    Failure::Other(format!("there is no zone {name}; `zonewright zone list` shows all"))
}

/// What the operator reads where an account may not hold a name, with what can be done.
pub(crate) fn reserved_name(name: &ZoneName, reason: Reservation) -> String {
    match reason {
        Reservation::Catalogs => {
            format!("{name}: the name is reserved for the server's catalog zones; no account can have it")
        }
        Reservation::Server => format!(
            "{name}: the name is reserved because this server uses it (ns, url or mail.from); only operator accounts can have it"
        ),
        Reservation::Suffix | Reservation::Local => {
            let word = shell::word(name);
            format!("{name}: {reason}; to create it anyway: zonewright zone create {word} --account EMAIL --reserved")
        }
    }
}
