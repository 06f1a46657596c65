//! Programs that use the PowerDNS API, as they are installed.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::common::pebble::Pebble;
use crate::common::{describe, run};
use crate::{Door, client};

#[test]
fn octodns_has_nothing_left_to_change_the_second_time() {
    let door = Door::open();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let http = door.server.http();
    let config = format!(
        "providers:\n  config:\n    class: octodns.provider.yaml.YamlProvider\n    directory: {}\n    enforce_order: false\n  \
         zonewright:\n    class: octodns_powerdns.PowerDnsProvider\n    host: {}\n    port: {}\n    api_key: {}\n    \
         notify: true\nzones:\n  example.com.:\n    sources: [config]\n    targets: [zonewright]\n",
        folder.path().display(),
        http.ip(),
        http.port(),
        door.key,
    );
    fs::write(folder.path().join("octodns.yaml"), config).expect("a file");
    let records = "'':\n  - type: MX\n    ttl: 300\n    values: [{exchange: mail.example.com., preference: 10}]\n  \
        - type: TXT\n    ttl: 300\n    values: ['v=spf1 -all', 'a\\; b']\n  - type: CAA\n    values: [{flags: 0, tag: issue, value: ca.example.net}]\n\
        www:\n  - type: A\n    ttl: 60\n    values: [192.0.2.1, 192.0.2.2]\n  - type: AAAA\n    ttl: 60\n    value: 2001:db8::1\n\
        alias:\n  type: CNAME\n  ttl: 300\n  value: www.example.com.\n\
        _sip._tcp:\n  type: SRV\n  ttl: 300\n  values: [{priority: 1, weight: 2, port: 3, target: sip.example.com.}]\n\
        sub:\n  type: NS\n  ttl: 300\n  values: [ns1.example.net., ns2.example.net.]\n";
    fs::write(folder.path().join("example.com.yaml"), records).expect("a file");
    let sync = || {
        let output = run(Command::new(client("octodns-sync"))
            .args(["--config-file", "octodns.yaml", "--doit", "--force"])
            .current_dir(folder.path()));
        assert!(output.status.success(), "{}", describe(&output));
        describe(&output)
    };
    // The zone does not exist yet; the provider makes it.
    assert!(!sync().contains("No changes"));
    let versions = door.versions("example.com").len();
    assert!(sync().contains("No changes"), "{}", sync());
    assert_eq!(door.versions("example.com").len(), versions);
    assert_eq!(door.records("example.com").len(), 11, "{:?}", door.records("example.com"));
}

#[test]
fn lexicon_adds_and_removes_single_values() {
    let door = Door::open();
    door.api.create_zone("example.com");
    let act = |action: &str, content: &str| {
        let options = json!({
            "provider_name": "powerdns", "domain": "example.com", "action": action, "type": "TXT",
            "name": "_acme-challenge.x.example.com", "content": content,
            "powerdns": {"auth_token": door.key, "pdns_server": door.server.base()},
        });
        let script = "import json, sys\nfrom lexicon.client import Client\nfrom lexicon.config import ConfigResolver\n\
            print(Client(ConfigResolver().with_dict(json.loads(sys.argv[1]))).execute())";
        let output = run(Command::new(client("python3")).args(["-c", script, &options.to_string()]));
        assert!(output.status.success(), "{}", describe(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(act("create", "one"), "True");
    assert_eq!(act("create", "two"), "True");
    assert_eq!(door.records("example.com").len(), 2);
    assert!(act("list", "one").contains("_acme-challenge.x.example.com"));
    assert_eq!(act("delete", "one"), "True");
    assert_eq!(door.records("example.com"), ["_acme-challenge.x 3600 IN TXT \"two\""]);
}

#[test]
fn lego_gets_a_certificate() {
    let door = Door::open();
    door.api.create_zone("example.com");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pebble = Pebble::start(folder.path(), &door.server);
    let environment = [("PDNS_API_URL", door.server.base()), ("PDNS_API_KEY", door.key.as_str())];
    pebble.lego(&door.server, folder.path(), "pdns", &environment);
    assert_eq!(door.records("example.com"), [] as [&str; 0], "the challenges are removed");
}
