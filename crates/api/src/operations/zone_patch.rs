//! `PATCH /dns-zones/{uuid}/`: changes the settings of a zone, as a version like any other.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::{Fault, Message, ZoneId};
use serde_json::json;
use store::{Change, ChangeError, Committed, StoreError, Wish};

use crate::auth::{Caller, Update};
use crate::description::{Description, Group};
use crate::error::Problem;
use crate::json::Members;
use crate::query::PathId;
use crate::reply::Reply;
use crate::writing::{Write, Writing};
use crate::zone_settings::{self, SettingsError, SettingsView};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Settings(error) => Problem::from(error),
            Self::NoZone | Self::Change(ChangeError::NoZone) => Problem::no_zone(),
            Self::Change(ChangeError::Faults(faults)) => Problem::faults(faults),
            Self::Change(ChangeError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            Self::Change(ChangeError::Store(error)) => Problem::store(error),
            // No record is edited, and the permission is the operation's.
            Self::Change(
                error @ (ChangeError::NoRecord { .. }
                | ChangeError::Moved
                | ChangeError::Forbidden(_)
                | ChangeError::OutOfScope(_)
                | ChangeError::Unmet(_)),
            ) => Problem::internal(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    let detail = Message::untranslated("refresh must be from 60 to 2592000 seconds");
    let fault = Fault::of("refresh", "timer-range", detail);
    Description::new("updateZone", Group::Zones, "Update DNS zone settings")
        .text(
            "Only the members that are given change; null means the server's default. The new SOA timers reach the \
             nameservers as a new version. The default TTL applies to records that are created later.",
        )
        .json(zone_settings::request_schema())
        .example("Shorter times", json!({"default_ttl": 300, "minimum": 60}))
        .example("A comment, and the server's refresh", json!({"comment": "the shop", "refresh": null}))
        .answers(StatusCode::OK, "The settings", SettingsView::schema(), SettingsView::example())
        .changes()
        .refuses(Problem::fault(fault))
}

pub(crate) async fn handle(caller: Caller<Update>, PathId(id): PathId, writing: Writing, members: Members) -> Response {
    let patch = async |write: Write| -> Result<Response, Error> {
        let wanted = zone_settings::change(&members)?;
        let zone = ZoneId(id.ok_or(Error::NoZone)?);
        let change = Change { conditions: write.on_zone(), ..Change::of(Wish::Settings(wanted)) };
        let reply = |made: &Committed| {
            let settings = made.settings.as_ref().ok_or(StoreError::Bug("a change of settings without settings"))?;
            Reply::json(made.zone.serial, &SettingsView::new(settings))
        };
        Ok(write.change(&caller, zone, change, reply).await?)
    };
    writing.once(&caller, members.octets(), patch).await
}
