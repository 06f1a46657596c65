//! A zone's settings: what is refused beside its field, what two people set, what a record gets.

use store::{Account, EffectiveSettings, Source, Zone};

use crate::browser::{Browser, Server, Shown};
use crate::zones::{Page, collect, open, path, records, serial};

const NAMES: [&str; 6] = ["default_ttl", "refresh", "retry", "expire", "minimum", "comment"];

/// The form as the page has it, to be sent with some fields as somebody typed them.
#[derive(Clone)]
struct Form {
    path: String,
    fields: Vec<(String, String)>,
}

impl Form {
    fn of(zone: &Zone, shown: &Shown) -> Form {
        let field = |name: &str| {
            let input = shown.text.split("<input ").find(|input| input.contains(&format!("name=\"{name}\"")));
            let value = input.unwrap().split("value=\"").nth(1).unwrap();
            (name.to_owned(), value.split('"').next().unwrap().to_owned())
        };
        let was: Vec<String> = NAMES.iter().map(|name| format!("was-{name}")).collect();
        let names = NAMES.into_iter().chain(was.iter().map(String::as_str)).chain(["serial"]);
        Form { path: format!("{}settings/", path(zone)), fields: names.map(field).collect() }
    }

    fn open(browser: &mut Browser, zone: &Zone) -> Form {
        Form::of(zone, browser.get(&format!("{}settings/", path(zone))).is(200))
    }

    fn send(&self, browser: &mut Browser, typed: &[(&str, &str)]) -> Shown {
        let value = |name: &str, stored: &str| {
            typed
                .iter()
                .find(|(typed, _)| *typed == name)
                .map_or_else(|| stored.to_owned(), |(_, value)| (*value).to_owned())
        };
        let fields: Vec<(&str, String)> =
            self.fields.iter().map(|(name, stored)| (name.as_str(), value(name, stored))).collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post(&self.path, &fields)
    }
}

fn settings(server: &Server, account: &Account, zone: &Zone) -> EffectiveSettings {
    server.runtime.block_on(server.store.zone_settings(account.id, zone.id)).unwrap().unwrap().1
}

#[test]
fn a_fault_stands_beside_its_field_in_the_words_of_the_api() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let form = Form::open(&mut browser, &zone);
    let before = (serial(&server, &ann, &zone), settings(&server, &ann, &zone));
    let long = "x".repeat(501);
    for (field, typed, says) in [
        ("default_ttl", "1h", "default_ttl must be an integer from 0 to 2147483647"),
        ("default_ttl", "2147483648", "default_ttl must be an integer from 0 to 2147483647"),
        ("refresh", "59", "refresh must be from 60 to 2592000 seconds"),
        ("retry", "-1", "retry must be an integer from 0 to 4294967295"),
        ("expire", "86400", "expire must be more than refresh and retry together"),
        ("minimum", "86401", "minimum must be from 0 to 86400 seconds"),
        ("comment", &long, "comment may have at most 500 characters"),
    ] {
        let typed = [(field, typed), ("retry", if field == "retry" { typed } else { "86400" })];
        let shown = form.send(&mut browser, &typed);
        shown.is(422).says(says).says(&format!("id=\"{field}-problem\"")).says(&format!("value=\"{}\"", typed[0].1));
    }
    let shown = form.send(&mut browser, &[("default_ttl", "x"), ("minimum", "y")]);
    shown.is(422).says("id=\"default_ttl-problem\"").says("id=\"minimum-problem\"");
    for serial in ["", "x"] {
        form.send(&mut browser, &[("serial", serial)]).is(400);
    }
    assert_eq!((serial(&server, &ann, &zone), settings(&server, &ann, &zone)), before, "nothing was stored");
}

#[test]
fn settings_are_one_version_and_an_empty_field_is_the_servers_value_again() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let first = serial(&server, &ann, &zone);
    let servers = settings(&server, &ann, &zone);
    let form = Form::open(&mut browser, &zone);
    let page = format!("{}settings/", path(&zone));
    form.send(&mut browser, &[]).leads_to(&page);
    browser.get(&page).says("No changes");
    assert_eq!(serial(&server, &ann, &zone), first, "what changes nothing is no version");

    server.pass(1);
    let typed = [("default_ttl", "300"), ("minimum", "60"), ("comment", " the shop ")];
    form.send(&mut browser, &typed).leads_to(&page);
    browser.get(&page).is(200).says("Your changes are saved").says("value=\"the shop\"");
    let now = settings(&server, &ann, &zone);
    assert_eq!((now.default_ttl.seconds(), now.timers.minimum), (300, 60));
    assert_eq!(now.timers.refresh, servers.timers.refresh, "what was left empty is the server's");
    let history = server.runtime.block_on(server.store.history(ann.id, zone.id, None, 10)).unwrap().unwrap();
    assert_eq!(history.versions.len(), 2, "one version");
    assert_eq!(history.versions[0].source, Source::Dashboard);
    browser.get(&format!("{}history/", path(&zone))).is(200).says("<span class=\"tag warn\">Settings</span>");
    let version = browser.get(&format!("{}history/{}/", path(&zone), history.versions[0].serial));
    version.is(200).says("<dt>Default TTL</dt><dd><del>server default</del> <ins>300</ins></dd>");
    version.says("<ins>the shop</ins>").does_not_say("<dt>Refresh</dt>");

    let restore = browser.get(&format!("{}history/{first}/restore/", path(&zone)));
    let before = servers.default_ttl;
    restore.is(200).says(&format!("<dt>Default TTL</dt><dd><del>300</del> <ins>{before}</ins></dd>"));
    restore.says("<del>the shop</del>").does_not_say("<dt>Retry</dt>").says("type=\"submit\">Restore this version");

    let form = Form::open(&mut browser, &zone);
    form.send(&mut browser, &[("default_ttl", ""), ("minimum", ""), ("comment", "")]).leads_to(&page);
    assert_eq!(settings(&server, &ann, &zone), servers);
}

