//! The table of operations, and one file for each.
//!
//! Each file has the same order: the errors, their status in one `match`, the request, the response, the description, the
//! handler, tests. The body is read before anything is looked up, so that an invalid request gets the same error whether the
//! object exists or not. Objects that do not exist and objects of other accounts get the same 404.

mod account_me;
mod changes_create;
mod claim_get;
mod claim_prove;
mod deployment_get;
mod flat_create;
mod flat_list;
mod history_get;
mod history_list;
mod record_create;
mod record_delete;
mod record_get;
mod record_patch;
mod record_put;
mod record_types;
mod records_list;
mod rollback;
mod settings_get;
mod update_key_create;
mod update_key_delete;
mod update_key_log;
mod update_keys_list;
mod zone_create;
mod zone_delete;
mod zone_get;
mod zone_patch;
mod zonefile_get;
mod zonefile_put;
mod zones_list;

use std::sync::Arc;

use axum::http::Method;
use axum::routing::on;
use http_server::{ReadError, RouteFn, TooMany};
use store::{Permission, StoreError};

use crate::auth::AuthError;
use crate::description::{Description, EXAMPLE_RECORD, EXAMPLE_UPDATE_KEY, EXAMPLE_ZONE, Parameter, ParameterPlace};
use crate::error::{ErrorCode, Problem};
use crate::json::BodyError;
use crate::schema::Schema;
use crate::settings::Settings;
use crate::shared::Shared;

/// One thing that a client can ask for.
#[derive(Debug)]
pub struct Operation {
    /// The method; GET answers HEAD too.
    pub method: Method,
    /// The path below [`BASE`](crate::BASE), with its final slash; without it, the path answers as well.
    pub path: &'static str,
    /// The permission that the token needs. `None`: only a valid token, or the permissions of what the request changes.
    pub permission: Option<Permission>,
    pub(crate) describe: fn() -> Description,
    pub(crate) route: RouteFn<Arc<Shared>>,
}

impl Operation {
    /// Its own description, and what follows from its row in the table.
    pub fn description(&self) -> Description {
        let (path, mut description) = (self.path, (self.describe)());
        if path.contains("{uuid}") {
            let (text, example, missing) = if path.starts_with("/dns-zones/") {
                ("The zone's UUID.", EXAMPLE_ZONE, Problem::no_zone())
            } else if path.starts_with("/update-keys/") {
                ("The key's UUID.", EXAMPLE_UPDATE_KEY, Problem::no_update_key())
            } else {
                ("The record's UUID.", EXAMPLE_RECORD, Problem::no_record())
            };
            let place = ParameterPlace::Path;
            let uuid = Parameter { name: "uuid", place, text, schema: Schema::uuid(), example: example.into() };
            description.parameters.insert(0, uuid);
            description = description.refuses(missing);
        }
        let mut problems = vec![
            Problem::new(ErrorCode::AuthenticationFailed, AuthError::NoToken.to_string()),
            Problem::new(ErrorCode::AuthenticationFailed, AuthError::Refused.to_string()),
            Problem::new(
                ErrorCode::RateLimited,
                AuthError::TooManyFailed(TooMany { seconds: 1, burst: 200 }).to_string(),
            ),
        ];
        if let Some(needed) = self.permission {
            problems.push(Problem::new(ErrorCode::PermissionDenied, AuthError::Lacks(needed).to_string()));
        }
        if self.method == Method::GET {
            problems.push(Problem::validation("x", "This parameter is not known here"));
        }
        if !description.bodies.is_empty() {
            let limit = Settings::default().body_limit;
            problems.push(Problem::new(ErrorCode::InvalidJson, BodyError::Empty.to_string()));
            problems.push(Problem::validation("surprise", "This member is not known here"));
            problems.push(Problem::new(ErrorCode::PayloadTooLarge, ReadError::TooLarge { limit }.to_string()));
            problems.push(Problem::new(ErrorCode::UnsupportedMediaType, BodyError::MediaType.to_string()));
        }
        problems.push(Problem::internal("any cause"));
        problems.push(Problem::store(StoreError::Closed));
        problems.into_iter().fold(description, Description::refuses)
    }
}

