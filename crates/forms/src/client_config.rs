//! Complete configurations of client programs for a new update key: what the owner pastes. The command line and the dashboard
//! print the same.
//!
//! Each program spells algorithms, addresses and names of keys in its own way, and a wrong spelling gives errors that say
//! nothing ("bad key"). A program that cannot use a key (a transfer key in Certbot) has no configuration for it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use dns::ZoneName;
use store::{CreatedUpdateKey, Door, KeyAlgorithm, KeyCredentials, KeyPurpose, NamePattern, UnknownWord, UpdateKey};

/// A program, or a form of configuration that several programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFormat {
    /// BIND 9: a key file for `nsupdate -k`, or a secondary's `named.conf`.
    Named,
    /// Knot DNS.
    Knot,
    /// Certbot with certbot-dns-rfc2136.
    Certbot,
    /// lego, as environment variables.
    Lego,
    /// octoDNS with octodns-bind.
    Octodns,
    /// external-dns, as arguments.
    ExternalDns,
    /// cert-manager, as Kubernetes resources.
    CertManager,
    /// ddclient.
    Ddclient,
    /// Ansible, as a playbook.
    Ansible,
    /// The token alone, for programs that have a field for it.
    Token,
}

impl ClientFormat {
    /// All of them.
    pub const ALL: [ClientFormat; 10] = [
        ClientFormat::Named,
        ClientFormat::Knot,
        ClientFormat::Certbot,
        ClientFormat::Lego,
        ClientFormat::Octodns,
        ClientFormat::ExternalDns,
        ClientFormat::CertManager,
        ClientFormat::Ddclient,
        ClientFormat::Ansible,
        ClientFormat::Token,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ClientFormat::Named => "named",
            ClientFormat::Knot => "knot",
            ClientFormat::Certbot => "certbot",
            ClientFormat::Lego => "lego",
            ClientFormat::Octodns => "octodns",
            ClientFormat::ExternalDns => "external-dns",
            ClientFormat::CertManager => "cert-manager",
            ClientFormat::Ddclient => "ddclient",
            ClientFormat::Ansible => "ansible",
            ClientFormat::Token => "token",
        }
    }

    /// What its program is called.
    pub fn title(self) -> &'static str {
        match self {
            ClientFormat::Named => "BIND 9 (nsupdate, named)",
            ClientFormat::Knot => "Knot DNS (knsupdate, knotd)",
            ClientFormat::Certbot => "Certbot",
            ClientFormat::Lego => "lego",
            ClientFormat::Octodns => "octoDNS",
            ClientFormat::ExternalDns => "external-dns",
            ClientFormat::CertManager => "cert-manager",
            ClientFormat::Ddclient => "ddclient",
            ClientFormat::Ansible => "Ansible",
            ClientFormat::Token => "Token",
        }
    }
}

impl fmt::Display for ClientFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ClientFormat {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<ClientFormat, UnknownWord> {
        let known = ClientFormat::ALL.into_iter().find(|format| format.name() == text);
        known.ok_or_else(|| UnknownWord(ClientFormat::ALL.map(ClientFormat::name).into()))
    }
}

/// Where clients reach the server.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Takes dynamic updates and transfers. Several programs need an address, not a name.
    ///
    /// `None`: they are not taken.
    pub updates: Option<SocketAddr>,
    /// The address of the dashboard, without a final slash: `https://dns.example.net`.
    pub url: String,
}

/// Why there is no configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoConfig {
    /// The program does something else than the key is for.
    #[error("this program cannot use a key with this purpose")]
    Purpose,
    /// The key has a path, and the program needs a secret or a token; or the other way round.
    #[error("this program needs another kind of key: create it with or without --door")]
    Door,
    /// The program does not know the algorithm.
    #[error("this program does not support the key's algorithm: use hmac-sha256")]
    Algorithm,
    /// The server takes no updates.
    #[error("the server takes no dynamic updates and transfers")]
    NoUpdates,
    /// A zone's name cannot be written in configurations without escapes.
    #[error("the zone's name cannot be written in the configuration of this program")]
    ZoneName,
}

