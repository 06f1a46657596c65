//! The operator's pages.

use store::{EventKind, Role};

use crate::browser::{PASSWORD, Server};

#[test]
fn the_last_operator_stays() {
    let server = Server::start();
    let only = server.account("operator@example.com", Role::Operator);
    let mut operator = server.signed_in("operator@example.com");
    let number = only.id.number();
    operator.get(&format!("/operator/accounts/{number}/")).is(200).does_not_say("/suspend/");
    operator.post(&format!("/operator/accounts/{number}/suspend/"), &[]).is(409).says("the last operator");
    operator.get(&format!("/operator/accounts/{number}/suspend/")).is(200).says("operator@example.com");
    operator.post("/account/close/", &[("email", "operator@example.com")]).is(422).says("the last operator");
    operator.get("/account/").is(200);
    for path in ["/operator/accounts/99/", "/operator/accounts/x/"] {
        operator.get(path).is(404);
    }
}

#[test]
fn an_operator_suspends_lets_in_again_and_bounds() {
    let server = Server::start();
    server.account("operator@example.com", Role::Operator);
    let ann = server.user("ann@example.com");
    let mut operator = server.signed_in("operator@example.com");
    let mut browser = server.signed_in("ann@example.com");
    let page = format!("/operator/accounts/{}/", ann.id.number());
    operator.get("/operator/accounts/").is(200).says("ann@example.com").says(&page);

    let limits = format!("{page}limits/");
    for wrong in ["-1", "many", "4294967296", "1.5"] {
        operator.post(&limits, &[("zones", wrong), ("tokens", "7")]).is(422).says("Enter a whole number");
    }
    operator.get(&page).is(200).says(&limits).says("no limit");
    operator.get(&limits).is(200).says("ann@example.com");
    // What was typed is shown first, and set only when that is confirmed.
    let review = operator.post(&limits, &[("zones", "5"), ("tokens", "1"), ("stored_records", "9")]);
    review.is(200).says("Zones: no limit → 5").says("Tokens: no limit → 1");
    review.says("Stored records, including history: no limit → 9").says("name=\"confirmed\" value=\"yes\"");
    let found = server.runtime.block_on(server.store.command_line().account(ann.id)).unwrap().unwrap().limits;
    assert_eq!((found.zones, found.tokens), (None, None), "looking is not setting");
    let confirmed = [("zones", "5"), ("tokens", "1"), ("stored_records", "9"), ("confirmed", "yes")];
    operator.post(&limits, &confirmed).leads_to(&page);
    let found = server.runtime.block_on(server.store.command_line().account(ann.id)).unwrap().unwrap().limits;
    assert_eq!((found.zones, found.records, found.tokens, found.stored_records), (Some(5), None, Some(1), Some(9)));
    let token = [("name", "ci"), ("permission", "dns:list")];
    browser.post("/account/developers/new/", &token).is(200);
    browser.post("/account/developers/new/", &token).is(422).says("at most 1 tokens");

    operator.get(&page).says(&format!("href=\"{page}suspend/\""));
    operator.get(&format!("{page}suspend/")).is(200).says("Suspend ann@example.com?");
    browser.get("/account/").is(200);
    operator.post(&format!("{page}suspend/"), &[]).leads_to(&page);
    operator.get(&page).says("The account is suspended.");
    browser.get("/account/").is(303);
    operator.post(&format!("{page}link/"), &[]).is(404);
    operator.get(&format!("{page}resume/")).is(200).says("Reactivate ann@example.com?");
    operator.post(&format!("{page}resume/"), &[]).leads_to(&page);
    operator.get(&format!("{page}link/")).is(200).says("Create a link that signs ann@example.com in once");
    let made = operator.post(&format!("{page}link/"), &[]);
    let link = format!("/link{}", made.is(200).between(&format!("{}/link", operator.base), "<"));
    server.browser().get(&link).is(200).says("ann@example.com");

    let events = server.runtime.block_on(server.store.command_line().events(Some(ann.id), None, 100)).unwrap();
    let by_the_operator: Vec<EventKind> = events
        .iter()
        .rev()
        .filter(|event| event.actor.as_deref() == Some("operator@example.com"))
        .map(|event| event.kind)
        .collect();
    assert_eq!(by_the_operator, [EventKind::LimitsSet, EventKind::Suspended, EventKind::Resumed, EventKind::LinkMade]);
    operator.get("/operator/events/").is(200).says("Limits set").says("operator@example.com");
}

