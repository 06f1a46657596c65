//! A password is forgotten, or an account is to be made, where there is mail: what the page tells, which is nothing, and what comes
//! by mail.

use dashboard::{Registration, Settings};
use store::{EventKind, Suspension};

use crate::browser::{PASSWORD, Server};
use crate::smtp_server::{Behaviour, MailServer};

#[test]
fn without_mail_one_is_sent_to_the_operator() {
    let server = Server::start();
    server.user("ann@example.com");
    let mut visitor = server.browser();
    visitor.get("/sign-in/").says("Ask your operator").does_not_say("/forgotten/");
    visitor.get("/forgotten/").is(200).says("Ask your operator").does_not_say("<form method=\"post\"");
    visitor.post("/forgotten/", &[("email", "ann@example.com")]).is(404);
    visitor.get(&format!("/link/{}/", "A".repeat(43))).is(410).says("Ask your operator for a new one");
}

#[test]
fn the_answer_is_the_same_whoever_is_asked_for_and_only_who_is_there_gets_mail() {
    let post = MailServer::start(Behaviour::default());
    let server = Server::mailing(post.port());
    server.user("ann@example.com");
    let suspended = server.user("suspended@example.com");
    server.runtime.block_on(server.store.command_line().suspend_account(suspended.id, Suspension::SignIn)).unwrap();
    let closed = server.user("closed@example.com");
    server.runtime.block_on(server.store.command_line().person(closed.id).close()).unwrap();
    let mut answers = Vec::new();
    for email in
        ["nobody@example.com", "suspended@example.com", "closed@example.com", "ann@example.com", "eve@[192.0.2.1]"]
    {
        server.pass(3601);
        let mut visitor = server.browser();
        answers.push(visitor.post("/forgotten/", &[("email", email)]).is(200).text.clone());
        assert!(visitor.cookies.is_empty(), "{email}: {:?}", visitor.cookies);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    server.letters_are_sent();
    let taken = post.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        (taken[0].from.as_str(), taken[0].to.as_slice()),
        ("dns@example.net", &["ann@example.com".to_owned()][..])
    );
    let events = server.runtime.block_on(server.store.command_line().events(None, None, 10)).unwrap();
    let made = events.iter().filter(|event| event.kind == EventKind::LinkMade).collect::<Vec<_>>();
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].email.as_deref(), made[0].address), (Some("ann@example.com"), "127.0.0.1".parse().ok()));
}

#[test]
fn what_is_no_address_is_refused_and_adds_nobody() {
    let post = MailServer::start(Behaviour::default());
    let server = Server::mailing(post.port());
    server.user("ann@example.com");
    let mut visitor = server.browser();
    for email in [
        "",
        "ann",
        "ann@example.com,eve@example.org",
        "ann@example.com eve@example.org",
        "ann@example.com\r\nBcc: eve@example.org",
        "ann@example.com\nRCPT TO:<eve@example.org>",
        "ann@example.com\0",
        &format!("{}@example.com", "a".repeat(250)),
    ] {
        visitor.post("/forgotten/", &[("email", email)]).is(422).says("Enter a valid e-mail address.");
    }
    visitor.post("/forgotten/", &[("email", "<b>@\"x")]).is(200);
    visitor.post_raw("/forgotten/", &[("email", "ann@example.com")], &[("origin", "http://evil.example")]).is(403);
    server.letters_are_sent();
    assert!(post.taken().is_empty());
    visitor.post("/forgotten/", &[("email", " Ann@Example.com ")]).is(200);
    assert_eq!(post.wait_for(1).to, ["ann@example.com"], "as it is stored, not as it was typed");
}

#[test]
fn a_mailbox_is_not_filled_and_nobodys_sign_in_is_delayed() {
    let post = MailServer::start(Behaviour::default());
    let server = Server::mailing(post.port());
    server.user("ann@example.com");
    for email in ["ann@example.com", "nobody@example.com"] {
        server.pass(3601);
        let mut visitor = server.browser();
        for _ in 0..3 {
            visitor.post("/forgotten/", &[("email", email)]).is(200);
        }
        let refused = visitor.post("/forgotten/", &[("email", email)]);
        assert_eq!(refused.is(429).header("retry-after"), Some("60"), "{email}");
        refused.says("Too many attempts");
        visitor.post("/forgotten/", &[("email", "other@example.com")]).is(429);
        server.pass(60);
        visitor.post("/forgotten/", &[("email", email)]).is(200);
        assert_eq!(visitor.post("/forgotten/", &[("email", email)]).is(429).header("retry-after"), Some("120"));
    }
    server.letters_are_sent();
    assert_eq!(post.taken().len(), 4);
    server.signed_in("ann@example.com");
}

