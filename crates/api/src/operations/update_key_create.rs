//! `POST /update-keys/`: creates an update key. Its secrets are in the response and nowhere else.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::{Fault, Message};
use forms::{MemberError, TypedUpdateKey, UpdateKeyError};
use serde_json::json;
use store::{CreateUpdateKeyError, KeyPurpose, MOST_IN_SCOPE, Permission, Timestamp};

use crate::auth::{AuthError, Caller, Update};
use crate::description::{Description, Group};
use crate::error::{ErrorCode, Problem};
use crate::json::Members;
use crate::schema::{Schema, optional, required};
use crate::update_key_view::CreatedUpdateKeyView;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Key(#[from] UpdateKeyError),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Create(#[from] CreateUpdateKeyError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::Member(error) => Problem::from(error),
            Self::Key(UpdateKeyError::Fault(fault)) => Problem::fault(fault),
            Self::Auth(error) => return error.into_response(),
            Self::Create(CreateUpdateKeyError::Permission(_)) => Problem::validation("permissions", detail),
            Self::Create(CreateUpdateKeyError::Network) => Problem::validation("networks", detail),
            Self::Create(CreateUpdateKeyError::Expiry) => Problem::validation("expires_at", detail),
            Self::Create(CreateUpdateKeyError::NoZone(_)) => Problem::validation("zones", detail),
            Self::Create(CreateUpdateKeyError::Limit) => Problem::new(ErrorCode::Conflict, detail),
            // They were there when the token was checked.
            Self::Create(CreateUpdateKeyError::NoAccount | CreateUpdateKeyError::NoToken) => {
                return AuthError::Refused.into_response();
            }
            Self::Key(UpdateKeyError::Store(error)) | Self::Create(CreateUpdateKeyError::Store(error)) => {
                Problem::store(error)
            }
        }
        .into_response()
    }
}

const MEMBERS: &[&str] = &[
    "name",
    "purpose",
    "zones",
    "names",
    "types",
    "algorithm",
    "permissions",
    "networks",
    "expires_at",
    "door",
    "acme",
    "host",
];

fn read(members: &Members) -> Result<TypedUpdateKey, MemberError> {
    members.refuse_unknown(MEMBERS)?;
    let text = |name| Ok::<_, MemberError>(members.string_or_null(name)?.flatten().map(str::to_owned));
    Ok(TypedUpdateKey {
        name: members.required_string("name")?.to_owned(),
        purpose: text("purpose")?,
        zones: members.strings("zones")?,
        names: members.strings("names")?,
        types: members.strings("types")?,
        algorithm: text("algorithm")?,
        permissions: members.strings("permissions")?,
        networks: members.strings("networks")?,
        expires_at: text("expires_at")?.map(|text| time(&text)).transpose()?,
        door: text("door")?,
        acme: text("acme")?,
        host: text("host")?,
    })
}

fn time(text: &str) -> Result<Timestamp, MemberError> {
    let expected = Message::untranslated("a time in UTC such as 2024-01-15T10:30:00Z");
    text.parse().map_err(|_| MemberError::Type { name: "expires_at", expected })
}

fn schema() -> Schema {
    let text = |about, example: &'static str| Schema::string().or_null().about(about).like(example);
    let list = |about, example: &'static str| {
        let items = Schema::array(Schema::string()).with("minItems", 1).with("maxItems", MOST_IN_SCOPE);
        items.or_null().about(about).like(json!([example]))
    };
    let zones = "The zones that the key is for. Required without a preset; with one, the default is the zone that the preset's name is in.";
    let names = "The names that the key may change, relative to the zone: `www` for one name, `*.N` for all names below N, `**.N` for N \
                 and all names below it, `_acme-challenge.**.N` for this label at N or at any depth below it. Default: all names.";
    let types = "The record types that the key may change. `ANY` stands for all. Default: all but NS, DS, DNSKEY, CDS, CDNSKEY and CSYNC.";
    let algorithm = "The algorithm of signatures: `hmac-sha256`, `hmac-sha224`, `hmac-sha384` or `hmac-sha512`. For old programs also \
                     `hmac-sha1` and `hmac-md5`, which are weak. Default: `hmac-sha256`.";
    let permissions = "The permissions of the key, none that the token lacks. Default: those of the token.";
    let door =
        "`acme-dns` or `external-dns`: the key gets a secret path for this protocol instead of a secret and a token.";
    Schema::request([
        required("name", Schema::string().about("A name for people; changes by the key show it as their author.").like("certbot")),
        optional("purpose", text("`manage` for changes, `transfer` for transfers of whole zones to other nameservers. Default: `manage`.", "manage")),
        optional("zones", list(zones, "example.com")),
        optional("names", list(names, "_acme-challenge.www")),
        optional("types", list(types, "TXT")),
        optional("algorithm", text(algorithm, "hmac-sha256")),
        optional("permissions", list(permissions, "dns:update")),
        optional("networks", list("The networks from which the key may be used. Default: those of the token.", "192.0.2.0/24")),
        optional("expires_at", Schema::time().or_null().about("When the key expires. Default: when the token expires.")),
        optional("door", text(door, "acme-dns")),
        optional("acme", text("A preset for certificates: TXT records at `_acme-challenge`, directly at this name or below it.", "www.example.com")),
        optional("host", text("A preset for one host: A and AAAA records of this name.", "home.example.com")),
    ])
    .named("NewUpdateKey")
}

pub(crate) fn describe() -> Description {
    let no_zone = Fault::of("zones", "update-key", Message::untranslated("the account has no zone example.net"));
    let lacks = CreateUpdateKeyError::Permission(Permission::Delete).to_string();
    let limit = CreateUpdateKeyError::Limit.to_string();
    Description::new("createUpdateKey", Group::UpdateKeys, "Create an update key")
        .text(
            "A credential for dynamic updates and zone transfers (TSIG), and for the protocols of existing clients over HTTP. The \
             secret, the token and the path are shown only in this response. A key is never wider than the token that creates it: \
             it has no other zones, networks or permissions, expires no later, and is deleted with the token.\n\nA key with the \
             purpose `transfer` also needs `dns:list`.",
        )
        .json(schema())
        .example("For certificates of one name", json!({"name": "certbot", "acme": "www.example.com", "zones": ["example.com"]}))
        .example("For the address of one host", json!({"name": "router", "host": "home", "zones": ["example.com"]}))
        .example(
            "For a secondary nameserver",
            json!({"name": "ns3", "purpose": "transfer", "zones": ["example.com"], "networks": ["192.0.2.53"]}),
        )
        .answers(
            StatusCode::CREATED,
            "The new key, with what is shown only once",
            CreatedUpdateKeyView::schema(),
            CreatedUpdateKeyView::example(),
        )
        .refuses(Problem::fault(no_zone))
        .refuses(Problem::validation("permissions", lacks))
        .refuses(Problem::new(ErrorCode::Conflict, limit))
}

pub(crate) async fn handle(caller: Caller<Update>, members: Members) -> Result<Response, Error> {
    let typed = read(&members)?;
    let new = typed.read(caller.zones(), Some(&caller.identity().token), caller.now()).await?;
    if new.scope.purpose == KeyPurpose::Transfer {
        caller.check(Permission::List)?;
    }
    let created = caller.zones().create_update_key(new).await?;
    Ok((StatusCode::CREATED, Json(CreatedUpdateKeyView::new(&created))).into_response())
}
