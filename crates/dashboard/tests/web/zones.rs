//! Zones and records: who may not see them, what is refused beside its field, what two people do to one zone.

use dns::{RecordType, Serial};
use store::{Account, Source, Zone};

use crate::browser::{Browser, Server, Shown};

/// The fields of the page's forms as the page itself has them.
pub(crate) struct Page {
    path: String,
    serial: String,
    draft: String,
}

impl Page {
    pub(crate) fn of(zone: &Zone, shown: &Shown) -> Page {
        let field = |name: &str| shown.between(&format!("name=\"{name}\" value=\""), "\"").replace("&#38;", "&");
        Page { path: path(zone), serial: field("serial"), draft: field("draft") }
    }

    pub(crate) fn act(&self, browser: &mut Browser, fields: &[(&str, &str)]) -> Shown {
        let mut all = vec![("serial", self.serial.as_str()), ("draft", self.draft.as_str())];
        all.extend_from_slice(fields);
        browser.post(&self.path, &all)
    }
}

pub(crate) fn path(zone: &Zone) -> String {
    format!("/zones/{}/", zone.id.0)
}

pub(crate) fn open(browser: &mut Browser, zone: &Zone) -> Page {
    Page::of(zone, browser.get(&path(zone)).is(200))
}

/// Collects a new record; gives the page with it.
pub(crate) fn collect(browser: &mut Browser, zone: &Zone, page: &Page, fields: &[(&str, &str)]) -> Page {
    let mut all = vec![("do", "keep"), ("subject", "new")];
    all.extend_from_slice(fields);
    Page::of(zone, page.act(browser, &all).is(200))
}

pub(crate) fn serial(server: &Server, account: &Account, zone: &Zone) -> Serial {
    server.runtime.block_on(server.store.zone(account.id, zone.id)).unwrap().unwrap().serial
}

pub(crate) fn records(server: &Server, account: &Account, zone: &Zone) -> Vec<String> {
    let found =
        server.runtime.block_on(server.zones_of(account.id).find_records(zone.id, "", None, 100)).unwrap().unwrap();
    let shown = |stored: store::StoredRecord| {
        let record = stored.record;
        format!("{} {} {} {}", record.owner, record.ttl, record.data.record_type(), record.data)
    };
    found.records.into_iter().map(shown).collect()
}

#[test]
fn anothers_zone_is_as_if_it_were_not_there() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann@example.com"), server.user("bob@example.com"));
    let zone = server.zone(&ann, "example.com");
    server.zone(&bob, "example.net");
    let mut bob = server.signed_in("bob@example.com");
    bob.get("/zones/").is(200).says("example.net").does_not_say("example.com</a>");
    bob.get("/zones/?q=example.com").does_not_say("example.com</a>");
    let nowhere = zone.id.0.to_string().replace(|c: char| c.is_ascii_digit(), "0");
    for below in [
        "",
        "live/",
        "history/",
        "history/1/",
        "history/1/restore/",
        "settings/",
        "claim/",
        "import/",
        "zonefile/",
        "delete/",
    ] {
        let (theirs, missing) = (format!("{}{below}", path(&zone)), format!("/zones/{nowhere}/{below}"));
        let (shown, unknown) = (bob.get(&theirs), bob.get(&missing));
        assert_eq!(shown.is(404).text.replace(&theirs, ""), unknown.is(404).text.replace(&missing, ""), "{below}");
    }
    let serial = serial(&server, &ann, &zone);
    let number = serial.to_string();
    for (below, fields) in [
        ("", &[("do", "apply"), ("draft", "record_type=A&name=@&value=192.0.2.1&ttl=&priority=")][..]),
        ("delete/", &[("domain", "example.com")]),
        ("settings/", &[("default_ttl", "300")]),
        ("claim/", &[]),
        ("import/", &[("do", "apply"), ("zonefile", "@ A 192.0.2.1\n")]),
        (&*format!("history/{number}/restore/"), &[]),
    ] {
        let mut all = vec![("serial", number.as_str())];
        all.extend_from_slice(fields);
        bob.post(&format!("{}{below}", path(&zone)), &all).is(404);
    }
    assert!(records(&server, &ann, &zone).is_empty());
    assert_eq!(self::serial(&server, &ann, &zone), serial);
}

