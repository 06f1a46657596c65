//! Creating a token with its name, permissions and limits. It is shown once, in the response to the form.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use dns::{Name, ZoneId, ZoneName};
use jiff::SignedDuration;
use store::{
    CreateTokenError, NetworkScope, NetworkTextError, NewToken, Permission, Permissions, Timestamp, ZoneScope,
    parse_network,
};

use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::page::{Page, Section, show as show_page, show_with};
use crate::texts::{Texts, minute, say};
use crate::visit::{Proved, SignedIn};

/// After how many days a token may end by itself; 0 for never.
const DAYS: [i64; 6] = [7, 30, 90, 180, 365, 0];
/// The default choice.
const USUAL_DAYS: i64 = 90;
/// The most zones, and the most networks, that a token may be bound to.
const MOST: usize = 100;
#[derive(Template)]
#[template(path = "token_new.html")]
struct NewPage {
    page: Page,
    problems: Problems,
    name: Field,
    permissions: Vec<PermissionChoice>,
    permissions_problem: Option<String>,
    days: Vec<DaysChoice>,
    zones: Field,
    networks: Field,
    is_bounded: bool,
}

struct PermissionChoice {
    name: &'static str,
    text: &'static str,
    is_chosen: bool,
}

/// After how many days something ends by itself.
pub(super) struct DaysChoice {
    pub(super) days: i64,
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

/// What there is to choose from.
pub(super) fn days_choices(chosen: i64, t: &Texts) -> Vec<DaysChoice> {
    DAYS.into_iter()
        .map(|days| DaysChoice {
            days,
            text: if days == 0 { t.never.to_owned() } else { say(t.days, &[&days.to_string()]) },
            is_chosen: days == chosen,
        })
        .collect()
}

#[derive(Template)]
#[template(path = "token_made.html")]
struct MadePage {
    page: Page,
    name: String,
    token: String,
    curl: String,
    expires: String,
}

fn meaning(permission: Permission, t: &Texts) -> &'static str {
    match permission {
        Permission::List => t.permission_list,
        Permission::Create => t.permission_create,
        Permission::Update => t.permission_update,
        Permission::Delete => t.permission_delete,
        Permission::All => t.permission_all,
    }
}

impl NewPage {
    fn of(who: &SignedIn, form: Option<&Form>, problems: Problems) -> NewPage {
        let page = who.page(Section::Developers);
        let t = page.t;
        let empty = Form::default();
        let typed = form.unwrap_or(&empty);
        let chosen_days = form.map_or(USUAL_DAYS, |form| form.text("days").parse().unwrap_or(0));
        let name = Field::text("name", t.token_name).hint(t.token_name_hint).required().value(typed.text("name"));
        let zones = Field::lines("zones", t.token_zones, 3).hint(t.token_zones_hint).value(typed.raw("zones"));
        let networks =
            Field::lines("networks", t.token_networks, 3).hint(t.token_networks_hint).value(typed.raw("networks"));
        NewPage {
            name: if form.is_none() { name.autofocus() } else { name }.problem(&problems),
            permissions: Permission::EVERY
                .into_iter()
                .map(|permission| PermissionChoice {
                    name: permission.name(),
                    text: meaning(permission, t),
                    is_chosen: typed.has("permission", permission.name()),
                })
                .collect(),
            permissions_problem: problems.get("permission").map(str::to_owned),
            days: days_choices(chosen_days, t),
            zones: zones.problem(&problems),
            networks: networks.problem(&problems),
            is_bounded: !typed.text("zones").is_empty() || !typed.text("networks").is_empty(),
            page,
            problems,
        }
    }
}

pub(crate) async fn show(Proved(who): Proved) -> Result<Response, Failure> {
    show_page(&NewPage::of(&who, None, Problems::default()))
}

pub(crate) async fn submit(Proved(who): Proved, form: Form) -> Result<Response, Failure> {
    let t = who.visit.language.texts();
    let mut problems = Problems::new(t.problems);
    let wanted = read(&who, &form, t, &mut problems).await?;
    let refused = |problems| show_with(StatusCode::UNPROCESSABLE_ENTITY, &NewPage::of(&who, Some(&form), problems));
    if !problems.is_empty() {
        return refused(problems);
    }
    let made = match who.person().create_token(wanted).await {
        Ok(made) => made,
        Err(CreateTokenError::Limit(most)) => {
            problems.add("", say(t.problem_token_limit, &[&most.to_string()]));
            return refused(problems);
        }
        Err(CreateTokenError::NoZone) => {
            problems.add("zones", t.problem_zone_gone);
            return refused(problems);
        }
        Err(CreateTokenError::NoAccount) => return Err(Failure::NotFound),
        Err(CreateTokenError::Store(error)) => return Err(error.into()),
    };
    let plain = made.plain.reveal();
    let curl = format!("curl -s {}/api/v1/account/me/ -H 'Authorization: Bearer {plain}'", who.visit.base);
    show_page(&MadePage {
        page: who.page(Section::Developers),
        name: made.token.name,
        token: plain.to_owned(),
        curl,
        expires: made.token.expires_at.map_or_else(|| t.never.to_owned(), minute),
    })
}

