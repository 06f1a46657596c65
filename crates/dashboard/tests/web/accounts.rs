//! Making an account, and closing one.

use dashboard::{Registration, Settings};
use store::Role;

use crate::browser::{PASSWORD, Server};

const NEW: &[(&str, &str)] = &[("email", "new@example.com"), ("password", PASSWORD), ("first_name", "Nora")];

#[test]
fn nobody_registers_where_registration_is_closed_or_by_invitation() {
    for registration in [Registration::Closed, Registration::Invitation] {
        let server = Server::with(Settings { registration, ..Settings::default() });
        let mut visitor = server.browser();
        visitor.get("/sign-in/").does_not_say("/register/");
        visitor.get("/register/").is(404);
        visitor.post("/register/", NEW).is(404);
        assert!(server.runtime.block_on(server.store.command_line().accounts()).unwrap().is_empty());
    }
}

#[test]
fn where_registration_is_open_whoever_comes_has_an_account_of_their_own() {
    let registered = store::AccountLimits { zones: Some(25), ..store::AccountLimits::default() };
    let server = Server::with(Settings { registration: Registration::Open, registered, ..Settings::default() });
    let by_command = server.user("taken@example.com");
    assert_eq!(by_command.limits, store::AccountLimits::default());
    let mut visitor = server.browser();
    visitor.get("/sign-in/").says("/register/");
    visitor.get("/register/").is(200);
    for (fields, says) in [
        (&[("email", "new@example.com"), ("password", "short")][..], "at least 10 characters"),
        (&[("email", "nobody"), ("password", PASSWORD)], "Enter a valid e-mail address."),
        (&[("email", "TAKEN@example.com"), ("password", PASSWORD)], "There is already an account with this address."),
    ] {
        visitor.post("/register/", fields).is(422).says(says).does_not_say(PASSWORD);
    }
    visitor.post("/register/", NEW).leads_to("/");
    visitor.get("/account/").is(200).says("Nora");
    let made =
        server.runtime.block_on(server.store.command_line().account_by_email("new@example.com")).unwrap().unwrap();
    assert_eq!((made.role, made.limits.zones), (Role::User, Some(25)));
    visitor.get("/operator/accounts/").is(404);
}

#[test]
fn an_invitation_makes_one_account_for_the_address_that_was_invited() {
    let registered = store::AccountLimits { tokens: Some(20), ..store::AccountLimits::default() };
    let server = Server::with(Settings { registration: Registration::Invitation, registered, ..Settings::default() });
    server.account("operator@example.com", Role::Operator);
    let mut operator = server.signed_in("operator@example.com");
    operator.get("/operator/accounts/").says("/operator/invite/");
    operator.post("/operator/invite/", &[("email", "operator@example.com")]).is(422);
    operator.post("/operator/invite/", &[("email", "nobody")]).is(422);
    let review = operator.post("/operator/invite/", &[("email", "guest@example.com")]);
    review.is(200).says("Invite guest@example.com?").does_not_say("/link/");
    let fields = [("email", "operator@example.com"), ("confirmed", "yes")];
    operator.post("/operator/invite/", &fields).is(422);
    let made = operator.post("/operator/invite/", &[("email", "guest@example.com"), ("confirmed", "yes")]);
    let link = made.is(200).between(&format!("{}/link", operator.base), "<").to_owned();
    let link = format!("/link{link}");
    let mut guest = server.browser();
    guest.get(&link).is(200).says("guest@example.com");
    guest.post(&link, &[("password", "short")]).is(422);
    let fields = [("email", "other@example.com"), ("password", PASSWORD), ("role", "2")];
    guest.post(&link, &fields).leads_to("/");
    guest.get("/account/").is(200).says("guest@example.com");
    let made =
        server.runtime.block_on(server.store.command_line().account_by_email("guest@example.com")).unwrap().unwrap();
    assert_eq!(made.limits, registered);
    server.browser().get(&link).is(410);
    server.browser().post(&link, &fields).is(410);
    assert!(
        server.runtime.block_on(server.store.command_line().account_by_email("other@example.com")).unwrap().is_none()
    );
}

#[test]
fn a_common_password_is_refused_wherever_one_is_chosen() {
    let server = Server::with(Settings { registration: Registration::Open, ..Settings::default() });
    server.user("ann@example.com");
    let mut ann = server.signed_in("ann@example.com");
    ann.get("/account/password/").is(200);
    let (day, operator) = (jiff::SignedDuration::from_hours(24), server.store.command_line());
    let invitation = operator.invite("bob@example.com", day);
    let link = format!("/link/{}/", server.runtime.block_on(invitation).unwrap().reveal());
    for password in ["1234567890", "          ", "PassWord123", "p a s s w o r d", "passwordpassword"] {
        server.pass(3601);
        let mut visitor = server.browser();
        let fields = [("email", "new@example.com"), ("password", password)];
        visitor.post("/register/", &fields).is(422).says("This password is too common");
        visitor.get(&link).is(200);
        visitor.post(&link, &[("password", password)]).is(422).says("This password is too common");
    }
    let mut ann = server.signed_in("ann@example.com");
    ann.get("/account/password/").is(200);
    ann.post("/account/password/", &[("password", "1234567890")]).is(422).says("This password is too common");
    assert_eq!(server.runtime.block_on(server.store.command_line().accounts()).unwrap().len(), 1);
}

