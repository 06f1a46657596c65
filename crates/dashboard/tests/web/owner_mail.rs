//! What owners are written to about.

use store::{Actor, EventKind, NewToken, Permission, Role};

use crate::browser::{PASSWORD, Server};
use crate::smtp_server::{Behaviour, MailServer};

fn server(post: &MailServer) -> Server {
    let server = Server::mailing(post.port());
    server.user("ann@example.com");
    // A browser is nothing new to an account that is.
    server.pass(601);
    server
}

#[test]
fn owners_hear_of_new_browsers_passwords_tokens_and_codes_that_are_turned_off() {
    let post = MailServer::start(Behaviour::default());
    let server = server(&post);
    let mut ann = server.signed_in("ann@example.com");
    let letter = post.wait_for_subject("New sign-in to your account", 1);
    assert_eq!(letter.to, ["ann@example.com"]);
    let body = letter.body();
    for words in [
        "ann@example.com\nat https://dns.example.net\n",
        "Time: 2024-01-15 10:40 UTC\n",
        "IP address: 127.0.0.1\n",
        "https://dns.example.net/account/password/\n",
    ] {
        assert!(body.contains(words), "{words:?} is missing in\n{body}");
    }

    // The same browser again is nothing new.
    ann.post("/sign-out/", &[]).leads_to("/sign-in/");
    ann.csrf.clear();
    ann.sign_in("ann@example.com", PASSWORD).leads_to("/");
    ann.post("/account/developers/new/", &[("name", "ci"), ("permission", "dns:list")]).is(200);
    let body = post.wait_for_subject("New API token", 1).body();
    assert!(body.contains(": ci ..."), "{body}");
    ann.post("/account/password/", &[("password", "another long one")]).leads_to("/");
    post.wait_for_subject("Your password was changed", 1);
    let account =
        server.runtime.block_on(server.store.command_line().account_by_email("ann@example.com")).unwrap().unwrap();
    server.turn_codes_on(&account);
    let by = Actor { account: Some(account.id), address: None };
    assert!(server.runtime.block_on(server.store.person(account.id, by).turn_second_factor_off()).unwrap());
    let body = post.wait_for_subject("Two-factor authentication was turned off", 1).body();
    assert!(body.contains("If this was you") && !body.contains("The operator"), "{body}");
    assert_eq!(post.taken().len(), 4, "{:?}", post.taken());
    for letter in post.taken() {
        for secret in [PASSWORD, "another long one", "vps_"] {
            assert!(!letter.body().contains(secret), "{}", letter.body());
        }
    }
}

#[test]
fn owners_hear_of_guessed_codes_in_their_language() {
    let post = MailServer::start(Behaviour::default());
    let server = server(&post);
    let account =
        server.runtime.block_on(server.store.command_line().account_by_email("ann@example.com")).unwrap().unwrap();
    let mut ann = server.browser();
    ann.get("/sign-in/?lang=es").is(200);
    ann.sign_in("ann@example.com", PASSWORD).leads_to("/");
    assert!(post.wait_for(1).body().contains("desde un navegador nuevo"));
    server.turn_codes_on(&account);
    let mut guesser = server.browser();
    guesser.sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
    guesser.get("/sign-in/code/").is(200);
    for _ in 0..5 {
        guesser.post("/sign-in/code/", &[("code", "000000")]).is(422);
    }
    let body = post.wait_for(2).body();
    assert!(body.contains("Se introdujeron 5 códigos") && body.contains("contraseña correcta"), "{body}");
    assert!(!body.contains('{'), "{body}");
}

#[test]
fn owners_hear_who_did_it_and_a_mailbox_is_not_filled() {
    let post = MailServer::start(Behaviour::default());
    let server = server(&post);
    server.account("operator@example.com", Role::Operator);
    let account =
        server.runtime.block_on(server.store.command_line().account_by_email("ann@example.com")).unwrap().unwrap();
    server.turn_codes_on(&account);
    let mut operator = server.signed_in("operator@example.com");
    let off = format!("/operator/accounts/{}/second-factor-off/", account.id.number());
    operator.get(&off).is(200);
    operator.post(&off, &[]).is(303);
    let letter = post.wait_for_subject("Two-factor authentication was turned off", 1);
    assert_eq!(letter.to, ["ann@example.com"]);
    let body = letter.body();
    assert!(body.contains("The operator of https://dns.example.net did this."), "{body}");
    assert!(!body.contains("127.0.0.1"), "the operator's address is nobody's business: {body}");

    for number in 0..30 {
        let new = NewToken::unlimited(format!("token {number}"), [Permission::List].into_iter().collect());
        server.runtime.block_on(server.store.command_line().person(account.id).create_token(new)).unwrap();
    }
    server.user("bob@example.com");
    server.pass(601);
    server.signed_in("bob@example.com");
    // Letters follow the trail in its order: with this one, all before it have been written or left out.
    post.wait_for_subject("New sign-in to your account", 1);
    server.letters_are_sent();
    let to_ann = post.taken().iter().filter(|letter| letter.to == ["ann@example.com"]).count();
    assert_eq!(to_ann, 10, "the most in an hour");
    server.pass(3600);
    let new = NewToken::unlimited("later", [Permission::List].into_iter().collect());
    server.runtime.block_on(server.store.command_line().person(account.id).create_token(new)).unwrap();
    let sent = post.wait_for_subject("New API token", 10);
    assert!(sent.body().contains(": later ..."), "{}", sent.body());
}

#[test]
fn what_is_no_news_is_not_mailed() {
    let post = MailServer::start(Behaviour::default());
    let server = Server::mailing(post.port());
    let ann = server.user("ann@example.com");
    server.user("bob@example.com");
    // An account without a mailbox, the first sign-in to a new account, and what is old when it is come upon.
    let admin = server.user("admin@localhost");
    let new = NewToken::unlimited("first start", [Permission::List].into_iter().collect());
    server.runtime.block_on(server.store.command_line().person(admin.id).create_token(new)).unwrap();
    server.signed_in("ann@example.com");
    let by = Actor { account: Some(ann.id), address: None };
    server.runtime.block_on(server.store.operator(by).note(EventKind::SessionsEnded, Some(ann.id), "")).unwrap();
    server.pass(601);
    server.signed_in("bob@example.com");
    post.wait_for_subject("New sign-in to your account", 1);
    server.letters_are_sent();
    assert_eq!(post.taken().iter().map(|letter| letter.to[0].as_str()).collect::<Vec<_>>(), ["bob@example.com"]);
}
