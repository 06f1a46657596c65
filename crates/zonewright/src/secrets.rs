//! The key file of the secrets in the database: its commands, and the checks of `doctor`.
//!
//! The server cannot know whether a copy of the file exists elsewhere, so the operator passes a copy to `secrets confirm`, which
//! compares it. Decided against: a confirmation without a comparison, because a copy of the wrong file is as bad as none.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use store::{Clock, Store};

use crate::cli::{DataFlags, SecretsCommand};
use crate::config::Config;
use crate::database::open;
use crate::failure::{Failure, chain};
use crate::output::print;

/// More than any key file has.
const LARGEST: u64 = 65_536;

/// `zonewright secrets ...`
pub(crate) async fn secrets(command: SecretsCommand) -> Result<ExitCode, Failure> {
    match command {
        SecretsCommand::Confirm { copy, data } => confirm(&copy, &data).await,
        SecretsCommand::Reset { data } => reset(&data),
    }
}

async fn confirm(copy: &Path, data: &DataFlags) -> Result<ExitCode, Failure> {
    let config = Config::load_for_data(data)?;
    let unreadable = |error: std::io::Error| Failure::Other(format!("{}: {error}", copy.display()));
    let is_input = copy == Path::new("-");
    if !is_input {
        let (copy, own) = (fs::canonicalize(copy).map_err(unreadable)?, fs::canonicalize(config.key_file()));
        if own.is_ok_and(|own| own == copy) {
            return Err(Failure::Other(format!(
                "{} is the key file itself: copy it to another machine or medium, and use the path of that copy",
                copy.display()
            )));
        }
    }
    let mut text = String::new();
    let read = if is_input {
        std::io::stdin().lock().take(LARGEST).read_to_string(&mut text)
    } else {
        fs::File::open(copy).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    read.map_err(unreadable)?;
    let store = open(data)?;
    let confirmed = store.command_line().confirm_key_copy(&text).await;
    let own = store.command_line().key_file().display().to_string();
    store.close().await;
    if !confirmed? {
        let shown = if is_input { "standard input".to_owned() } else { copy.display().to_string() };
        return Err(Failure::Other(format!("{shown} is not a copy of {own}: copy the key file again")));
    }
    print(&format!("The copy has the same key as {own}. `zonewright doctor` no longer warns about it.\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn reset(data: &DataFlags) -> Result<ExitCode, Failure> {
    let config = Config::load_for_data(data)?;
    if let Some(file) = config.database.file()
        && !file.exists()
    {
        return Err(Failure::Other(format!("there is no database {}", file.display())));
    }
    let key_file = config.key_file();
    let Some(accounts) = Store::reset_secrets(&config.database, &key_file, Clock::system().now())? else {
        return Err(Failure::Other(format!("{} has the right key: there is nothing to reset", key_file.display())));
    };
    print(&format!(
        "The secrets that could not be decrypted are deleted. The next start creates a new key in {}.\n\
         Accounts with two-factor authentication: {accounts}. They can sign in only with recovery codes until they set it up again.\n",
        key_file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Where `backup --with-keys` puts the copy of the key: beside the copy of the database.
pub(crate) fn key_copy_of(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// What is wrong with the key file: whether it is bad or only risky, what, and how to fix it.
pub(crate) struct KeyFinding {
    pub(crate) is_bad: bool,
    pub(crate) what: String,
    pub(crate) fix: String,
}

/// Looks at the key file of an open store; nothing where all is well.
pub(crate) async fn look_at_key(store: &Store) -> Vec<KeyFinding> {
    let shown = store.command_line().key_file().display().to_string();
    let bad = |what: String| KeyFinding { is_bad: true, what, fix: "restore a copy of the key file".to_owned() };
    let warning = |what: String, fix: String| KeyFinding { is_bad: false, what, fix };
    let mut findings = Vec::new();
    match fs::metadata(store.command_line().key_file()) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => findings.push(warning(
            format!("secrets: {shown} is accessible to other users of this machine"),
            format!("chmod 600 {shown}"),
        )),
        Ok(_) => {}
        Err(error) => findings.push(bad(format!("secrets: {shown}: {error}"))),
    }
    match store.command_line().key_copy_confirmed_at().await {
        Ok(Some(_)) => {}
        Ok(None) => findings.push(warning(
            format!("secrets: no copy of {shown} is confirmed; a restored backup does not start without that file"),
            "copy the file to a safe place, not with the backups, then: zonewright secrets confirm COPY".to_owned(),
        )),
        Err(error) => findings.push(bad(format!("secrets: {}", chain(&error)))),
    }
    findings
}
