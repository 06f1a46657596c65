//! HTTPS: the certificate and its key, read when the server starts.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::{Config, ConfigError};
use crate::failure::chain;

/// What takes the connections' handshakes; `None` where HTTPS is not configured.
pub(crate) fn acceptor(config: &Config) -> Result<Option<TlsAcceptor>, ConfigError> {
    let Some(tls) = &config.tls else { return Ok(None) };
    let certificates = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| bad_pem(config, "tls_cert", &tls.cert, error))?;
    if certificates.is_empty() {
        return Err(bad_pem(config, "tls_cert", &tls.cert, pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| bad_pem(config, "tls_key", &tls.key, error))?;
    let unusable = |error: rustls::Error| {
        let problem = format!("{}: {}", tls.cert.display(), chain(&error));
        config.bad("tls_cert", problem, "the certificate must be valid and match the key in tls_key")
    };
    let mut server = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(unusable)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(server))))
}

fn bad_pem(config: &Config, key: &str, path: &Path, error: pem::Error) -> ConfigError {
    let problem = match &error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "the file contains no PEM block of this kind".to_owned(),
        other => other.to_string(),
    };
    let hint = if key == "tls_cert" {
        "use a file with the certificate and its issuers in PEM: -----BEGIN CERTIFICATE-----"
    } else {
        "use a file with the certificate's private key in PEM, without a password: -----BEGIN PRIVATE KEY-----"
    };
    config.bad(key, format!("{}: {problem}", path.display()), hint)
}
