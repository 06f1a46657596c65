//! What the API shows of update keys.

use serde::Serialize;
use serde_json::{Value, json};
use store::{
    CreatedUpdateKey, Door, KeyAlgorithm, KeyCredentials, KeyPurpose, KeyTypes, NetworkScope, Permission, Refusal,
    RefusedBy, Transport, UpdateKey,
};

use crate::description::EXAMPLE_UPDATE_KEY;
use crate::schema::{Member, Schema, required};
use crate::views::iso;

/// An update key, without its secrets.
#[derive(Debug, Serialize)]
pub(crate) struct UpdateKeyView {
    uuid: String,
    name: String,
    key_name: String,
    algorithm: &'static str,
    purpose: &'static str,
    door: Option<&'static str>,
    zones: Vec<String>,
    names: Option<Vec<String>>,
    types: Option<Vec<String>>,
    permissions: Vec<&'static str>,
    networks: Option<Vec<String>>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    last_error: Option<String>,
}

impl UpdateKeyView {
    pub(crate) fn new(key: &UpdateKey) -> UpdateKeyView {
        fn texts<T: ToString>(values: &[T]) -> Vec<String> {
            values.iter().map(ToString::to_string).collect()
        }
        UpdateKeyView {
            uuid: key.id.0.to_string(),
            name: key.name.clone(),
            key_name: key.key_name.to_string(),
            algorithm: key.algorithm.name(),
            purpose: key.scope.purpose.name(),
            door: key.door.map(Door::name),
            zones: key.zones.iter().map(|zone| zone.name.to_string()).collect(),
            names: key.scope.names.as_deref().map(texts),
            types: match &key.scope.types {
                KeyTypes::Usual => None,
                KeyTypes::Only(types) => Some(texts(types)),
                KeyTypes::Any => Some(vec!["ANY".to_owned()]),
            },
            permissions: key.scope.permissions.iter().map(Permission::name).collect(),
            networks: match &key.networks {
                NetworkScope::Anywhere => None,
                NetworkScope::Only(networks) => Some(texts(networks)),
            },
            created_at: iso(key.created_at),
            expires_at: key.expires_at.map(iso),
            last_used_at: key.last_used_at.map(iso),
            last_error: key.last_error.clone(),
        }
    }

    pub(crate) fn schema() -> Schema {
        Schema::object(members()).named("UpdateKey")
    }

    pub(crate) fn example() -> Value {
        json!({
            "uuid": EXAMPLE_UPDATE_KEY, "name": "certbot on www", "key_name": "certbot-on-www-ueo5ayqhz5hqv3jc",
            "algorithm": "hmac-sha256", "purpose": "manage", "door": null, "zones": ["example.com"],
            "names": ["_acme-challenge.**.www"], "types": ["TXT"], "permissions": ["dns:*"], "networks": null,
            "created_at": "2024-01-15T10:30:00Z", "expires_at": null, "last_used_at": null, "last_error": null,
        })
    }
}

