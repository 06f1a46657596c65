//! One attempt to send an e-mail to the mail server.
//!
//! A [`Failure`] is logged, so it contains no text of the server's response: such texts repeat the recipient.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use crate::settings::{Security, Settings};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(15);
/// How long it may take from connecting until the server has taken the letter.
pub const ATTEMPT: Duration = Duration::from_secs(90);
/// How long the server may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);

/// The way to the mail server.
pub(crate) struct Route {
    server: (String, u16),
    tls: Tls,
    credentials: Option<Credentials>,
    host: ClientId,
}

enum Tls {
    Implicit(TlsParameters),
    Start(TlsParameters),
    None,
}

/// Why the mail server did not take a letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It said nothing for too long.
    #[error("the mail server did not respond in time")]
    Timeout,
    /// It refused: the code of its reply (RFC 5321, section 4.2), with the enhanced one (RFC 3463) where it gave one.
    #[error("the mail server refused: {0}")]
    Refused(String),
    /// It refused for now: the code of its reply.
    #[error("the mail server refused temporarily: {0}")]
    Deferred(String),
    /// What it says is no SMTP, or it ended the connection in between.
    #[error("the mail server closed the connection, or is not an SMTP server")]
    NoSmtp,
    /// TLS failed.
    #[error("TLS with the mail server failed: {0}")]
    Tls(String),
    /// The two have no way in common: no TLS, no way to sign in.
    #[error("the mail server cannot be used: {0}")]
    Unable(String),
    /// There is no such address, or the letter cannot be written as a message.
    #[error("the e-mail cannot be sent: {0}")]
    Malformed(&'static str),
    /// It cannot be reached.
    #[error("the mail server cannot be reached: {0}")]
    Connection(String),
}

impl Failure {
    /// Whether another attempt may succeed.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Timeout | Self::Deferred(_) | Self::NoSmtp | Self::Tls(_) | Self::Connection(_) => true,
            Self::Refused(_) | Self::Unable(_) | Self::Malformed(_) => false,
        }
    }
}

impl Route {
    pub(crate) fn new(settings: &Settings) -> Result<Route, SmtpError> {
        let tls = match settings.security {
            Security::Implicit => Tls::Implicit(tls(settings)?),
            Security::StartTls => Tls::Start(tls(settings)?),
            Security::None => Tls::None,
        };
        let credentials = settings
            .login
            .as_ref()
            .map(|login| Credentials::new(login.user.clone(), login.password.reveal().to_owned()));
        let server = (settings.server.clone(), settings.port);
        Ok(Route { server, tls, credentials, host: client_id(&settings.host) })
    }

    /// Connects, hands the letter over, and leaves.
    pub(crate) async fn hand_over(&self, letter: &Message) -> Result<(), Failure> {
        let attempt = async {
            let mut connection = self.connect().await?;
            connection.send(letter.envelope(), &letter.formatted()).await?;
            Ok::<_, SmtpError>(connection)
        };
        let connection =
            timeout(ATTEMPT, attempt).await.map_err(|_| Failure::Timeout)?.map_err(|error| failure(&error));
        leave(connection?).await;
        Ok(())
    }

    /// Connects, and leaves.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        let connection = timeout(CONNECT * 2, self.connect()).await.map_err(|_| Failure::Timeout)?;
        leave(connection.map_err(|error| failure(&error))?).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let (server, port) = &self.server;
        let at_once = match &self.tls {
            Tls::Implicit(tls) => Some(tls.clone()),
            Tls::Start(_) | Tls::None => None,
        };
        let to = (server.as_str(), *port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(to, Some(CONNECT), &self.host, at_once, None).await?;
        if let Tls::Start(tls) = &self.tls {
            connection.starttls(tls.clone(), &self.host).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }
}

/// The server has what it was to have: how it says goodbye is its own affair.
async fn leave(mut connection: AsyncSmtpConnection) {
    let _ = timeout(FAREWELL, connection.quit()).await;
}

fn tls(settings: &Settings) -> Result<TlsParameters, SmtpError> {
    let mut tls = TlsParameters::builder(settings.server.clone());
    if let Some(authorities) = &settings.authorities {
        tls = tls.add_root_certificate(Certificate::from_pem(authorities)?);
    }
    tls.build_rustls()
}

/// The name of the greeting, which has to be ASCII; without one, an address that says nothing.
fn client_id(host: &str) -> ClientId {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(four)) => ClientId::Ipv4(four),
        Ok(IpAddr::V6(six)) => ClientId::Ipv6(six),
        Err(_) if host.is_ascii() && !host.is_empty() => ClientId::Domain(host.to_owned()),
        Err(_) => ClientId::default(),
    }
}

/// What an error comes to, without the server's words.
fn failure(error: &SmtpError) -> Failure {
    let cause = || error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if let Some(code) = error.status() {
        let code = match error.source().map(ToString::to_string).as_deref().and_then(enhanced_code) {
            Some(enhanced) => format!("{code} {enhanced}"),
            None => code.to_string(),
        };
        return if error.is_permanent() { Failure::Refused(code) } else { Failure::Deferred(code) };
    }
    if error.is_response() {
        Failure::NoSmtp
    } else if error.is_timeout() {
        Failure::Timeout
    } else if error.is_tls() {
        Failure::Tls(cause())
    } else if error.is_client() {
        Failure::Unable(cause())
    } else {
        Failure::Connection(cause())
    }
}

/// The enhanced code at the beginning of a reply (RFC 2034, section 4): three numbers with dots between.
fn enhanced_code(reply: &str) -> Option<&str> {
    let word = reply.split_whitespace().next()?;
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_digit());
    (word.split('.').count() == 3 && word.split('.').all(is_number)).then_some(word)
}

/// Where it leads, and nothing of what opens it.
impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = match &self.tls {
            Tls::Implicit(_) => "implicit",
            Tls::Start(_) => "starttls",
            Tls::None => "none",
        };
        f.debug_struct("Route").field("server", &self.server).field("tls", &tls).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reply_only_the_codes_are_kept() {
        assert_eq!(enhanced_code("5.1.1 <ann@example.com>: no such user"), Some("5.1.1"));
        for reply in
            ["", "ann@example.com is unknown", "<ann@example.com>", "5.1", "5.1.1.1", "5.1.x no", "5.1.1234 no"]
        {
            assert_eq!(enhanced_code(reply), None, "{reply:?}");
        }
    }

    #[test]
    fn the_greeting_is_ascii() {
        for (host, said) in [
            ("dns.example.net", "dns.example.net"),
            ("192.0.2.1", "[192.0.2.1]"),
            ("[2001:db8::1]", "[IPv6:2001:db8::1]"),
            ("bücher.example", "[127.0.0.1]"),
            ("", "[127.0.0.1]"),
        ] {
            assert_eq!(client_id(host).to_string(), said);
        }
    }
}