/// The configuration of a program that uses the key, ending with a line break.
///
/// # Errors
///
/// As listed.
pub fn client_config(format: ClientFormat, created: &CreatedUpdateKey, to: &Endpoints) -> Result<String, NoConfig> {
    let key = &created.key;
    let is_plain = |zone: &ZoneName| {
        zone.to_string().bytes().all(|octet| octet.is_ascii_alphanumeric() || b".-_/".contains(&octet))
    };
    if !key.zones.iter().all(|zone| is_plain(&zone.name)) {
        return Err(NoConfig::ZoneName);
    }
    let (secret, token) = match &created.credentials {
        KeyCredentials::Tsig { secret, token } => (secret.base64(), token.reveal()),
        KeyCredentials::Path(Door::ExternalDns, path) if format == ClientFormat::ExternalDns => {
            return Ok(format!(
                "--provider=webhook\n--webhook-provider-url={}/{}/{}\n",
                to.url,
                Door::ExternalDns,
                path.reveal()
            ));
        }
        KeyCredentials::Path(..) => return Err(NoConfig::Door),
    };
    match format {
        ClientFormat::Token => return Ok(format!("{token}\n")),
        ClientFormat::Ddclient if key.scope.purpose == KeyPurpose::Manage => return Ok(ddclient(key, token, &to.url)),
        _ => {}
    }
    let work = Work { key, secret, at: to.updates.ok_or(NoConfig::NoUpdates)? };
    let transfers = key.scope.purpose == KeyPurpose::Transfer;
    match format {
        ClientFormat::Named if transfers => Ok(work.named_secondary()),
        ClientFormat::Named => Ok(work.nsupdate()),
        ClientFormat::Knot if transfers => Ok(work.knot_secondary()),
        ClientFormat::Knot => Ok(work.knsupdate()),
        _ if transfers => Err(NoConfig::Purpose),
        ClientFormat::Certbot => Ok(work.certbot()),
        ClientFormat::Lego => Ok(work.lego()),
        ClientFormat::Octodns => Ok(work.octodns()),
        ClientFormat::ExternalDns => work.external_dns(),
        ClientFormat::CertManager => work.cert_manager(),
        ClientFormat::Ansible => Ok(work.ansible()),
        ClientFormat::Ddclient | ClientFormat::Token => Err(NoConfig::Purpose),
    }
}

/// What the configurations are made of. The key's name and its secret need quotes nowhere.
struct Work<'a> {
    key: &'a UpdateKey,
    secret: String,
    at: SocketAddr,
}

