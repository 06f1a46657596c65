//! A zone file that takes the place of a zone's records: what is refused with its place, what was left out, what two people do.

use store::Source;

use crate::browser::{Server, Shown};
use crate::zones::{collect, open, path, records, serial};

const FILE: &str =
    "$TTL 300\n@ IN SOA a. b. 5 1 1 1 1\n@ IN NS ns1.zonewright.test.\nwww A 192.0.2.1\nother.test. A 192.0.2.9\n";

/// The fields of the preview's form.
fn carried(shown: &Shown) -> (String, String) {
    let text = shown.between("<textarea name=\"zonefile\" hidden>\n", "</textarea>");
    (shown.between("name=\"serial\" value=\"", "\"").to_owned(), text.replace("&#34;", "\""))
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let page = format!("{}import/", path(&zone));
    let before = serial(&server, &ann, &zone);
    browser.get(&page).is(200).says("type=\"file\"").says("enctype=\"multipart/form-data\"");
    let many = "www A 192.0.2\n".repeat(25);
    for (file, says) in [
        ("", "Choose a zone file, or paste one."),
        (" \n", "Choose a zone file, or paste one."),
        ("; nothing\n", "there is no record in the file"),
        ("@ A 192.0.2.1\nwww A 192.0.2\n", "Line 2, column 7"),
        ("@ A 192.0.2.1\nwww CNAME a.example.\nwww A 192.0.2.1\n", "Line "),
        ("$INCLUDE other.zone\n", "Line 1, column"),
        (&many, "and 5 more"),
    ] {
        for verb in ["preview", "apply"] {
            let shown = browser.post(&page, &[("do", verb), ("serial", &before.to_string()), ("zonefile", file)]);
            shown.is(422).says(says).says("id=\"zonefile-problem\"");
            assert!(file.trim().is_empty() || shown.text.contains(file), "it is shown as it was pasted");
        }
        browser.post_file(&page, &[("do", "preview"), ("zonefile", "")], ("file", file.as_bytes())).is(422).says(says);
    }
    for fields in
        [&[("do", "explode"), ("zonefile", FILE)][..], &[("zonefile", FILE)], &[("do", "apply"), ("zonefile", FILE)]]
    {
        browser.post(&page, fields).is(400);
    }
    let large = format!("@ A 192.0.2.1\n;{}\n", "x".repeat(4 * 1024 * 1024));
    browser.post(&page, &[("do", "preview"), ("zonefile", &large)]).is(422).says("larger than 4 MiB");
    let huge = vec![b';'; 9 * 1024 * 1024];
    browser.post_file(&page, &[("do", "preview")], ("file", &huge)).is(413).says("The file is too large");
    assert_eq!(serial(&server, &ann, &zone), before);
    assert!(records(&server, &ann, &zone).is_empty());
}

