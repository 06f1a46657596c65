//! The reasons why named does not run, each with what to do.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use crate::bind9::config::KeysError;
use crate::bind9::control::{ControlError, KeyError};
use crate::config_text::ConfigTextError;

/// Why a managed named could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such program.
    #[error(
        "{0} is not installed; BIND 9.18 or later is needed, which the package bind9 brings on Debian and Ubuntu (apt install \
         bind9), and the package bind on Fedora, Alpine and Arch"
    )]
    NotInstalled(PathBuf),
    /// Another server runs one in this folder.
    #[error("{folder} is in use by {}", process.map_or_else(|| "another server".to_owned(), |id| format!("process {id}")))]
    Locked {
        /// Which folder.
        folder: PathBuf,
        /// The other server's process.
        process: Option<u32>,
    },
    /// A named of an earlier run is still running.
    #[error("a named of an earlier run cannot be stopped: end process {process}, which may belong to another user")]
    Leftover {
        /// Its process.
        process: u32,
    },
    /// No address to answer at was given.
    #[error("no address for named to listen on")]
    NoAddress,
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}", listen_hint(source))]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The control channel has no port.
    #[error("no free port for the control channel")]
    NoPort(#[source] io::Error),
    /// The folder's path has no spelling in named's configuration.
    #[error("the folder {folder} cannot be used")]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: ConfigTextError,
    },
    /// The operating system refused.
    #[error("{path} cannot be used")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The keys cannot be read or created.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The control channel's client.
    #[error("no client for the control channel")]
    Control(#[source] KeyError),
    /// The user that named runs as cannot reach its folder.
    #[error(
        "the user \"{user}\", as which named runs, cannot pass through {folder}: `chmod o+x {folder}`, or choose another data \
         directory, or set bind9.user"
    )]
    Closed {
        /// Which folder above named's own is closed.
        folder: PathBuf,
        /// The user.
        user: String,
    },
    /// The program does not start.
    #[error("{program} cannot be started")]
    Spawn {
        /// Which program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("named exited immediately{}: {log}{hint}", status.map_or_else(String::new, |status| format!(" ({status})")))]
    Ended {
        /// How.
        status: Option<ExitStatus>,
        /// What it complained about.
        log: String,
        /// What to do about it.
        hint: Hint,
    },
    /// Another program uses the control channel's address.
    #[error("another named responds at {address}, the address of the control channel")]
    ControlTaken {
        /// Where.
        address: SocketAddr,
        /// What the channel's client says.
        #[source]
        source: Box<ControlError>,
    },
}

impl StartError {
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> StartError + use<> {
        let path = path.to_owned();
        move |source| StartError::File { path, source }
    }

    pub(super) fn ended(status: Option<ExitStatus>, config: &Path, log: &[String]) -> StartError {
        let is_denied = log.iter().any(|line| line.to_ascii_lowercase().contains("permission denied"));
        let hint = match (is_denied, is_confined()) {
            (false, _) => Hint::None,
            (true, true) => Hint::AppArmor(config.parent().unwrap_or(config).to_owned()),
            (true, false) => Hint::Owner(config.parent().unwrap_or(config).to_owned()),
        };
        StartError::Ended { status, log: log.join("; "), hint }
    }
}

/// What an operator can do about a named that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The log has to do.
    None,
    /// AppArmor keeps named out of this folder.
    AppArmor(PathBuf),
    /// The folder is another user's.
    Owner(PathBuf),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hint::None => Ok(()),
            Hint::AppArmor(folder) => {
                let folder = folder.display();
                write!(
                    f,
                    ". AppArmor confines named to /etc/bind, /var/lib/bind and /var/cache/bind: put the data directory into \
                     /var/lib/bind, or add the lines `{folder}/ rw,` and `{folder}/** rwk,` to /etc/apparmor.d/local/usr.sbin.named \
                     and reload AppArmor (systemctl reload apparmor)"
                )
            }
            Hint::Owner(folder) => write!(
                f,
                ". The folder {} and what is in it have to belong to the user that named runs as: bind9.user where the server \
                 is root, otherwise the server's own user",
                folder.display()
            ),
        }
    }
}

/// Whether AppArmor is in force and has a profile for named.
fn is_confined() -> bool {
    let is_enabled = std::fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    is_enabled.is_ok_and(|enabled| enabled.trim() == "Y")
        && ["usr.sbin.named", "named"].iter().any(|name| Path::new("/etc/apparmor.d").join(name).exists())
}

fn listen_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program answers there, perhaps a named of the system's (systemctl disable --now named)"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need root or CAP_NET_BIND_SERVICE (AmbientCapabilities= in a systemd unit)"
        }
        io::ErrorKind::AddrNotAvailable => "this host has no such address",
        _ => "the operating system refuses",
    }
}
