//! Proving that a domain is one's own: the record that the pages show, and what they say of it. Nothing here runs scripts.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use dns::ZoneName;
use store::{NewZone, Proof, Role};

use crate::browser::{Server, Shown};
use crate::zones::path;

/// A resolver that answers every question for TXT records with these texts.
#[derive(Clone, Default)]
struct World(Arc<Mutex<Vec<String>>>);

impl World {
    fn start() -> (World, SocketAddr) {
        let (world, socket) = (World::default(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let (address, texts) = (socket.local_addr().unwrap(), world.clone());
        thread::spawn(move || {
            let mut buffer = [0; 1232];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                socket.send_to(&texts.answer(&buffer[..length]), from).unwrap();
            }
        });
        (world, address)
    }

    fn publish(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }

    fn answer(&self, query: &[u8]) -> Vec<u8> {
        let name = query[12..].iter().position(|&octet| octet == 0).unwrap() + 1;
        let question = &query[12..12 + name + 4];
        let texts = if question[name..] == [0, 16, 0, 1] { self.0.lock().unwrap().clone() } else { Vec::new() };
        let count = u8::try_from(texts.len()).unwrap();
        let mut answer = [&query[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
        for text in texts {
            let length = u8::try_from(text.len()).unwrap();
            answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, length + 1, length]);
            answer.extend(text.as_bytes());
        }
        answer
    }
}

/// The value that a page shows, of a record of this name.
#[track_caller]
fn value(shown: &Shown, zone: &str) -> String {
    let code = |rest: &str| rest.split_once("<code>").unwrap().1.split_once("</code>").unwrap().0.to_owned();
    let record = shown.text.split_once("<dl class=\"facts\">").unwrap().1;
    let cells: Vec<String> = record.split("<dt>").skip(1).map(code).collect();
    assert_eq!(cells[..2], [format!("_zonewright-claim.{zone}"), "TXT".to_owned()]);
    assert_eq!(cells[2].len(), 40, "{cells:?}");
    cells[2].clone()
}

#[test]
fn who_wants_anothers_name_sees_the_record_to_publish_and_gets_the_zone_once_it_is_seen() {
    let (world, resolver) = World::start();
    let server = Server::resolving(resolver);
    let (ann, bob) = (server.user("ann@example.com"), server.user("bob@example.com"));
    let anns = server.zone(&ann, "brand.example");
    server.zone(&bob, "bob.example");
    let mut browser = server.signed_in("bob@example.com");
    let wants = [("domain", "brand.example"), ("zonefile", "www 60 A 192.0.2.1\n; </textarea><b>bold</b>\n")];
    browser.get("/zones/new/").is(200).does_not_say("_zonewright-claim").says("Create zone");

    let refused = browser.post("/zones/new/", &wants);
    let offered = value(refused.is(422), "brand.example");
    refused
        .says("Is this domain yours?")
        .says("already exists")
        .says("method=\"post\" action=\"/zones/new/\"")
        .says("<button type=\"submit\">Create the zone again</button>")
        .says("value=\"brand.example\"")
        .says("www 60 A 192.0.2.1")
        .does_not_say("<b>bold</b>")
        .does_not_say("ann@example.com")
        .does_not_say("was not found");
    let refused = browser.post("/zones/new/", &wants);
    assert_eq!(value(refused.is(422), "brand.example"), offered, "it stays the same");
    refused.says("The record was not found in the public DNS yet.");
    let refused = browser.post("/zones/new/?lang=es", &wants);
    refused.is(422).says("El registro aún no se ha encontrado en el DNS público.").says("¿Es suyo este dominio?");
    // What another account was asked to publish proves nothing for this one.
    let shown = server.signed_in("ann@example.com").get(&format!("{}claim/", path(&anns)));
    world.publish(&value(&shown, "brand.example"));
    browser.post("/zones/new/?lang=en", &wants).is(422).says("was not found in the public DNS yet");

    world.publish(&offered);
    let made = browser.post("/zones/new/", &wants);
    let made = made.is(303).header("location").unwrap().to_owned();
    browser.get(&made).is(200).says("It will replace the zone of another account on 2024-01-18 10:30 UTC.");
    assert!(made.starts_with("/zones/") && made != path(&anns));
    // Now there is one that waits, and a third one gets no further.
    server.user("carl@example.com");
    let mut carl = server.signed_in("carl@example.com");
    let offered = value(carl.post("/zones/new/", &wants).is(422), "brand.example");
    world.publish(&offered);
    carl.post("/zones/new/", &wants).is(422).does_not_say("bob@example.com");
}

#[test]
fn names_that_cannot_be_claimed_are_refused_without_a_record() {
    let (_, resolver) = World::start();
    let server = Server::resolving(resolver);
    let ann = server.user("ann@example.com");
    server.zone(&ann, "brand.example");
    let mut browser = server.signed_in("ann@example.com");
    browser.post("/zones/new/", &[("domain", "brand.example")]).is(422).does_not_say("_zonewright-claim");
    let odd = "\"><b>bold</b>.example";
    browser.post("/zones/new/", &[("domain", odd)]).is(422).does_not_say("<b>bold").does_not_say("_zonewright-claim");
}

#[test]
fn an_owner_proves_a_zone_on_its_page() {
    let (world, resolver) = World::start();
    let server = Server::resolving(resolver);
    let (ann, _) = (server.user("ann@example.com"), server.user("bob@example.com"));
    let zone = server.zone(&ann, "brand.example");
    let page = format!("{}claim/", path(&zone));
    let mut browser = server.signed_in("ann@example.com");
    browser.get(&format!("{}settings/", path(&zone))).is(200).says(&format!("href=\"{page}\">Proof of control</a>"));
    let shown = browser.get(&page);
    let wanted = value(shown.is(200), "brand.example");
    shown
        .says("Not proved yet.")
        .says(&format!("method=\"post\" action=\"{page}\""))
        .says("<button type=\"submit\">Check for the record</button>");
    browser.get(&format!("{page}?lang=es")).is(200).says("Aún sin demostrar.").says("Buscar el registro");
    browser.get(&format!("{page}?lang=ms")).is(200).says("Belum dibuktikan.").says("Cari rekod itu");
    browser.get(&format!("{page}?lang=en")).is(200);
    let refused = browser.post(&page, &[]);
    assert_eq!(value(refused.is(422), "brand.example"), wanted);
    refused.says("The record was not found in the public DNS yet.").says("Not proved yet.");

    world.publish(&wanted);
    let mut bob = server.signed_in("bob@example.com");
    bob.get(&page).is(404).does_not_say("brand.example");
    bob.post(&page, &[]).is(404).does_not_say("brand.example");
    browser.get(&page).is(200).says("Not proved yet.");
    browser.post(&page, &[]).leads_to(&page);
    browser
        .get(&page)
        .is(200)
        .says("Proved on 2024-01-15 10:30 UTC.")
        .says("your control of the domain is proved")
        .does_not_say("Not proved yet.");
    for _ in 0..8 {
        browser.post(&page, &[]).leads_to(&page);
    }
    browser.post(&page, &[]).is(429).says("Too many checks.").says("Proved on");
}

#[test]
fn a_resolver_that_fails_is_told() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let page = format!("{}claim/", path(&server.zone(&ann, "brand.example")));
    let mut browser = server.signed_in("ann@example.com");
    browser.get(&page).is(200);
    browser.post(&page, &[]).is(422).says("The public DNS did not respond in time. Try again.");
}