#[test]
fn a_file_is_previewed_and_applied_as_one_version() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let page = open(&mut browser, &zone);
    let page = collect(&mut browser, &zone, &page, &[("record_type", "A"), ("name", "old"), ("value", "192.0.2.7")]);
    page.act(&mut browser, &[("do", "apply")]).is(303);
    let before = serial(&server, &ann, &zone);
    let import = format!("{}import/", path(&zone));

    let preview = browser.post_file(&import, &[("do", "preview"), ("zonefile", "")], ("file", FILE.as_bytes()));
    preview.is(200).says("<ins>192.0.2.1</ins>").says("<del>192.0.2.7</del>").says("1 added").says("1 removed");
    preview.says("SOA (line 2): this server creates the SOA").says("NS (line 3): this server adds its own nameservers");
    preview.says("A (line 5): not inside the zone");
    assert_eq!(serial(&server, &ann, &zone), before, "nothing is stored by looking at it");
    let (base, text) = carried(&preview);
    assert_eq!((base, text.as_str()), (before.to_string(), FILE), "the file travels in the form");

    let long = "x".repeat(501);
    let base = before.to_string();
    let fields = |comment| [("do", "apply"), ("serial", &*base), ("zonefile", FILE), ("comment", comment)];
    browser.post(&import, &fields(&long)).is(422).says("id=\"comment-problem\"").says("192.0.2.1");
    browser.post(&import, &[("do", "edit"), ("zonefile", FILE)]).is(200).says("www A 192.0.2.1");
    assert_eq!(serial(&server, &ann, &zone), before);

    browser.post(&import, &fields("moved here")).leads_to(&path(&zone));
    assert_eq!(records(&server, &ann, &zone), ["www 300 A 192.0.2.1"]);
    browser.get(&path(&zone)).says("Your changes are saved");
    let history = server.runtime.block_on(server.store.history(ann.id, zone.id, None, 10)).unwrap().unwrap();
    assert_eq!(history.versions.len(), 3, "one version");
    let newest = &history.versions[0];
    assert_eq!((newest.source, newest.comment.as_deref()), (Source::Import, Some("moved here")));
    assert_eq!((newest.counts.added, newest.counts.removed), (1, 1), "the difference alone");

    let same = browser.post(&import, &[("do", "preview"), ("zonefile", FILE)]);
    same.is(200).says("No changes").does_not_say("value=\"apply\"");
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_overwritten_unseen() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let import = format!("{}import/", path(&zone));
    let preview = browser.post(&import, &[("do", "preview"), ("zonefile", FILE)]);
    let (base, _) = carried(preview.is(200));

    let mut other = server.signed_in("ann@example.com");
    let page = open(&mut other, &zone);
    let page = collect(&mut other, &zone, &page, &[("record_type", "A"), ("name", "new"), ("value", "192.0.2.7")]);
    server.pass(1);
    page.act(&mut other, &[("do", "apply")]).is(303);

    let told = browser.post(&import, &[("do", "apply"), ("serial", &base), ("zonefile", FILE), ("comment", "mine")]);
    told.is(409)
        .says("Another person changed the zone in the meantime")
        .says("<del>192.0.2.7</del>")
        .says("value=\"mine\"");
    assert_eq!(records(&server, &ann, &zone), ["new 3600 A 192.0.2.7"]);
    let (base, text) = carried(&told);
    browser.post(&import, &[("do", "apply"), ("serial", &base), ("zonefile", &text)]).leads_to(&path(&zone));
    assert_eq!(records(&server, &ann, &zone), ["www 300 A 192.0.2.1"]);
}

#[test]
fn files_come_in_whatever_form_an_editor_wrote_them() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let import = format!("{}import/", path(&zone));
    for (file, value) in [
        (&b"\xef\xbb\xbfwww 60 TXT \"caf\xc3\xa9\"\r\n"[..], "www 60 TXT \"caf\\195\\169\""),
        // Latin 1, also in a comment.
        (b"; caf\xe9\nwww 60 TXT \"caf\xe9\"\n", "www 60 TXT \"caf\\233\""),
    ] {
        let preview = browser.post_file(&import, &[("do", "preview")], ("file", file));
        let (base, text) = carried(preview.is(200));
        browser.post(&import, &[("do", "apply"), ("serial", &base), ("zonefile", &text.replace('\n', "\r\n"))]).is(303);
        assert_eq!(records(&server, &ann, &zone), [value]);
    }
}

#[test]
fn a_new_zone_takes_a_file_that_was_chosen() {
    let server = Server::start();
    server.user("ann@example.com");
    let mut browser = server.signed_in("ann@example.com");
    let fields = [("domain", "example.com"), ("zonefile", "")];
    browser.post_file("/zones/new/", &fields, ("file", b"www A 192.0.2\n")).is(422).says("Line 1, column 7");
    let made = browser.post_file("/zones/new/", &fields, ("file", FILE.as_bytes()));
    let path = made.is(303).header("location").unwrap().to_owned();
    let shown = browser.get(&path);
    shown.is(200).says("192.0.2.1").says("Zone created. Records imported: 1. Left out of the file: 1.");
    shown.does_not_say("Now add its records");
    browser.post("/zones/new/", &[("domain", "empty.example"), ("do", "preview")]).is(303);
}

/// Mail to an alias, and the nameservers of the provider that the zone leaves.
const MOVED: &str = "$ORIGIN shop.example.org.\n@ 300 IN SOA a. b. 5 1 1 1 1\n@ 300 IN NS ns1.old.example.\n\
                     @ 300 MX 10 www\nwww 300 CNAME www.old.example.\n";