#[test]
fn what_somebody_else_set_meanwhile_is_shown_and_not_overwritten() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let (mut first, mut second) = (server.signed_in("ann@example.com"), server.signed_in("ann@example.com"));
    let (hers, his) = (Form::open(&mut first, &zone), Form::open(&mut second, &zone));
    server.pass(1);
    hers.send(&mut first, &[("default_ttl", "300"), ("minimum", "60")]).is(303);
    let after_first = serial(&server, &ann, &zone);

    let typed = [("default_ttl", "600"), ("comment", "mine")];
    let conflict = his.send(&mut second, &typed);
    conflict.is(409).says("Another person changed this zone").says(&format!("history/{after_first}/"));
    conflict.says("Another person changed this to “300” in the meantime.").does_not_say("minimum-problem");
    assert_eq!(serial(&server, &ann, &zone), after_first, "nothing is stored");
    his.send(&mut second, &typed).is(409);

    let again = Form::of(&zone, &conflict);
    again.send(&mut second, &[]).is(303);
    let now = settings(&server, &ann, &zone);
    assert_eq!((now.default_ttl.seconds(), now.timers.minimum), (600, 60), "what he did not touch stays hers");
    assert_eq!(now.comment.unwrap().as_str(), "mine");
}

#[test]
fn a_change_of_the_records_is_told_too() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let form = Form::open(&mut browser, &zone);
    let page = open(&mut browser, &zone);
    let page = collect(&mut browser, &zone, &page, &[("record_type", "A"), ("name", "www"), ("value", "192.0.2.1")]);
    server.pass(1);
    page.act(&mut browser, &[("do", "apply")]).leads_to(&path(&zone));
    let told = form.send(&mut browser, &[("default_ttl", "300")]);
    told.is(409).says("1 added").says("value=\"300\"").does_not_say("default_ttl-problem");
    Form::of(&zone, &told).send(&mut browser, &[]).is(303);
    assert_eq!(settings(&server, &ann, &zone).default_ttl.seconds(), 300);
}

#[test]
fn a_record_without_a_ttl_gets_the_zones() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    Form::open(&mut browser, &zone).send(&mut browser, &[("default_ttl", "240")]).is(303);
    let page = open(&mut browser, &zone);
    let editor = page.act(&mut browser, &[("do", "add"), ("type", "A")]);
    editor.is(200).says("empty for 240");
    let fields = [("record_type", "A"), ("name", "a"), ("value", "192.0.2.1"), ("ttl", "")];
    let page = collect(&mut browser, &zone, &page, &fields);
    let fields = [("record_type", "A"), ("name", "b"), ("value", "192.0.2.2"), ("ttl", "60")];
    let page = collect(&mut browser, &zone, &page, &fields);
    page.act(&mut browser, &[("do", "apply")]).is(303);
    assert_eq!(records(&server, &ann, &zone), ["a 240 A 192.0.2.1", "b 60 A 192.0.2.2"]);

    // And so does one whose TTL is taken away.
    let shown = browser.get(&format!("{}?q=b", path(&zone)));
    let id = shown.between("value=\"edit ", "\"").to_owned();
    let page = Page::of(&zone, &shown);
    let subject = format!("record {id}");
    let was = [("was-record_type", "A"), ("was-name", "b"), ("was-value", "192.0.2.2"), ("was-ttl", "60")];
    let now = [("do", "keep"), ("subject", &*subject), ("record_type", "A"), ("name", "b"), ("value", "192.0.2.2")];
    let fields: Vec<_> = was.into_iter().chain(now).chain([("ttl", "")]).collect();
    let page = Page::of(&zone, page.act(&mut browser, &fields).is(200));
    page.act(&mut browser, &[("do", "apply")]).is(303);
    assert_eq!(records(&server, &ann, &zone), ["a 240 A 192.0.2.1", "b 240 A 192.0.2.2"]);
}
