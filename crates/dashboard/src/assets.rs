//! The stylesheet and the scripts, compiled in. Their paths contain a digest of their content, so that browsers can cache them
//! forever and still get new ones from a new release.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// A file that pages refer to.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Where it is.
    pub(crate) path: String,
    kind: &'static str,
    content: &'static [u8],
}

/// Our stylesheet.
pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| asset("style", "css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")));
/// Our script: what is nicer with it, and works without.
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| asset("app", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/app.js")));
/// htmx, for the parts that update by themselves.
pub(crate) static HTMX: LazyLock<Asset> =
    LazyLock::new(|| asset("htmx", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/htmx.min.js")));
/// What browsers show beside the title.
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| asset("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")));

fn asset(name: &str, extension: &str, kind: &'static str, content: &'static [u8]) -> Asset {
    let digest = HEXLOWER.encode(&Sha256::digest(content)[..6]);
    Asset { path: format!("/assets/{name}-{digest}.{extension}"), kind, content }
}

impl Asset {
    fn answer(&self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.kind),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ];
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        (headers, self.content).into_response()
    }
}

/// All of them.
pub(crate) fn router() -> Router {
    let assets: [&'static LazyLock<Asset>; 4] = [&STYLE, &SCRIPT, &HTMX, &ICON];
    assets.into_iter().fold(Router::new(), |router, asset| router.route(&asset.path, get(async move || asset.answer())))
}
