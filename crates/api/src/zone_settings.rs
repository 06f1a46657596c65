//! The settings of a zone, in responses and in requests.

use dns::apex::SoaTimers;
use dns::{Fault, Ttl};
use forms::MemberError;
use serde::Serialize;
use serde_json::{Value, json};
use store::{Comment, EffectiveSettings, SettingsChange, TIMER_BOUNDS};

use crate::error::Problem;
use crate::json::Members;
use crate::schema::{Member, Schema, optional, required};

/// The settings that a zone has, its own or the server's.
#[derive(Debug, Serialize)]
pub(crate) struct SettingsView<'a> {
    default_ttl: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
    comment: Option<&'a str>,
}

const DEFAULT_TTL: &str = "The TTL of new records that are created without one.";
const COMMENT: &str = "A comment about the zone: one line of at most 500 characters.";
/// In the order of [`TIMER_BOUNDS`].
const TIMERS: [&str; 4] = [
    "Seconds between a secondary's checks of the primary, if no NOTIFY arrives.",
    "Seconds until a secondary retries after a failed refresh.",
    "Seconds that a secondary keeps answering without reaching the primary. It must be more than refresh and retry together.",
    "Seconds that resolvers may cache that a record does not exist.",
];

impl SettingsView<'_> {
    pub(crate) fn new(settings: &EffectiveSettings) -> SettingsView<'_> {
        let SoaTimers { refresh, retry, expire, minimum } = settings.timers;
        SettingsView {
            default_ttl: settings.default_ttl.seconds(),
            refresh,
            retry,
            expire,
            minimum,
            comment: settings.comment.as_ref().map(Comment::as_str),
        }
    }

    pub(crate) fn schema() -> Schema {
        let seconds = || Schema::integer(0..=u32::MAX);
        let mut members = vec![required("default_ttl", seconds().about(DEFAULT_TTL))];
        members.extend(
            TIMER_BOUNDS.into_iter().zip(TIMERS).map(|((name, ..), about)| required(name, seconds().about(about))),
        );
        members.push(required("comment", Schema::string().or_null().about(COMMENT)));
        Schema::object(members).named("ZoneSettings")
    }

    pub(crate) fn example() -> Value {
        json!({
            "default_ttl": 3600, "refresh": 3600, "retry": 600, "expire": 1_209_600, "minimum": 300, "comment": "the shop",
        })
    }
}

/// Why a request with settings is not valid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Comment(#[from] Fault),
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Problem {
        match error {
            SettingsError::Member(error) => Problem::from(error),
            SettingsError::Comment(fault) => Problem::fault(fault),
        }
    }
}

/// The names of the members.
const NAMES: &[&str] = &["default_ttl", "refresh", "retry", "expire", "minimum", "comment"];

/// Reads what is to be another; null means the server's.
pub(crate) fn change(members: &Members) -> Result<SettingsChange, SettingsError> {
    members.refuse_unknown(NAMES)?;
    Ok(SettingsChange {
        default_ttl: members.integer("default_ttl", Ttl::MAX.seconds())?.map(|given| given.and_then(Ttl::new)),
        refresh: members.integer("refresh", u32::MAX)?,
        retry: members.integer("retry", u32::MAX)?,
        expire: members.integer("expire", u32::MAX)?,
        minimum: members.integer("minimum", u32::MAX)?,
        comment: members.string_or_null("comment")?.map(|given| given.map_or(Ok(None), Comment::parse)).transpose()?,
    })
}

/// What such a request looks like.
pub(crate) fn request_schema() -> Schema {
    let ttl = Schema::integer(0..=Ttl::MAX.seconds()).or_null().about(DEFAULT_TTL);
    let mut members: Vec<Member> = vec![optional("default_ttl", ttl)];
    members.extend(
        TIMER_BOUNDS
            .into_iter()
            .zip(TIMERS)
            .map(|((name, least, most), about)| optional(name, Schema::integer(least..=most).or_null().about(about))),
    );
    members.push(optional("comment", Schema::string().or_null().about(COMMENT)));
    Schema::request(members).named("ZoneSettingsChange")
}