impl Work<'_> {
    fn zones(&self) -> impl Iterator<Item = &ZoneName> {
        self.key.zones.iter().map(|zone| &zone.name)
    }

    /// The first zone, for programs that know one, and for examples.
    fn zone(&self) -> String {
        self.zones().next().map(ToString::to_string).unwrap_or_default()
    }

    fn named_key(&self) -> String {
        let (name, algorithm, secret) = (&self.key.key_name, self.key.algorithm, &self.secret);
        format!("key \"{name}\" {{\n\talgorithm {algorithm};\n\tsecret \"{secret}\";\n}};\n")
    }

    fn nsupdate(&self) -> String {
        let (ip, port, key, zone) = (self.at.ip(), self.at.port(), self.named_key(), self.zone());
        format!(
            "// Save this as KEYFILE, then: nsupdate -k KEYFILE\n//   server {ip} {port}\n//   zone {zone}\n//   update add www.{zone} 300 A 192.0.2.1\n//   send\n{key}"
        )
    }

    fn named_secondary(&self) -> String {
        let (ip, port, name) = (self.at.ip(), self.at.port(), &self.key.key_name);
        let mut text = self.named_key();
        text.push_str(&format!("server {ip} {{\n\tkeys {{ \"{name}\"; }};\n}};\n"));
        for zone in self.zones() {
            let file = zone.to_string().replace('/', "_");
            text.push_str(&format!(
                "zone \"{zone}\" {{\n\ttype secondary;\n\tfile \"{file}.db\";\n\tprimaries port {port} {{ {ip} key \"{name}\"; }};\n\tallow-notify {{ key \"{name}\"; }};\n}};\n"
            ));
        }
        text
    }

    fn knot_key(&self) -> String {
        let (name, algorithm, secret) = (&self.key.key_name, self.key.algorithm, &self.secret);
        format!("key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n")
    }

    fn knsupdate(&self) -> String {
        let (ip, port, name, algorithm) = (self.at.ip(), self.at.port(), &self.key.key_name, self.key.algorithm);
        let (secret, zone) = (&self.secret, self.zone());
        format!(
            "# For knsupdate, save the next line without # as KEYFILE, then: knsupdate -k KEYFILE\n# {algorithm}:{name}:{secret}\n#   server {ip} {port}\n#   zone {zone}.\n#   update add www.{zone}. 300 A 192.0.2.1\n#   send\n{}",
            self.knot_key()
        )
    }

    fn knot_secondary(&self) -> String {
        let (ip, port, name) = (self.at.ip(), self.at.port(), &self.key.key_name);
        let mut text = self.knot_key();
        text.push_str(&format!(
            "remote:\n  - id: zonewright\n    address: {ip}@{port}\n    key: {name}\nacl:\n  - id: zonewright_notify\n    key: {name}\n    action: notify\nzone:\n"
        ));
        for zone in self.zones() {
            text.push_str(&format!("  - domain: {zone}\n    master: zonewright\n    acl: zonewright_notify\n"));
        }
        text
    }

    fn certbot(&self) -> String {
        let (ip, port, name, secret) = (self.at.ip(), self.at.port(), &self.key.key_name, &self.secret);
        let algorithm = self.key.algorithm.name().to_ascii_uppercase();
        format!(
            "# Save this as rfc2136.ini (chmod 600), then:\n# certbot certonly --authenticator dns-rfc2136 --dns-rfc2136-credentials rfc2136.ini --dns-rfc2136-propagation-seconds 5 -d NAME\ndns_rfc2136_server = {ip}\ndns_rfc2136_port = {port}\ndns_rfc2136_name = {name}.\ndns_rfc2136_secret = {secret}\ndns_rfc2136_algorithm = {algorithm}\n"
        )
    }

    fn lego(&self) -> String {
        let (at, name, algorithm, secret) = (self.at, &self.key.key_name, self.key.algorithm, &self.secret);
        format!(
            "# Then: lego --email YOU@EXAMPLE.COM --dns rfc2136 -d NAME run\nexport RFC2136_NAMESERVER='{at}'\nexport RFC2136_TSIG_KEY='{name}.'\nexport RFC2136_TSIG_ALGORITHM='{algorithm}.'\nexport RFC2136_TSIG_SECRET='{secret}'\n"
        )
    }

    fn octodns(&self) -> String {
        let (ip, port, name) = (self.at.ip(), self.at.port(), &self.key.key_name);
        let (algorithm, secret) = (self.key.algorithm, &self.secret);
        let mut text = format!(
            "# pip install octodns octodns-bind\nproviders:\n  config:\n    class: octodns.provider.yaml.YamlProvider\n    directory: ./config\n    enforce_order: false\n  zonewright:\n    class: octodns_bind.Rfc2136Provider\n    host: \"{ip}\"\n    port: {port}\n    key_name: {name}\n    key_secret: \"{secret}\"\n    key_algorithm: {algorithm}\nzones:\n"
        );
        for zone in self.zones() {
            text.push_str(&format!("  {zone}.:\n    sources:\n      - config\n    targets:\n      - zonewright\n"));
        }
        text
    }

    /// It uses neither HMAC-MD5 (its issue 2146) nor HMAC-SHA-224 and -384.
    fn external_dns(&self) -> Result<String, NoConfig> {
        let algorithm = match self.key.algorithm {
            known @ (KeyAlgorithm::Sha1 | KeyAlgorithm::Sha256 | KeyAlgorithm::Sha512) => known,
            KeyAlgorithm::Md5 | KeyAlgorithm::Sha224 | KeyAlgorithm::Sha384 => return Err(NoConfig::Algorithm),
        };
        let (ip, port, name, secret) = (self.at.ip(), self.at.port(), &self.key.key_name, &self.secret);
        let zones: String = self.zones().map(|zone| format!("--rfc2136-zone={zone}\n")).collect();
        Ok(format!(
            "--provider=rfc2136\n--rfc2136-host={ip}\n--rfc2136-port={port}\n{zones}--rfc2136-tsig-keyname={name}\n--rfc2136-tsig-secret={secret}\n--rfc2136-tsig-secret-alg={algorithm}\n--rfc2136-tsig-axfr\n"
        ))
    }

    fn cert_manager(&self) -> Result<String, NoConfig> {
        let algorithm = match self.key.algorithm {
            KeyAlgorithm::Md5 => "HMACMD5",
            KeyAlgorithm::Sha1 => "HMACSHA1",
            KeyAlgorithm::Sha256 => "HMACSHA256",
            KeyAlgorithm::Sha512 => "HMACSHA512",
            KeyAlgorithm::Sha224 | KeyAlgorithm::Sha384 => return Err(NoConfig::Algorithm),
        };
        let (at, name, secret) = (self.at, &self.key.key_name, &self.secret);
        let zones: String = self.zones().map(|zone| format!("            - {zone}\n")).collect();
        Ok(format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\nstringData:\n  tsig-secret: \"{secret}\"\n---\napiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata:\n  name: {name}\nspec:\n  acme:\n    server: https://acme-v02.api.letsencrypt.org/directory\n    email: you@example.com  # your address\n    privateKeySecretRef:\n      name: {name}-account\n    solvers:\n      - selector:\n          dnsZones:\n{zones}        dns01:\n          rfc2136:\n            nameserver: \"{at}\"\n            protocol: TCP\n            tsigKeyName: {name}\n            tsigAlgorithm: {algorithm}\n            tsigSecretSecretRef:\n              name: {name}\n              key: tsig-secret\n"
        ))
    }

    fn ansible(&self) -> String {
        let (ip, port, name) = (self.at.ip(), self.at.port(), &self.key.key_name);
        let (algorithm, secret, zone) = (self.key.algorithm, &self.secret, self.zone());
        format!(
            "# ansible-galaxy collection install community.general; pip install dnspython\n- hosts: localhost\n  gather_facts: false\n  module_defaults:\n    community.general.nsupdate:\n      server: \"{ip}\"\n      port: {port}\n      protocol: tcp\n      key_name: {name}\n      key_secret: \"{secret}\"\n      key_algorithm: {algorithm}\n      zone: {zone}\n  tasks:\n    - name: An example; replace it\n      community.general.nsupdate:\n        record: www\n        type: A\n        ttl: 300\n        value: 192.0.2.1\n"
        )
    }
}

