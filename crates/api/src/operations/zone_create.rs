//! `POST /dns-zones/`: creates a zone, empty or from a zone file.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use claims::{Look, LookError, OpenClaim};
use dns::zonefile::Options;
use dns::{Fault, ZoneName};
use forms::{MemberError, ZoneFileError, read_zone_file};
use serde::Serialize;
use serde_json::{Value, json};
use store::{CreateZoneError, NewZone, Source, StoreError, Zone};

use crate::auth::{Caller, CreateZones};
use crate::claim_view::OpenClaimView;
use crate::description::{Description, Group, examples, location};
use crate::error::{ErrorCode, Problem};
use crate::json::Members;
use crate::query::{Parameters, QueryError};
use crate::reply::Reply;
use crate::schema::{Schema, optional, required};
use crate::views::{RecordView, ZoneView};
use crate::writing::{Write, Writing};
use crate::zone_file::{self, FileView};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Domain(#[from] Fault),
    #[error("a zone that is yet to be made has no tag")]
    Precondition,
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    File(#[from] ZoneFileError),
    #[error(transparent)]
    Create(#[from] CreateZoneError),
    /// The words are those of the refusal alone: clients compare them.
    #[error("{0}")]
    Claim(Box<CreateZoneError>, OpenClaim),
    #[error(transparent)]
    Look(#[from] LookError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::Claim(_, claim) => Problem::validation("domain", detail).claimable(claim),
            Self::Look(error) => Problem::looks(error),
            Self::File(error) => return zone_file::refuse(error, Some("zonefile")),
            Self::Query(error) => Problem::from(error),
            Self::Member(error) => Problem::from(error),
            Self::Domain(fault) => Problem::validation("domain", fault.detail.to_string()),
            Self::Precondition => Problem::precondition_failed(),
            Self::Create(CreateZoneError::Exists) => Problem::validation("domain", EXISTS),
            Self::Create(CreateZoneError::Related) => {
                Problem::validation("domain", "a zone above or below this one belongs to another account")
            }
            Self::Create(CreateZoneError::Reserved(reason)) => Problem::validation("domain", reason.to_string()),
            Self::Create(error @ (CreateZoneError::OnHold | CreateZoneError::Contested)) => {
                Problem::validation("domain", error.to_string())
            }
            // Only update keys have a scope.
            Self::Create(error @ CreateZoneError::OutOfScope(_)) => Problem::internal(error),
            Self::Create(CreateZoneError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            Self::Create(CreateZoneError::Apex(fault)) => Problem::validation("domain", fault.detail.to_string()),
            Self::Create(CreateZoneError::Faults(faults)) => Problem::faults(faults),
            Self::Store(error) | Self::Create(CreateZoneError::Store(error)) => Problem::store(error),
        }
        .into_response()
    }
}

const EXISTS: &str = "zone already exists";

struct Request {
    domain: ZoneName,
    zonefile: Option<String>,
    options: Options,
}

impl Request {
    fn read(members: &Members, parameters: &Parameters) -> Result<Request, Error> {
        parameters.refuse_unknown(&["keep_apex_ns", "keep_keys", "keep_ttl", "leave_out_unknown"])?;
        let options = Options { keep_apex_ns: parameters.flag("keep_apex_ns")?, ..zone_file::options(parameters)? };
        members.refuse_unknown(&["domain", "zonefile"])?;
        let domain = ZoneName::parse(members.required_string("domain")?)?;
        Ok(Request { domain, zonefile: members.string("zonefile")?.map(str::to_owned), options })
    }
}

/// The response for an empty zone has its records; for a zone from a file, it has the results of reading the file.
#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    zone: ZoneView,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<[(); 0]>,
    #[serde(flatten)]
    file: Option<FileView>,
}

impl Created {
    fn schema() -> Schema {
        let records = Schema::array(RecordView::schema()).about("Empty. Absent if the zone was created from a file.");
        let file = FileView::members().map(|member| member.only_sometimes());
        let members = ZoneView::members().into_iter().chain([optional("records", records)]).chain(file);
        Schema::object(members).named("CreatedZone")
    }
}

pub(crate) fn describe() -> Description {
    let domain = "A domain name, in Unicode or as A-labels. Refused are: top-level domains, public suffixes, names above or \
                  below a zone of another account, and names that the server reserves.";
    let zone = examples::with(examples::with(examples::zone(), "record_count", json!(0)), "records", json!([]));
    let keep_apex_ns = "`true`: the file's NS records at the apex are imported. Otherwise NS records at the apex that name \
                        nameservers of another provider are left out and listed in `left_out`: after a move they name the old \
                        provider. A file that starts with `; Zonewright zone file, format 1` always keeps them.";
    let description = Description::new("createZone", Group::Zones, "Create DNS zone")
        .text(
            "The new zone is empty, or has the records of a zone file. The server creates the SOA and the operator's NS \
             records; those of a file are left out, and the zone's serial stays above the file's. All errors of a file are \
             reported at once, with line and column. If a file is too large for this request, send it with `replaceZoneFile` \
             instead.\n\nIf another account has a zone of this name, or above or below it, or if the name is on hold after a \
             deletion, the error has a `claim`: a TXT record that proves that the name is yours. Publish it where the name's \
             DNS is hosted now, and repeat the request. The zone of the other account is displaced after three days; until then \
             yours exists but is not served (`not_served`). A zone above is never displaced: it must delegate the name.",
        )
        .query("keep_apex_ns", keep_apex_ns, Schema::boolean(), json!(true));
    zone_file::describe_switches(description)
        .json(
            Schema::request([
                required("domain", Schema::string().about(domain).like("newdomain.com")),
                optional("zonefile", Schema::string().about("A BIND zone file (RFC 1035, section 5).")),
            ])
            .named("NewZone"),
        )
        .example("A zone", json!({"domain": "newdomain.com"}))
        .example(
            "A zone from a file",
            json!({"domain": "newdomain.com", "zonefile": "$TTL 1h\n@ MX 10 mail\nmail A 192.0.2.25\n"}),
        )
        .answers(StatusCode::CREATED, "The zone", Created::schema(), zone)
        .header(location())
        .leads_to(&["getZone", "deleteZone", "listZoneRecords", "createZoneRecord", "getDeployment"])
        .changes()
        .refuses(Problem::from(MemberError::Missing("domain")))
        .refuses(Problem::validation("domain", EXISTS))
        .refuses_with(ErrorCode::ValidationError, OpenClaimView::refusal_schema(), claim_example())
        .refuses_with(ErrorCode::ValidationError, zone_file::refusal_schema(), zone_file::refusal_example())
}

fn claim_example() -> Value {
    json!({
        "detail": CreateZoneError::Related.to_string(), "error_code": ErrorCode::ValidationError.name(),
        "field": "domain", "claim": OpenClaimView::example(),
    })
}

pub(crate) async fn handle(
    caller: Caller<CreateZones>,
    parameters: Parameters,
    writing: Writing,
    members: Members,
) -> Response {
    let create = async |write: Write| -> Result<Response, Error> {
        let request = Request::read(&members, &parameters)?;
        if !write.allows_new() {
            return Err(Error::Precondition);
        }
        let Request { domain, zonefile, options } = request;
        let (mut source, mut new, mut content) = (Source::Api, NewZone::named(domain), None);
        if let Some(text) = zonefile {
            let apex = caller.zones().own_apex(None).await?;
            let mut read = read_zone_file(text.into(), &new.name, apex, options).await?;
            new.content = std::mem::take(&mut read.records);
            new.serial_above = read.serial;
            source = Source::Import;
            content = Some(read);
        }
        let file = || content.as_ref().map(FileView::new);
        let name = new.name.clone();
        let first = write.create_zone(&caller, source, new.clone(), reply(file())).await;
        let outcome = match first {
            Err(refusal @ (CreateZoneError::Exists | CreateZoneError::Related | CreateZoneError::OnHold)) => {
                match caller.claims().look(caller.zones(), &name).await? {
                    Look::NotClaimable => Err(refusal),
                    Look::Open(claim) => return Err(Error::Claim(Box::new(refusal), claim)),
                    Look::Proved(proof) => {
                        let new = NewZone { proof: Some(proof), ..new };
                        write.create_zone(&caller, source, new, reply(file())).await
                    }
                }
            }
            other => other,
        };
        match (outcome, content) {
            (Ok(response), _) => Ok(response),
            (Err(CreateZoneError::Faults(faults)), Some(content)) => {
                Err(ZoneFileError::Faults(content.faults(faults)).into())
            }
            (Err(error), _) => Err(error.into()),
        }
    };
    writing.once(&caller, members.octets(), create).await
}

fn reply(file: Option<FileView>) -> impl Fn(&Zone) -> Result<Reply, StoreError> + Send + Sync + 'static {
    move |zone| {
        let view = Created { zone: ZoneView::new(zone), records: file.is_none().then_some([]), file: file.clone() };
        Ok(Reply::json(zone.serial, &view)?.created(format!("/dns-zones/{}/", zone.id.0)))
    }
}
