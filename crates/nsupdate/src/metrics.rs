//! The metrics. No label contains a zone, a key or a client.

use domain::base::iana::Rcode;
use metrics::{Counter, counter, describe_counter};

const REQUESTS: &str = "zonewright_updates_requests_total";

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Update,
    Query,
    Transfer,
    Other,
}

const KINDS: [(Kind, &str); 4] =
    [(Kind::Update, "update"), (Kind::Query, "query"), (Kind::Transfer, "transfer"), (Kind::Other, "other")];
/// The response codes of this crate.
const RCODES: [(Rcode, &str); 11] = [
    (Rcode::NOERROR, "NOERROR"),
    (Rcode::FORMERR, "FORMERR"),
    (Rcode::SERVFAIL, "SERVFAIL"),
    (Rcode::NXDOMAIN, "NXDOMAIN"),
    (Rcode::NOTIMP, "NOTIMP"),
    (Rcode::REFUSED, "REFUSED"),
    (Rcode::YXDOMAIN, "YXDOMAIN"),
    (Rcode::YXRRSET, "YXRRSET"),
    (Rcode::NXRRSET, "NXRRSET"),
    (Rcode::NOTAUTH, "NOTAUTH"),
    (Rcode::NOTZONE, "NOTZONE"),
];

/// Handles of the counters.
pub(crate) struct Metrics {
    requests: [[Counter; RCODES.len()]; KINDS.len()],
}

impl Metrics {
    /// Registers with the recorder that is installed.
    pub(crate) fn register() -> Metrics {
        describe_counter!(REQUESTS, "Requests at the address for updates and transfers, by kind and response code");
        let of_kind = |(_, kind)| RCODES.map(|(_, rcode)| counter!(REQUESTS, "kind" => kind, "rcode" => rcode));
        Metrics { requests: KINDS.map(of_kind) }
    }

    /// Counts one request.
    pub(crate) fn count(&self, kind: Kind, rcode: Rcode) {
        let row = KINDS.iter().position(|(known, _)| *known == kind);
        let column = RCODES.iter().position(|(known, _)| *known == rcode);
        if let Some((row, column)) = row.zip(column) {
            self.requests[row][column].increment(1);
        }
    }
}