#[test]
fn an_operator_sees_the_zones_that_are_to_be_displaced() {
    let server = Server::start();
    server.account("operator@example.com", Role::Operator);
    let (ann, bob) = (server.user("ann@example.com"), server.user("bob@example.com"));
    let mut operator = server.signed_in("operator@example.com");
    operator.get("/operator/accounts/").is(200).does_not_say("claimed by other accounts");
    let (brand, shop) = (server.zone(&ann, "brand.example"), server.zone(&ann, "shop.brand.example"));
    let proof = async |account, name: &ZoneName, undelegated| {
        let claim = server.zones_of(account).claim(name).await.unwrap();
        Proof { value: claim.value, is_delegated: false, delegated: Vec::new(), undelegated }
    };
    let claimed = server.runtime.block_on(async {
        let proof = proof(bob.id, &brand.name, vec![shop.id]).await;
        let new = NewZone { proof: Some(proof), ..NewZone::named(brand.name.clone()) };
        server.zones_of(bob.id).create_zone(new).await
    });
    claimed.unwrap();

    let row = |name: &str, by: &str, when: &str| {
        format!(
            "<tr><th scope=\"row\">{name}</th><td data-label=\"Owner\">ann@example.com</td><td data-label=\"Claimed by\">\
             {by}</td><td data-label=\"Time\">{when}</td></tr>"
        )
    };
    let shown = operator.get("/operator/accounts/");
    shown
        .is(200)
        .says("Domains claimed by other accounts")
        .says(&row("brand.example", "bob@example.com", "2024-01-18 10:30 UTC"))
        .says(&row("shop.brand.example", "bob@example.com (brand.example)", "2024-01-18 10:30 UTC"));
    operator.get("/operator/accounts/?q=ann").is(200).does_not_say("claimed by other accounts");
    operator.get("/operator/accounts/?lang=es").is(200).says("Dominios reclamados por otras cuentas");
    operator.get("/operator/accounts/?lang=ms").is(200).says("Domain yang dituntut oleh akaun lain");

    let proved = server.runtime.block_on(async {
        let proof = proof(ann.id, &brand.name, Vec::new()).await;
        server.zones_of(ann.id).prove_zone(brand.id, proof).await
    });
    proved.unwrap();
    assert!(server.runtime.block_on(server.store.move_zone(&shop.name, ann.id)).unwrap());
    operator
        .get("/operator/accounts/?lang=en")
        .says(&row("brand.example", "bob@example.com", "Both accounts proved it: you must decide."))
        .does_not_say("shop.brand.example");
}
