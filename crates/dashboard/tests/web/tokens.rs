//! Tokens on `/account/developers/`.

use crate::browser::{Browser, Server};

fn make(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let mut all = vec![("name", "ci"), ("permission", "dns:list")];
    all.extend_from_slice(fields);
    let made = browser.post("/account/developers/new/", &all);
    made.is(200).between("aria-labelledby=\"token-label\">", "<").to_owned()
}

#[test]
fn a_token_needs_a_name_a_permission_and_limits_that_make_sense() {
    let server = Server::start();
    let (ann, bob) = (server.user("ann@example.com"), server.user("bob@example.com"));
    server.zone(&ann, "example.com");
    server.zone(&bob, "example.net");
    let mut browser = server.signed_in("ann@example.com");
    let long = "n".repeat(101);
    for (fields, says) in [
        (&[("permission", "dns:list")][..], "Enter a name."),
        (&[("name", "ci")], "Choose at least one permission."),
        (&[("name", "ci"), ("permission", "dns:everything")], "Choose at least one permission."),
        (&[("name", long.as_str()), ("permission", "dns:list")], "At most 100 characters."),
        (
            &[("name", "ci"), ("permission", "dns:list"), ("zones", "example.net")],
            "You have no zone named example.net.",
        ),
        (
            &[("name", "ci"), ("permission", "dns:list"), ("zones", "example.com nowhere")],
            "You have no zone named nowhere.",
        ),
        (&[("name", "ci"), ("permission", "dns:list"), ("networks", "192.0.2.1/24")], "the network is 192.0.2.0/24"),
        (&[("name", "ci"), ("permission", "dns:list"), ("networks", "here")], "here is neither a network"),
    ] {
        browser.post("/account/developers/new/", fields).is(422).says(says).does_not_say("vps_");
    }
    assert!(server.runtime.block_on(server.store.command_line().person(ann.id).tokens()).unwrap().is_empty());
}

#[test]
fn a_token_is_shown_once_works_and_is_refused_when_it_is_revoked() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    server.user("mallory@example.com");
    let mut browser = server.signed_in("ann@example.com");
    let made = browser.post("/account/developers/new/", &[("name", "backup"), ("permission", "dns:list")]);
    let token = made.is(200).between("aria-labelledby=\"token-label\">", "<").to_owned();
    made.says(&format!("curl -s {}/api/v1/account/me/", browser.base));
    assert_eq!(server.api_status(&token), 200);
    let list = browser.get("/account/developers/");
    list.is(200).says(&token[token.len() - 4..]).does_not_say(&token).says("backup");
    let id = server.runtime.block_on(server.store.command_line().person(ann.id).tokens()).unwrap()[0].id.to_string();
    let path = format!("/account/developers/{id}/revoke/");

    let mut mallory = server.signed_in("mallory@example.com");
    mallory.get(&path).is(404);
    mallory.post(&path, &[]).is(404);
    browser.get("/account/developers/x/revoke/").is(404);
    assert_eq!(server.api_status(&token), 200);

    browser.get(&path).is(200).says("backup");
    assert_eq!(server.api_status(&token), 200, "asking is not revoking");
    browser.post(&path, &[]).leads_to("/account/developers/");
    assert_eq!(server.api_status(&token), 401);
    browser
        .get("/account/developers/")
        .says("The token is revoked and no longer accepted.")
        .does_not_say(&format!("…{}", &token[token.len() - 4..]));
    browser.post(&path, &[]).is(404);
}

#[test]
fn networks_bind_a_token_and_days_end_it() {
    let server = Server::start();
    server.user("ann@example.com");
    let mut browser = server.signed_in("ann@example.com");
    let elsewhere = make(&mut browser, &[("networks", "192.0.2.0/24 2001:db8::/32")]);
    assert_eq!(server.api_status(&elsewhere), 401);
    let here = make(&mut browser, &[("networks", "127.0.0.0/8")]);
    assert_eq!(server.api_status(&here), 200);
    let brief = make(&mut browser, &[("days", "7")]);
    let eternal = make(&mut browser, &[("days", "0")]);
    server.pass(7 * 24 * 3600 - 1);
    assert_eq!(server.api_status(&brief), 200);
    server.pass(1);
    assert_eq!(server.api_status(&brief), 401);
    assert_eq!(server.api_status(&eternal), 200);
}
