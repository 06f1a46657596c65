//! Signing out.

use axum::http::header;
use axum::response::Response;

use crate::cookies;
use crate::failure::Failure;
use crate::form::Form;
use crate::notice::Notice;
use crate::page::go;
use crate::visit::Visit;

pub(crate) async fn submit(visit: Visit, _: Form) -> Result<Response, Failure> {
    visit.sign_out().await?;
    let settings = &visit.shared.settings;
    let mut response = go("/sign-in/", Some(Notice::SignedOut), settings);
    let cookie = cookies::remove(cookies::session_name(visit.is_https), visit.is_https);
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