#[test]
fn a_file_says_which_zone_it_is_for() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "shop2.example.org");
    let mut browser = server.signed_in("ann@example.com");
    let import = format!("{}import/", path(&zone));
    let says = "This file is for shop.example.org, not shop2.example.org.";
    browser.post(&import, &[("do", "preview"), ("zonefile", MOVED)]).is(422).says(says).does_not_say("Line ");
    browser
        .post("/zones/new/", &[("domain", "shop3.example.org"), ("zonefile", MOVED)])
        .is(422)
        .says("not shop3.example.org");
    browser.get("/zones/?lang=es").is(200);
    let spanish = browser.post(&import, &[("do", "preview"), ("zonefile", MOVED)]);
    spanish.is(422).says("Este archivo es para shop.example.org, no para shop2.example.org.");
}

#[test]
fn other_nameservers_come_only_with_a_tick() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let mut browser = server.signed_in("ann@example.com");
    browser.get("/zones/new/").is(200).says("name=\"keep_apex_ns\" value=\"yes\">");
    let fields = [("domain", "shop.example.org"), ("zonefile", MOVED)];
    let preview = browser.post("/zones/new/", &[&fields[..], &[("do", "preview")]].concat());
    preview.is(200).says("Records to import: 2.").says("NS (line 3): they name the nameservers of another provider");
    preview.says("@: www.shop.example.org is an alias (CNAME)").says("name=\"keep_apex_ns\" value=\"yes\">");
    let ticked = browser.post("/zones/new/", &[&fields[..], &[("do", "preview"), ("keep_apex_ns", "yes")]].concat());
    ticked
        .is(200)
        .says("Records to import: 3.")
        .says("value=\"yes\" checked")
        .says("resolvers also ask ns1.old.example");

    let made = browser.post("/zones/new/", &fields);
    let there = made.is(303).header("location").unwrap().to_owned();
    let notice = "Zone created. Records imported: 2. Left out of the file: 1. Warnings: 1.";
    browser.get(&there).is(200).says(notice).does_not_say("ns1.old.example");

    // Another zone of the same file, with the tick; and a zone that is there takes the file as it is.
    let other = MOVED.replace("shop.", "shop2.");
    let fields = [("domain", "shop2.example.org"), ("zonefile", &other), ("keep_apex_ns", "yes")];
    let made = browser.post("/zones/new/", &fields);
    let there = made.is(303).header("location").unwrap().to_owned();
    browser.get(&there).is(200).says("Records imported: 3.").says("ns1.old.example");
    let zone = server.zone(&ann, "shop3.example.org");
    let third = MOVED.replace("shop.", "shop3.");
    let preview = browser.post(&format!("{}import/", path(&zone)), &[("do", "preview"), ("zonefile", &third)]);
    preview.is(200).says("3 added").says("resolvers also ask ns1.old.example").says("is an alias (CNAME)");
}

#[test]
fn records_of_unknown_types_are_left_out_with_a_tick() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let zone = server.zone(&ann, "example.com");
    let mut browser = server.signed_in("ann@example.com");
    let import = format!("{}import/", path(&zone));
    let file = "www 60 A 192.0.2.1\n@ 60 WINS LOCAL 192.0.2.9\n";
    let fields = [("do", "preview"), ("zonefile", file)];
    browser.post(&import, &fields).is(422).says("Line 2, column 6").says("name=\"leave_out_unknown\" value=\"yes\">");
    let preview = browser.post(&import, &[&fields[..], &[("leave_out_unknown", "yes")]].concat());
    preview.is(200).says("WINS (line 2)").says("<input type=\"hidden\" name=\"leave_out_unknown\" value=\"yes\">");
    let (base, text) = carried(&preview);
    let apply = [("do", "apply"), ("serial", base.as_str()), ("zonefile", &text)];
    browser.post(&import, &apply).is(422);
    browser.post(&import, &[&apply[..], &[("leave_out_unknown", "yes")]].concat()).leads_to(&path(&zone));
    assert_eq!(records(&server, &ann, &zone), ["www 60 A 192.0.2.1"]);
    let new = [("domain", "new.example"), ("zonefile", file), ("leave_out_unknown", "yes")];
    browser.post("/zones/new/", &new).is(303);
}