#[test]
fn what_nobody_sees_is_refused_in_names_addresses_and_comments() {
    let server = Server::with(Settings { registration: Registration::Open, ..Settings::default() });
    let account = server.user("ann@example.com");
    let zone = server.zone(&account, "example.com");
    let mut visitor = server.browser();
    for email in ["bob\u{200b}@example.com", "\u{202e}bob@example.com", "bob@example\u{2060}.com"] {
        server.pass(3601);
        let fields = [("email", email), ("password", PASSWORD)];
        visitor.post("/register/", &fields).is(422).says("Enter a valid e-mail address.");
    }
    server.pass(3601);
    let fields = [("email", "bob@example.com"), ("password", PASSWORD), ("company_name", "\u{feff}Bakery")];
    visitor.post("/register/", &fields).is(422).says("U+FEFF");
    assert_eq!(server.runtime.block_on(server.store.command_line().accounts()).unwrap().len(), 1);

    let mut ann = server.signed_in("ann@example.com");
    ann.get("/account/").is(200);
    ann.post("/account/", &[("first_name", "\u{202e}nnA")]).is(422).says("U+202E");
    ann.get("/account/developers/new/").is(200);
    let token = [("name", "back\u{2066}up"), ("permission", "dns:list")];
    ann.post("/account/developers/new/", &token).is(422).says("U+2066");
    let settings = format!("/zones/{}/settings/", zone.id.0);
    ann.get(&settings).is(200);
    let serial = zone.serial.0.to_string();
    ann.post(&settings, &[("serial", serial.as_str()), ("comment", "the \u{202d}shop")]).is(422).says("U+202D");
    // The joiner that Persian needs is part of the text.
    let name = "\u{645}\u{6cc}\u{200c}\u{62e}";
    ann.post("/account/", &[("first_name", name)]).leads_to("/account/");
    ann.get("/account/").is(200).says(name);
}

#[test]
fn an_invitation_does_not_outlive_open_registration() {
    let server = Server::start();
    let (day, operator) = (jiff::SignedDuration::from_hours(24), server.store.command_line());
    let invitation = operator.invite("bob@example.com", day);
    let link = format!("/link/{}/", server.runtime.block_on(invitation).unwrap().reveal());
    let mut visitor = server.browser();
    visitor.get(&link).is(410);
    visitor.post(&link, &[("password", PASSWORD)]).is(410);
    assert!(server.runtime.block_on(server.store.command_line().accounts()).unwrap().is_empty());
}

#[test]
fn a_closed_account_is_gone_with_its_zones_and_its_address_is_free() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    server.account("operator@example.com", Role::Operator);
    let names: Vec<String> = (0..50).map(|number| format!("zone{number}.example")).collect();
    for name in &names {
        server.zone(&ann, name);
    }
    let token = store::NewToken::unlimited("t", [store::Permission::All].into_iter().collect());
    let token = server.runtime.block_on(server.store.command_line().person(ann.id).create_token(token)).unwrap();
    let mut browser = server.signed_in("ann@example.com");
    browser.post("/account/close/", &[("email", "Ann@example.com")]).is(422);
    browser.post("/account/close/", &[]).is(422);
    assert_eq!(server.api_status(token.plain.reveal()), 200);
    browser.post("/account/close/", &[("email", "ann@example.com")]).leads_to("/sign-in/");
    browser.get("/sign-in/").says("Your account is deleted.");
    assert_eq!(server.api_status(token.plain.reveal()), 401);
    server.browser().sign_in("ann@example.com", PASSWORD).is(422);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let left = server.runtime.block_on(server.store.zones_of_anyone(None, 100)).unwrap();
        if left.is_empty() {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{} zones are left", left.len());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let again = server.user("ann@example.com");
    assert_ne!(again.id, ann.id);
    let events = server.runtime.block_on(server.store.command_line().events(None, None, 100)).unwrap();
    assert!(events.iter().any(|event| event.kind == store::EventKind::AccountClosed && event.email.is_none()));
}

#[test]
fn sessions_elsewhere_are_seen_and_ended() {
    let server = Server::start();
    server.user("ann@example.com");
    server.user("bob@example.com");
    let (mut here, mut there) = (server.signed_in("ann@example.com"), server.signed_in("ann@example.com"));
    let page = here.get("/account/");
    let number = page.is(200).between("name=\"session\" value=\"", "\"").to_owned();
    let mut bob = server.signed_in("bob@example.com");
    bob.post("/account/sessions/", &[("session", &number)]).is(303);
    there.get("/account/").is(200);
    here.post("/account/sessions/", &[("session", &number)]).leads_to("/account/");
    there.get("/account/").is(303);
    let mut third = server.signed_in("ann@example.com");
    here.post("/account/sessions/end-others/", &[]).leads_to("/account/");
    third.get("/account/").is(303);
    here.get("/account/").is(200);
    bob.get("/account/").is(200);
}
