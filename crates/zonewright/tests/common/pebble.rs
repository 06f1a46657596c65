//! Pebble, the ACME server for tests of Let's Encrypt. It checks challenges at the server's own nameserver.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::named::free_addresses;
use super::{Server, describe, run, wait_for};

/// A Pebble, ended with the value.
pub(crate) struct Pebble {
    child: Child,
    address: String,
    certificate: PathBuf,
}

impl Pebble {
    /// Starts one whose files are in `folder`, and which asks `server` for challenges.
    #[track_caller]
    pub(crate) fn start(folder: &Path, server: &Server) -> Pebble {
        let [address, management] = free_addresses();
        let (key, certificate) = (folder.join("pebble.key"), folder.join("pebble.pem"));
        let made = run(Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate));
        assert!(made.status.success(), "{}", describe(&made));
        let config = serde_json::json!({"pebble": {
            "listenAddress": address, "managementListenAddress": management, "certificate": certificate, "privateKey": key,
            "httpPort": 5002, "tlsPort": 5001, "ocspResponderURL": "", "externalAccountBindingRequired": false,
        }});
        let config_file = folder.join("pebble.json");
        fs::write(&config_file, config.to_string()).expect("a file");
        let log = File::create(folder.join("pebble.log")).expect("a log");
        let child = Command::new("pebble")
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0"), ("PEBBLE_AUTHZREUSE", "0")])
            .arg("-config")
            .arg(config_file)
            .args(["-dnsserver", &server.dns().to_string()])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let pebble = Pebble { child: child.expect("pebble is installed (Debian: pebble)"), address, certificate };
        wait_for("pebble to listen", || TcpStream::connect(&pebble.address).ok());
        pebble
    }

    /// The URL at which ACME clients begin.
    pub(crate) fn directory(&self) -> String {
        format!("https://{}/dir", self.address)
    }

    /// The certificate that clients have to trust.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Has lego get a certificate for `www` and all names below, which proves two values at one name. Gives what it said.
    #[track_caller]
    pub(crate) fn lego(&self, server: &Server, folder: &Path, provider: &str, environment: &[(&str, &str)]) -> String {
        let output = run(Command::new("lego")
            .env("LEGO_CA_CERTIFICATES", self.certificate())
            .envs(environment.iter().copied())
            .args(["--server", &self.directory(), "--accept-tos", "--email", "a@example.com", "--path"])
            .arg(folder.join("lego"))
            .args(["--dns", provider, "--dns.resolvers", &server.dns().to_string(), "--dns.disable-cp"])
            .args(["-d", "www.example.com", "-d", "*.www.example.com", "run"]));
        assert!(output.status.success(), "{}", describe(&output));
        assert!(folder.join("lego/certificates/www.example.com.crt").exists(), "{}", describe(&output));
        describe(&output)
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