#[test]
fn a_record_of_another_zone_is_not_reached_through_ones_own() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann@example.com"), server.user("bob@example.com"));
    let (theirs, own) = (server.zone(&ann, "example.com"), server.zone(&bob, "example.net"));
    let mut browser = server.signed_in("ann@example.com");
    let page = open(&mut browser, &theirs);
    let page = collect(&mut browser, &theirs, &page, &[("record_type", "A"), ("name", "www"), ("value", "192.0.2.1")]);
    page.act(&mut browser, &[("do", "apply")]).leads_to(&path(&theirs));
    let shown = browser.get(&path(&theirs));
    let id = shown.between("value=\"edit ", "\"").to_owned();

    let mut bob = server.signed_in("bob@example.com");
    let page = open(&mut bob, &own);
    for verb in ["edit", "remove"] {
        page.act(&mut bob, &[("do", &format!("{verb} {id}"))]).is(422).does_not_say("192.0.2.1");
    }
    let draft = format!("id={id}&was-record_type=A&was-name=www&was-value=192.0.2.1&was-ttl=3600&was-priority=");
    let forged = Page { draft, ..page };
    forged.act(&mut bob, &[("do", "apply")]).is(200).says("no such record");
    assert_eq!(records(&server, &ann, &theirs), ["www 3600 A 192.0.2.1"]);
}

#[test]
fn what_did_not_come_from_the_page_is_refused() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let good = open(&mut browser, &zone);
    for fields in [
        &[("do", "explode")][..],
        &[("do", "undo x")],
        &[("do", "edit x")],
        &[("do", "keep")],
        &[("do", "keep"), ("subject", "item 7"), ("record_type", "A")],
    ] {
        good.act(&mut browser, fields).is(400);
    }
    for (serial, draft) in [("", ""), ("x", ""), ("1", "x=y"), ("1", "name=a;id=1")] {
        let page = Page { path: path(&zone), serial: serial.to_owned(), draft: draft.to_owned() };
        page.act(&mut browser, &[("do", "show")]).is(400);
    }
}

#[test]
fn a_fault_stands_beside_its_field_in_the_words_of_the_api() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let page = open(&mut browser, &zone);
    for (fields, field, says) in [
        (
            &[("record_type", "MX"), ("name", "@"), ("value", "mail.example.net")][..],
            "priority",
            "MX records require a priority value",
        ),
        (&[("record_type", "A"), ("name", "www"), ("value", "192.0.2")], "value", ""),
        (&[("record_type", "A"), ("name", "a..b"), ("value", "192.0.2.1")], "name", ""),
        (&[("record_type", "A"), ("name", ""), ("value", "192.0.2.1")], "name", "name is required"),
        (
            &[("record_type", "A"), ("name", "@"), ("value", "192.0.2.1"), ("ttl", "1h")],
            "ttl",
            "ttl must be an integer",
        ),
        (
            &[
                ("record_type", "SRV"),
                ("name", "_sip._tcp"),
                ("priority", "0"),
                ("weight", ""),
                ("port", "5060"),
                ("target", "a.example.net"),
            ],
            "target",
            "",
        ),
        (&[("record_type", "CAA"), ("name", "@"), ("flags", "256"), ("tag", "issue"), ("value", "x")], "value", ""),
        (&[("record_type", "CNAME"), ("name", "@"), ("value", "www.example.net")], "name", ""),
    ] {
        let mut all = vec![("do", "keep"), ("subject", "new")];
        all.extend_from_slice(fields);
        let shown = page.act(&mut browser, &all);
        shown.is(422).says(says).says(&format!("id=\"{field}-problem\""));
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            assert!(*name == "record_type" || shown.text.contains(value), "{name} is shown as it was typed: {value}");
        }
    }
    assert!(records(&server, &ann, &zone).is_empty());
}

