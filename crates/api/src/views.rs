//! Zones, records, accounts and tokens as JSON. The order of the fields is the order in the JSON.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;
use store::{Identity, StoredRecord, Timestamp, Withheld, Zone};
use uuid::Uuid;

use crate::schema::{Member, Schema, optional, required};

/// A zone in a list.
#[derive(Debug, Serialize)]
pub(crate) struct ZoneView {
    uuid: Uuid,
    domain: String,
    created_at: String,
    record_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_served: Option<NotServed>,
}

/// Why a zone is not served.
#[derive(Debug, Serialize)]
struct NotServed {
    reason: &'static str,
    until: Option<String>,
}

impl NotServed {
    fn new(withheld: Withheld) -> Option<NotServed> {
        let until = withheld.until().map(iso);
        match withheld {
            withheld if withheld.is_displaced() => Some(NotServed { reason: "displaced", until }),
            withheld if withheld.waits() => Some(NotServed { reason: "waiting", until }),
            withheld if withheld.by_account() => Some(NotServed { reason: "account", until: None }),
            _ => None,
        }
    }

    fn member() -> Member {
        let reason = "`waiting`: not served until the zone of another account is displaced. `displaced`: another account \
                      proved that it controls the name. `account`: the account is suspended or closed.";
        let until = "When a waiting zone will be served, or when a displaced zone will be deleted. Null if the operator decides.";
        let not_served = Schema::object([
            required("reason", Schema::one_of_the_words(&["waiting", "displaced", "account"]).about(reason)),
            required("until", Schema::time().or_null().about(until)),
        ]);
        optional(
            "not_served",
            not_served.named("NotServed").about("Why no nameserver serves the zone. Absent if the zone is served."),
        )
    }
}

impl ZoneView {
    pub(crate) fn new(zone: &Zone) -> ZoneView {
        ZoneView {
            uuid: zone.id.0,
            domain: zone.name.to_string(),
            created_at: iso(zone.created_at),
            record_count: zone.record_count,
            not_served: NotServed::new(zone.withheld),
        }
    }

    pub(crate) fn schema() -> Schema {
        Schema::object(ZoneView::members()).named("Zone")
    }

    /// With its records, as a single zone is answered.
    pub(crate) fn schema_with_records() -> Schema {
        let records = required("records", Schema::array(RecordView::schema()).about("All records, oldest first."));
        Schema::object(ZoneView::members().into_iter().chain([records])).named("ZoneWithRecords")
    }

    pub(crate) fn members() -> [Member; 5] {
        let count = "The number of records, without the SOA and the operator's NS records.";
        [
            required("uuid", Schema::uuid()),
            required("domain", Schema::string().about("The zone's name, in lower case and as A-labels.")),
            required("created_at", Schema::time()),
            required("record_count", Schema::raw(json!({"type": "integer", "minimum": 0})).about(count)),
            NotServed::member(),
        ]
    }
}

/// A record. On the paths of one zone it is shown without its zone, on the flat paths with it.
#[derive(Debug, Serialize)]
pub(crate) struct RecordView {
    uuid: Uuid,
    record_type: Cow<'static, str>,
    name: String,
    value: String,
    ttl: u32,
    priority: Option<u16>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<Uuid>,
}

impl RecordView {
    /// As the flat paths show it.
    pub(crate) fn flat(stored: &StoredRecord) -> RecordView {
        RecordView { zone: Some(stored.zone.0), ..RecordView::nested(stored) }
    }

    /// As the paths of one zone show it.
    pub(crate) fn nested(stored: &StoredRecord) -> RecordView {
        let record = &stored.record;
        RecordView {
            uuid: record.id.0,
            record_type: record.data.record_type().name(),
            name: record.owner.to_string(),
            value: record.data.value(),
            ttl: record.ttl.seconds(),
            priority: record.data.priority(),
            created_at: iso(stored.created_at),
            zone: None,
        }
    }

    /// What the paths of one zone show.
    pub(crate) fn schema() -> Schema {
        Schema::object(RecordView::members()).named("Record")
    }

    /// What the flat paths show.
    pub(crate) fn flat_schema() -> Schema {
        let zone = required("zone", Schema::uuid().about("The UUID of the record's zone."));
        Schema::object(RecordView::members().into_iter().chain([zone])).named("RecordOfZone")
    }

    fn members() -> [Member; 7] {
        let name = "The name relative to the zone, in lower case and as A-labels; `@` for the zone's own name.";
        [
            required("uuid", Schema::uuid()),
            required("record_type", Schema::string().like("MX")),
            required("name", Schema::string().about(name).like("www")),
            required("value", Schema::string().about("The canonical form of the value.")),
            required("ttl", Schema::integer(0..=2_147_483_647).about("Seconds that resolvers may cache the record.")),
            required("priority", Schema::integer(0..=65535).or_null().about("Null if the type has no priority.")),
            required("created_at", Schema::time()),
        ]
    }
}

/// The caller's own account and token.
#[derive(Debug, Serialize)]
pub(crate) struct MeView<'a> {
    account: AccountView<'a>,
    token: TokenView<'a>,
}

#[derive(Debug, Serialize)]
struct AccountView<'a> {
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    company_name: &'a str,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct TokenView<'a> {
    name: &'a str,
    permissions: Vec<&'static str>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl MeView<'_> {
    pub(crate) fn schema() -> Schema {
        let account = Schema::object([
            required("email", Schema::string()),
            required("first_name", Schema::string()),
            required("last_name", Schema::string()),
            required("company_name", Schema::string()),
            required("created_at", Schema::string().with("format", "date").like("2024-06-15")),
        ]);
        let permissions = store::Permission::EVERY.map(store::Permission::name);
        let token = Schema::object([
            required("name", Schema::string()),
            required("permissions", Schema::array(Schema::one_of_the_words(&permissions))),
            required("created_at", Schema::time()),
            required("expires_at", Schema::time().or_null().about("Null if it does not expire.")),
            required(
                "last_used_at",
                Schema::time().or_null().about("Accurate to a minute; null before the first use."),
            ),
        ]);
        Schema::object([required("account", account), required("token", token)]).named("Me")
    }

    pub(crate) fn new(identity: &Identity) -> MeView<'_> {
        let (account, token) = (&identity.account, &identity.token);
        MeView {
            account: AccountView {
                email: &account.email,
                first_name: &account.first_name,
                last_name: &account.last_name,
                company_name: &account.company_name,
                created_at: account.created_at.strftime("%Y-%m-%d").to_string(),
            },
            token: TokenView {
                name: &token.name,
                permissions: token.permissions.iter().map(store::Permission::name).collect(),
                created_at: iso(token.created_at),
                expires_at: token.expires_at.map(iso),
                last_used_at: token.last_used_at.map(iso),
            },
        }
    }
}

/// UTC, ISO 8601, whole seconds: `2024-01-15T10:30:00Z`.
pub(crate) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_whole_seconds() {
        let time: Timestamp = "2024-01-15T10:30:00.987654321Z".parse().unwrap();
        assert_eq!(iso(time), "2024-01-15T10:30:00Z");
    }
}
