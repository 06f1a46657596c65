//! Two-factor authentication: turning it on with an authenticator app, and off; recovery codes.
//!
//! The key is part of the form until a code shows that the app has it. Only then it is stored.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use qrcodegen::{QrCode, QrCodeEcc};
use store::{OneTimeKey, RecoveryCode};

use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::visit::{Proved, SignedIn};

#[derive(Template)]
#[template(path = "second_factor.html")]
struct KeyPage {
    page: Page,
    problems: Problems,
    key: String,
    /// The key in groups of four, for typing it.
    shown: String,
    uri: String,
    qr: Square,
    code: Field,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    page: Page,
    codes: Vec<String>,
}

#[derive(Template)]
#[template(path = "second_factor_off.html")]
struct OffPage {
    page: Page,
}

/// A QR code as the path of an SVG, one unit per module.
struct Square {
    size: i32,
    path: String,
}

impl Square {
    /// Empty where the text is too long for any code; the address of an account is not.
    fn new(text: &str) -> Square {
        let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
            return Square { size: 0, path: String::new() };
        };
        // The quiet zone that readers need: four modules (ISO/IEC 18004).
        const QUIET: i32 = 4;
        let mut path = String::new();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                path.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
            }
        }
        Square { size: code.size() + 2 * QUIET, path }
    }
}

/// What authenticator apps read (Key URI Format).
fn uri(email: &str, key: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    format!("otpauth://totp/Zonewright:{}?secret={key}&issuer=Zonewright", encode(email))
}

impl KeyPage {
    fn new(who: &SignedIn, key: &OneTimeKey, problems: Problems) -> KeyPage {
        let page = who.page(Section::Account);
        let key = key.base32();
        let uri = uri(&who.account.email, &key);
        let code = Field::text("code", page.t.code).hint(page.t.second_factor_code_hint).autocomplete("one-time-code");
        let groups: Vec<&str> = (0..key.len() / 4).map(|group| &key[group * 4..group * 4 + 4]).collect();
        KeyPage {
            qr: Square::new(&uri),
            shown: groups.join(" "),
            code: code.numeric().required().problem(&problems),
            page,
            problems,
            key,
            uri,
        }
    }
}

pub(crate) async fn show(Proved(who): Proved) -> Result<Response, Failure> {
    if who.account.has_second_factor {
        return Ok(go("/account/", None, &who.visit.shared.settings));
    }
    show_page(&KeyPage::new(&who, &OneTimeKey::draw()?, Problems::default()))
}

pub(crate) async fn submit(Proved(who): Proved, form: Form) -> Result<Response, Failure> {
    let t = who.visit.language.texts();
    let key = OneTimeKey::from_base32(form.text("key")).ok_or(Failure::NoForm)?;
    let code = form.text("code");
    let made = who.person().turn_second_factor_on(key.clone(), code, who.keep()).await?;
    match made {
        Some(codes) => codes_page(&who, &codes),
        None => {
            let mut problems = Problems::new(t.problems);
            problems.add("code", t.problem_code);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &KeyPage::new(&who, &key, problems))
        }
    }
}

#[derive(Template)]
#[template(path = "recovery_codes_renew.html")]
struct RenewPage {
    page: Page,
}

pub(crate) async fn ask_codes(Proved(who): Proved) -> Result<Response, Failure> {
    if !who.account.has_second_factor {
        return Ok(go("/account/", None, &who.visit.shared.settings));
    }
    show_page(&RenewPage { page: who.page(Section::Account) })
}

pub(crate) async fn renew_codes(Proved(who): Proved, _: Form) -> Result<Response, Failure> {
    if !who.account.has_second_factor {
        return Err(Failure::NotFound);
    }
    let codes = who.person().renew_recovery_codes().await?;
    codes_page(&who, &codes)
}

fn codes_page(who: &SignedIn, codes: &[RecoveryCode]) -> Result<Response, Failure> {
    let page = who.page(Section::Account);
    show_page(&CodesPage { page, codes: codes.iter().map(RecoveryCode::reveal).collect() })
}

pub(crate) async fn ask_off(Proved(who): Proved) -> Result<Response, Failure> {
    show_page(&OffPage { page: who.page(Section::Account) })
}

pub(crate) async fn turn_off(Proved(who): Proved, _: Form) -> Result<Response, Failure> {
    who.person().turn_second_factor_off().await?;
    Ok(go("/account/", Some(Notice::SecondFactorOff), &who.visit.shared.settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_written_as_apps_read_it() {
        assert_eq!(
            uri("ann+dns@example.com", "GEZDGNBV"),
            "otpauth://totp/Zonewright:ann%2Bdns%40example.com?secret=GEZDGNBV&issuer=Zonewright"
        );
        let square = Square::new(&uri(&"a".repeat(254), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
        assert!(square.size > 20 && square.path.starts_with("M4 4h1v1h-1z"), "the corner of a finder pattern");
    }
}