#[test]
fn several_changes_become_one_version() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let mut page = open(&mut browser, &zone);
    for fields in [
        &[("record_type", "A"), ("name", "mail"), ("value", "192.0.2.25")][..],
        &[("record_type", "MX"), ("name", "@"), ("value", "mail.example.com"), ("priority", "10")],
        &[("record_type", "TXT"), ("name", "@"), ("value", "v=spf1 mx -all")],
        &[
            ("record_type", "SRV"),
            ("name", "_imaps._tcp"),
            ("priority", "0"),
            ("weight", "1"),
            ("port", "993"),
            ("target", "mail.example.com"),
        ],
        &[("record_type", "CAA"), ("name", "@"), ("flags", "0"), ("tag", "issue"), ("value", "letsencrypt.org")],
    ] {
        page = collect(&mut browser, &zone, &page, fields);
    }
    assert!(records(&server, &ann, &zone).is_empty(), "nothing is stored before it is applied");
    let review = page.act(&mut browser, &[("do", "review")]);
    review.is(200).says("0 1 993 mail.example.com").says("value=\"apply\"");
    assert!(records(&server, &ann, &zone).is_empty(), "nor by looking at it");
    page.act(&mut browser, &[("do", "apply"), ("comment", "mail")]).leads_to(&path(&zone));
    assert_eq!(
        records(&server, &ann, &zone),
        [
            "@ 3600 MX 10 mail.example.com.",
            "@ 3600 TXT \"v=spf1 mx -all\"",
            "@ 3600 CAA 0 issue \"letsencrypt.org\"",
            "_imaps._tcp 3600 SRV 0 1 993 mail.example.com.",
            "mail 3600 A 192.0.2.25",
        ]
    );
    let history = server.runtime.block_on(server.store.history(ann.id, zone.id, None, 10)).unwrap().unwrap();
    assert_eq!(history.versions.len(), 2);
    let newest = &history.versions[0];
    assert_eq!((newest.source, newest.comment.as_deref(), newest.counts.added), (Source::Dashboard, Some("mail"), 5));
    browser.get(&path(&zone)).says("Your changes are saved");
}

#[test]
fn the_second_editor_is_shown_both_and_overwrites_nothing_unseen() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut first = server.signed_in("ann@example.com");
    let page = open(&mut first, &zone);
    let page = collect(&mut first, &zone, &page, &[("record_type", "A"), ("name", "www"), ("value", "192.0.2.1")]);
    page.act(&mut first, &[("do", "apply")]).leads_to(&path(&zone));
    let shown = first.get(&path(&zone));
    let id = shown.between("value=\"edit ", "\"").to_owned();
    let was = [
        ("was-record_type", "A"),
        ("was-name", "www"),
        ("was-value", "192.0.2.1"),
        ("was-ttl", "3600"),
        ("was-priority", ""),
    ];
    let change = |browser: &mut Browser, value: &str, ttl: &str| {
        let page = open(browser, &zone);
        let subject = format!("record {id}");
        let mut fields = vec![
            ("do", "keep"),
            ("subject", &*subject),
            ("record_type", "A"),
            ("name", "www"),
            ("value", value),
            ("ttl", ttl),
        ];
        fields.extend(was);
        Page::of(&zone, page.act(browser, &fields).is(200))
    };
    let mut second = server.signed_in("ann@example.com");
    let hers = change(&mut first, "192.0.2.1", "300");
    let his = change(&mut second, "192.0.2.2", "3600");
    server.pass(1);
    hers.act(&mut first, &[("do", "apply")]).leads_to(&path(&zone));
    let after_first = serial(&server, &ann, &zone);

    for verb in ["review", "apply"] {
        let conflict = his.act(&mut second, &[("do", verb)]);
        conflict
            .is(409)
            .says("Another person changed this zone")
            .says("192.0.2.2")
            .says("<ins>300</ins>")
            .says("Another person changed this record too");
        assert_eq!(records(&server, &ann, &zone), ["www 300 A 192.0.2.1"]);
        assert_eq!(serial(&server, &ann, &zone), after_first);
    }
    let conflict = his.act(&mut second, &[("do", "review")]);
    let again = Page::of(&zone, &conflict);
    assert_eq!(again.serial, after_first.to_string());
    again.act(&mut second, &[("do", "review")]).is(200).says("192.0.2.2");
    again.act(&mut second, &[("do", "apply")]).leads_to(&path(&zone));
    assert_eq!(records(&server, &ann, &zone), ["www 300 A 192.0.2.2"], "what the first changed stays");
}

#[test]
fn an_earlier_version_is_shown_and_restored() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let empty = serial(&server, &ann, &zone);
    let mut browser = server.signed_in("ann@example.com");
    let page = open(&mut browser, &zone);
    let page = collect(&mut browser, &zone, &page, &[("record_type", "A"), ("name", "www"), ("value", "192.0.2.1")]);
    server.pass(10);
    page.act(&mut browser, &[("do", "apply")]).leads_to(&path(&zone));
    let newest = serial(&server, &ann, &zone);
    browser.get(&format!("{}history/", path(&zone))).is(200).says(&newest.to_string()).says("1 added");
    browser.get(&format!("{}history/{newest}/", path(&zone))).is(200).says("192.0.2.1").does_not_say("restore/\"");
    let restore = format!("{}history/{empty}/restore/", path(&zone));
    browser.get(&restore).is(200).says("<del>192.0.2.1</del>");
    browser.get(&format!("{}history/7/restore/", path(&zone))).is(404);

    browser
        .post(&restore, &[("serial", &empty.to_string())])
        .is(422)
        .says("Another person changed the zone in the meantime");
    assert_eq!(records(&server, &ann, &zone), ["www 3600 A 192.0.2.1"]);
    browser.post(&restore, &[("serial", &newest.to_string()), ("comment", "back")]).leads_to(&path(&zone));
    assert!(records(&server, &ann, &zone).is_empty());
    let history = server.runtime.block_on(server.store.history(ann.id, zone.id, None, 1)).unwrap().unwrap();
    assert_eq!((history.versions[0].source, history.versions[0].comment.as_deref()), (Source::Rollback, Some("back")));
}