fn members() -> Vec<Member> {
    let words = |words: &[&'static str]| Schema::one_of_the_words(words);
    let algorithms: Vec<_> = KeyAlgorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    let purposes: Vec<_> = KeyPurpose::ALL.iter().map(|purpose| purpose.name()).collect();
    let doors: Vec<Value> = Door::ALL.iter().map(|door| door.name().into()).chain([Value::Null]).collect();
    let door = Schema::string().or_null().with("enum", doors);
    let texts = |about| Schema::array(Schema::string()).or_null().about(about);
    vec![
        required("uuid", Schema::uuid()),
        required("name", Schema::string()),
        required(
            "key_name",
            Schema::string().about("The name of the key in DNS messages (TSIG). Unique on this server."),
        ),
        required("algorithm", words(&algorithms)),
        required("purpose", words(&purposes)),
        required(
            "door",
            door.about("The protocol whose secret path the key has; null for keys with a secret and a token."),
        ),
        required("zones", Schema::array(Schema::string()).about("The zones that the key is for.")),
        required("names", texts("The names that the key may change, as patterns relative to the zone; null for all.")),
        required(
            "types",
            texts("The record types that the key may change. Null: all but NS, DS, DNSKEY, CDS, CDNSKEY and CSYNC."),
        ),
        required("permissions", Schema::array(words(&Permission::EVERY.map(Permission::name)))),
        required("networks", texts("The networks from which the key may be used; null for any.")),
        required("created_at", Schema::time()),
        required("expires_at", Schema::time().or_null().about("Null if it does not expire.")),
        required("last_used_at", Schema::time().or_null().about("Accurate to a minute; null before the first use.")),
        required(
            "last_error",
            Schema::string().or_null().about("The newest refused request of the key: what was wrong."),
        ),
    ]
}

/// A new update key, with what is shown only once.
#[derive(Debug, Serialize)]
pub(crate) struct CreatedUpdateKeyView {
    #[serde(flatten)]
    key: UpdateKeyView,
    secret: Option<String>,
    token: Option<String>,
    path: Option<String>,
}

impl CreatedUpdateKeyView {
    pub(crate) fn new(created: &CreatedUpdateKey) -> CreatedUpdateKeyView {
        let key = UpdateKeyView::new(&created.key);
        let none = CreatedUpdateKeyView { key, secret: None, token: None, path: None };
        match &created.credentials {
            KeyCredentials::Tsig { secret, token } => {
                CreatedUpdateKeyView { secret: Some(secret.base64()), token: Some(token.reveal().to_owned()), ..none }
            }
            KeyCredentials::Path(door, secret) => {
                CreatedUpdateKeyView { path: Some(format!("/{door}/{}", secret.reveal())), ..none }
            }
        }
    }

    pub(crate) fn schema() -> Schema {
        let secret = "The TSIG secret in base64; null for keys with a path. It is shown only once.";
        let token = "The token for protocols over HTTP (PowerDNS API, DynDNS, httpreq); not valid for this API. Null for keys with a path. It is shown only once.";
        let path = "The secret path below the server's address; null for keys without `door`. It is shown only once.";
        let once = [("secret", secret), ("token", token), ("path", path)]
            .map(|(name, about)| required(name, Schema::string().or_null().about(about)));
        Schema::object(members().into_iter().chain(once)).named("CreatedUpdateKey")
    }

    pub(crate) fn example() -> Value {
        let mut example = UpdateKeyView::example();
        example["secret"] = "bm90IGEgcmVhbCBzZWNyZXQsIG9ubHkgYW4gZXhhbXBsZSE=".into();
        example["token"] = "vps_not-a-real-token".into();
        example["path"] = Value::Null;
        example
    }
}

/// A refused request.
#[derive(Debug, Serialize)]
pub(crate) struct RefusalView {
    time: String,
    source: Option<String>,
    transport: &'static str,
    asked: String,
    rule: &'static str,
    detail: String,
    count: u64,
}

impl RefusalView {
    pub(crate) fn new(refusal: Refusal) -> RefusalView {
        RefusalView {
            time: iso(refusal.time),
            source: refusal.source.map(|source| source.to_string()),
            transport: refusal.transport.name(),
            asked: refusal.asked,
            rule: refusal.rule.name(),
            detail: refusal.detail,
            count: refusal.count,
        }
    }

    pub(crate) fn schema() -> Schema {
        let rules: Vec<_> = RefusedBy::ALL.iter().map(|rule| rule.name()).collect();
        let transports: Vec<_> = Transport::ALL.iter().map(|transport| transport.name()).collect();
        Schema::object([
            required("time", Schema::time().about("The time of the last of equal requests.")),
            required("source", Schema::string().or_null().about("The client's address.")),
            required("transport", Schema::one_of_the_words(&transports)),
            required("asked", Schema::string().about("The change that was requested.")),
            required("rule", Schema::one_of_the_words(&rules).about("The rule that refused it.")),
            required("detail", Schema::string().about("What was wrong, for people.")),
            required("count", Schema::integer(1..=u32::MAX).about("How many equal requests were refused.")),
        ])
        .named("RefusedRequest")
    }

    pub(crate) fn example() -> Value {
        json!({
            "time": "2024-01-15T10:30:00Z", "source": "192.0.2.7", "transport": "tcp", "asked": "add mail.example.com. TXT",
            "rule": "name", "detail": "the key may not change the name mail", "count": 2,
        })
    }
}