/// Everything there is.
pub static OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::GET,
        path: "/dns-zones/",
        permission: Some(Permission::List),
        describe: zones_list::describe,
        route: |method| on(method, zones_list::handle),
    },
    Operation {
        method: Method::POST,
        path: "/dns-zones/",
        permission: Some(Permission::Create),
        describe: zone_create::describe,
        route: |method| on(method, zone_create::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-zones/{uuid}/",
        permission: Some(Permission::List),
        describe: zone_get::describe,
        route: |method| on(method, zone_get::handle),
    },
    Operation {
        method: Method::PATCH,
        path: "/dns-zones/{uuid}/",
        permission: Some(Permission::Update),
        describe: zone_patch::describe,
        route: |method| on(method, zone_patch::handle),
    },
    Operation {
        method: Method::DELETE,
        path: "/dns-zones/{uuid}/",
        permission: Some(Permission::Delete),
        describe: zone_delete::describe,
        route: |method| on(method, zone_delete::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-zones/{uuid}/deployment/",
        permission: Some(Permission::List),
        describe: deployment_get::describe,
        route: |method| on(method, deployment_get::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-zones/{uuid}/claim/",
        permission: Some(Permission::List),
        describe: claim_get::describe,
        route: |method| on(method, claim_get::handle),
    },
    Operation {
        method: Method::POST,
        path: "/dns-zones/{uuid}/claim/",
        permission: Some(Permission::Update),
        describe: claim_prove::describe,
        route: |method| on(method, claim_prove::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-zones/{uuid}/history/",
        permission: Some(Permission::List),
        describe: history_list::describe,
        route: |method| on(method, history_list::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-zones/{uuid}/history/{serial}/",
        permission: Some(Permission::List),
        describe: history_get::describe,
        route: |method| on(method, history_get::handle),
    },
    Operation {
        method: Method::POST,
        path: "/dns-zones/{uuid}/rollback/",
        permission: None,
        describe: rollback::describe,
        route: |method| on(method, rollback::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-zones/{uuid}/zonefile/",
        permission: Some(Permission::List),
        describe: zonefile_get::describe,
        route: |method| on(method, zonefile_get::handle),
    },
    Operation {
        method: Method::PUT,
        path: "/dns-zones/{uuid}/zonefile/",
        permission: None,
        describe: zonefile_put::describe,
        route: |method| on(method, zonefile_put::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-zones/{uuid}/records/",
        permission: Some(Permission::List),
        describe: records_list::describe,
        route: |method| on(method, records_list::handle),
    },
    Operation {
        method: Method::POST,
        path: "/dns-zones/{uuid}/records/",
        permission: Some(Permission::Create),
        describe: record_create::describe,
        route: |method| on(method, record_create::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-zones/{uuid}/settings/",
        permission: Some(Permission::List),
        describe: settings_get::describe,
        route: |method| on(method, settings_get::handle),
    },
    Operation {
        method: Method::POST,
        path: "/dns-zones/{uuid}/changes/",
        permission: None,
        describe: changes_create::describe,
        route: |method| on(method, changes_create::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-records/",
        permission: Some(Permission::List),
        describe: flat_list::describe,
        route: |method| on(method, flat_list::handle),
    },
    Operation {
        method: Method::POST,
        path: "/dns-records/",
        permission: Some(Permission::Create),
        describe: flat_create::describe,
        route: |method| on(method, flat_create::handle),
    },
    Operation {
        method: Method::GET,
        path: "/dns-records/{uuid}/",
        permission: Some(Permission::List),
        describe: record_get::describe,
        route: |method| on(method, record_get::handle),
    },
    Operation {
        method: Method::PUT,
        path: "/dns-records/{uuid}/",
        permission: Some(Permission::Update),
        describe: record_put::describe,
        route: |method| on(method, record_put::handle),
    },
    Operation {
        method: Method::PATCH,
        path: "/dns-records/{uuid}/",
        permission: Some(Permission::Update),
        describe: record_patch::describe,
        route: |method| on(method, record_patch::handle),
    },
    Operation {
        method: Method::DELETE,
        path: "/dns-records/{uuid}/",
        permission: Some(Permission::Delete),
        describe: record_delete::describe,
        route: |method| on(method, record_delete::handle),
    },
    Operation {
        method: Method::GET,
        path: "/update-keys/",
        permission: Some(Permission::List),
        describe: update_keys_list::describe,
        route: |method| on(method, update_keys_list::handle),
    },
    Operation {
        method: Method::POST,
        path: "/update-keys/",
        permission: Some(Permission::Update),
        describe: update_key_create::describe,
        route: |method| on(method, update_key_create::handle),
    },
    Operation {
        method: Method::DELETE,
        path: "/update-keys/{uuid}/",
        permission: Some(Permission::Update),
        describe: update_key_delete::describe,
        route: |method| on(method, update_key_delete::handle),
    },
    Operation {
        method: Method::GET,
        path: "/update-keys/{uuid}/log/",
        permission: Some(Permission::List),
        describe: update_key_log::describe,
        route: |method| on(method, update_key_log::handle),
    },
    Operation {
        method: Method::GET,
        path: "/record-types/",
        permission: None,
        describe: record_types::describe,
        route: |method| on(method, record_types::handle),
    },
    Operation {
        method: Method::GET,
        path: "/account/me/",
        permission: None,
        describe: account_me::describe,
        route: |method| on(method, account_me::handle),
    },
];
