//! Mail: the settings with the content of their files, for sending and for `doctor`.

use std::path::Path;
use std::time::Duration;

use dashboard::Post;
use mail::{Login, Mailer, Secret, Settings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use store::Outbox;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError, Mail, Password};
use crate::failure::chain;

/// Writes and sends e-mails; `None` if mail is not configured. Opens no connections.
///
/// It requires a public address: the `Host` of a request can be chosen by an attacker, and must not be in an e-mailed link.
pub(crate) fn post(config: &Config) -> Result<Option<Post>, ConfigError> {
    let Some(mail) = &config.mail else { return Ok(None) };
    let url = config.dashboard.url.clone().ok_or_else(|| {
        let hint = "set the public URL of the server, such as https://dns.example.net; links in e-mails begin with it";
        config.missing("url", "mail.server", hint)
    })?;
    let mailer = Mailer::new(settings(config, mail, &url)?)
        .map_err(|error| config.bad("mail.ca", chain(&error), "use a file with CA certificates in PEM"))?;
    Ok(Some(Post::new(mailer, url)))
}

fn settings(config: &Config, mail: &Mail, url: &str) -> Result<Settings, ConfigError> {
    let login = match &mail.login {
        None | Some((_, Password::OfServer)) => None,
        Some((user, Password::Here(password))) => Some(Login { user: user.clone(), password: password.clone() }),
        Some((user, Password::File(path))) => Some(Login { user: user.clone(), password: password(config, path)? }),
    };
    let host = url.split_once("://").map_or("", |(_, host)| host);
    let is_port = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    let host = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(host, _)| host);
    Ok(Settings {
        server: mail.server.clone(),
        port: mail.port,
        security: mail.security,
        login,
        sender: mail.sender.clone(),
        authorities: mail.ca.as_deref().map(|path| authorities(config, path)).transpose()?,
        host: host.to_owned(),
        retry_after: mail::RETRY_AFTER.to_vec(),
    })
}

/// The first line of the password's file.
fn password(config: &Config, path: &Path) -> Result<Secret, ConfigError> {
    let bad = |problem: String| {
        let hint = "use a file that this user can read, with the password in its first line";
        config.bad("mail.password_file", format!("{}: {problem}", path.display()), hint)
    };
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() { Err(bad("its first line is empty".to_owned())) } else { Ok(Secret::new(line)) }
}

fn authorities(config: &Config, path: &Path) -> Result<Vec<u8>, ConfigError> {
    let bad = |problem: String| {
        let hint = "use a file with CA certificates in PEM: -----BEGIN CERTIFICATE-----";
        config.bad("mail.ca", format!("{}: {problem}", path.display()), hint)
    };
    let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if found.is_empty() => Err(bad("the file contains no PEM block of this kind".to_owned())),
        Ok(_) => Ok(pem),
        Err(error) => Err(bad(error.to_string())),
    }
}

/// How often it checks for owners to notify.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How many owners it notifies at a time.
const AT_ONCE: u32 = 20;

/// Notifies owners by e-mail that their zones will be displaced, until `stop`. Without mail, only the operator is notified, in
/// the audit log and by `zonewright zone claims`.
pub(crate) async fn tell_displaced(outbox: Outbox, post: Option<Post>, stop: CancellationToken) {
    let Some(post) = post else { return };
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        if let Err(error) = tell_some(&outbox, &post).await {
            tracing::warn!(
                error = chain(&error),
                "owners of zones that will be displaced could not be notified; retrying"
            );
        }
    }
}

async fn tell_some(outbox: &Outbox, post: &Post) -> Result<(), store::StoreError> {
    for displacement in outbox.unnoticed_displacements(AT_ONCE).await? {
        if !post.send_displacement(outbox, &displacement).await? {
            break;
        }
        outbox.displacement_noticed(displacement.zone).await?;
    }
    Ok(())
}