/// Reads the form, and notes everything that is wrong with it.
async fn read(who: &SignedIn, form: &Form, t: &Texts, problems: &mut Problems) -> Result<NewToken, Failure> {
    let name = form.text("name");
    if name.is_empty() {
        problems.add("name", t.problem_token_name);
    }
    super::check_name("name", name, t, problems);
    let permissions: Permissions =
        Permission::EVERY.into_iter().filter(|permission| form.has("permission", permission.name())).collect();
    if permissions.is_empty() {
        problems.add("permission", t.problem_token_permissions);
    }
    let expires_at = expiry(form.text("days"), who.visit.now());
    let zones = zones(who, form.text("zones"), t, problems).await?;
    let networks = networks(form.text("networks"), t, problems);
    Ok(NewToken { name: name.to_owned(), permissions, expires_at, zones, networks })
}

/// An empty or unknown choice means the default, so a token never lives longer than requested.
pub(super) fn expiry(text: &str, now: Timestamp) -> Option<Timestamp> {
    let days = text.parse().ok().filter(|days| DAYS.contains(days)).unwrap_or(USUAL_DAYS);
    if days == 0 { None } else { now.checked_add(SignedDuration::from_hours(24 * days)).ok() }
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty())
}

async fn zones(who: &SignedIn, text: &str, t: &Texts, problems: &mut Problems) -> Result<ZoneScope, Failure> {
    let mut found: Vec<ZoneId> = Vec::new();
    for (index, word) in words(text).enumerate() {
        if index == MOST {
            problems.add("zones", say(t.problem_token_many, &[&MOST.to_string()]));
            break;
        }
        let zone = match Name::parse(word).map(ZoneName::from_stored) {
            Ok(name) => who.zones().zones(Some(name), None, 1).await?.pop(),
            Err(_) => None,
        };
        match zone {
            Some(zone) if !found.contains(&zone.id) => found.push(zone.id),
            Some(_) => {}
            None => problems.add("zones", say(t.problem_no_zone, &[word])),
        }
    }
    Ok(if found.is_empty() { ZoneScope::All } else { ZoneScope::Only(found) })
}

/// Reads the networks from which the token may be used.
fn networks(text: &str, t: &Texts, problems: &mut Problems) -> NetworkScope {
    let mut found = Vec::new();
    for (index, word) in words(text).enumerate() {
        if index == MOST {
            problems.add("networks", say(t.problem_token_many, &[&MOST.to_string()]));
            break;
        }
        match parse_network(word) {
            Ok(network) => found.push(network),
            Err(NetworkTextError::HostBits(network)) => {
                problems.add("networks", say(t.problem_network_host, &[word, &network.to_string()]));
            }
            Err(NetworkTextError::Malformed) => problems.add("networks", say(t.problem_network, &[word])),
        }
    }
    if found.is_empty() { NetworkScope::Anywhere } else { NetworkScope::Only(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::ENGLISH;

    #[test]
    fn networks_are_read_as_people_write_them() {
        let mut problems = Problems::default();
        let NetworkScope::Only(found) = networks("192.0.2.0/24, 198.51.100.7\n2001:db8::/32", &ENGLISH, &mut problems)
        else {
            panic!("bounded")
        };
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]);
        assert!(problems.is_empty());
        assert_eq!(networks(" ", &ENGLISH, &mut problems), NetworkScope::Anywhere);
        for wrong in ["192.0.2.1/24", "192.0.2.0/33", "example.com", "::/129", "192.0.2"] {
            let mut problems = Problems::default();
            networks(wrong, &ENGLISH, &mut problems);
            assert!(problems.get("networks").is_some_and(|text| text.contains(wrong)), "{wrong}");
        }
    }

    #[test]
    fn an_end_is_one_of_those_that_are_offered() {
        let now = Timestamp::from_second(0).unwrap();
        let days = |text: &str| expiry(text, now).map(|end| end.as_second() / 86_400);
        assert_eq!(days("30"), Some(30));
        assert_eq!(days("0"), None);
        assert_eq!(days(""), Some(90));
        assert_eq!(days("-1"), Some(90));
        assert_eq!(days("99999999999"), Some(90));
    }
}
