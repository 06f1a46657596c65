//! `GET /dns-zones/{uuid}/deployment/`: polls each nameserver for the version of a zone that it serves.

use axum::Json;
use axum::http::StatusCode;
use deploy::{NameserverStatus, Trouble};
use dns::ZoneId;
use serde::Serialize;
use serde_json::json;
use store::Head;

use crate::auth::{Caller, List};
use crate::description::{Description, Group};
use crate::query::{Parameters, PathId};
use crate::read_error::ReadError;
use crate::schema::{Schema, required};
use crate::views::iso;

#[derive(Debug, Serialize)]
pub(crate) struct DeploymentView {
    serial: u32,
    in_sync: bool,
    nameservers: Vec<NameserverView>,
}

#[derive(Debug, Serialize)]
struct NameserverView {
    name: String,
    kind: &'static str,
    serial: Option<u32>,
    in_sync: bool,
    checked_at: String,
    error: Option<&'static str>,
}

impl DeploymentView {
    /// Without nameservers, the zone is not served, so it is not in sync.
    fn new(head: &Head, is_served: bool, mut nameservers: Vec<NameserverStatus>) -> DeploymentView {
        if !is_served {
            // What they serve under the name is another zone.
            nameservers.iter_mut().for_each(|status| status.in_sync = false);
        }
        let in_sync = !nameservers.is_empty() && nameservers.iter().all(|status| status.in_sync);
        let nameservers = nameservers.into_iter().map(NameserverView::new).collect();
        DeploymentView { serial: head.serial.0, in_sync, nameservers }
    }
}

impl NameserverView {
    /// The operator's words about an error may name addresses and files, and stay with the operator.
    fn new(status: NameserverStatus) -> NameserverView {
        NameserverView {
            name: status.name,
            kind: status.kind.name(),
            serial: status.serial.map(|serial| serial.0),
            in_sync: status.in_sync,
            checked_at: iso(status.checked_at),
            error: status.trouble.map(|trouble| match trouble {
                Trouble::NoAnswer => "The nameserver does not respond",
                Trouble::DeployFailed => "The last attempt to deploy this zone failed; it will be retried",
                Trouble::Ahead => "The nameserver is ahead: it serves a serial above the zone's newest version",
            }),
        }
    }
}

pub(crate) fn describe() -> Description {
    let nameserver = Schema::object([
        required("name", Schema::string()),
        required("kind", Schema::one_of_the_words(&["embedded", "bind9", "secondary"])),
        required(
            "serial",
            Schema::serial()
                .or_null()
                .about("The version that it serves; null if it does not serve the zone or does not respond."),
        ),
        required(
            "in_sync",
            Schema::boolean().about(
                "Whether it serves the newest version. Also false if it is ahead: it serves a serial above the newest.",
            ),
        ),
        required("checked_at", Schema::time()),
        required("error", Schema::string().or_null().about("The problem of this nameserver, for people.")),
    ]);
    let deployment = Schema::object([
        required("serial", Schema::serial().about("The zone's newest version, which is its SOA serial.")),
        required("in_sync", Schema::boolean().about("Whether every nameserver is in sync; false if there are none.")),
        required("nameservers", Schema::array(nameserver.named("Nameserver"))),
    ]);
    let embedded = json!({
        "name": "embedded", "kind": "embedded", "serial": 1_705_314_600, "in_sync": true,
        "checked_at": "2024-01-15T10:30:00Z", "error": null,
    });
    let example = json!({"serial": 1_705_314_600, "in_sync": true, "nameservers": [embedded]});
    Description::new("getDeployment", Group::Deployment, "Get deployment status")
        .text("Every nameserver is polled for each request. The time limit is two seconds.")
        .answers(StatusCode::OK, "The deployment status", deployment.named("Deployment"), example)
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
) -> Result<Json<DeploymentView>, ReadError> {
    parameters.refuse_unknown(&[])?;
    let id = ZoneId(id.ok_or(ReadError::NoZone)?);
    // Read before the nameservers are polled: a change meanwhile must not make the served version look old.
    let zone = caller.zones().zone(id).await?.ok_or(ReadError::NoZone)?;
    let is_served = zone.withheld.is_served();
    let head = Head::from(zone);
    let nameservers = caller.deployment().status(&head).await;
    Ok(Json(DeploymentView::new(&head, is_served, nameservers)))
}