#[test]
fn a_zone_is_made_from_a_file_and_deleted_by_its_name() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let taken = server.zone(&server.user("bob@example.com"), "example.net");
    let mut browser = server.signed_in("ann@example.com");
    browser.get("/zones/").is(200).says("Your first zone").says("ns1.zonewright.test");
    let file = "$TTL 300\n@ IN SOA a. b. 5 1 1 1 1\n@ IN NS ns1.zonewright.test.\nwww A 192.0.2.1\n";
    for (domain, zonefile, says) in [
        ("", "", "id=\"domain-problem\""),
        ("com", "", "top-level name"),
        ("example.net", "", "zone already exists"),
        ("sub.example.net", "", "belongs to another account"),
        ("example.com", "www A 192.0.2\n", "Line 1, column"),
        ("example.com", "www CNAME a.example.\nwww A 192.0.2.1\n", "Line "),
    ] {
        browser.post("/zones/new/", &[("domain", domain), ("zonefile", zonefile)]).is(422).says(says);
    }
    let made = browser.post("/zones/new/", &[("domain", "Example.COM"), ("zonefile", file)]);
    let path = made.is(303).header("location").unwrap().to_owned();
    let zone = server.runtime.block_on(server.store.zones(ann.id, None, None, 10)).unwrap().pop().unwrap();
    assert_eq!(records(&server, &ann, &zone), ["www 300 A 192.0.2.1"]);
    let download = browser.get(&format!("{path}zonefile/"));
    assert!(download.is(200).header("content-disposition").unwrap().contains("example.com.zone"));
    download.says("www 300 IN A 192.0.2.1").says("IN SOA");

    let delete = format!("{path}delete/");
    for typed in ["", "example", "example.net"] {
        browser.post(&delete, &[("domain", typed)]).is(422).says("not the name of the zone");
    }
    browser.post(&delete, &[("domain", "example.com")]).leads_to("/zones/");
    browser.get(&path).is(404);
    assert_eq!(taken.name.to_string(), "example.net");
}

#[test]
fn every_type_can_be_edited() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let page = open(&mut browser, &zone);
    for record_type in RecordType::EDITABLE {
        let shown = page.act(&mut browser, &[("do", "add"), ("type", &record_type.to_string())]);
        shown.is(200).says(&format!("New {record_type} record")).says("id=\"editor\"");
    }
}

#[test]
fn errors_and_warnings_are_in_the_language_of_the_reader() {
    let server = Server::start();
    let zone = server.zone(&server.user("ann@example.com"), "example.com");
    let mut browser = server.signed_in("ann@example.com");
    for (language, error, unclosed, warning, taken) in [
        (
            "es",
            "los registros MX requieren un valor de prioridad",
            "Línea 1, columna 7: una cadena entre comillas no se cierra",
            "@: el registro MX nombra mail.example.com, que no existe en esta zona",
            "la zona ya existe",
        ),
        (
            "ms",
            "rekod MX memerlukan nilai keutamaan",
            "Baris 1, lajur 7: rentetan berpetik tidak ditutup",
            "@: rekod MX menamakan mail.example.com, yang tiada dalam zon ini",
            "zon sudah wujud",
        ),
    ] {
        browser.get(&format!("/zones/?lang={language}")).is(200);
        let page = open(&mut browser, &zone);
        let record = [("record_type", "MX"), ("name", "@"), ("value", "mail.example.com")];
        page.act(&mut browser, &[&[("do", "keep"), ("subject", "new")], &record[..]].concat()).is(422).says(error);
        let import = format!("{}import/", path(&zone));
        let preview = |text| [("do", "preview"), ("zonefile", text)];
        browser.post(&import, &preview("@ TXT \"open")).is(422).says(unclosed);
        browser.post(&import, &preview("$TTL 60\n@ MX 10 mail.example.com.")).is(200).says(warning);
        browser.post("/zones/new/", &[("domain", "example.com")]).is(422).says(taken);
    }
}