#[test]
fn an_operator_turns_off_the_codes_of_an_owner_who_lost_them() {
    let server = Server::start();
    server.account("operator@example.com", Role::Operator);
    let ann = server.user("ann@example.com");
    let page = format!("/operator/accounts/{}/", ann.id.number());
    let off = format!("{page}second-factor-off/");
    let mut operator = server.signed_in("operator@example.com");
    operator.get(&page).is(200).does_not_say(&off);

    server.turn_codes_on(&ann);
    server.browser().sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
    operator.get(&page).is(200).says(&off);
    operator.get(&off).is(200).says("Turn off two-factor authentication for ann@example.com?");
    server.browser().sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
    server.pass(601);
    let location = operator.post(&off, &[]).is(303).header("location").unwrap().to_owned();
    assert!(location.starts_with("/prove/?next=%2Foperator%2Faccounts%2F"), "{location}");
    operator.post("/prove/", &[("password", PASSWORD), ("next", &off)]).leads_to(&off);
    operator.get(&off).is(200);
    operator.post(&off, &[]).leads_to(&page);
    operator.get(&page).says("Two-factor authentication is turned off for this account.").does_not_say(&off);
    server.signed_in("ann@example.com");
    let events = server.runtime.block_on(server.store.command_line().events(Some(ann.id), None, 100)).unwrap();
    let found = events.iter().find(|event| event.kind == EventKind::SecondFactorOff).unwrap();
    assert_eq!(found.actor.as_deref(), Some("operator@example.com"));
}

#[test]
fn the_trail_is_read_in_pages() {
    let server = Server::start();
    let operator = server.account("operator@example.com", Role::Operator);
    server.runtime.block_on(async {
        for number in 0..150 {
            let by = store::Actor::command_line();
            let kind = EventKind::NamesChanged;
            server.store.operator(by).note(kind, Some(operator.id), &format!("number {number}.")).await.unwrap();
        }
    });
    let mut browser = server.signed_in("operator@example.com");
    let first = browser.get("/operator/events/");
    first.is(200).says("number 149.").does_not_say("number 50.");
    let older = first.between("href=\"/operator/events/?before=", "\"").to_owned();
    let second = browser.get(&format!("/operator/events/?before={older}"));
    second.is(200).says("number 50.").says("number 0.").does_not_say("number 52.").does_not_say("?before=");
    browser.get("/operator/events/?before=x").is(200);
}

#[test]
fn accounts_are_read_in_pages_and_found_by_a_part_of_what_is_shown() {
    let server = Server::start();
    server.account("operator@example.com", Role::Operator);
    server.runtime.block_on(async {
        for number in 0..120 {
            let email = format!("{number:03}@customer.example");
            let company_name = format!("Müller {number} & Sons");
            let new = store::NewAccount { email, company_name, ..store::NewAccount::default() };
            server.store.command_line().create_account(new).await.unwrap();
        }
    });
    let mut operator = server.signed_in("operator@example.com");
    let (mut path, mut seen) = ("/operator/accounts/".to_owned(), Vec::new());
    loop {
        let shown = operator.get(&path);
        let rows = shown.is(200).text.split("<th scope=\"row\">").skip(1);
        let emails: Vec<String> = rows.map(|row| row.split(&['>', '<'][..]).nth(2).unwrap().to_owned()).collect();
        assert!(emails.len() <= 50);
        seen.extend(emails);
        if !shown.text.contains("rel=\"next\"") {
            break;
        }
        path = shown.between("rel=\"next\" href=\"", "\"").replace("&#38;", "&");
        // Whoever comes meanwhile, before or after, moves nobody.
        server.user(&format!("0{}@first.example", seen.len()));
    }
    let wanted: Vec<String> = (0..120).map(|number| format!("{number:03}@customer.example")).collect();
    let customers: Vec<String> = seen.iter().filter(|email| email.ends_with("customer.example")).cloned().collect();
    assert_eq!(customers, wanted, "each once, in order");
    assert!(seen.is_sorted() && seen.contains(&"operator@example.com".to_owned()));

    for (query, says) in
        [("099@", "099@customer.example"), ("Operator", "operator@example.com"), ("m%C3%BCLLER+7+%26", "007@")]
    {
        let shown = operator.get(&format!("/operator/accounts/?q={query}"));
        assert_eq!(shown.is(200).says(says).text.matches("<th scope=\"row\">").count(), 1, "{query}");
    }
    operator.get("/operator/accounts/?q=m%C3%BCller").says("rel=\"next\"").says("q=m%C3%BCller&#38;after=");
    operator.get("/operator/accounts/?q=nobody").is(200).says("No account has “nobody” in its address or name.");
    operator.get("/operator/accounts/?after=zzz").is(200).says("First page");
}