#[test]
fn the_link_sets_a_new_password_once_and_ends_what_was_before() {
    let post = MailServer::start(Behaviour::default());
    let server = Server::mailing(post.port());
    server.user("ann@example.com");
    let mut before = server.signed_in("ann@example.com");
    let mut ann = server.browser();
    ann.get("/sign-in/").says("<a href=\"/forgotten/\">Forgot your password?</a>").does_not_say("Ask your operator");
    ann.get("/forgotten/").is(200).says("action=\"/forgotten/\"");
    ann.post("/forgotten/", &[("email", "ann@example.com")]).is(200).says("Check your e-mail");
    let letter = post.wait_for(1);
    let body = letter.body();
    for words in ["ann@example.com", "at https://dns.example.net\n", "until 2024-01-15 11:30 UTC"] {
        assert!(body.contains(words), "{words:?} is missing in\n{body}");
    }
    assert!(letter.text.contains("Subject: Choose a new password\n"), "{}", letter.text);
    let link = letter.link();
    let link = link.strip_prefix("https://dns.example.net").unwrap();
    before.get("/account/").is(200);
    server.pass(3599);
    ann.get(link).is(200).says("ann@example.com");
    ann.post(link, &[]).leads_to("/account/password/");
    server.browser().post(link, &[]).is(410).says("Forgot your password?");
    ann.get("/account/password/").is(200);
    ann.post("/account/password/", &[("password", "another long one")]).leads_to("/");
    before.get("/account/").is(303);
    server.browser().sign_in("ann@example.com", PASSWORD).is(422);
    server.browser().sign_in("ann@example.com", "another long one").leads_to("/");

    server.pass(3601);
    server.browser().post("/forgotten/", &[("email", "ann@example.com")]).is(200);
    let late = post.wait_for_subject("Choose a new password", 2).link();
    server.pass(3600);
    server.browser().get(late.strip_prefix("https://dns.example.net").unwrap()).is(410);
}

#[test]
fn letters_are_in_the_language_of_whoever_asks() {
    let post = MailServer::start(Behaviour::default());
    let server = Server::mailing(post.port());
    server.user("ann@example.com");
    let said =
        [("en", "asked for a new password"), ("es", "pidió una contraseña"), ("ms", "meminta kata laluan baharu")];
    for (number, (tag, words)) in said.into_iter().enumerate() {
        let mut visitor = server.browser();
        visitor.get(&format!("/forgotten/?lang={tag}")).is(200);
        visitor.post("/forgotten/", &[("email", "ann@example.com")]).is(200);
        let body = post.wait_for(number + 1).body();
        assert!(body.contains(words) && !body.contains('{'), "{words:?} is missing in\n{body}");
    }
}

#[test]
fn where_registration_is_open_an_account_is_made_by_a_link_that_comes_by_mail() {
    const URL: &str = "https://dns.example.net";
    let post = MailServer::start(Behaviour::default());
    let open = Settings { registration: Registration::Open, ..Settings::default() };
    let server = Server::mailing_with(open, post.port());
    server.user("ann@example.com");
    let suspended = server.user("suspended@example.com");
    server.runtime.block_on(server.store.command_line().suspend_account(suspended.id, Suspension::SignIn)).unwrap();
    let mut visitor = server.browser();
    visitor.get("/register/").is(200).says("We will send you a link").does_not_say("type=\"password\"");
    visitor
        .post("/register/", &[("email", "bob@example.com\r\nBcc: eve@example.org")])
        .is(422)
        .says("Enter a valid e-mail address");
    // What would have made an account without mail makes none.
    let fields = [("email", "suspended@example.com"), ("password", PASSWORD)];
    let mut answers = vec![visitor.post("/register/", &fields).is(200).text.clone()];
    server.letters_are_sent();
    assert!(visitor.cookies.is_empty() && post.taken().is_empty());
    for email in ["ann@example.com", "bob@example.com"] {
        server.pass(3601);
        answers.push(visitor.post("/register/", &[("email", email), ("password", PASSWORD)]).is(200).text.clone());
        server.letters_are_sent();
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "nobody learns who has an account");
    assert_eq!(server.runtime.block_on(server.store.command_line().accounts()).unwrap().len(), 2);
    let known = post.wait_for(1);
    assert_eq!(known.to, ["ann@example.com"]);
    assert!(
        known.body().contains("This address already has an account") && !known.body().contains("/link/"),
        "{}",
        known.body()
    );

    let letter = post.wait_for(2);
    assert_eq!(letter.to, ["bob@example.com"]);
    let link = letter.link();
    let link = link.strip_prefix(URL).unwrap();
    let mut bob = server.browser();
    bob.get(link).is(200).says("bob@example.com");
    let fields = [("email", "eve@example.org"), ("password", PASSWORD)];
    bob.post(link, &fields).leads_to("/");
    bob.get("/account/").is(200).says("bob@example.com");
    server.browser().get(link).is(410);
    for _ in 0..2 {
        server.pass(3601);
        visitor.post("/register/", &[("email", "carl@example.com")]).is(200);
    }
    let late = post.wait_for(3).link();
    server.pass(24 * 3600);
    visitor.get(late.strip_prefix(URL).unwrap()).is(410);
}
