//! The secret of the embedded nameserver's DNS cookies, if none is configured: created once for each data directory.
//!
//! It is stored in a file, so that cookies survive a restart and servers on one data directory accept each other's cookies.
//! Servers on several machines behind one address need `edns.cookie_secret` instead. Decided against: encrypting the file,
//! because a lost secret only costs clients one more query; and one secret for each process.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::config::{Config, cookie_secret_of};

const FILE: &str = "dns-cookie.secret";
/// More is no file of ours.
const LONGEST: u64 = 1024;

/// The configured secrets, or else that of the data directory.
pub(crate) fn secrets(config: &Config) -> io::Result<Vec<[u8; 16]>> {
    if !config.edns.cookie_secrets.is_empty() {
        return Ok(config.edns.cookie_secrets.clone());
    }
    let path = config.data.join(FILE);
    match read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(&path)?;
            read(&path)
        }
        read => read,
    }
    .map(|secret| vec![secret])
}

fn read(path: &Path) -> io::Result<[u8; 16]> {
    let mut text = String::new();
    OpenOptions::new().read(true).open(path)?.take(LONGEST).read_to_string(&mut text)?;
    let problem =
        format!("{} does not contain a DNS cookie secret; delete the file to create a new one", path.display());
    cookie_secret_of(text.trim()).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, problem))
}

/// Two servers may do this at the same time: the first one's secret counts for both.
fn create(path: &Path) -> io::Result<()> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let draft = path.with_extension(std::process::id().to_string());
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let written = writeln!(file, "{:032x}", u128::from_be_bytes(secret)).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
    // The draft has no further use, whatever happened.
    let _ = std::fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