/// By the protocol of routers (dyndns2), which works through address translation and needs no other program.
fn ddclient(key: &UpdateKey, token: &str, url: &str) -> String {
    let (scheme, server) = url.split_once("://").unwrap_or(("https", url));
    let ssl = if scheme == "https" { "yes" } else { "no" };
    let exact = key.scope.names.iter().flatten().filter_map(|pattern| match pattern {
        NamePattern::Exact(owner) => Some(owner),
        NamePattern::Below(_) | NamePattern::Tree(_) | NamePattern::Label { .. } => None,
    });
    let zones = || key.zones.iter().map(|zone| &zone.name);
    let hosts: Vec<String> = exact.flat_map(|owner| zones().map(move |zone| owner.in_zone(zone).to_string())).collect();
    let hosts = match (hosts.as_slice(), zones().next()) {
        ([], Some(zone)) => format!("host.{zone}  # your host's name"),
        (hosts, _) => hosts.join(","),
    };
    let name = &key.key_name;
    format!(
        "# /etc/ddclient.conf (chmod 600)\ndaemon=300\nssl={ssl}\nprotocol=dyndns2\nserver={server}\nlogin={name}\npassword='{token}'\nusev4=webv4, webv4=ipify-ipv4\n{hosts}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_of_its_own() {
        let mut names = ClientFormat::ALL.map(ClientFormat::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
