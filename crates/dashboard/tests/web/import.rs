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
    browser.post_file(&page, &[("do", "preview")], ("file", &huge)).is(413).says("This is too large");
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
    preview.says("SOA (line 2): the zone has its own").says("NS (line 3): the name servers here");
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
    browser.get(&path(&zone)).says("Your changes are stored");
    let history = server.runtime.block_on(server.store.history(ann.id, zone.id, None, 10)).unwrap().unwrap();
    assert_eq!(history.versions.len(), 3, "one version");
    let newest = &history.versions[0];
    assert_eq!((newest.source, newest.comment.as_deref()), (Source::Import, Some("moved here")));
    assert_eq!((newest.counts.added, newest.counts.removed), (1, 1), "the difference alone");

    let same = browser.post(&import, &[("do", "preview"), ("zonefile", FILE)]);
    same.is(200).says("This changes nothing").does_not_say("value=\"apply\"");
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
    told.is(409).says("Somebody changed the zone meanwhile").says("<del>192.0.2.7</del>").says("value=\"mine\"");
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
    browser.get(&path).is(200).says("192.0.2.1");
}
