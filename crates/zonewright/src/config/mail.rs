//! The keys of mail (`mail.*`), checked. The code that sends mail reads the files that they name; other commands may not have
//! access to them.

use std::net::IpAddr;
use std::path::PathBuf;

use mail::{Secret, Security, Sender};

use super::error::ConfigError;
use super::error::SetBy;
use super::layers::Layers;

/// How letters leave.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// The mail server's name or address.
    pub(crate) server: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// A file with authorities (PEM) that are trusted besides the machine's.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) login: Option<(String, Password)>,
    pub(crate) sender: Sender,
}

/// Where the password for the mail server is.
#[derive(Debug, Clone)]
pub(crate) enum Password {
    Here(Secret),
    File(PathBuf),
    /// Only the running server has it: its settings for commands hold no secrets.
    OfServer,
}

/// Every key but the server: none of them means anything without it.
const OTHERS: [&str; 7] =
    ["mail.port", "mail.tls", "mail.ca", "mail.user", "mail.password", "mail.password_file", "mail.from"];

/// Reads them; `None` where mail is not configured.
pub(super) fn read(layers: &Layers) -> Result<Option<Mail>, ConfigError> {
    let Some(server) = layers.text("mail.server")? else {
        return match OTHERS.iter().find(|key| layers.is_set(key)) {
            None => Ok(None),
            Some(key) => {
                let hint = "set mail.server, such as mail.example.net, or leave out all keys of mail";
                Err(layers.bad(key, "is set, but mail.server is not", hint))
            }
        };
    };
    let server = server_name(layers, server)?;
    let security = security(layers, &server)?;
    let login = login(layers)?;
    if security == Security::None && login.is_some() && !is_loopback(&server) {
        let hint =
            "use implicit or starttls; none is allowed only without a password or with a mail server on this machine";
        return Err(layers.bad("mail.tls", "the password would be sent unencrypted", hint));
    }
    let ca = layers.text("mail.ca")?.map(PathBuf::from);
    if ca.is_some() && security == Security::None {
        return Err(layers.bad("mail.ca", "is set, but mail.tls is none", "mail.ca is used only with TLS"));
    }
    let port = port(layers, security)?;
    Ok(Some(Mail { server, port, security, ca, login, sender: sender(layers)? }))
}

/// A host's name, or an address, which may stand in brackets.
fn server_name(layers: &Layers, text: &str) -> Result<String, ConfigError> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let is_name = bare.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    });
    if is_name || bare.parse::<IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    let hint = "use a host name or an address, such as mail.example.net; set the port with mail.port";
    Err(layers.bad("mail.server", format!("\"{text}\" is not a host"), hint))
}

fn is_loopback(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn security(layers: &Layers, server: &str) -> Result<Security, ConfigError> {
    match layers.text("mail.tls")? {
        Some("implicit") => Ok(Security::Implicit),
        Some("starttls") => Ok(Security::StartTls),
        Some("none") => Ok(Security::None),
        None if is_loopback(server) => Ok(Security::None),
        None => Ok(Security::Implicit),
        Some(other) => {
            let hint = "use implicit (port 465), starttls (port 587) or none";
            Err(layers.bad("mail.tls", format!("\"{other}\" is not a kind of TLS"), hint))
        }
    }
}

fn port(layers: &Layers, security: Security) -> Result<u16, ConfigError> {
    if !layers.is_set("mail.port") {
        return Ok(security.usual_port());
    }
    let number = layers.number("mail.port");
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    port.ok_or_else(|| layers.bad("mail.port", format!("{number} is not a port"), "use 1 to 65535"))
}

fn login(layers: &Layers) -> Result<Option<(String, Password)>, ConfigError> {
    let here = layers.text("mail.password")?.map(|text| Password::Here(Secret::new(text)));
    let file = layers.text("mail.password_file")?.map(|path| Password::File(path.into()));
    let password = match (here, file) {
        (Some(_), Some(_)) => {
            let hint = "set only one of them";
            return Err(layers.bad("mail.password_file", "is set, and so is mail.password", hint));
        }
        (here, file) => here.or(file),
    };
    match (layers.text("mail.user")?, password) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) => Ok(Some((user.to_owned(), password))),
        (Some(user), None) if matches!(layers.set_by("mail.user"), SetBy::Server(_)) => {
            Ok(Some((user.to_owned(), Password::OfServer)))
        }
        (Some(_), None) => {
            let hint = "set mail.password_file or mail.password, or leave out both user and password";
            Err(layers.bad("mail.user", "is set, but there is no password", hint))
        }
        (None, Some(_)) => {
            let key = if layers.is_set("mail.password") { "mail.password" } else { "mail.password_file" };
            Err(layers.bad(key, "is set, but mail.user is not", "a password needs a user name"))
        }
    }
}

fn sender(layers: &Layers) -> Result<Sender, ConfigError> {
    let hint = "set the sender's address, such as dns@example.net or Zonewright <dns@example.net>";
    let Some(text) = layers.text("mail.from")? else {
        return Err(ConfigError::new(
            layers.set_by("mail.server"),
            "mail.from",
            "is not set, but mail.server is",
            hint,
        ));
    };
    text.parse().map_err(|error| layers.bad("mail.from", format!("\"{}\" {error}", text.escape_debug()), hint))
}
