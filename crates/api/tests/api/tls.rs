//! HTTPS, and clients that do not get through the handshake.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use http_server::Settings;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::server::{PATIENCE, Server, Setup};

/// For `localhost`, made for these tests and used nowhere else.
const CERTIFICATE: &[u8] = include_bytes!("certificate/localhost.cert.der");
const KEY: &[u8] = include_bytes!("certificate/localhost.key.der");

fn server() -> Server {
    let certificate = CertificateDer::from(CERTIFICATE);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let http = Settings { handshake_timeout: Duration::from_millis(300), ..Settings::default() };
    Server::with(Setup { http, tls: Some(TlsAcceptor::from(Arc::new(config))), ..Setup::default() })
}

#[test]
fn a_client_that_never_shakes_hands_loses_its_connection() {
    let server = server();
    let mut silent = TcpStream::connect(server.address).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0);
}

#[test]
fn requests_are_answered_over_tls() {
    let server = server();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let said = server.runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        tls.write_all(b"GET /api/v1/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut said = String::new();
        tls.read_to_string(&mut said).await.unwrap();
        said
    });
    assert!(said.starts_with("HTTP/1.1 404 ") && said.contains("not_found"), "{said}");
}
