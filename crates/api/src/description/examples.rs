//! The objects in examples. Tests validate them against the schemas, and send the requests to the real router.

use serde_json::{Value, json};

use super::{EXAMPLE_RECORD, EXAMPLE_ZONE};

const WHEN: &str = "2024-01-15T10:30:00Z";

/// A zone in a list.
pub(crate) fn zone() -> Value {
    json!({"uuid": EXAMPLE_ZONE, "domain": "example.com", "created_at": WHEN, "record_count": 1})
}

/// A record, as the paths of one zone show it.
pub(crate) fn record() -> Value {
    json!({
        "uuid": EXAMPLE_RECORD, "record_type": "MX", "name": "@", "value": "mail.example.com", "ttl": 3600, "priority": 10,
        "created_at": WHEN,
    })
}

/// A record, as the flat paths show it.
pub(crate) fn flat_record() -> Value {
    with(record(), "zone", EXAMPLE_ZONE.into())
}

/// The same object with one more or another member.
pub(crate) fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}
