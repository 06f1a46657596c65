//! The URL of a PostgreSQL database. Parameters that libpq knows but the client library does not (certificates) are read here; the
//! library parses all others.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection attempt may take for each host.
const CONNECT: Duration = Duration::from_secs(3);
/// After this time without an acknowledgement from the other host, a connection counts as lost.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// The address of a PostgreSQL database, with the settings of the connection. `Display` and `Debug` do not show the password.
#[derive(Clone)]
pub struct Address {
    pub(super) config: tokio_postgres::Config,
    /// `None` for Unix sockets.
    pub(super) tls: Option<MakeRustlsConnect>,
    url: String,
    shown: String,
}

/// Why a URL is not an [`Address`].
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The library's own explanation.
    #[error("it is not a PostgreSQL URL (postgres://USER@HOST[,HOST]/DATABASE[?sslmode=verify-full])")]
    Url(#[source] tokio_postgres::Error),
    /// A value of `sslmode` that does not exist.
    #[error("sslmode={0} does not exist: use disable, prefer, require, verify-ca or verify-full")]
    SslMode(String),
    /// A certificate without a key, or a key without a certificate.
    #[error("sslcert and sslkey belong together: give both or none")]
    HalfAClient,
    /// A certificate or key file cannot be read.
    #[error("{path} cannot be used")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The TLS library refuses the certificates.
    #[error("the certificates cannot be used")]
    Tls(#[from] rustls::Error),
}

/// What `sslmode` asks for beyond encryption.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verify {
    Nothing,
    Full,
}

impl Address {
    /// Reads `postgres://...` or `postgresql://...`. There can be several hosts, for a database with standbys.
    ///
    /// `sslmode`: `disable`, `prefer` (the default: encrypted if the server supports it), `require`, `verify-ca` and `verify-full` (the
    /// certificate is valid and names the host). `sslrootcert`: a file with the certificate authorities to trust; with it, `require`
    /// verifies as `verify-full` does. `sslcert` and `sslkey`: the client's certificate. All are PEM.
    pub fn parse(url: &str) -> Result<Address, AddressError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut root, mut certificate, mut key, mut verify) = (None, None, None, Verify::Nothing);
        let mut rest = Vec::new();
        for member in query.split('&').filter(|member| !member.is_empty()) {
            let (name, value) = member.split_once('=').unwrap_or((member, ""));
            match name {
                "sslrootcert" => root = Some(PathBuf::from(value)),
                "sslcert" => certificate = Some(PathBuf::from(value)),
                "sslkey" => key = Some(PathBuf::from(value)),
                "sslmode" => match value {
                    "disable" | "prefer" | "require" => rest.push(member.to_owned()),
                    "verify-ca" | "verify-full" => {
                        verify = Verify::Full;
                        rest.push("sslmode=require".to_owned());
                    }
                    other => return Err(AddressError::SslMode(other.to_owned())),
                },
                _ => rest.push(member.to_owned()),
            }
        }
        let given = url.to_owned();
        let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: tokio_postgres::Config = url.parse().map_err(AddressError::Url)?;
        config.connect_timeout(CONNECT).tcp_user_timeout(UNACKNOWLEDGED).application_name("zonewright");
        if root.is_some() && config.get_ssl_mode() == SslMode::Require {
            verify = Verify::Full;
        }
        let client = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificates(&certificate)?, private_key(&key)?)),
            (None, None) => None,
            _ => return Err(AddressError::HalfAClient),
        };
        let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let tls = match is_local {
            true => None,
            false => Some(MakeRustlsConnect::new(tls(verify, root.as_deref(), client)?)),
        };
        Ok(Address { shown: shown(&config), url: given, config, tls })
    }

    /// The URL as it was given, with the password: not for logs.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// User, hosts and database.
fn shown(config: &tokio_postgres::Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(number, host)| {
            let host = match host {
                Host::Tcp(host) => host.clone(),
                Host::Unix(path) => path.display().to_string(),
            };
            let ports = config.get_ports();
            match ports.get(number).or(ports.first()) {
                Some(port) => format!("{host}:{port}"),
                None => host,
            }
        })
        .collect();
    format!("postgres://{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

fn file(path: &Path, source: io::Error) -> AddressError {
    AddressError::File { path: path.to_owned(), source }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, AddressError> {
    let reader = BufReader::new(File::open(path).map_err(|source| file(path, source))?);
    let found: Result<Vec<_>, _> = CertificateDer::pem_reader_iter(reader).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(file(path, io::Error::other("it has no certificate in PEM form"))),
        Err(error) => Err(file(path, io::Error::other(error.to_string()))),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, AddressError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| file(path, io::Error::other(error.to_string())))
}

type Client = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn tls(verify: Verify, root: Option<&Path>, client: Option<Client>) -> Result<ClientConfig, AddressError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match verify {
        Verify::Nothing => builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider))),
        Verify::Full => {
            let mut roots = RootCertStore::empty();
            match root {
                Some(path) => {
                    for certificate in certificates(path)? {
                        roots.add(certificate)?;
                    }
                }
                None => {
                    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                }
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(match client {
        Some((certificates, key)) => builder.with_client_auth_cert(certificates, key)?,
        None => builder.with_no_client_auth(),
    })
}

/// For `prefer` and `require`, which encrypt but do not verify the server.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_never_shows_its_password() {
        let address = Address::parse("postgres://me:secret@db1:5433,db2:5434/zones?sslmode=disable").unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "postgres://db1:5433,db2:5434/zones postgres://db1:5433,db2:5434/zones"
        );
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said() {
        for (url, expected) in [
            (
                "mysql://me@db/zones",
                "it is not a PostgreSQL URL (postgres://USER@HOST[,HOST]/DATABASE[?sslmode=verify-full])",
            ),
            (
                "postgres://me@db/zones?sslmode=on",
                "sslmode=on does not exist: use disable, prefer, require, verify-ca or verify-full",
            ),
            ("postgres://me@db/zones?sslcert=/a", "sslcert and sslkey belong together: give both or none"),
            (
                "postgres://me@db/zones?sslmode=verify-full&sslrootcert=/does/not/exist",
                "/does/not/exist cannot be used",
            ),
        ] {
            assert_eq!(Address::parse(url).unwrap_err().to_string(), expected);
        }
    }
}
