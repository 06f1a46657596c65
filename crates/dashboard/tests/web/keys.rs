//! Update keys on `/account/keys/`.

use dashboard::Settings;
use store::{Refusal, RefusedBy, Transport, UpdateKey};

use crate::browser::Server;

const NEW: &str = "/account/keys/new/";

fn keys(server: &Server, account: &store::Account) -> Vec<UpdateKey> {
    server.runtime.block_on(server.zones_of(account.id).update_keys()).unwrap()
}

#[test]
fn a_key_needs_a_name_and_a_scope_that_makes_sense() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann@example.com"), server.user("bob@example.com"));
    server.zone(&ann, "example.com");
    server.zone(&bob, "example.net");
    let mut browser = server.signed_in("ann@example.com");
    for (fields, says) in [
        (&[("kind", "acme"), ("target", "www.example.com")][..], "name is required"),
        (&[("name", "k"), ("kind", "acme"), ("target", "www.example.net")], "the account has no zone www.example.net"),
        (&[("name", "k"), ("kind", "host"), ("target", "*.example.com")], "this preset is for one name"),
        (&[("name", "k"), ("kind", "records")], "zones is required"),
        (&[("name", "k"), ("kind", "records"), ("zones", "example.net")], "the account has no zone example.net"),
        (&[("name", "k"), ("kind", "records"), ("zones", "example.com"), ("names", "a.*.b")], "write a name (www)"),
        (&[("name", "k"), ("kind", "records"), ("zones", "example.com"), ("types", "SOA")], "SOA"),
        (
            &[("name", "k"), ("kind", "records"), ("zones", "example.com"), ("networks", "here")],
            "here is not a network",
        ),
        (&[("name", "k"), ("kind", "transfer"), ("zones", "example.com"), ("types", "A")], "a key for transfers"),
        (&[("name", "k"), ("kind", "acme"), ("target", "www.example.com"), ("types", "A")], "a preset says which"),
        (
            &[("name", "k"), ("kind", "acme"), ("target", "www.example.com"), ("algorithm", "md5")],
            "use one of: hmac-md5",
        ),
    ] {
        browser.post(NEW, fields).is(422).says(says).does_not_say("vps_");
    }
    let spanish =
        browser.post(&format!("{NEW}?lang=es"), &[("name", "k"), ("kind", "records"), ("zones", "example.net")]);
    spanish.is(422).says("la cuenta no tiene la zona example.net");
    assert!(keys(&server, &ann).is_empty());
}

#[test]
fn its_secrets_and_complete_configurations_are_shown_once() {
    let updates = Some("192.0.2.53:5300".parse().unwrap());
    let server = Server::with(Settings { updates, ..Settings::default() });
    let ann = server.user("ann@example.com");
    server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    browser.get("/account/developers/").says("href=\"/account/keys/\"");
    browser.get("/account/keys/").is(200).says("There are no update keys yet.");
    browser.get(NEW).is(200).says("_acme-challenge");

    let made = browser.post(NEW, &[("name", "web"), ("kind", "acme"), ("target", "www.example.com"), ("days", "0")]);
    let key = keys(&server, &ann).remove(0);
    assert_eq!(key.scope.names.as_ref().unwrap()[0].to_string(), "_acme-challenge.**.www");
    assert_eq!(key.expires_at, None);
    let secret = made.is(200).between("aria-labelledby=\"secret-label\">", "<").to_owned();
    let token = made.between("aria-labelledby=\"token-label\">", "<").to_owned();
    assert_eq!((secret.len(), &token[..4]), (44, "vps_"));
    assert_eq!(server.api_status(&token), 401, "not a token of the API");
    let certbot = made.between("aria-labelledby=\"certbot-label\">", "<");
    for line in [
        "dns_rfc2136_server = 192.0.2.53\n".to_owned(),
        "dns_rfc2136_port = 5300\n".to_owned(),
        format!("dns_rfc2136_name = {}.\n", key.key_name),
        format!("dns_rfc2136_secret = {secret}\n"),
    ] {
        assert!(certbot.contains(&line), "{line}: {certbot}");
    }
    for id in ["named", "knot", "lego", "octodns", "external-dns", "cert-manager", "ddclient", "ansible"] {
        assert!(
            made.between(&format!("aria-labelledby=\"{id}-label\">"), "</pre>").contains(&key.key_name.to_string())
        );
    }
    let list = browser.get("/account/keys/");
    list.is(200).says("web").says(&key.key_name.to_string()).does_not_say(&secret).does_not_say(&token[4..]);
    list.says("_acme-challenge.**.www").says("TXT");

    let transfer = browser.post(NEW, &[("name", "ns3"), ("kind", "transfer"), ("zones", "example.com")]);
    transfer.is(200).says("type secondary;").does_not_say("dns_rfc2136_server");
    let door = [("name", "d"), ("kind", "records"), ("zones", "example.com"), ("door", "external-dns")];
    let door = browser.post(NEW, &door);
    let path = door.is(200).between("aria-labelledby=\"path-label\">", "<").to_owned();
    assert!(path.starts_with(&format!("{}/external-dns/", browser.base)), "{path}");
    door.says(&format!("--webhook-provider-url={path}")).does_not_say("vps_");
    let weak = [("name", "old"), ("kind", "records"), ("zones", "example.com"), ("algorithm", "hmac-md5")];
    browser.post(NEW, &weak).is(200).says("hmac-md5 (weak");
}

#[test]
fn without_an_address_for_updates_only_what_uses_http_is_configured() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let host = [("name", "router"), ("kind", "host"), ("target", "home.example.com")];
    browser.post(NEW, &host).is(200).says("protocol=dyndns2").does_not_say("dns_rfc2136_server");
}

#[test]
fn a_key_shows_what_it_was_refused_and_is_deleted() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    server.user("mallory@example.com");
    server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    browser.post(NEW, &[("name", "web"), ("kind", "acme"), ("target", "www.example.com")]).is(200);
    let key = keys(&server, &ann).remove(0);
    let path = format!("/account/keys/{}/", key.id.0);
    browser.get(&path).is(200).says("No request was refused.");

    let doors = server.store.doors();
    let identity = server.runtime.block_on(doors.by_key_name(&key.key_name)).unwrap().unwrap();
    let refusal = Refusal {
        time: server.store.now(),
        source: Some("192.0.2.7".parse().unwrap()),
        transport: Transport::Udp,
        asked: "add <b>mail</b>.example.com. TXT".to_owned(),
        rule: RefusedBy::Name,
        detail: "the key may not change the name mail".to_owned(),
        count: 3,
    };
    doors.note_refusal(&identity, refusal);
    let shown = browser.get(&path);
    shown.is(200).says("The key is not for this name").says("3 times").says("192.0.2.7").says("&#60;b&#62;mail");
    browser.get("/account/keys/").says("the key may not change the name mail");
    browser.get(&format!("{path}?lang=ms")).says("Kunci bukan untuk nama ini");

    let mut mallory = server.signed_in("mallory@example.com");
    let delete = format!("{path}delete/");
    for page in [&path, &delete] {
        mallory.get(page).is(404);
    }
    mallory.post(&delete, &[]).is(404);
    browser.get("/account/keys/x/").is(404);
    browser.get(&format!("{delete}?lang=en")).is(200).says("web");
    assert_eq!(keys(&server, &ann).len(), 1, "asking is not deleting");
    browser.post(&delete, &[]).leads_to("/account/keys/");
    browser.get("/account/keys/").says("The update key is deleted and no longer accepted.");
    assert!(keys(&server, &ann).is_empty());
    browser.post(&delete, &[]).is(404);
}
